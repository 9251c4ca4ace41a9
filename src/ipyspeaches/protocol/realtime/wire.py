"""The messages of the realtime protocol as they go over the wire: the server's events, then the client's.

Known events are decoded into typed values; whatever does not fit (another type, another shape, no JSON at all)
becomes an `Unrecognised` that keeps everything. Fields that this version does not know are skipped. Nothing that a
server sends raises.
"""

from __future__ import annotations

import math
import re
from binascii import b2a_base64
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeAlias, get_args

import msgspec

from ipyspeaches.languages import language_heard
from ipyspeaches.liberal import fit, is_odd, parse_json
from ipyspeaches.words import Word

# Times beyond these (30 years) are no times of a session: they are left out.
Milliseconds: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Settings: TypeAlias = dict[str, bool | int | float | str | None]


class ServerEvent(msgspec.Struct, tag_field="type", frozen=True):
    """Base of the known events; ``type`` selects the class."""


class Transcription(msgspec.Struct, frozen=True):
    """``input_audio_transcription`` of a session."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None


class AudioInput(msgspec.Struct, frozen=True):
    """``session.audio.input``, where newer servers keep what older ones keep in the session itself."""

    transcription: Transcription | None = None
    turn_detection: Settings | None = None


class Audio(msgspec.Struct, frozen=True):
    """``session.audio`` of newer servers."""

    input: AudioInput | None = None


class SessionInfo(msgspec.Struct, frozen=True):
    """What a server says about a session."""

    id: str | None = None
    type: str | None = None
    input_audio_transcription: Transcription | None = None
    turn_detection: Settings | None = None
    audio: Audio | None = None

    @property
    def transcription(self) -> Transcription:
        """Model and language, wherever the server keeps them."""
        nested = self.audio.input if self.audio is not None else None
        return self.input_audio_transcription or (nested and nested.transcription) or Transcription()

    @property
    def vad(self) -> Settings | None:
        """``turn_detection``, wherever the server keeps it."""
        nested = self.audio.input if self.audio is not None else None
        return self.turn_detection or (nested.turn_detection if nested is not None else None)


UNTOLD: Final = SessionInfo()
"""Of a server that says nothing about a session."""


class SessionCreated(ServerEvent, tag="session.created", frozen=True):
    """The first event of every session."""

    session: SessionInfo = UNTOLD
    event_id: str | None = None


class SessionUpdated(ServerEvent, tag="session.updated", frozen=True):
    """The answer to a ``session.update``; it says what holds now, not what was asked."""

    session: SessionInfo = UNTOLD
    event_id: str | None = None


class BufferSpeechStarted(ServerEvent, tag="input_audio_buffer.speech_started", frozen=True):
    """The server's VAD heard speech begin; milliseconds from the start of the current buffer."""

    item_id: str
    audio_start_ms: Milliseconds = 0.0


class BufferSpeechStopped(ServerEvent, tag="input_audio_buffer.speech_stopped", frozen=True):
    """The server's VAD was sure that speech had ended; the buffer ends here, too, or where all ends that was sent."""

    item_id: str
    audio_end_ms: Milliseconds = math.inf


class BufferCommitted(ServerEvent, tag="input_audio_buffer.committed", frozen=True):
    """The buffer has become an item."""

    item_id: str
    previous_item_id: str | None = None


class BufferCleared(ServerEvent, tag="input_audio_buffer.cleared", frozen=True):
    """The buffer is empty and its clock stands at 0."""


class ItemContent(msgspec.Struct, frozen=True):
    """A part of an item."""

    transcript: str | None = None


class ConversationItem(msgspec.Struct, frozen=True):
    """An item of the conversation."""

    id: str | None = None
    role: str | None = None
    content: list[ItemContent] | None = None

    @property
    def transcript(self) -> str:
        """The text of what was said, where the server tells it here."""
        return " ".join(part.transcript.strip() for part in self.content or () if part.transcript).strip()


class ItemCreated(ServerEvent, tag="conversation.item.created", frozen=True):
    """The item is in the conversation; its transcription begins."""

    item: ConversationItem
    previous_item_id: str | None = None


