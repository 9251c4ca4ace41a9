"""The endpoints ``/v1/audio/transcriptions`` and ``…/translations``: the form that they take, and what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from ipyspeaches.chinese import words_written
from ipyspeaches.errors import ProtocolError, ServerError, Severity
from ipyspeaches.languages import language_heard
from ipyspeaches.liberal import fit, parse_json
from ipyspeaches.protocol.api_key import without_key
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.terminal import quote
from ipyspeaches.words import GrowingText, Word, fullest, has_words, join_text, needs_space

TRANSCRIPTIONS: Final = "/v1/audio/transcriptions"
TRANSLATIONS: Final = "/v1/audio/translations"

_DELTA: Final = "transcript.text.delta"
_SEGMENT: Final = "transcript.text.segment"
_DONE: Final = "transcript.text.done"
_END_OF_STREAM: Final = "[DONE]"
_UNNAMED: Final = "message"
"""What an event is called that has no name."""
_NO_JSON: Final = "no JSON"
_FAILED: Final = re.compile(r"error|fail|exception|incomplete|abort|cancel", re.IGNORECASE)
_UNFINISHED: Final = re.compile(_FAILED.pattern + "|progress|processing|queued|pending|running|partial", re.IGNORECASE)
_LONGEST_UNKNOWN: Final = 80
_GOOD_CODES: Final = (None, 0, "0", 200, "200", "ok", "OK", "success")
_NOT_SPOKEN: Final = re.compile(r"\A[<{]|-->")
"""How a page and a document begin, and what is in subtitles."""
_CUT_SHORT: Final = frozenset({"length", "content_filter", "abort", "error", "cancelled"})


def path_of(options: RecognitionOptions) -> str:
    """Return where a request goes."""
    return TRANSLATIONS if options.translates else TRANSCRIPTIONS


def form_of(options: RecognitionOptions, *, stream: bool, timed: bool = True) -> dict[str, str]:
    """Return the fields of the form, without the file; the options must name a model.

    With ``stream``, the text comes piece by piece, as server-sent events and without the times of words; otherwise
    ``timed`` asks for these.
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


def written(outcome: Outcome, options: RecognitionOptions) -> Outcome:
    """Return an outcome whose Chinese is in the characters that are wanted, words and text alike."""
    if options.wanted_script is None or isinstance(outcome, Refused):
        return outcome
    if isinstance(outcome, Broken):
        return replace(outcome, text=options.written(outcome.text))
    text = options.written(outcome.text, outcome.language)
    return replace(
        outcome, text=text, words=tuple(words_written(outcome.words, outcome.text, text, options.wanted_script))
    )


class _Stretch(msgspec.Struct):
    text: str
    words: tuple[Word, ...] | None = None


class _Transcription(msgspec.Struct):
    """``json`` has the text alone, ``verbose_json`` the language too, and words if they were asked for."""

    text: str | list[str] | None = None
    language: str | None = None
    words: tuple[Word, ...] | None = None
    segments: list[_Stretch] | None = None
    error: Any = None
    errors: Any = None
    code: Any = None
    message: str = ""
    msg: str = ""
    status: Any = None
    finish_reason: Any = None
    success: bool = True
    is_final: bool = True
    partial: bool = False
    truncated: bool = False
    data: Any = None
    result: Any = None

    @property
    def failure(self) -> str | None:
        """What a server reports beside the text, or by a number that is no success in place of one."""
        if told := self.error or self.errors:
            return _message_of(told) or ""
        said = self.message or self.msg
        if said and not self.text and self.code not in _GOOD_CODES:
            return said
        return None if self.text is None and self.segments is None else self._unfinished

    @property
    def _unfinished(self) -> str | None:
        """What says beside a text that it is not whole, as its name and value."""
        whole = {"success": True, "is_final": True, "partial": False, "truncated": False}
        odd = [name for name, value in whole.items() if getattr(self, name) is not value]
        odd += ["status"] * (_UNFINISHED.search(str(self.status)) is not None)
        odd += ["finish_reason"] * (str(self.finish_reason) in _CUT_SHORT)
        return f"{odd[0]}: {getattr(self, odd[0])}".lower() if odd else None


class _Chunk(msgspec.Struct, frozen=True):
    content: str = ""


class _Choice(msgspec.Struct):
    delta: _Chunk = _Chunk()
    message: _Chunk = _Chunk()
    text: str = ""
    finish_reason: str | None = None


class _StreamEvent(msgspec.Struct):
    type: str = ""
    object: str = ""
    delta: Any = ""
    text: str = ""
    message: str = ""
    msg: str = ""
    reason: str = ""
    error: Any = None
    detail: Any = None
    exception: Any = None
    code: Any = None
    status: Any = None
    success: bool = True
    choices: list[_Choice] = []

    @property
    def said(self) -> str:
        """What it reports, if anything."""
        reported = (_message_of(self.error or self.detail), self.message, self.msg, self.reason, self.exception)
        return next((one for one in reported if one and isinstance(one, str)), "")

    def is_failure(self, name: str) -> bool:
        """Whether it reports a failure: by its name, or by what stands in it, in one of many shapes."""
        told = self.error is not None or self.exception is not None or (self.detail is not None and not self.type)
        named = any(_FAILED.search(one) for one in (self.type, name, self.object, self.status) if isinstance(one, str))
        return bool(told or named or not self.success or (self.said and self.code not in _GOOD_CODES))


