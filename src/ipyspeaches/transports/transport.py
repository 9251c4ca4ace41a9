"""What the protocol needs of whatever carries its messages."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ipyspeaches.errors import ServerError, StateError
from ipyspeaches.protocol.realtime.media import StreamAudio


class TransportClosed(Exception):  # noqa: N818 - the end of a connection is news, mostly, not an error
    """The connection has ended; what that means is for the protocol to say."""

    def __init__(self, code: int | None = None, reason: str = "", *, error: ServerError | None = None) -> None:
        super().__init__(f"The connection has ended (code {code}): open a new one.")
        self.code = code  # of the close frame from the other side, as is the reason; None if there was none
        self.reason = reason
        self.error = error  # what ended the connection, where the transport knows that for sure


def not_connected() -> StateError:
    """Return the error for using a connection that was never opened."""
    return StateError("The transport is not connected: await connect() first.")


class Transport(Protocol):
    """Carries messages, whole and in order, over one connection.

    Everything but `connect` and `close` raises `StateError` if the connection was never opened.
    """

    async def connect(self) -> None:
        """Open the connection; a `ServerError` says why it cannot be opened, and what to do."""

    async def send(self, message: bytes) -> None:
        """Send UTF-8 text; waits while the other side is behind. `TransportClosed` if the connection has ended."""

    async def receive(self) -> str | bytes:
        """Return the next message; `TransportClosed` if the connection has ended and every message was received."""
        ...

    async def close(self) -> None:
        """End the connection; does nothing if it has ended."""


class MediaTransport(Transport, Protocol):
    """Carries messages, and audio as a media stream beside them.

    `send` hands a message over and does not wait for it to go out. Messages and audio keep their order: a message
    leaves only when the audio that was handed over before it has had the time to arrive.
    """

    # The task that sends them, once there is a connection: with a fault in it, nothing goes out any more.
    writer: asyncio.Task[None] | None

    def send_audio(self, audio: StreamAudio) -> None:
        """Hand over audio; it goes out in real time."""

    async def drain(self, unsent_s: float) -> None:
        """Wait until at most so many seconds of audio have not gone out yet, or the connection has ended."""
