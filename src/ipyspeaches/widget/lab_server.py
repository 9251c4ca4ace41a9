"""The server's own opinion on where speech is, beside the lab's detectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ipyspeaches.audio.recording import Recording
from ipyspeaches.server import Server
from ipyspeaches.session import SessionKeywords, SessionOptions
from ipyspeaches.session.destination import resolve
from ipyspeaches.vad import Detector, Segments, SileroVad

DEFAULT_THRESHOLD: Final = 0.75
"""What the server takes where no probability is given."""


@dataclass(frozen=True, slots=True)
class ServerVerdict:
    """What a server answered.

    Parameters
    ----------
    segments
        Where it hears speech.
    threshold
        The probability that it was asked with.
    min_silence_duration_ms
        The silence that it was asked to cut at.
    """

    segments: Segments
    threshold: float
    min_silence_duration_ms: int


async def ask_server(recording: Recording, detector: Detector, keywords: SessionKeywords) -> ServerVerdict:
    """Ask the server of a session where it hears speech.

    Parameters
    ----------
    recording
        What to listen to; it is sent as a whole.
    detector
        Whose numbers to ask with: the threshold where it is Silero's, as the server's is, and the silence always,
        because the server's default of 1,000 ms merges sentences.
    keywords
        Server and key.

    Raises
    ------
    ServerError
        If the server cannot be reached, refuses, or fails.
    MissingExtraError
        If the embedded server is needed and not installed.
    """
    destination = await resolve(SessionOptions.of(dict(keywords)))
    threshold = float(detector.threshold) if isinstance(detector, SileroVad) else DEFAULT_THRESHOLD
    silence_ms = round(detector.min_silence_duration_ms)
    found = await Server(destination.url, destination.api_key).speech_timestamps(
        recording, threshold=threshold, min_silence_duration_ms=silence_ms
    )
    # The server's last frame may reach beyond the recording.
    return ServerVerdict(found.normalised(recording.duration), threshold, silence_ms)
