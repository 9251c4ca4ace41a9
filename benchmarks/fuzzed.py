"""The parsers that `fuzz` gives inputs to: how these are made of real ones, and what must be true of them."""

from __future__ import annotations

import asyncio
import binascii
import io
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import numpy as np

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.decoding import write_audio
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ServerError, Severity, SpeachesError
from ipyspeaches.languages import language_code
from ipyspeaches.local.engines import POCKETSPHINX
from ipyspeaches.local.realtime_events import decode_audio, parse_event
from ipyspeaches.local.session_settings import SessionSettings, updated
from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.protocol.api_key import read_key
from ipyspeaches.protocol.http.request_protocol import RequestProtocol
from ipyspeaches.protocol.http.transcriptions import Answer, Refused, StreamedText, read_answer
from ipyspeaches.protocol.realtime.media import SPEACHES_MEDIA, Media
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from ipyspeaches.results.segment import Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.server.api import HttpApi
from ipyspeaches.server.failures import detail_of, explain_status, not_speaches
from ipyspeaches.server.models import DiarizationAnswer, InterfaceDocument, ModelList, Models, RunningList, SpanEntry
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.recovery import Story
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.vad.gate import Utterance
from ipyspeaches.vad.label_files import MAX_TIME_S
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.sweeps import SweepFile
from ipyspeaches.widget.bridge import Bridge
from ipyspeaches.widget.drawing import Drawing
from ipyspeaches.widget.transcriber import Transcriber
from ipyspeaches.widget.vadlab import VadLab
from ipyspeaches.words import Word

EXCHANGES: Final = Path(__file__).parents[1] / "tests" / "data" / "exchanges"
URL: Final = "http://fuzz.example:8000"


@dataclass(frozen=True)
class Parser:
    """Something that reads what comes from outside.

    Parameters
    ----------
    name
        What it reads.
    make
        Makes an input.
    read
        Reads one and uses what it found.
    errors
        What it may raise.
    weight
        Its share of all inputs.
    """

    name: str
    make: Callable[[random.Random], Any]
    read: Callable[[Any], object]
    errors: tuple[type[Exception], ...] = (InputError,)
    weight: int = 4


# --- Bytes and texts ---

TALK: Final = Segments([(0.5, 2.25), (3, 4)])
SWEEP: Final = (
    '{"sweep":1,"subject":["a"]}\n{"recording":0,"vad":"x","result":[[1.0,0.5,0.25,8.0],[2,2,0,0,0,0,2,0.1,2,-0.1]]}\n'
)
JSON: Final = Transcript([Segment(0, 1, "café", (Word("café", 0, 1, 0.5),), "fr", "a"), Segment(1, 2, "x")]).to_json()
_TOLD: Final[dict[str, dict[str, Any]]] = {
    "Begin": {"process": 1, "source": "é", "options": {"language": "en"}},
    "TurnDetection": {"detector": EnergyVad().describe(), "server_vad": None},
    "Track": {"detector": "energy", "first_row": 0, "start_s": 0.0, "frame_s": 0.02},
    "SpeechStopped": {"time_s": 2.5, "start_s": 1.0, "end_s": 2.0, "source": "client"},
    "Utterance": {"number": 0, "start": 1.0, "end": 2.0},
    "Final": {"time_s": 3.0, "item_id": "a", "segment": {"start": 1.0, "end": 2.0, "text": "é", "words": []}},
    "Missing": {"added": [{"start": 4.0, "end": 5.0, "reason": "x"}], "gone": []},
    "Marked": {"time_s": 6.0, "mark_id": 0, "at_s": 5.5, "name": "é"},
    "SpeechStarted": {"time_s": 7.0, "start_s": 6.5, "source": "client"},
}
JOURNAL: Final = b"\n".join(
    json.dumps({"type": kind, "wall_time": "2026-11-28T12:03:05+00:00", **fields}).encode()
    for kind, fields in _TOLD.items()
)
LABELS: Final[dict[str, tuple[Callable[[Path], object], str]]] = {
    "rttm": (
        Segments.from_rttm,
        (TALK.to_rttm(uri="my talk") or "") + ";; é\nSPEAKER my talk 1 1 2 <NA> <NA> A <NA> <NA>\n",
    ),
    "audacity": (Segments.from_audacity, (TALK.to_audacity() or "") + "\\\t100,0\t200,0\n5,0\t6,0\t会\u2028\n"),
    "csv": (Segments.from_csv, 'start;end;text\n0,5;1;"a ""b"" é"\n2.5;3;c\n'),
    "textgrid": (Segments.from_textgrid, (TALK.to_textgrid(duration=5) or "").replace("speech", "é x")),
    "short": (Segments.from_textgrid, TALK.to_textgrid(duration=5, short=True) or ""),
    "transcript": (lambda path: Transcript.from_json(path.read_bytes()), JSON),
    "sweep": (lambda path: SweepFile(path, ["a"]).close(), SWEEP),
}
_SIGNS = '\n|\r|\r\n|\t| |;|,|"|""|<|>|<NA>|[|]|{|}|!|\\|\0|\f|\x1c|\x85|\u2028|\u00e9|\ufeff|\u0663|\u00b2'
_WORDS = "1e308|9e999999|1e999999999999|-1|-0|nan|Infinity|1_0|0x1|null|true|\\ud800|999999999 |SPEAKER |<exists>|sep=;"
_BYTES = (b"\xe9", b"\xff\xfe", b"\xfe\xff", b"\xc4\xe3", b"\xed\xa0\x80")
_LONG = ("9" * 5000, "0." + "1" * 5000, "[" * 5000, '{"a":' * 5000, '"' * 3000, "<a" * 2000, "x" * 140_000)
NASTY: Final = (*(text.encode() for text in (*_SIGNS.split("|"), *_WORDS.split("|"), *_LONG)), *_BYTES)


