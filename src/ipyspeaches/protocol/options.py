"""What a realtime session is asked to be: frozen values, checked once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.media import Media

NEVER_CUT: Final = 1.0
"""A threshold that no speech probability exceeds: the server's VAD stays silent and the client may commit."""


@dataclass(frozen=True, slots=True)
class ServerTurnDetection:
    """``turn_detection`` as it goes over the wire, always as a whole: servers ignore incomplete objects in silence.

    Parameters
    ----------
    threshold
        Speech probability from 0 to 1.
    silence_duration_ms
        Silence that ends an utterance.
    prefix_padding_ms
        Audio kept before the onset; Speaches keeps it at 0, whatever it is asked. None for what suits the server.
    create_response
        Whether the server answers with a language model; a transcription session never does.

    Raises
    ------
    InputError
        If the threshold is outside 0 to 1 or a duration is negative.
    """

    threshold: float = 0.9
    silence_duration_ms: int = 550
    prefix_padding_ms: int | None = None
    create_response: bool = False

    def __post_init__(self) -> None:
        # Speaches ignores a threshold out of range without a word, so it must not get that far.
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}: give a probability from 0 to 1.")
        for name in ("silence_duration_ms", "prefix_padding_ms"):
            if (getattr(self, name) or 0) < 0:
                raise InputError(f"{name} is {getattr(self, name)}: give milliseconds from 0 up.")

    def to_wire(self, *, threshold: float | None = None) -> dict[str, Any]:
        """Return the complete ``turn_detection`` object, with another threshold if one is given."""
        return {
            "type": "server_vad",
            "threshold": self.threshold if threshold is None else threshold,
            "silence_duration_ms": self.silence_duration_ms,
            "prefix_padding_ms": self.prefix_padding_ms or 0,
            "create_response": self.create_response,
        }


@dataclass(frozen=True, slots=True)
class Hints:
    """What may help a recogniser, where its endpoint has a place for it.

    Parameters
    ----------
    prompt
        Text that could have come before.
    hotwords
        Words to listen for.
    temperature
        0 for the likeliest words, up to 1 for more variety.
    """

    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None

    def given_besides(self, names: Collection[str]) -> tuple[str, ...]:
        """Return the names of the hints that are given and not among ``names``."""
        given = (one.name for one in fields(self) if getattr(self, one.name) is not None)
        return tuple(name for name in given if name not in names)


@dataclass(frozen=True, slots=True)
class RealtimeOptions:
    """What a realtime session is asked to be.

    Parameters
    ----------
    model
        Recognition model; None leaves the choice to the server.
    language
        ISO 639-1 code; None lets the model find out.
    turn_detection
        The server's VAD. With ``client_cuts`` its threshold is sent as `NEVER_CUT`.
    client_cuts
        Whether this side commits the utterances.
    media
        How sound travels beside the messages; None sends it in messages.
    hints
        What else the recogniser is told, as far as the server takes it.
    model_in_address
        Whether the connection's address names the model; see `takes_model`.
    """

    model: str | None = None
    language: str | None = None
    turn_detection: ServerTurnDetection = field(default_factory=ServerTurnDetection)
    client_cuts: bool = True
    media: Media | None = None
    hints: Hints = field(default_factory=Hints)
    model_in_address: bool = True

    def query(self) -> dict[str, str]:
        """Return the query of the connection's address; without ``intent`` the server would open a chat."""
        query = {"intent": "transcription"}
        if not self.model_in_address:
            return query
        if self.model is not None:
            query = {"model": self.model, **query}
        if self.language:
            query["language"] = self.language
        return query
