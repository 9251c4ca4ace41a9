"""A recording that is heard as a microphone is: audio that nobody else has."""

from __future__ import annotations

from ipyspeaches.sources.source import RecordedSource


class LiveRecording(RecordedSource):
    """Play a recording, as fast as it is taken unless ``pace`` is given, and call it live."""

    kind = "kernel"
    live = True
