"""Forms of the HTTP endpoints: fields, checked, and uploaded audio files, decoded.

What is wrong with a field is said in FastAPI's ``{"detail": …}`` shape.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, cast

import numpy as np
import soundfile
from numpy.typing import NDArray
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from ipyspeaches.audio.clock import SESSION_RATE_HZ, Resampler
from ipyspeaches.audio.decoding import decode
from ipyspeaches.checks import MOST
from ipyspeaches.errors import AudioError
from ipyspeaches.local.dispatcher import BusyError
from ipyspeaches.terminal import one_line

MAX_UPLOAD_BYTES: Final = 1024**3
MAX_DURATION_S: Final = 2 * 3600
MAX_STALL_S: Final = 30.0
"""How long a client may take to send the next part of a body."""
RAW_TYPES: Final = frozenset({"audio/pcm", "audio/raw"})
RAW_RATE_HZ: Final = 16_000
_TRUE: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE: Final = frozenset({"0", "false", "f", "no", "n", "off"})


def limited(request: Request) -> Request:
    """Return the request so that a body that is too large, or stalls, raises a 413 or 408 ``HTTPException``."""
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        try:
            message = await asyncio.wait_for(request.receive(), MAX_STALL_S)
        except TimeoutError as exc:
            raise HTTPException(408, f"Nothing came for {MAX_STALL_S:.0f} s. Send the file again.") from exc
        received_bytes += len(message.get("body", b""))
        if received_bytes > MAX_UPLOAD_BYTES:
            raise HTTPException(413, f"The upload is larger than {MAX_UPLOAD_BYTES // 1024**2} MiB. Send it in parts.")
        return message

    return Request(request.scope, receive)


class FormReader:
    """Reads the fields of a form and gathers what is wrong with them."""

    def __init__(self, form: FormData) -> None:
        self._form = form
        self._problems: list[dict[str, Any]] = []

    def check(self) -> None:
        """Raise a 422 ``HTTPException`` if anything was wrong."""
        if self._problems:
            raise HTTPException(422, cast("Any", self._problems))  # any JSON will do

    def problem(self, kind: str, field: str, message: str, given: object, **context: object) -> None:
        """Note a problem with a field."""
        given = one_line(given) if isinstance(given, str) else given
        entry: dict[str, Any] = {"type": kind, "loc": ["body", field], "msg": message, "input": given}
        if context:
            entry["ctx"] = context
        self._problems.append(entry)

    def file(self, field: str = "file") -> UploadFile | None:
        """Return an upload that has to be there."""
        value = self._form.get(field)
        if isinstance(value, UploadFile):
            return value
        if value is None:
            self.problem("missing", field, "Field required", None)
        else:
            self.problem("value_error", field, f"Value error, Expected UploadFile, received: {type(value)}", value)
        return None

    def text(self, field: str) -> str | None:
        """Return a text field, or None if it is empty or not there."""
        value = self._form.get(field)
        return value if isinstance(value, str) and value else None

    def required_text(self, field: str) -> str:
        """Return a text field that has to be there."""
        value = self.text(field)
        if value is None:
            self.problem("missing", field, "Field required", None)
        return value or ""

    def choice(self, field: str, choices: Sequence[str], default: str) -> str:
        """Return a field that has to be one of these."""
        value = self.text(field)
        if value is None:
            return default
        self._check_choice(field, value, choices)
        return value

    def choices(self, field: str, choices: Sequence[str]) -> list[str]:
        """Return a repeated field, each of whose values has to be one of these."""
        values = [value for value in self._form.getlist(field) if isinstance(value, str)]
        for value in values:
            self._check_choice(field, value, choices)
        return values

    def _check_choice(self, field: str, value: str, choices: Sequence[str]) -> None:
        if value not in choices:
            quoted = [f"'{choice}'" for choice in choices]
            expected = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
            self.problem("literal_error", field, f"Input should be {expected}", value, expected=expected)

    def flag(self, field: str, *, default: bool = False) -> bool:
        """Return a boolean field."""
        value = (self.text(field) or str(default)).lower()
        if value not in _TRUE | _FALSE:
            message = "Input should be a valid boolean, unable to interpret input"
            self.problem("bool_parsing", field, message, value)
        return value in _TRUE

    def optional_number(self, field: str, most: float = MOST) -> float | None:
        """Return a number from 0 to ``most``, or None if it is not there."""
        return None if self.text(field) is None else self.number(field, 0.0, most)

    def number(self, field: str, default: float, most: float = MOST) -> float:
        """Return a number from 0 to ``most``."""
        given = self.text(field)
        if given is None:
            return default
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            message = "Input should be a valid number, unable to parse string as a number"
            self.problem("float_parsing", field, message, given)
            return default
        if value < 0:
            self.problem("greater_than_equal", field, "Input should be greater than or equal to 0", given, ge=0.0)
        elif value > most:
            self.problem("less_than_equal", field, f"Input should be less than or equal to {most:g}", given, le=most)
        else:
            return value
        return default


def refusal(busy: BusyError) -> HTTPException:
    """Return the answer of a server that takes no more work for now."""
    return HTTPException(503 if busy.closing else 429, str(busy), {"Retry-After": str(busy.retry_after_s)})


async def decode_upload(file: UploadFile) -> tuple[NDArray[np.int16], list[str]]:
    """Return the audio of an uploaded file, int16 mono at 24 kHz, and what was odd about the file, in ASCII.

    Any rate, sample format and number of channels that libsndfile reads (WAV, FLAC, Ogg, MP3, …); channels are
    averaged. ``audio/pcm`` and ``audio/raw`` are 16 kHz mono PCM16 without a header. It is a 415 (`HTTPException`) if
    there is no audio in it, or more than `MAX_DURATION_S`.
    """
    try:
        return await asyncio.to_thread(_decoded, file.file, file.content_type or "")
    except AudioError as exc:
        raise HTTPException(415, str(exc)) from exc


def _decoded(file: BinaryIO, content_type: str) -> tuple[NDArray[np.int16], list[str]]:
    if content_type.split(";")[0].strip().lower() in RAW_TYPES:
        data = file.read()
        samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16, copy=False)
        if not len(samples):
            raise AudioError("Failed to decode audio. The file holds no audio.")
        if len(samples) > MAX_DURATION_S * RAW_RATE_HZ:
            raise AudioError(f"The recording is longer than {MAX_DURATION_S // 3600} hours. Send it in parts.")
        return Resampler(RAW_RATE_HZ).resample(samples, last=True), []
    try:
        samples, _, notes, _ = decode(file, MAX_DURATION_S, SESSION_RATE_HZ)
        return samples, [note.encode("ascii", "replace").decode() for note in notes]
    except AudioError as exc:
        if isinstance(exc.__cause__, soundfile.SoundFileError | TypeError):
            raise AudioError("Failed to decode audio. The provided file type is not supported.") from exc
        raise