def mutated(valid: bytes, chance: random.Random) -> bytes:
    """Return bytes with some of them changed, doubled, dropped, or replaced by what parsers stumble over."""
    data = bytearray(valid)
    if not chance.randrange(10):
        encoding = chance.choice(["utf-16", "utf-16-le", "gb18030", "utf-32", "utf-7"])
        data = bytearray(valid.decode(errors="replace").encode(encoding))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((0, 1, 1, 4, 40)))
        match chance.randrange(5):
            case 0:
                data[at:to] = chance.choice(NASTY)
            case 1:
                data[at:at] = chance.choice(NASTY)
            case 2:
                data[at:to] = b""
            case 3:
                data[at:at] = data[at:to] * chance.choice((1, 2, 50))
            case _:
                data[at:to] = chance.randbytes(to - at)
    return bytes(data)


# --- JSON ---

_MARK: Final = "@odd@"
_NUMBERS: Final = ("1e999", "-1e999", "NaN", "9" * 5000, "-" + "9" * 400, "1e308", "-1e308", "1e-320", str(2**63))
_VALUES: Final[tuple[object, ...]] = (
    *(None, True, False, -1, 0, 1, 3, 2**31, 2**53 + 1, -(2**63), 0.5, 1e15, "", " ", "5", "x" * 5000, [], {}),
    *([None], ["x"], {"message": "no"}, {"text": "x"}, "null", "\u2028\x1b[2J<b>", "item_1", "en", "1e999", "😀"),
)
_NESTED: Final = ["[" * depth + "]" * depth for depth in (3, 90, 150, 400, 3000)]
ODD: Final = (*_NUMBERS, *map(json.dumps, _VALUES), *_NESTED, r'"\ud800"', r'"\udc00 x"')


def odd_json(valid: Any, chance: random.Random) -> str:  # noqa: ANN401 - JSON
    """Return JSON in which some values are others, missing, or doubled."""
    data = json.loads(json.dumps(valid))
    count = 0
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        places = [*_places(data)]
        if not places:
            break
        inside, key = chance.choice(places)
        match chance.randrange(8):
            case 0:
                del inside[key]
            case 1:
                other, name = chance.choice(places)
                inside[key] = json.loads(json.dumps(other.get(name) if isinstance(other, dict) else other))
            case 2:
                inside[key] = json.loads(json.dumps([inside[key]] * chance.choice((0, 1, 2, 30))))
            case _:
                inside[key] = _MARK
                count += 1
    text = json.dumps(data, ensure_ascii=bool(chance.randrange(2)))
    for _ in range(count):
        text = text.replace(f'"{_MARK}"', chance.choice(ODD), 1)
    return text.replace(_MARK, "x")


