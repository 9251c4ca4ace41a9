"""What of sources, servers and sessions can be seen from outside: traits, and files to take away."""

from __future__ import annotations

import io
import os
from typing import Any, Final
from urllib.parse import urlsplit

from ipyspeaches.audio.decoding import printable_name, write_audio
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, ServerError
from ipyspeaches.protocol.address import asked_address
from ipyspeaches.server.models import Overview
from ipyspeaches.session.opening import Destination, SourceLike
from ipyspeaches.session.options import SessionOptions, TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import ACTIVE, SessionState
from ipyspeaches.widget.page_messages import failure_message

LOCAL: Final = "local"
"""What the embedded server is called between kernel and page."""

MEDIA_TYPES: Final[dict[str, str]] = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "json": "application/json",
    "csv": "text/csv",
    "wav": "audio/wav",
}


def source_traits(source: SourceLike, label: str | None = None) -> dict[str, Any]:
    """Return the traits that show a source, or raise an `InputError` if it is none."""
    if isinstance(source, str) and source in {"browser", "kernel"}:
        return {"_source_kind": source, "_source_label": label or "", "_source_duration_s": 0.0}
    if isinstance(source, Recording):
        return {"_source_kind": "file", "_source_label": label or "", "_source_duration_s": source.duration}
    if isinstance(source, (str, os.PathLike)):
        return {"_source_kind": "file", "_source_label": label or printable_name(source), "_source_duration_s": 0.0}
    if not hasattr(source, "blocks"):
        raise InputError(
            f'{type(source).__name__} is not a source: give "browser", "kernel", a path, a Recording '
            "(Recording.from_array(array, rate) makes one of an array), or a Source."
        )
    duration_s = getattr(source, "duration_s", 0.0)
    return {"_source_kind": source.kind, "_source_label": label or source.label, "_source_duration_s": duration_s}


def turn_detection_traits(turn_detection: TurnDetection) -> dict[str, Any]:
    """Return the traits that show who cuts and, where the server does, its numbers, not confirmed yet."""
    server_vad = turn_detection.server_vad
    shown: dict[str, Any] = {"_detector": turn_detection.detector.describe()}
    shown["_turn_detection_kind"] = "client" if server_vad is None else "server"
    shown["_server_turn_detection"] = None
    if server_vad is not None:
        shown["_server_turn_detection"] = {
            "threshold": server_vad.threshold,
            "silence_duration_ms": server_vad.silence_duration_ms,
        }
    return shown


def server_traits(options: SessionOptions) -> dict[str, str]:
    """Return the traits that show a server that was not asked yet."""
    url = asked_address(options.server)
    return {
        "_server_label": _host(url) if url else LOCAL,
        "_server_url": options.server or "",
        "_server_state": "none",
    }


def session_traits(session: Session) -> dict[str, Any]:
    """Return the traits that follow a session."""
    shown: dict[str, Any] = {"state": session.state.value, "_server_state": _server_state(session)}
    if session.source.kind == "file":
        shown["_source_duration_s"] = getattr(session.source, "duration_s", 0.0)
    else:
        shown["_source_label"] = session.source.label
    if session.destination is not None:
        shown |= destination_traits(session.destination)
        shown["_model"] = session.model
    if session.error is not None:
        shown["_error"] = failure_message(session.error)
    return shown


def _server_state(session: Session) -> str:
    """Return how the server is: ready only while there is a connection; of one that failed, the kind of failure."""
    if session.state is SessionState.CONNECTING:
        return "connecting"
    if session.state in ACTIVE:
        return "ready" if session.connected else "reconnecting"
    if isinstance(session.error, ServerError):
        return str(failure_message(session.error)["kind"])
    return "none" if session.destination is None else "rested"


def destination_traits(destination: Destination) -> dict[str, Any]:
    """Return the traits that follow a server that answered."""
    return {
        "_server_label": LOCAL if destination.embedded else _host(destination.url),
        "_server_version": destination.info.version or "",
        "_model": destination.model,
        "_models": [model.id for model in destination.info.models if model.recognises],
    }


def overview_traits(overview: Overview, *, embedded: bool) -> dict[str, Any]:
    """Return the traits that follow what a server said it has; which model is used is no part of it."""
    return {
        "_server_label": LOCAL if embedded else _host(overview.url),
        "_server_version": overview.version or "",
        "_models": [model.id for model in overview.models if model.recognises],
        "_loaded_models": list(overview.running or ()),
    }


def export(session: Session, form: str) -> tuple[str, bytes]:
    """Return a session in one of `MEDIA_TYPES`: the media type, and the file's content.

    It is an `InputError` if it is none of them, a `StateError` if nothing was recorded yet.
    """
    if form not in MEDIA_TYPES:
        raise InputError(f"There is no format {form!r}: choose one of {', '.join(MEDIA_TYPES)}.")
    if form == "wav":
        recording = session.recording
        file = io.BytesIO()
        write_audio(file, recording.samples, recording.rate)
        return MEDIA_TYPES[form], file.getvalue()
    return MEDIA_TYPES[form], session.transcript.render(form).encode()


def _host(url: str) -> str:
    """Return host and port only: addresses may carry user names and keys."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or url
