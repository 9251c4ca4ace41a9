"""From a recording to its transcript, in one call."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.results import Transcript
from ipyspeaches.session.opening import SourceLike
from ipyspeaches.session.options import SessionKeywords
from ipyspeaches.session.session import Session


async def transcribe(
    audio: SourceLike | NDArray[Any], rate: int | None = None, **options: Unpack[SessionKeywords]
) -> Transcript:
    """Transcribe a recording.

    Parameters
    ----------
    audio
        A path, a `Recording`, a source, or an array (integer or floating, shape ``(n,)`` or ``(n, channels)``).
    rate
        Samples per second of an array.
    **options
        See `SessionOptions`; ``pace`` is 0 (as fast as the server takes it) unless given.

    Returns
    -------
    Transcript
        What was said.

    Raises
    ------
    AudioError
        If the sound cannot be used.
    ServerError
        If the server cannot be reached, refuses, or fails.
    """
    if isinstance(audio, np.ndarray):
        if rate is None:
            raise InputError("An array needs its sample rate: transcribe(array, rate=16000).")
        audio = Recording.from_array(audio, rate)
    options.setdefault("pace", 0)
    session = Session(audio, **options)
    async with session:
        await session.wait()
    return session.transcript
