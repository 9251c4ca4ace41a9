"""The seam between the protocol and whatever carries its messages."""

from __future__ import annotations

from typing import Protocol

from ipyspeaches.errors import ServerError
from ipyspeaches.protocol import Sound

ABNORMAL_CLOSURE = 1006
"""The code for a connection that ended without a close frame (RFC 6455, section 7.4.1)."""


class TransportClosed(Exception):  # noqa: N818 - the end of a connection is news, mostly, not an error
    """The connection has ended; what that means is for the protocol to say.

    Parameters
    ----------
    code
        Of the close frame; 1006 if there was none.
    reason
        Of the close frame.
    close_frame
        Whether a close frame came from the other side.
    error
        What ended it, where the transport knows that for sure.
    """

    def __init__(
        self, code: int | None, reason: str = "", *, close_frame: bool, error: ServerError | None = None
    ) -> None:
        super().__init__(f"The connection has ended (code {code}): open a new one.")
        self.code = code
        self.reason = reason
        self.close_frame = close_frame
        self.error = error


class Transport(Protocol):
    """Carries messages, whole and in order, over one connection."""

    async def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        ServerError
            If there is no connection to be had; the message says why and what to do.
        """

    async def send(self, message: bytes) -> None:
        """Send UTF-8 text; waits while the other side takes nothing.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        """

    async def receive(self) -> str | bytes:
        """Return the next message.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was taken.
        """
        ...

    async def close(self) -> None:
        """End the connection; does nothing if it has ended."""


class MediaTransport(Transport, Protocol):
    """Carries messages, and sound as a media stream beside them.

    `send` hands a message over and does not wait for it to go out. Messages and sound keep their order: a message
    leaves only when the sound that was handed over before it has had the time to arrive.
    """

    def play(self, sound: Sound) -> None:
        """Hand over sound; it goes out in real time."""

    async def drained(self, seconds: float) -> None:
        """Wait until at most so many seconds of sound have not gone out yet, or the connection has ended."""
