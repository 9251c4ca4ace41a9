"""What a session is told: where, what, and who cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypedDict

from ipyspeaches.errors import InputError
from ipyspeaches.session.events import SessionEvent
from ipyspeaches.session.recognition import Recognition, Route
from ipyspeaches.session.turn_detection import TurnDetection


class SessionKeywords(TypedDict, total=False):
    """The keywords of `Session`, `transcribe` and `Transcriber`; see `SessionOptions`, `Recognition` and `Route`."""

    server: str | None
    api_key: str | None
    model: str | None
    language: str | None
    task: str
    prompt: str | None
    hotwords: str | None
    temperature: float | None
    transport: str
    chunk_s: float | None
    interim_s: float | None
    turn_detection: TurnDetection | None
    pace: float | None
    on_event: Callable[[SessionEvent], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """Where speech goes and how it is cut. `of` makes them from flat keywords.

    Parameters
    ----------
    server
        Base address of a Speaches server, such as ``"http://host:8000"``; None for ``$SPEACHES_BASE_URL``, and the
        embedded server where that is not set.
    api_key
        The server's key; None for ``$SPEACHES_API_KEY``. It is never shown.
    recognition
        What the recogniser is told: model, language, …
    route
        By which way: transport, …
    turn_detection
        Who cuts utterances; None for `TurnDetection.client` with Silero.
    pace
        For recordings: speed as a multiple of real time, 0 for as fast as the server takes it (over WebRTC: twice
        real time, which is what its stream may hurry). None: real time.
    on_event
        Called with each session event, on the engine's thread; it must not wait.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    server: str | None = None
    api_key: str | None = field(default=None, repr=False)
    recognition: Recognition = field(default_factory=Recognition)
    route: Route = field(default_factory=Route)
    turn_detection: TurnDetection | None = None
    pace: float | None = None
    on_event: Callable[[SessionEvent], None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.turn_detection is not None and not isinstance(self.turn_detection, TurnDetection):
            raise InputError(
                f"turn_detection is {self.turn_detection!r}: use TurnDetection.client(…) or TurnDetection.server(…)."
            )
        if self.route.by_requests and self.turn_detection is not None and not self.turn_detection.client_cuts:
            raise InputError(
                f'With transport="{self.transport}" nobody but this side can cut: use TurnDetection.client(…), or '
                'transport="realtime".'
            )
        if self.recognition.task == "translate" and self.transport != "chunked":
            raise InputError(f'transport="{self.transport}" cannot translate: use transport="chunked" with it.')

    @property
    def model(self) -> str | None:
        """The model, as it was named."""
        return self.recognition.model

    @property
    def language(self) -> str | None:
        """The language's code."""
        return self.recognition.language

    @property
    def transport(self) -> str:
        """By which way speech goes."""
        return self.route.transport

    @classmethod
    def of(cls, keywords: dict[str, Any]) -> SessionOptions:
        """Return the options for flat keywords, refusing unknown ones by name.

        Raises
        ------
        InputError
            If a keyword is unknown or its value cannot be used.
        """
        known = {*_OWN, *_RECOGNITION, *_ROUTE}
        unknown = sorted(set(keywords) - known)
        if unknown:
            raise InputError(f"Unknown option {', '.join(unknown)}: the options are {', '.join(sorted(known))}.")
        return cls(
            recognition=Recognition(**_of_group(keywords, _RECOGNITION)),
            route=Route(**_of_group(keywords, _ROUTE)),
            **_of_group(keywords, _OWN),
        )


_RECOGNITION: Final = frozenset(one.name for one in fields(Recognition))
_ROUTE: Final = frozenset(one.name for one in fields(Route))
_OWN: Final = frozenset(one.name for one in fields(SessionOptions)) - {"recognition", "route"}


def _of_group(keywords: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if name in names}
