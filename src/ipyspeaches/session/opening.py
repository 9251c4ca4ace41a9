"""What may be given as a source, and the source that is meant."""

from __future__ import annotations

import os
from pathlib import Path

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.sources import KernelMicrophone, RecordedSource, Source

SourceLike = Source | Recording | str | os.PathLike[str]


def open_source(source: SourceLike, pace: float | None) -> Source:
    """Return the source that is meant: ``"kernel"``, a path, a `Recording`, or a source itself.

    Raises
    ------
    InputError
        If it is none of these.
    AudioError
        If the file cannot be read.
    """
    speed = 1.0 if pace is None else pace
    if isinstance(source, Recording):
        return RecordedSource(source, speed)
    if isinstance(source, str) and source == "kernel":
        return KernelMicrophone()
    if isinstance(source, str) and source == "browser":
        raise InputError('source="browser" needs the Transcriber widget: use "kernel" or a file in a plain session.')
    if isinstance(source, (str, os.PathLike)):
        return RecordedSource(Recording.load(source), speed, Path(source).name)
    if not hasattr(source, "blocks"):
        raise InputError(f'{type(source).__name__} is no source: give a path, a Recording, "kernel", or a Source.')
    return source