def read_answer(body: bytes, api_key: str | None = None, *, plain: bool = False) -> Answer | Broken | None:
    """Return what an answer says, None if it is none: some servers report errors as a success without text.

    It is JSON, the text by itself or in a document; or the text is ``plain``. What the server says of itself is without
    the key.
    """
    try:
        whole = parse_json(body)
        # A gateway may encode it once more.
        said = _read_document(parse_json(whole) if isinstance(whole, str) and whole.startswith("{") else whole)
    except ValueError:
        text = body.decode("utf-8-sig", "replace").strip()
        return Answer(text) if plain and text and not _NOT_SPOKEN.search(text) else None
    words = said.words or tuple(word for part in said.segments or () for word in part.words or ())
    text = fullest(
        join_text([said.text] if isinstance(said.text, str) else said.text or ()),
        join_text(part.text for part in said.segments or ()),
        join_text(word.word for word in words),
    )
    if said.failure is not None:
        return Broken(text, f"The server reported {quote(without_key(said.failure, api_key))}")
    if not isinstance(said.text, str) and not text:
        return None
    return Answer(text, language_heard(said.language), words)


def _read_document(whole: Any) -> _Transcription:  # noqa: ANN401  JSON
    said = fit({"text": whole, "segments": whole} if isinstance(whole, str | list) else whole, _Transcription)
    within = said.data or said.result  # some wrap it
    bare = said.text is None and said.segments is None and said.words is None
    return _read_document(within) if bare and within and said.failure is None else said


NO_END: Final = "The stream of text ended before its end"


def _read_event(data: str) -> _StreamEvent:
    try:
        given = parse_json(data)
    except ValueError:
        return _StreamEvent(_NO_JSON)
    try:
        return fit(given, _StreamEvent)
    except ValueError:
        return _StreamEvent("unknown")


class StreamedText:
    """The text of one event stream, put together from its pieces.

    Speaches sends the text in deltas and nothing in ``done``; other servers repeat there the whole text, or that since
    the last ``done``, which then counts. Others, vLLM among them, send it in chunks as chats have them, or a segment
    an event. A stream without an end is broken, even if its body is complete: an engine that fails ends it so.
    """

    def __init__(self, api_key: str | None = None) -> None:
        self._api_key = api_key  # to leave out of what the server says of itself
        self._text = GrowingText()  # since the last `done`
        self._ended: list[str] = []  # what each `done` has ended
        self._segments: list[str] = []
        self._done = False
        self._chunked = False
        self._last = ""  # the last piece, of those that are segments
        self._problem: str | None = None
        self._unknown: str | None = None

    @property
    def text(self) -> str:
        """What has come so far."""
        pieces = [*self._ended, *([str(self._text)] if len(self._text) else [])]
        return (pieces[0] if len(pieces) == 1 else join_text(pieces)) or join_text(self._segments)

    def receive(self, data: str, name: str = "") -> bool:
        """Take the data of an event, and its name; return whether to show the text. What is unknown is passed over."""
        event = _read_event(data)
        kind = event.type or ("" if name == _UNNAMED else name)
        ends = name == "done" or data.strip().strip('"').upper() == _END_OF_STREAM
        if event.is_failure(name):
            self._problem = quote(without_key(event.said, self._api_key) or self._shown(data))
        elif kind == _DONE:
            self._end_piece(event.text)
        elif kind == _SEGMENT:
            self._segments.append(event.text)
        elif event.choices:
            return self._receive_chunk(event.choices[0])
        elif ends and not event.text:
            self._done = self._done or ((self._chunked or bool(self.text)) and self._problem is None)
        elif kind == _DELTA or not kind:
            return self._append(_piece(event.delta) or self._separated(event.text))
        elif data.strip():
            shown = self._shown(data)
            self._unknown = self._unknown or quote(shown)
            if event.type == _NO_JSON and self.text and has_words(shown):
                self._problem = quote(shown)
        return False

    def _shown(self, data: str) -> str:
        return without_key(data, self._api_key)[:_LONGEST_UNKNOWN]

    def _end_piece(self, whole: str) -> None:
        before, text = join_text(self._ended), fullest(whole.strip() and whole, str(self._text))
        if text:
            self._ended = [text] if text.strip().startswith(before) else [*self._ended, text]
        self._text = GrowingText()
        self._done = self._done or self._problem is None

    def _separated(self, piece: str) -> str:
        """Return a piece behind the space that belongs before it: some servers send segments without their own."""
        bare, last, self._last = piece.strip(), self._last, piece
        return f" {piece}" if bare == piece and last == last.strip() != "" and needs_space(last, piece) else piece

    def end(self, rest: str = "") -> Answer | Broken | Refused:
        """Return what the stream amounts to, now that nothing more comes; ``rest`` is what was no event at its end."""
        if rest and not self._done:
            self._problem = self._problem or quote(self._shown(rest))
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
        more = self._append(choice.delta.content or choice.message.content or choice.text)
        if choice.finish_reason in _CUT_SHORT:
            self._problem = quote(f"finish_reason: {choice.finish_reason}")  # the rest of what was said is missing
        self._done = self._done or (choice.finish_reason is not None and self._problem is None)
        return more

    def _append(self, piece: str) -> bool:
        if piece:
            self._done = False  # it goes on
        return bool(piece) and self._text.append(piece)


def _piece(delta: Any) -> str:  # noqa: ANN401  JSON
    """Return the text of a delta, which some servers wrap."""
    if isinstance(delta, list):
        return "".join(map(_piece, delta))
    if isinstance(delta, dict):
        return _piece(delta.get("text") or delta.get("content"))
    return delta if isinstance(delta, str) else ""


def _message_of(error: object) -> str | None:
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else None