def _places(data: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        yield data, key
        yield from _places(value)


def odd_document(samples: Sequence[str], chance: random.Random) -> bytes:
    """Return a document of a server, changed as JSON or as bytes."""
    sample = chance.choice(samples)
    if chance.randrange(3) and sample[:1] in ("{", "["):
        return odd_json(json.loads(sample), chance).encode()
    return mutated(sample.encode(), chance)


# --- What a server answers ---


def exchange(name: str) -> dict[str, Any]:
    """Return a recorded answer."""
    found: dict[str, Any] = json.loads((EXCHANGES / "http" / f"{name}.json").read_text(encoding="utf-8"))
    return found


TEXTS: Final = [exchange(f"transcription-{kind}")["body"] for kind in ("json", "verbose_json", "verbose_json-words")]
FAILURES: Final = [
    *(exchange(path.stem)["body"] for path in sorted((EXCHANGES / "http").glob("error-*.json"))),
    '{"error": {"message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota"}}',
    '{"detail": [{"loc": ["body", "model"], "msg": "Field required", "type": "missing"}]}',
]
LISTS: Final[tuple[tuple[str, Any, Callable[[Any], object]], ...]] = (
    (
        exchange("models")["body"],
        ModelList,
        lambda found: Models(entry.to_model() for entry in found.data)._repr_html_().encode(),
    ),
    (exchange("ps-get")["body"], RunningList, lambda found: "".join(sorted(found.models)).encode()),
    (exchange("timestamps-0.75")["body"], list[SpanEntry], lambda found: [span.end / 1000 for span in found]),
    ('{"info": {"version": "0.9", "title": "x"}}', InterfaceDocument, lambda found: found.info.version.encode()),
    (
        '{"duration": 4.0, "segments": [{"start": 2.0, "end": 3.5, "speaker": "Ann"}]}',
        DiarizationAnswer,
        lambda found: [str(turn.speaker).encode() for turn in found.segments],
    ),
)


def read_text(answer: Answer) -> None:
    """Put an answer behind another one, and write out what becomes of it."""
    protocol = RequestProtocol(RecognitionOptions(model="m"), live=False)
    requests = []
    for number, (start, end) in enumerate(((0, 48_000), (36_000, 96_000))):
        protocol.send_audio(start, end)
        protocol.send_commit(Utterance(number, start, end, counts_until=end - 6_000 if not number else None))
        requests.append(protocol.request_to_send())
    first, second = requests
    assert first is not None
    assert second is not None
    protocol.receive_outcome(first, Answer("the quick brown fox", None, (Word("fox", 1.5, 1.9),)))
    protocol.receive_text(second, answer.text)
    protocol.receive_outcome(second, answer)
    assert protocol.pending == 0
    for event in protocol.events_received():
        repr(event).encode()
    segments = [Segment(0, 2, answer.text.strip(), answer.words, answer.language, "a")]
    check_transcript(Transcript(segments))


def read_document(body: bytes) -> None:
    """Read an answer to an upload."""
    answer = read_answer(body)
    if answer is None:
        raise not_speaches(URL, "application/json")
    if isinstance(answer, Answer):
        read_text(answer)


def make_stream(chance: random.Random) -> bytes:
    """Return an event stream."""
    if not chance.randrange(3):
        return mutated("".join(chunk["text"] for chunk in exchange_of_stream(chance)).encode(), chance)
    events: list[Any] = [{"type": "transcript.text.delta", "delta": f" word{number}"} for number in range(5)]
    if chance.randrange(2):
        events = [{"choices": [{"delta": {"content": f" word{number}"}, "finish_reason": None}]} for number in range(5)]
    events.append(
        chance.choice(({"type": "transcript.text.done", "text": ""}, {"error": {"message": "no"}}, {"type": "error"}))
    )
    bodies = [odd_json(event, chance) if not chance.randrange(3) else json.dumps(event) for event in events]
    return "".join(f"data: {body}\n\n" for body in bodies).encode()


_STREAMS: Final = [exchange(name)["chunks"] for name in ("sse", "sse-long", "sse-broken")]


def exchange_of_stream(chance: random.Random) -> Any:  # noqa: ANN401 - JSON
    """Return the chunks of a recorded stream."""
    return chance.choice(_STREAMS)


def read_stream(body: bytes) -> None:
    """Read an event stream to its end."""
    streamed = StreamedText()
    request = httpx2.Request("POST", URL)
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body, request=request)
    for event in httpx2.EventSource(response):
        if streamed.receive(event.data):
            streamed.text.encode()
    outcome = streamed.end()
    if isinstance(outcome, Refused):
        assert outcome.severity is Severity.SINGLE
        raise outcome.error
    read_text(outcome if isinstance(outcome, Answer) else Answer(outcome.text))