class ItemAdded(ServerEvent, tag="conversation.item.added", frozen=True):
    """The same from newer servers."""

    item: ConversationItem


class ItemDone(ServerEvent, tag="conversation.item.done", frozen=True):
    """The item will not change any more; behind `ItemAdded` for what was said."""

    item: ConversationItem


class DeltaText(msgspec.Struct, frozen=True):
    """A delta that is an object instead of a string."""

    text: str = ""


class TranscriptionDelta(ServerEvent, tag="conversation.item.input_audio_transcription.delta", frozen=True):
    """A piece of text of an unfinished item, and from the embedded server all that may still change behind it."""

    item_id: str | None = None
    delta: str | DeltaText | None = None
    tentative: str | None = None


class TranscriptionSegment(ServerEvent, tag="conversation.item.input_audio_transcription.segment", frozen=True):
    """A finished stretch of an unfinished item, from models that tell speakers apart."""

    item_id: str
    text: str = ""


class ResponseDelta(ServerEvent, tag="response.audio_transcript.delta", frozen=True):
    """The same from older servers, which named it after a response."""

    item_id: str | None = None
    delta: str | DeltaText = ""


class Usage(msgspec.Struct, frozen=True):
    """What a transcription was charged for: seconds on some servers, tokens on others."""

    seconds: Seconds | None = None


class SpokenLanguage(msgspec.Struct, frozen=True):
    """A language that was heard."""

    code: str | None = None


class TranscriptionCompleted(ServerEvent, tag="conversation.item.input_audio_transcription.completed", frozen=True):
    """The final text of an item."""

    transcript: str
    item_id: str | None = None
    content_index: int = 0
    usage: Usage | None = None
    language: str | None = None
    languages: list[SpokenLanguage | str] | None = None
    words: list[Word] | None = None  # seconds from the start of the item's buffer

    @property
    def spoken(self) -> str | None:
        """Code of the language that was heard; the first where the server names several."""
        first = self.languages[0] if self.languages else None
        return language_heard(self.language or (first.code if isinstance(first, SpokenLanguage) else first))


class ResponseDone(TranscriptionCompleted, tag="response.audio_transcript.done", frozen=True):
    """The same from older servers."""

    transcript: str = ""


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong, in the server's words."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    param: str | None = None
    event_id: str | None = None
    item_id: str | None = None
    retry_after_s: float | None = None


class TranscriptionFailed(ServerEvent, tag="conversation.item.input_audio_transcription.failed", frozen=True):
    """The item will have no text."""

    item_id: str | None = None
    error: ErrorDetail | None = None


class ErrorEvent(ServerEvent, tag="error", frozen=True):
    """An error that is no answer to a particular message: the server never says to which."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A message that is no known event; ``data`` holds all of it."""

    type: str
    data: dict[str, Any] = field(default_factory=dict)


KnownEvent = (
    SessionCreated
    | SessionUpdated
    | BufferSpeechStarted
    | BufferSpeechStopped
    | BufferCommitted
    | BufferCleared
    | ItemCreated
    | ItemAdded
    | ItemDone
    | TranscriptionDelta
    | TranscriptionSegment
    | ResponseDelta
    | TranscriptionCompleted
    | ResponseDone
    | TranscriptionFailed
    | ErrorEvent
)
_DECODER: Final[msgspec.json.Decoder[KnownEvent]] = msgspec.json.Decoder(KnownEvent)
_KIND_OF: Final[dict[str, Any]] = {str(kind.__struct_config__.tag): kind for kind in get_args(KnownEvent)}
# What msgspec raises on bad input: its own errors, text that is no Unicode, and nesting without end.
_UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
# What an item needs to be settled, from a message that is otherwise beyond reading.
_MAIN_FIELD: Final = re.compile(
    r'"(type|item_id|transcript)"\s*:\s*("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")'
)
_VLLM: Final = {
    "transcription.delta": "conversation.item.input_audio_transcription.delta",
    "transcription.done": "conversation.item.input_audio_transcription.completed",
}
"""What vLLM calls these."""
_NO_TEXT: Final = "The server sent no text for it."
TRANSCRIPTION_SESSION: Final = "transcription_session"
"""How the events of transcription sessions began in OpenAI's beta; `SessionInfo.type` of such a session."""


