"""What a session is told: where speech goes and by which way, what the recogniser is asked for, and who cuts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, TypedDict

from ipyspeaches.checks import as_path, as_word, check_fields, instance, number, one_of, shown, text
from ipyspeaches.errors import InputError
from ipyspeaches.protocol.address import EMBEDDED, EXAMPLE, normalise_base_url
from ipyspeaches.protocol.api_key import hidden, hidden_address, read_key
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from ipyspeaches.session.events import SessionEvent
from ipyspeaches.sources.source import PACE
from ipyspeaches.vad.detectors import Detector, SileroVad
from ipyspeaches.vad.gate import GateOptions

TRANSPORTS: Final = ("realtime", "chunked", "sse", "webrtc")
REQUESTS: Final = frozenset({"chunked", "sse"})
"""Transports that send each utterance as a request of its own."""
DETECTOR: Final = instance(Detector, "a detector such as SileroVad() or EnergyVad(threshold=500)")
_CHUNK_S: Final = number(1, 30, "from 1 to 30 seconds")
_INTERIM_S: Final = number(0.2, cure="0.2 seconds or more, or None")
_GIVE_UP_S: Final = number(0, cure="seconds from 0 up, or None")
_MAX_SESSION_S: Final = number(10, cure="10 seconds or more, or None")
USUAL_SESSION_S: Final = 1800.0
"""After so long, Speaches ends a session, without a word."""


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """Who cuts; made by `TurnDetection.client` or `TurnDetection.server`.

    Attributes
    ----------
    detector
        Cuts the utterances (client), or is only drawn beside the server's verdict (server).
    gate
        What is sent around speech when this side cuts.
    server_vad
        The server's options when the server cuts; None when this side does.
    """

    detector: Detector = field(default_factory=SileroVad)
    gate: GateOptions = field(default_factory=GateOptions)
    server_vad: ServerTurnDetection | None = None

    def __post_init__(self) -> None:
        check_fields(self, detector=DETECTOR, gate=instance(GateOptions, "GateOptions(…)"))

    @classmethod
    def client(
        cls, detector: Detector | None = None, *, pre_roll_ms: float = 300, hangover_ms: float = 300
    ) -> TurnDetection:
        """Cut here, with ``detector`` (Silero if None), and send only speech.

        The default: onsets are not clipped, silence costs the server nothing, and the threshold that one sees is the
        one that counts.
        """
        return cls(SileroVad() if detector is None else detector, GateOptions(pre_roll_ms, hangover_ms))

    @classmethod
    def server(
        cls, threshold: float = 0.9, silence_duration_ms: int = 550, *, detector: Detector | None = None
    ) -> TurnDetection:
        """Let the server cut; ``detector`` is drawn beside it (Silero with the same numbers if None)."""
        options = ServerTurnDetection(threshold, silence_duration_ms)
        if detector is None:
            detector = SileroVad(threshold=threshold, min_silence_duration_ms=silence_duration_ms)
        return cls(detector, GateOptions(), options)

    @property
    def client_cuts(self) -> bool:
        """Whether this side cuts."""
        return self.server_vad is None

    def with_detector(self, detector: Detector) -> TurnDetection:
        """Return the same choice with another detector."""
        return replace(self, detector=detector)


TURN_DETECTION: Final = instance(TurnDetection, "TurnDetection.client(…) or TurnDetection.server(…)")


@dataclass(frozen=True, slots=True)
class Route:
    """By which way speech goes to the recogniser and text comes back.

    It is an `InputError` if a value cannot be used.

    Parameters
    ----------
    transport
        ``"realtime"``: OpenAI-Realtime events over a WebSocket. ``"chunked"``: a request an utterance. ``"sse"``: the
        same, with text as it is recognised. ``"webrtc"``: audio as a media stream, events over a data channel.
    chunk_s
        For ``"chunked"`` and ``"sse"``: cut every so many seconds instead of where the detector hears an end. Where
        somebody speaks at a cut, windows overlap by a second and a half, and the words there are told once; windows in
        which the detector hears nobody are not sent.
    interim_s
        For servers that send no text of an unfinished utterance: ask for it over HTTP, at most this often, and less
        often where the server is slow. `events.Partial` says how much of it is settled. None: never.
    give_up_s
        How many seconds without a connection end a session whose server has gone; until then it is tried again and
        again to have one, and then what has no text is sent once more. None: a minute for a recording, never for live
        audio. 0: a connection that is lost ends the session.
    max_session_s
        After how many seconds the server ends a session: another one takes over before that, at a pause if there is
        one. None: half an hour, as Speaches does, or what is learned of a server that ends them earlier.
    """

    transport: str = "realtime"
    chunk_s: float | None = None
    interim_s: float | None = None
    give_up_s: float | None = None
    max_session_s: float | None = None

    def __post_init__(self) -> None:
        check_fields(self, transport=one_of(TRANSPORTS), chunk_s=_CHUNK_S, interim_s=_INTERIM_S, give_up_s=_GIVE_UP_S)
        check_fields(self, max_session_s=_MAX_SESSION_S)
        if self.chunk_s is not None and not self.by_requests:
            raise InputError('chunk_s cuts requests: give it with transport="chunked" or "sse", or leave it out.')

    @property
    def by_requests(self) -> bool:
        """Whether each utterance is a request of its own, so that nobody but this side can cut."""
        return self.transport in REQUESTS

    @property
    def session_s(self) -> float | None:
        """After how many seconds the server ends a session, as far as that is known; None where there is none."""
        return None if self.by_requests else self.max_session_s or USUAL_SESSION_S


class SessionKeywords(TypedDict, total=False):
    """The keywords of `Session`, `transcribe` and `Transcriber`.

    `SessionOptions`, `RecognitionOptions` and `Route` say what they mean.
    """

    server: str | Sequence[str] | None
    api_key: str | None
    model: str | None
    language: str | None
    task: str
    prompt: str | None
    hotwords: str | Sequence[str] | None
    temperature: float | None
    script: str | None
    transport: str
    chunk_s: float | None
    interim_s: float | None
    give_up_s: float | None
    max_session_s: float | None
    turn_detection: TurnDetection | None
    pace: float | None
    auto_download: bool
    journal: bool | str | os.PathLike[str] | None
    on_event: Callable[[SessionEvent], None] | None


def hide_key(keywords: SessionKeywords) -> None:
    """Put the key, and what may hold or be one, into keywords as what the traceback of a refusal does not show."""
    for name in keywords.keys() - SessionKeywords.__annotations__.keys():  # misspelt: refused by its name
        keywords[name] = None  # type: ignore[literal-required]
    if "server" in keywords:
        given = keywords["server"]
        if isinstance(given, list | tuple):
            keywords["server"] = list(map(hidden_address, given))
        else:
            keywords["server"] = hidden_address(given)
    if "api_key" in keywords:
        keywords["api_key"] = hidden(keywords["api_key"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """Where speech goes and how it is cut. `of` makes them from flat keywords.

    It is an `InputError` if a value cannot be used.

    Parameters
    ----------
    server
        Base address of a Speaches server, such as ``"http://host:8000"``, or ``"embedded"`` for the embedded one; None
        for ``$SPEACHES_BASE_URL``, and the embedded one where that is not set. Of a list, the first one that answers is
        used; where it is lost, the next one goes on (first those that fewer sessions of this process use), until the
        first has been well for a while.
    api_key
        The server's key; None for ``$SPEACHES_API_KEY``, if that is meant for this server. It is never shown.
    recognition
        What the recogniser is asked for: model, language, …
    route
        By which way: transport, …
    turn_detection
        Who cuts utterances; None for `TurnDetection.client` with Silero.
    pace
        For recordings: speed as a multiple of real time, 0 for as fast as the server takes it (over WebRTC: twice
        real time, which is what its stream may hurry). None: real time.
    auto_download
        Whether the embedded server's model may be downloaded where this machine has none but PocketSphinx, or not the
        one that was named. Otherwise nothing is.
    journal
        Where the session is written to disk while it runs, so that nothing is lost if the kernel dies; see
        `recordings`. True: what is heard live, in the default place (``$IPYSPEACHES_JOURNAL``, which may also be
        ``off``), where the oldest are removed after a week. A folder: whatever is heard, and for good. None: nowhere.
    on_event
        Called with each session event, on the engine's thread; it must not wait.
    """

    server: str | None = None
    api_key: str | None = field(default=None, repr=False)
    recognition: RecognitionOptions = field(default_factory=RecognitionOptions)
    route: Route = field(default_factory=Route)
    turn_detection: TurnDetection | None = None
    pace: float | None = None
    auto_download: bool = False
    journal: bool | str | os.PathLike[str] | None = True
    on_event: Callable[[SessionEvent], None] | None = field(default=None, repr=False)
    others: tuple[str, ...] = ()  # servers that go on where that one is lost

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", read_key(self.api_key))
        check_fields(
            self,
            server=text(f"an address such as {EXAMPLE}, or None"),
            turn_detection=TURN_DETECTION,
            pace=PACE,
            auto_download=instance(bool, "True or False"),
            journal=_journal,
            on_event=instance(Callable, "a function of one argument"),
        )
        object.__setattr__(self, "server", as_word(self.server, EMBEDDED) or self.server)
        object.__setattr__(self, "others", tuple(as_word(one, EMBEDDED) or one for one in self.others))
        for server in (self.server, *self.others):
            if server and server != EMBEDDED:
                normalise_base_url(server)  # what has a password in it is refused before anything shows it
        transport = self.route.transport
        if self.turn_detection is not None:
            asked = replace(self.recognition, server_vad=self.turn_detection.server_vad)
            object.__setattr__(self, "recognition", asked)
        if self.route.by_requests and not self.recognition.client_cuts:
            raise InputError(
                f'With transport="{transport}" nobody but this side can cut: use TurnDetection.client(…), or '
                'transport="realtime".'
            )
        if self.recognition.translates and transport != "chunked":
            raise InputError(f'transport="{transport}" cannot translate: use transport="chunked" with it.')
        if self.recognition.translates and self.route.interim_s is not None:
            raise InputError("interim_s shows words as they are spoken, not their translation: leave it out.")

    @classmethod
    def of(cls, keywords: dict[str, Any]) -> SessionOptions:
        """Return the options for flat keywords, or raise an `InputError` that names what cannot be used."""
        known = {*_OWN, *_RECOGNITION, *_ROUTE}
        unknown = sorted(set(keywords) - known)
        if unknown:
            raise InputError(f"Unknown option {', '.join(unknown)}: the options are {', '.join(sorted(known))}.")
        return cls(
            recognition=RecognitionOptions(**_of_group(keywords, _RECOGNITION)),
            route=Route(**_of_group(keywords, _ROUTE)),
            **_servers(_of_group(keywords, _OWN)),
        )


def _servers(keywords: dict[str, Any]) -> dict[str, Any]:
    """Return keywords in which several servers are one, and the others."""
    servers = keywords.get("server")
    if not isinstance(servers, list | tuple):
        return keywords
    if not servers or not all(isinstance(one, str) and one for one in servers):
        raise InputError(f"server is a list of something else than addresses: give such as {EXAMPLE}.")
    return {**keywords, "server": servers[0], "others": tuple(servers[1:])}


def _journal(name: str, value: object) -> bool | Path | None:
    """Return the folder of a journal, True for the default one, or None."""
    if value is None or isinstance(value, bool):
        return value or None
    if isinstance(value, str | os.PathLike) and isinstance(path := os.fspath(value), str) and path:
        return as_path(path)
    raise InputError(f"{name} is {shown(value)}: give a folder, True for the default one, or None.")


_RECOGNITION: Final = frozenset(one.name for one in fields(RecognitionOptions)) - {"server_vad", "implied_script"}
_ROUTE: Final = frozenset(one.name for one in fields(Route))
_OWN: Final = frozenset(one.name for one in fields(SessionOptions)) - {"recognition", "route", "others"}


def _of_group(keywords: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if name in names}
