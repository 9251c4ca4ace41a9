"""The endpoints ``/v1/audio/transcriptions`` and ``…/translations``: the form that they take, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from ipyspeaches.errors import ProtocolError, ServerError
from ipyspeaches.protocol.languages import language_heard
from ipyspeaches.protocol.liberal import fit, parse_json
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.terminal import quote
from ipyspeaches.words import GrowingText, Word, join_text

TRANSCRIPTIONS: Final = "/v1/audio/transcriptions"
TRANSLATIONS: Final = "/v1/audio/translations"

_DELTA: Final = "transcript.text.delta"
_SEGMENT: Final = "transcript.text.segment"
_DONE: Final = "transcript.text.done"
_END_OF_CHUNKS: Final = "[DONE]"
_LONGEST_UNKNOWN: Final = 80


def path_of(options: RecognitionOptions) -> str:
    """Return where a request goes."""
    return TRANSLATIONS if options.translates else TRANSCRIPTIONS


def form_of(options: RecognitionOptions, *, stream: bool, timed: bool = True) -> dict[str, str]:
    """Return the fields of the form, without the file.

    Parameters
    ----------
    options
        What is asked for; the model must be known.
    stream
        Whether the text is wanted piece by piece, as server-sent events; it comes without the times of words then.
    timed
        Whether the times of words are wanted otherwise.
    """
    timed = timed and not stream
    fields = {
        "model": options.model,
        "response_format": "verbose_json" if timed else "json",
        "prompt": options.prompt,
        "temperature": None if options.temperature is None else f"{options.temperature:g}",
    }
    if not options.translates:  # a translation has no other fields
        fields |= {
            "language": options.language,
            "hotwords": options.hotwords,
            "timestamp_granularities[]": "word" if timed else None,
            "stream": "true" if stream else None,
        }
    return {name: value for name, value in fields.items() if value is not None}


class Severity(StrEnum):
    """What a refusal means for the rest of the session."""

    FATAL = "fatal"
    """Every other request would be refused, too."""
    PASSING = "passing"
    """The same request may succeed in a while."""
    SINGLE = "single"
    """This utterance gets no text; others may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the recogniser heard; the times of the words count from the first sample that was sent."""

    text: str
    language: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """The stream ended before its end; ``text`` is what had come until then."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no answer, and why."""

    error: ServerError
    severity: Severity


Outcome = Answer | Broken | Refused


class _Stretch(msgspec.Struct):
    text: str


class _Transcription(msgspec.Struct):
    """``json`` has the text alone, ``verbose_json`` the language too, and words if they were asked for."""

    text: str | None = None
    language: str | None = None
    words: tuple[Word, ...] | None = None
    segments: list[_Stretch] | None = None
    error: Any = None


class _Chunk(msgspec.Struct, frozen=True):
    content: str = ""


class _Choice(msgspec.Struct):
    delta: _Chunk = _Chunk()
    finish_reason: str | None = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    delta: str = ""
    text: str = ""
    message: str = ""
    error: Any = None
    choices: list[_Choice] = []


def read_answer(body: bytes) -> Answer | Broken | None:
    """Return what a JSON answer says, None if it is none: some servers report errors as a success without text."""
    try:
        said = fit(parse_json(body), _Transcription)
    except ValueError:
        return None
    text = said.text if said.text and said.text.strip() else join_text(part.text for part in said.segments or ())
    if said.error and not text:
        return Broken("", f"The server reported {quote(_message_of(said.error))}")
    if said.text is None and not text:
        return None
    return Answer(text, language_heard(said.language), said.words or ())


NO_END: Final = "The stream of text ended before its end"


class StreamedText:
    """The text of one event stream, put together from its pieces.

    Speaches sends the text in deltas and nothing in ``done``; other servers repeat the whole text there, which then
    counts. Others, vLLM among them, send it in chunks as chats have them. A stream without an end is broken, even if
    its body is complete: an engine that fails ends it so.
    """

    def __init__(self) -> None:
        self._text = GrowingText()
        self._segments: list[str] = []
        self._whole = ""  # what `done` says
        self._done = False
        self._chunked = False
        self._problem: str | None = None
        self._unknown: str | None = None

    @property
    def text(self) -> str:
        """What has come so far."""
        return self._whole if self._whole.strip() else str(self._text) or join_text(self._segments)

    def receive(self, data: str, name: str = "") -> bool:
        """Take the data of an event, and its name; return whether to show the text. What is unknown is passed over."""
        try:
            event = fit(parse_json(data), _StreamEvent)
        except ValueError:
            event = _StreamEvent("unknown")
        if event.error is not None or "error" in (event.type, name):
            self._problem = quote(_message_of(event.error) or event.message or data[:_LONGEST_UNKNOWN])
        elif event.type == _DONE:
            self._done = self._done or self._problem is None
            self._whole = event.text
        elif event.type == _SEGMENT:
            self._segments.append(event.text)
        elif event.choices:
            return self._receive_chunk(event.choices[0])
        elif data.strip() == _END_OF_CHUNKS:
            self._done = self._done or (self._chunked and self._problem is None)
        elif event.type == _DELTA or not event.type:
            return self._append(event.delta or event.text)
        elif data.strip():
            self._unknown = self._unknown or quote(data[:_LONGEST_UNKNOWN])
        return False

    def end(self) -> Answer | Broken | Refused:
        """Return what the stream amounts to, now that nothing more comes."""
        if self._done:
            return Answer(self.text)
        if self._problem:
            return Broken(self.text, f"The server reported {self._problem}")
        if self._unknown and not self.text:
            unlike = f'The server streams {self._unknown}, which is no {_DELTA}: use transport="chunked" with it.'
            return Refused(ProtocolError(unlike), Severity.SINGLE)
        return Broken(self.text, NO_END)

    def _receive_chunk(self, choice: _Choice) -> bool:
        self._chunked = True
        more = self._append(choice.delta.content)
        if choice.finish_reason == "length":
            self._problem = quote("finish_reason: length")  # the rest of what was said is missing
        self._done = self._done or (choice.finish_reason is not None and self._problem is None)
        return more

    def _append(self, piece: str) -> bool:
        return bool(piece) and not self._done and self._text.append(piece)


def _message_of(error: object) -> str | None:
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else None
