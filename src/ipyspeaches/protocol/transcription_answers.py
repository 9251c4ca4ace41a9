"""What ``/v1/audio/transcriptions`` answers: one JSON document, or a stream of events."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ipyspeaches.protocol.failure import quote
from ipyspeaches.protocol.outcomes import Answer, Broken
from ipyspeaches.words import Word

_DELTA: Final = "transcript.text.delta"
_DONE: Final = "transcript.text.done"


class _Transcription(msgspec.Struct):
    """``json`` has the text alone, ``verbose_json`` the language too, and words if they were asked for."""

    text: str
    language: str | None = None
    words: tuple[Word, ...] | None = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    delta: str = ""
    text: str = ""
    error: Any = None


def read_answer(body: bytes) -> Answer | None:
    """Return what a JSON answer says, None if it is none."""
    try:
        said = msgspec.json.decode(body, type=_Transcription)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return Answer(said.text, said.language, said.words or ())


class StreamedText:
    """The text of one event stream, put together from its pieces.

    Speaches sends the text in deltas and nothing in ``done``; other servers repeat the whole text there, which then
    counts. A stream without ``done`` is broken, even if its body is complete: an engine that fails ends it so.

    Attributes
    ----------
    text
        What has come so far.
    """

    def __init__(self) -> None:
        self.text = ""
        self._done = False
        self._problem: str | None = None

    def push(self, data: str) -> bool:
        """Take the data of one event and return whether there is more text; what is unknown is passed over."""
        try:
            event = msgspec.json.decode(data, type=_StreamEvent)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            return False
        if event.error is not None or event.type == "error":
            self._problem = quote(_message_of(event.error))
        elif event.type == _DONE:
            self._done = True
            self.text = event.text if event.text.strip() else self.text
        elif event.type == _DELTA and event.delta and not self._done:
            self.text += event.delta
            return True
        return False

    def end(self) -> Answer | Broken:
        """Return what the stream amounts to, now that nothing more comes."""
        if self._done:
            return Answer(self.text)
        reason = f"The server reported {self._problem}" if self._problem else "The stream of text ended before its end"
        return Broken(self.text, reason)


def _message_of(error: object) -> str | None:
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else None
