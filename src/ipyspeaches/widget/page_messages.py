"""The shapes of what a page sends and reads; the twin of `js/src/wire/messages.ts`."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Union

import msgspec

from ipyspeaches.audio.clock import MAX_RATE_HZ
from ipyspeaches.audio.decoding import MIN_RATE_HZ
from ipyspeaches.errors import (
    AudioError,
    ConnectionLostError,
    DownloadError,
    MicrophoneError,
    MissingExtraError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerUnreachableError,
    SpeachesError,
    UdpBlockedError,
)
from ipyspeaches.results.records import Latency, Mark, UtteranceLatency
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session import events
from ipyspeaches.session.ledger import Unsettled

_SERVER_WAYS = ("retry", "change_server", "use_embedded")
_KINDS: tuple[tuple[type[SpeachesError], str, str, tuple[str, ...]], ...] = (
    (UdpBlockedError, "udp", "The audio does not get through to the server", _SERVER_WAYS),
    (ServerUnreachableError, "unreachable", "The server does not answer", _SERVER_WAYS),
    (ServerAuthError, "auth", "The server refused the key", _SERVER_WAYS),
    (NotSpeachesError, "not_speaches", "This is not a Speaches server", _SERVER_WAYS),
    (ModelNotFoundError, "model", "The server does not have this model", _SERVER_WAYS),
    (ConnectionLostError, "lost", "The connection was lost", _SERVER_WAYS),
    (ProtocolError, "server", "The server failed", _SERVER_WAYS),
    (MicrophoneError, "microphone", "The microphone cannot be used", ("retry", "use_kernel", "open_file")),
    (DownloadError, "download", "The model could not be downloaded", ("retry",)),
    (MissingExtraError, "missing_extra", "A package is missing", ("retry",)),
    (AudioError, "audio", "This audio cannot be used", ("open_file",)),
    (SpeachesError, "other", "This did not work", ("retry",)),
)


_LONGEST_TEXT = 1_000
_PLAIN: Final[dict[type, tuple[str, ...]]] = {
    events.SpeechStarted: ("speech_started", "start_s", "source"),
    events.SpeechStopped: ("speech_stopped", "start_s", "end_s", "source"),
    events.Sent: ("sent", "start_s", "end_s", "late"),
    events.Committed: ("committed", "start_s", "end_s"),
    events.Reconnecting: ("reconnecting", "time_s", "reason", "wait_s"),
    events.Reconnected: ("reconnected", "time_s"),
    events.Reconfigured: ("reconfigured", "time_s", "turn_detection"),
    events.Warning: ("warning", "time_s", "kind", "text"),
}
"""What the page calls an event, and which of its fields it reads."""
_SURE = 0.5
_IN_LANES = (events.SpeechStarted, events.SpeechStopped, events.Sent, events.Committed, events.Partial)
_COUNT: Any = Annotated[float, msgspec.Meta(ge=0, le=2**53)]
_RATE: Any = Annotated[float, msgspec.Meta(ge=MIN_RATE_HZ, le=MAX_RATE_HZ)]
# What a page's messages have at least; what the arguments of a command lack is said in the reply.
_SENT: dict[str, list[Any]] = {
    "hello": [("client_id", str | None, None)],
    "bye": [("client_id", str | None, None)],
    "painted": [("items", dict[str, list[str]]), ("sent_s", _COUNT), ("held_s", _COUNT)],
    "audio": [("capture_id", int), ("seq", _COUNT), ("first_frame", _COUNT), ("rate", _RATE)],
    "capture": [("state", str)],
    "peer": [("seq", int)],
    "file": [("file_id", str), ("name", str), ("offset", int)],
    "command": [],
}
_SHAPES: Any = Union[tuple(msgspec.defstruct(kind, fields, tag=kind) for kind, fields in _SENT.items())]  # noqa: UP007


def kind_of(content: Any) -> str | None:  # noqa: ANN401  whatever came
    """Return what kind of message a page sent; None if it lacks what one of its kind has, or there is no such kind."""
    try:
        msgspec.convert(content, _SHAPES)
    except msgspec.ValidationError:
        return None
    return str(content["type"])


class PageMicrophoneError(MicrophoneError):
    """The page's microphone failed; ``kind`` is the page's word for why."""

    def __init__(self, kind: str, message: str, detail: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail


def event_message(event: events.SessionEvent) -> dict[str, Any] | None:
    """Return an event as the page reads it, None for those that it learns by other ways."""
    if (plain := _PLAIN.get(type(event))) is not None:
        return {"type": plain[0], **{name: getattr(event, name) for name in plain[1:]}}
    match event:
        case events.Partial(item_id=item_id, start_s=start_s, text=text, stable=stable):
            message = {"type": "partial", "item_id": item_id, "start_s": start_s, "text": text}
            return message if stable is None else {**message, "stable": _utf16_units(text[:stable])}
        case events.Final(segment=segment):
            return {"type": "final", **segment_message(segment)}
        case events.Marked(mark_id=mark_id, at_s=at_s, name=name):
            return {"type": "mark", **mark_message(Mark(mark_id, at_s, name))}
    return None


def _utf16_units(text: str) -> int:
    """Return the length of a text as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def mark_message(mark: Mark) -> dict[str, Any]:
    """Return a mark as the page reads it."""
    return {"id": mark.id, "time_s": mark.time, "name": mark.name}


