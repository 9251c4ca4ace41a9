"""What every widget has between itself and its pages: messages and traits out, commands in, each with its reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import anywidget

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import text
from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.widget.page_messages import failure_message

LOCALE: Final = text("a code such as 'zh-CN', or none: ''")
MAX_PLAYED_S: Final = 120.0
"""The longest audio that a page gets at once."""

_STATIC: Final = Path(__file__).parent.parent / "static"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command gives back besides success."""

    data: Mapping[str, Any] = field(default_factory=dict)
    buffers: Sequence[bytes] = ()


Command: TypeAlias = Callable[[dict[str, Any]], Awaitable[Reply | None]]


class Bridge:
    """The way from a widget that is open to all its pages; callable from any thread."""

    def __init__(self, widget: anywidget.AnyWidget) -> None:
        self._widget = widget
        # ipykernel 7.4 sends a comm's messages to the shell from which this comm last sent, which is the main shell as
        # soon as a cell sets a trait; then audio waits for the cell. The name is private: where it is missing, messages
        # go where the page asked for anyway.
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = lambda _data, default: default  # noqa: SLF001

    def send(self, content: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message to every page."""
        self._widget.send(content, list(buffers))

    def show(self, traits: Mapping[str, Any]) -> None:
        """Set several traits in one message."""
        with self._widget.hold_sync():
            for name, value in traits.items():
                setattr(self._widget, name, value)

    def shown(self, trait: str) -> Any:  # noqa: ANN401  as various as traits are
        """Return what a trait shows now."""
        return getattr(self._widget, trait)

    async def obey(self, content: dict[str, Any], commands: Mapping[str, Command]) -> None:
        """Do what a message of type ``command`` asks for, and reply; errors in words."""
        failure: dict[str, Any] | None = None
        reply: Reply | None = None
        name = content.get("name")
        try:
            args = content.get("args", {})
            if not isinstance(args, dict):
                raise InputError(f"The command {name!r:.40} came without its arguments: reload the page.")
            command = commands.get(str(name))
            if command is None:
                raise InputError(f"This kernel does not know the command {name!r:.40}: reload the page.")
            reply = await command({**args, "client_id": content.get("client_id")})
        except SpeachesError as exc:
            failure = failure_message(exc)
        except Exception as exc:  # noqa: BLE001  a command without a reply would leave the page waiting
            failure = failure_message(SpeachesError(f"The kernel failed to do {name!r} ({type(exc).__name__}: {exc})."))
        reply = reply or Reply()
        self.send({"type": "reply", "id": content.get("id"), "error": failure, "data": reply.data}, reply.buffers)


def audio_reply(recording: Recording, args: Mapping[str, Any]) -> Reply:
    """Return int16 audio from ``start_s`` to ``end_s``, for playing it."""
    start_s, end_s = float(args["start_s"]), float(args["end_s"])
    part = recording.slice(start_s, min(end_s, start_s + MAX_PLAYED_S))
    return Reply({"start_s": start_s, "rate": part.rate}, [part.samples.astype("<i2").tobytes()])


def front_end(name: str) -> Path | str:
    """Return the path of a bundle; empty where it was not built."""
    path = _STATIC / name
    return path if path.exists() else ""


def check_front_end(esm: object) -> None:
    """Refuse, with an `InputError`, to make a widget whose front end was not built."""
    if not esm:
        raise InputError("The widget's front end is missing: in a source checkout run `make build` once.")