def make_list(chance: random.Random) -> tuple[int, bytes]:
    """Return a document of one of the kinds that have an endpoint, and which."""
    which = chance.randrange(len(LISTS))
    return which, odd_document([LISTS[which][0]], chance)


def read_list(data: tuple[int, bytes]) -> None:
    """Read it as what it should be."""
    _, kind, use = LISTS[data[0]]
    response = httpx2.Response(200, content=data[1], headers={"content-type": "application/json"})
    use(HttpApi(URL, None, None).decode(response, kind))


def make_failure(chance: random.Random) -> tuple[int, bytes]:
    """Return a refusal."""
    status = chance.choice((302, 400, 401, 403, 404, 413, 415, 422, 429, 500, 502, 503))
    return status, odd_document(FAILURES, chance)


def read_failure(data: tuple[int, bytes]) -> None:
    """Say what it means."""
    status, body = data
    headers = {"location": "https://else.example/login"} if status == 302 else {}
    response = httpx2.Response(status, content=body, headers=headers)
    (detail_of(response) or "").encode()
    error = explain_status(response, URL, key_given=True)
    assert len(str(error)) < 1_000
    str(error).encode()
    raise error


# --- Realtime ---


def server_events() -> list[dict[str, Any]]:
    """Return one of each kind of event, as recorded."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(EXCHANGES.glob("ws-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            entry = json.loads(line)
            if entry["dir"] == "recv" and isinstance(entry["data"], dict):
                found.setdefault(entry["data"].get("type", ""), entry["data"])
    kind = "conversation.item.input_audio_transcription"
    found["delta"] = {"type": f"{kind}.delta", "item_id": "item_1", "delta": " good"}
    found["segment"] = {"type": f"{kind}.segment", "item_id": "item_1", "text": "good"}
    found["failed"] = {"type": f"{kind}.failed", "item_id": "item_1", "error": {"message": "no", "code": "x"}}
    words = [{"word": "good", "start": 0.1, "end": 0.3}]
    spoken = {"usage": {"seconds": 1.0, "type": "duration"}, "words": words, "languages": [{"code": "en"}]}
    found["completed"] = {"type": f"{kind}.completed", "item_id": "item_1", "transcript": "good", **spoken}
    return list(found.values())


class RealtimeFuzz:
    """Gives a session odd events, a new session every now and then."""

    def __init__(self) -> None:
        self._events = server_events()
        self._created = next(one for one in self._events if one["type"] == "session.created")
        self._left = 0

    def make(self, chance: random.Random) -> tuple[int, str | bytes, int]:
        """Return an event, how the session is made if a new one is due, and what this side does before."""
        event = {**chance.choice(self._events)}
        if "item_id" in event:
            event["item_id"] = f"item_{chance.randrange(4)}"
        text: str | bytes = odd_json(event, chance) if chance.randrange(4) else json.dumps(event)
        if not chance.randrange(6):
            text = mutated(str(text).encode(), chance)
        return chance.randrange(4), text, chance.randrange(4)

    def read(self, data: tuple[int, str | bytes, int]) -> None:
        """Let the session receive the event, and look at what it says."""
        kind, message, act = data
        if not self._left:
            self._begin(kind)
            self._left = 40
        self._left -= 1
        protocol = self._protocol
        if act == 0 and protocol.state == "ready":
            protocol.send_append(np.zeros(2400, np.int16), self._at)
            self._at += 2400
        if act == 1 and protocol.state == "ready" and protocol.options.client_cuts and protocol.uncommitted:
            protocol.send_commit(Utterance(self._at, 0, self._at))
        if kind == 3 and protocol.state == "ready" and not protocol.options.client_cuts:
            protocol.send_flush()
        if self._wrapped:
            raw = message if isinstance(message, bytes) else message.encode()
            whole = {"type": "full_message", "id": str(act), "data": binascii.b2a_base64(raw, newline=False).decode()}
            message = json.dumps(whole)
        elif isinstance(message, str):
            message = message.encode("utf-8", "replace").decode()
        for event in protocol.receive_message(message):
            repr(event).encode("utf-8", "replace")
        protocol.stream_to_send()
        assert protocol.pending >= 0

    def _begin(self, kind: int) -> None:
        server_vad = ServerTurnDetection() if kind in (1, 3) else None
        media: Media | None = SPEACHES_MEDIA if kind == 2 else None
        options = RecognitionOptions(model="m", server_vad=server_vad)
        self._protocol = RealtimeProtocol(options, media=media)
        self._at = 0
        self._wrapped = False
        self._protocol.connection_opened()
        opening = dict(self._created)
        if kind == 3:
            opening["session"] = {"type": "transcription", "id": "s", "audio": {"input": {"transcription": None}}}
        self._protocol.receive_message(json.dumps(opening))
        self._protocol.receive_message(json.dumps({**opening, "type": "session.updated"}))
        self._wrapped = media is not None
        self._protocol.stream_to_send()


CLIENT_EVENTS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {
        "type": "session.update",
        "session": {
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500},
            "input_audio_transcription": {"model": "pocketsphinx/en-us", "language": "en"},
        },
    },
    {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": None}},
        },
    },
)


def read_client_event(text: bytes) -> None:
    """Read what a client sends to the embedded server."""
    event = parse_event(text.decode("utf-8", "replace"))
    if event["type"].startswith("input_audio"):
        decode_audio(event.get("audio"))
    elif event["type"].startswith("session"):
        find = {POCKETSPHINX.model: POCKETSPHINX}.get
        json.dumps(updated(SessionSettings(POCKETSPHINX.model), event.get("session"), find).as_event("s"))


# --- Audio ---


def audio_files() -> list[bytes]:
    """Return short files of every format."""
    time = np.arange(1500) / 16_000
    samples = (8_000 * np.sin(2 * np.pi * 300 * time)).astype(np.int16)
    kinds = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAV", "PCM_24"), ("WAV", "ULAW")]
    kinds += [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"), ("AU", "PCM_16")]
    found = [b"", b"RIFF", b"OggS", b"fLaC", b".snd", b"FORM", b"\xff\xfb\x90\x00" * 50]
    for container, subtype in kinds:
        buffer = io.BytesIO()
        write_audio(buffer, samples, 16_000, container, subtype)
        found.append(buffer.getvalue())
    return found


def make_audio(files: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a file with odd bytes, mostly in its header; some are joined, put into each other, or cut off."""
    data = bytearray(chance.choice(files))
    if not chance.randrange(3):
        data += chance.choice(files)
    if not chance.randrange(7):
        at = chance.randrange(len(data) + 1)
        data[at:at] = chance.choice(files)
    reach = min(len(data), 120) if chance.randrange(4) else len(data)
    for _ in range(chance.randrange(8) if reach else 0):
        data[chance.randrange(reach)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    if not chance.randrange(5):
        del data[chance.randrange(len(data) + 1) :]
    return bytes(data)


# --- What people type, and what pages ask ---

TYPED: Final = (
    *("zh-CN", "english", "en_US.utf-8", "auto", "中文", "sk-12345", "http://localhost:8000/v1", "localhost:8000"),
    *("https://user:pass@host.example:443/path?x=1#y", "[::1]:8000", "wss://host", "http://[", "http://host:99999"),
)


_TYPES: Final[tuple[Callable[[str], object], ...]] = (language_code, read_key, normalise_base_url)


def read_typed(text: bytes) -> None:
    """Read it as everything that a person may type."""
    said = text.decode("utf-8", "surrogateescape")
    refusals = []
    for read in _TYPES:
        try:
            read(said)
        except InputError as exc:
            refusals.append(exc)
            str(exc)
    if len(refusals) == len(_TYPES):
        raise refusals[0]


class _Answers(Bridge):
    """A bridge without pages: it keeps the replies."""

    def __init__(self) -> None:
        self.replies: list[Any] = []

    def send(self, content: Any, buffers: Sequence[bytes] = ()) -> None:  # noqa: ANN401 - messages
        if content.get("type") == "reply":
            self.replies.append((content, buffers))

    def show(self, traits: Any) -> None:  # noqa: ANN401 - traits
        json.dumps(dict(traits), allow_nan=False, default=str)

    def shown(self, trait: str) -> Any:  # noqa: ANN401 - traits
        return trait


COMMANDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("set_source", {"kind": "kernel", "device": 1, "label": "x"}),
    ("set_source", {"kind": "file", "file_id": "f"}),
    ("set_detector", {"name": "energy", "threshold": 500, "min_silence_duration_ms": 300, "speech_pad_ms": 30}),
    ("set_turn_detection", {"kind": "server", "threshold": 0.5, "silence_duration_ms": 500}),
    ("set_server", {"url": "http://localhost:8000", "api_key": "sk-1"}),
    ("set_model", {"model": "m"}),
    ("set_language", {"language": "en"}),
    ("mark", {"time_s": 1.0, "name": "x"}),
    ("mark", {"id": 0, "name": "y"}),
    ("window", {"level": 1, "first_column": 0, "columns": 500}),
    ("audio", {"start_s": 0.0, "end_s": 1.0}),
    ("export", {"format": "srt"}),
)
LAB_COMMANDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("set_detector", {"index": 0, "threshold": 300, "min_silence_duration_ms": 300}),
    ("set_active", {"index": 0}),
    ("set_collar", {"collar_ms": 250}),
    *(("edit", {"kind": kind, "start_s": 0.2, "end_s": 0.6}) for kind in ("paint", "erase", "undo", "redo")),
    ("edit", {"kind": "edge", "index": 0, "edge": "start", "time_s": 0.3}),
    ("edit", {"kind": "move", "index": 0, "by_s": 0.1}),
    *(("edit", {"kind": kind, "index": 0, "time_s": 0.5}) for kind in ("split", "merge", "remove")),
    ("truth_from", {"index": 0}),
    ("window", {"level": 1, "first_column": 0, "columns": 500}),
    ("audio", {"start_s": 0.0, "end_s": 1.0}),
    ("export", {"format": "code"}),
    ("export_truth", {"format": "rttm"}),
)