def lane_messages(history: Iterable[events.SessionEvent]) -> list[dict[str, Any]]:
    """Return what a page draws that comes late: speech, what was sent, taken and lost, unfinished text.

    Appends that adjoin come as one.
    """
    told: list[dict[str, Any]] = []
    partial: dict[str, dict[str, Any]] = {}
    sent: dict[str, Any] | None = None
    for event in history:
        lost = isinstance(event, events.Warning) and event.kind == "audio_lost"
        message = event_message(event) if lost or isinstance(event, _IN_LANES) else None
        if isinstance(event, events.Final):
            partial.pop(event.item_id, None)
        elif isinstance(event, events.Partial) and message is not None:
            partial[event.item_id] = message
        elif (
            isinstance(event, events.Sent)
            and sent is not None
            and (sent["end_s"], sent["late"]) == (event.start_s, event.late)
        ):
            sent["end_s"] = event.end_s
        elif message is not None:
            told.append(message)
            sent = message if isinstance(event, events.Sent) else sent
    return [*told, *(message for message in partial.values() if message["text"])]


def waiting_message(waiting: Sequence[Unsettled]) -> dict[str, Any]:
    """Return all utterances that wait for their final text, as the page reads them."""
    now_s = time.monotonic()
    utterances = [
        {
            "item_id": one.item_id,
            "start_s": one.start_s,
            "end_s": one.end_s,
            "stage": one.stage.value,
            "waited_s": 0.0 if one.taken_at_s is None else now_s - one.taken_at_s,
        }
        for one in waiting
    ]
    return {"type": "waiting", "utterances": utterances}


def _unsure(segment: Segment) -> list[tuple[int, int, int]]:
    """Return the words that the engine itself holds for more likely wrong than right: from, to, and its per cent."""
    found, at = [], 0
    for word in segment.words:
        start = segment.text.find(word.word, at)
        if start < 0 or not word.word:
            continue  # the text was written another way, as in other characters
        at = start + len(word.word)
        if word.probability is not None and word.probability < _SURE:
            from_, to = _utf16_units(segment.text[:start]), _utf16_units(segment.text[:at])
            found.append((from_, to, round(100 * word.probability)))
    return found


def segment_message(segment: Segment) -> dict[str, Any]:
    """Return a segment as the page reads it."""
    return {
        "unsure": _unsure(segment),
        "item_id": segment.item_id,
        "start_s": segment.start,
        "end_s": segment.end,
        "text": segment.text,
        "language": segment.language,
        "latency_s": segment.latency_s,
    }


def segment_messages(transcript: Transcript, latency: Latency) -> list[dict[str, Any]]:
    """Return all texts of a session as the page reads them."""
    steps = {one.item_id: steps_message(one) for one in latency}
    return [segment_message(one) | steps.get(one.item_id, {}) for one in transcript]


def steps_message(latency: UtteranceLatency) -> dict[str, Any]:
    """Return when, in seconds after the end of speech, it was known to be over and the server had it; {} if unknown."""
    steps = {"cut_s": latency.vad_stop_ms / 1000, "taken_s": latency.commit_ms / 1000}
    return {} if math.isnan(sum(steps.values())) else steps


def failure_message(error: SpeachesError) -> dict[str, Any]:
    """Return a failure in words: what happened, what to do, and the ways out that the page offers."""
    kind, title, actions = next(row[1:] for row in _KINDS if isinstance(error, row[0]))
    detail = ""
    if isinstance(error, PageMicrophoneError):
        kind, title, detail = error.kind, "The browser's microphone cannot be used", error.detail
    named = [{"name": action} for action in actions]
    return {"kind": kind, "title": title, "text": str(error)[:_LONGEST_TEXT], "detail": detail, "actions": named}
