"""What a page can take away: the transcript in the usual formats, the sound."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from ipyspeaches.audio.decoding import write_audio
from ipyspeaches.errors import InputError
from ipyspeaches.session import Session

MEDIA_TYPES: Final[dict[str, str]] = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "json": "application/json",
    "csv": "text/csv",
    "wav": "audio/wav",
}


def export(session: Session, form: str) -> tuple[str, bytes]:
    """Return a session in a format: its media type, and the file's content.

    Raises
    ------
    InputError
        If the format is none of `MEDIA_TYPES`.
    StateError
        If nothing was recorded yet.
    """
    transcript = session.transcript
    texts: dict[str, Callable[[], str | None]] = {
        "srt": transcript.to_srt,
        "vtt": transcript.to_vtt,
        "txt": transcript.to_txt,
        "json": transcript.to_json,
        "csv": transcript.to_csv,
    }
    if form == "wav":
        recording = session.recording
        file = io.BytesIO()
        write_audio(file, recording.samples, recording.rate)
        return MEDIA_TYPES[form], file.getvalue()
    if form not in texts:
        raise InputError(f"There is no format {form!r}: choose one of {', '.join(MEDIA_TYPES)}.")
    return MEDIA_TYPES[form], (texts[form]() or "").encode()
