"""Who cuts speech into utterances: this side, or the server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ipyspeaches.protocol import ServerTurnDetection
from ipyspeaches.vad import Detector, GateOptions, SileroVad


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

    @classmethod
    def client(
        cls, detector: Detector | None = None, *, pre_roll_ms: float = 300, hangover_ms: float = 300
    ) -> TurnDetection:
        """Cut here, with ``detector`` (Silero if None), and send only speech.

        The default: onsets are not clipped, silence costs the server nothing, and the threshold that one sees is the
        one that counts.
        """
        return cls(detector or SileroVad(), GateOptions(pre_roll_ms, hangover_ms))

    @classmethod
    def server(
        cls, threshold: float = 0.9, silence_duration_ms: int = 550, *, detector: Detector | None = None
    ) -> TurnDetection:
        """Let the server cut; ``detector`` is drawn beside it (Silero with the same numbers if None)."""
        options = ServerTurnDetection(threshold, silence_duration_ms)
        shown = detector or SileroVad(threshold=threshold, min_silence_duration_ms=silence_duration_ms)
        return cls(shown, GateOptions(), options)

    @property
    def client_cuts(self) -> bool:
        """Whether this side cuts."""
        return self.server_vad is None

    def with_detector(self, detector: Detector) -> TurnDetection:
        """Return the same choice with another detector."""
        return replace(self, detector=detector)

    def describe(self) -> dict[str, Any]:
        """Return the choice in plain values, for widgets and logs."""
        shown: dict[str, Any] = {
            "kind": "client" if self.client_cuts else "server",
            "detector": self.detector.describe(),
        }
        if self.server_vad is not None:
            shown["threshold"] = self.server_vad.threshold
            shown["silence_duration_ms"] = self.server_vad.silence_duration_ms
        return shown
