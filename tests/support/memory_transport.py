"""A connection within the process: it keeps order, waits and ends as a socket does."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from websockets.frames import CloseCode

from ipyspeaches.errors import ServerError
from ipyspeaches.transports.transport import TransportClosed, not_connected

_CAPACITY: Final = 256


class _Direction:
    """Messages on their way to one side, and then the end of the connection.

    A sender waits while ``_CAPACITY`` messages have not been received, as it would on a socket; what was sent before
    the end can still be received.
    """

    def __init__(self) -> None:
        self._messages: deque[str | bytes] = deque()
        self._changed = asyncio.Condition()
        self._end: tuple[int | None, str] | None = None

    async def send(self, message: str | bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._end is not None or len(self._messages) < _CAPACITY)
            if self._end is not None:
                raise TransportClosed(*self._end)
            self._messages.append(message)
            self._changed.notify_all()

    async def receive(self) -> str | bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._end is not None or bool(self._messages))
            if self._end is not None and not self._messages:
                raise TransportClosed(*self._end)
            message = self._messages.popleft()
            self._changed.notify_all()
            return message

    async def close(self, code: int | None, reason: str) -> None:
        async with self._changed:
            self._end = self._end or (code, reason)
            self._changed.notify_all()


class MemoryTransport:
    """The client's end of a pair; made by `memory_pair`."""

    def __init__(self, outward: _Direction, inward: _Direction, peer: MemoryPeer) -> None:
        self._outward = outward
        self._inward = inward
        self._peer = peer
        self._connected = False

    async def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        ServerError
            The peer's `MemoryPeer.refusal`, if it has one.
        """
        if self._peer.refusal is not None:
            raise self._peer.refusal
        self._connected = True
        self._peer.connected.set()

    async def send(self, message: bytes) -> None:
        """Send UTF-8 text; waits while the peer is behind."""
        self._check_connected()
        await self._outward.send(message.decode())

    async def receive(self) -> str | bytes:
        """Return the peer's next message."""
        self._check_connected()
        return await self._inward.receive()

    async def close(self) -> None:
        """Close the connection in good order."""
        await self._peer.close()

    def _check_connected(self) -> None:
        if not self._connected:
            raise not_connected()


class MemoryPeer:
    """The server's end of a pair; made by `memory_pair`.

    Attributes
    ----------
    connected
        Set when the client has connected.
    refusal
        Error that the client's ``connect`` raises; None accepts it.
    """

    def __init__(self, outward: _Direction, inward: _Direction) -> None:
        self.connected = asyncio.Event()
        self.refusal: ServerError | None = None
        self._outward = outward
        self._inward = inward

    async def send(self, message: str | bytes) -> None:
        """Send a message to the client; waits while it is behind.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        """
        await self._outward.send(message)

    async def receive(self) -> str | bytes:
        """Return the client's next message.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was received.
        """
        return await self._inward.receive()

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection with a close frame."""
        await self._close(code, reason)

    async def abort(self) -> None:
        """End the connection without a close frame, as a server does that crashes."""
        await self._close(None, "")

    async def _close(self, code: int | None, reason: str) -> None:
        await self._outward.close(code, reason)
        await self._inward.close(code, reason)


def memory_pair() -> tuple[MemoryTransport, MemoryPeer]:
    """Return the two ends of a connection within the process."""
    to_server, to_client = _Direction(), _Direction()
    peer = MemoryPeer(to_client, to_server)
    return MemoryTransport(to_server, to_client, peer), peer