class CommandFuzz:
    """Gives a widget's commands; each must get one reply that a page can read."""

    def __init__(self, commands: Sequence[tuple[str, dict[str, Any]]], build: Callable[[], Any]) -> None:
        self._commands = commands
        self._build = build
        self._loop = asyncio.new_event_loop()
        self._left = 0

    def make(self, chance: random.Random) -> str:
        """Return a message."""
        name, args = chance.choice(self._commands)
        return odd_json({"type": "command", "id": 7, "name": name, "args": args, "client_id": "me"}, chance)

    def read(self, data: str) -> None:
        """Have it obeyed."""
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as exc:
            raise InputError("No notebook would hand this over.") from exc
        content["id"] = 7  # the page's own, which it gets back
        if not self._left:
            self._controller, self._left = self._build(), 300
        self._left -= 1
        bridge = _Answers()
        self._controller._bridge = bridge  # noqa: SLF001
        obeyed: Awaitable[None] = bridge.obey(content, self._controller._commands)  # noqa: SLF001
        self._loop.run_until_complete(asyncio.wait_for(obeyed, 30))
        ((reply, buffers),) = bridge.replies
        json.dumps(reply, allow_nan=False)
        assert sum(map(len, buffers)) < 2**24
        if reply["error"] is not None:
            raise InputError(reply["error"]["text"])


