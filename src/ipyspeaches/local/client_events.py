"""What a client of the realtime endpoint sends, checked."""

from __future__ import annotations

import binascii
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError


def parse_event(text: str) -> dict[str, Any]:
    """Return a client event.

    Raises
    ------
    InputError
        If the text is no JSON object with a ``type``.
    """
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InputError(f"The message is not JSON ({exc}): send each event as a JSON object.") from exc
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise InputError("The message is not an event: send a JSON object with a `type`.")
    return message


def decode_audio(audio: object) -> NDArray[np.int16]:
    """Return the samples (int16, 24 kHz) of an append's ``audio``.

    Raises
    ------
    InputError
        If it is not base64 of at least one PCM16 sample.
    """
    if not isinstance(audio, str):
        raise InputError("input_audio_buffer.append needs `audio`: base64 of 24 kHz mono PCM16.")
    try:
        data = binascii.a2b_base64(audio, strict_mode=True)
    except (binascii.Error, ValueError) as exc:
        raise InputError(f"`audio` is not base64 ({exc}); it was dropped.") from exc
    if not data:
        raise InputError("`audio` is empty: append at least one sample.")
    if len(data) % 2:
        raise InputError(f"`audio` holds {len(data)} bytes, but PCM16 has two for a sample; it was dropped.")
    return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)