def decode(message: str | bytes) -> KnownEvent | Unrecognised:
    """Return the event in a message of the server; never raises."""
    if not is_odd(message):
        try:
            return _DECODER.decode(message)
        except _UNDECODABLE:
            pass
    return _decode_odd(message)


def _decode_odd(message: str | bytes) -> KnownEvent | Unrecognised:
    try:
        data = parse_json(message)
    except ValueError:
        text = message if isinstance(message, str) else message.decode(errors="replace")
        data = {name: parse_json(value) for name, value in _MAIN_FIELD.findall(text)}
        return _known_in_part(data.get("type", ""), data) or Unrecognised("", {"text": text})
    if not isinstance(data, dict):
        return Unrecognised("", {"value": data})
    kind = data.get("type")
    if not isinstance(kind, str):
        kind = "error" if data.get("object") == "error" else ""
    kind = _VLLM.get(kind, kind)
    if kind.startswith(f"{TRANSCRIPTION_SESSION}."):
        session = data.get("session")
        kind = kind.removeprefix("transcription_")
        data = {**data, "session": {**(session if isinstance(session, dict) else {}), "type": TRANSCRIPTION_SESSION}}
    return _known_in_part(kind, data) or Unrecognised(kind, data)


def _known_in_part(kind: str, data: dict[str, Any]) -> KnownEvent | None:
    """Return a known event without what does not fit: whoever waits for an item must learn that it is over."""
    if kind not in _KIND_OF:
        return None
    wanted = _KIND_OF[kind]
    if isinstance(data.get("item_id"), int):
        data = {**data, "item_id": str(data["item_id"])}
    said = data.get("error")
    if wanted in (ErrorEvent, TranscriptionFailed) and not isinstance(said, dict):
        message = data.get("message", data.get("detail")) if said is None else said
        data = {**data, "error": {**data, "message": message if isinstance(message, str) else None}}
    data = {"transcript": data.get("text"), **data}  # some name it so
    if wanted is TranscriptionCompleted and not isinstance(data["transcript"], str):
        wanted, data = TranscriptionFailed, {**data, "error": {"message": _NO_TEXT}}
    try:
        event: KnownEvent = fit(data, wanted)
    except ValueError:
        return None
    return event


# The client's messages: UTF-8 JSON in bytes, always sent as text frames

COMMIT: Final = b'{"type":"input_audio_buffer.commit"}'
CLEAR: Final = b'{"type":"input_audio_buffer.clear"}'

_APPEND_HEAD: Final = b'{"type":"input_audio_buffer.append","audio":"'
_APPEND_TAIL: Final = b'"}'


def append(pcm: bytes | memoryview) -> bytes:
    """Return the append message for 16-bit little-endian mono PCM at 24 kHz, C-contiguous.

    Built by hand: base64 needs no escaping, and this is the one message that goes out ten times a second.
    """
    return b"".join((_APPEND_HEAD, b2a_base64(pcm, newline=False), _APPEND_TAIL))


def commit(event_id: str) -> bytes:
    """Return the message that ends an utterance; errors of some servers name the ``event_id``."""
    return msgspec.json.encode({"type": "input_audio_buffer.commit", "event_id": event_id})


def session_update(session: dict[str, Any], event_id: str | None = None, kind: str = "session.update") -> bytes:
    """Return the update message; ``session`` and ``kind`` are of a `SessionShape`, errors name the ``event_id``."""
    named = {} if event_id is None else {"event_id": event_id}
    return msgspec.json.encode({"type": kind, **named, "session": session})


def delete_item(item_id: str) -> bytes:
    """Return the message that deletes an item; of an unknown one, it is a ping that every server answers."""
    return msgspec.json.encode({"type": "conversation.item.delete", "item_id": item_id})