def tone() -> Recording:
    """Return two seconds with two sounds in them."""
    time = np.arange(48_000) / 24_000
    return Recording((8_000 * np.sin(2 * np.pi * 300 * time) * (np.sin(7 * time) > 0)).astype(np.int16), 24_000)


def transcriber() -> Any:  # noqa: ANN401 - private
    """Return what runs a widget that has heard something, without any server."""
    recording = tone()
    controller = Transcriber(turn_detection=TurnDetection.client(EnergyVad()))._controller  # noqa: SLF001
    session = Session(recording)
    controller.shelf.add(session, "microphone")
    pipeline = session._pipeline  # noqa: SLF001
    pipeline.process(AudioBlock(recording.samples, recording.rate))
    session.transcript.append(Segment(0, 1, "good morning", (Word("good", 0, 1),)))
    controller._feed.drawing = Drawing(pipeline)  # noqa: SLF001
    while controller._feed.drawing.new() is not None:  # noqa: SLF001
        pass
    return controller


def lab() -> Any:  # noqa: ANN401 - private
    """Return what runs a lab."""
    return VadLab(tone(), Segments([(0.1, 0.4), (0.9, 1.3)]), [EnergyVad(threshold=300)])._controller  # noqa: SLF001


# --- All of them ---


def check_transcript(found: Transcript) -> None:
    """Check that everything which is made of a transcript can be made of this one."""
    written: list[Any] = [found.to_srt(), found.to_vtt(), found.to_txt(), found.to_csv(), found.to_json()]
    for text in (*written, found._repr_html_()):
        text.encode()
    found.columns()


