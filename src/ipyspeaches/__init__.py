"""Live speech recognition for notebooks.

The public names, each imported when it is first used: ``import ipyspeaches as sp`` costs nothing that it does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording
    from ipyspeaches.errors import (
        AudioError,
        ConnectionLostError,
        InputError,
        MicrophoneError,
        MissingExtraError,
        ModelNotFoundError,
        NotSpeachesError,
        ProtocolError,
        ServerAuthError,
        ServerError,
        ServerUnreachableError,
        SpeachesError,
        StateError,
    )
    from ipyspeaches.local import LocalServer
    from ipyspeaches.results import Comparison, Segment, Transcript, Word, cer, wer
    from ipyspeaches.server import Server
    from ipyspeaches.server.presets import presets
    from ipyspeaches.session import Session, TurnDetection, allow_nested_loops, events, run
    from ipyspeaches.session.comparing import compare
    from ipyspeaches.session.transcribe import transcribe
    from ipyspeaches.vad import (
        AdaptiveEnergyVad,
        Between,
        EnergyVad,
        Labels,
        RmsVad,
        Segments,
        SileroVad,
        WebRtcVad,
        evaluate,
        mix,
        noise_bench,
        precision_recall_curve,
        roc_curve,
        sweep,
    )
    from ipyspeaches.widget import Transcriber, VadLab

_ROOMS = {
    "ipyspeaches.audio.recording": ("Recording",),
    "ipyspeaches.errors": (
        "AudioError",
        "ConnectionLostError",
        "InputError",
        "MicrophoneError",
        "MissingExtraError",
        "ModelNotFoundError",
        "NotSpeachesError",
        "ProtocolError",
        "ServerAuthError",
        "ServerError",
        "ServerUnreachableError",
        "SpeachesError",
        "StateError",
    ),
    "ipyspeaches.local": ("LocalServer",),
    "ipyspeaches.results": (
        "Comparison",
        "Segment",
        "Transcript",
        "Word",
        "cer",
        "wer",
    ),
    "ipyspeaches.server": ("Server",),
    "ipyspeaches.server.presets": ("presets",),
    "ipyspeaches.session": (
        "Session",
        "TurnDetection",
        "allow_nested_loops",
        "events",
        "run",
    ),
    "ipyspeaches.session.comparing": ("compare",),
    "ipyspeaches.session.transcribe": ("transcribe",),
    "ipyspeaches.vad": (
        "AdaptiveEnergyVad",
        "Between",
        "EnergyVad",
        "Labels",
        "RmsVad",
        "Segments",
        "SileroVad",
        "WebRtcVad",
        "evaluate",
        "mix",
        "noise_bench",
        "precision_recall_curve",
        "roc_curve",
        "sweep",
    ),
    "ipyspeaches.widget": ("Transcriber", "VadLab"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AdaptiveEnergyVad",
    "AudioError",
    "Between",
    "Comparison",
    "ConnectionLostError",
    "EnergyVad",
    "InputError",
    "Labels",
    "LocalServer",
    "MicrophoneError",
    "MissingExtraError",
    "ModelNotFoundError",
    "NotSpeachesError",
    "ProtocolError",
    "Recording",
    "RmsVad",
    "Segment",
    "Segments",
    "Server",
    "ServerAuthError",
    "ServerError",
    "ServerUnreachableError",
    "Session",
    "SileroVad",
    "SpeachesError",
    "StateError",
    "Transcriber",
    "Transcript",
    "TurnDetection",
    "VadLab",
    "WebRtcVad",
    "Word",
    "allow_nested_loops",
    "cer",
    "compare",
    "evaluate",
    "events",
    "mix",
    "noise_bench",
    "precision_recall_curve",
    "presets",
    "roc_curve",
    "run",
    "sweep",
    "transcribe",
    "wer",
]


if not TYPE_CHECKING:
    # Hidden from type checkers, to which it would mean that every name is there.

    def __getattr__(name: str) -> object:
        try:
            room = _ROOM_OF[name]
        except KeyError:
            raise AttributeError(f"module 'ipyspeaches' has no attribute {name!r}") from None
        value = globals()[name] = getattr(import_module(room), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