def check(found: object) -> None:
    """Check what a reader of files gives: it must be usable by all that comes after."""
    if isinstance(found, Segments):
        assert np.isfinite(found.start).all()
        assert (found.start <= found.end).all()
        assert (found.end <= 2 * MAX_TIME_S).all()
        found.normalised().to_rttm()
    elif isinstance(found, Transcript):
        check_transcript(found)


def read_journal(lines: bytes) -> None:
    """Read a journal and tell what it lacks."""
    story = Story.told(lines)
    check_transcript(Transcript(story.segments, story.missing(100, [(0, 100)])))


def _file_parser(name: str, file: Path) -> Parser:
    reader, text = LABELS[name]
    valid = text.encode()

    def read(data: bytes) -> None:
        file.write_bytes(data)
        check(reader(file))

    return Parser(name, lambda chance: mutated(valid, chance), read)


@contextmanager
def parsers(folder: Path) -> Iterator[list[Parser]]:
    """Give all parsers; files are written to a folder."""
    realtime, files = RealtimeFuzz(), audio_files()
    commands, lab_commands = CommandFuzz(COMMANDS, transcriber), CommandFuzz(LAB_COMMANDS, lab)
    clients = [json.dumps(event) for event in CLIENT_EVENTS]
    yield [
        *(_file_parser(name, folder / "labels") for name in LABELS),
        Parser("journal", lambda chance: mutated(JOURNAL, chance), read_journal, ()),
        Parser("answer", lambda chance: odd_document(TEXTS, chance), read_document, (ServerError,), 12),
        Parser("stream", make_stream, read_stream, (ServerError, httpx2.RequestError), 10),
        Parser("list", make_list, read_list, (ServerError,), 10),
        Parser("failure", make_failure, read_failure, (ServerError,), 10),
        Parser("realtime", realtime.make, realtime.read, (), 14),
        Parser("client", lambda chance: odd_document(clients, chance), read_client_event),
        Parser("typed", lambda chance: mutated(chance.choice(TYPED).encode(), chance), read_typed, weight=3),
        Parser(
            "audio", lambda chance: make_audio(files, chance), lambda data: Recording.load(io.BytesIO(data)), weight=3
        ),
        Parser("commands", commands.make, commands.read, (SpeachesError,), 5),
        Parser("lab", lab_commands.make, lab_commands.read, (SpeachesError,), 3),
    ]
