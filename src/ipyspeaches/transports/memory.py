"""A connection within the process: the same order, waiting and ends as a socket, without one."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from ipyspeaches.errors import ServerError, StateError
from ipyspeaches.transports.base import ABNORMAL_CLOSURE, TransportClosed

_NORMAL_CLOSURE: Final = 1000
_CAPACITY: Final = 256


class _Wire:
    """Messages on their way to one side, and then the end of the connection.

    A sender waits while ``_CAPACITY`` messages wait to be taken, as it would on a socket; what was sent before the
    end can still be taken.
    """

    def __init__(self) -> None:
        self._messages: deque[str | bytes] = deque()
        self._changed = asyncio.Condition()
        self._end: tuple[int, str, bool] | None = None

    async def put(self, message: str | bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._end is not None or len(self._messages) < _CAPACITY)
            self._raise_if_ended()
            self._messages.append(message)
            self._changed.notify_all()

    async def take(self) -> str | bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._end is not None or bool(self._messages))
            if not self._messages:
                self._raise_if_ended()
            message = self._messages.popleft()
            self._changed.notify_all()
            return message

    async def end(self, code: int, reason: str, *, close_frame: bool) -> None:
        async with self._changed:
            if self._end is None:
                self._end = (code, reason, close_frame)
            self._changed.notify_all()

    def _raise_if_ended(self) -> None:
        if self._end is not None:
            code, reason, close_frame = self._end
            raise TransportClosed(code, reason, close_frame=close_frame)


class MemoryTransport:
    """The client's end of a pair; made by `memory_pair`."""

    def __init__(self, outward: _Wire, inward: _Wire, peer: MemoryPeer) -> None:
        self._outward = outward
        self._inward = inward
        self._peer = peer
        self._connected = False

    async def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        ServerError
            If the peer refuses, the error it was told to refuse with.
        """
        if self._peer.refusal is not None:
            raise self._peer.refusal
        self._connected = True
        self._peer.connected.set()

    async def send(self, message: bytes) -> None:
        """Send UTF-8 text; waits while the peer takes nothing.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        StateError
            If it was never opened.
        """
        self._check_connected()
        await self._outward.put(message.decode())

    async def receive(self) -> str | bytes:
        """Return the next message of the peer.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was taken.
        StateError
            If it was never opened.
        """
        self._check_connected()
        return await self._inward.take()

    async def close(self) -> None:
        """End the connection in good order."""
        await self._outward.end(_NORMAL_CLOSURE, "", close_frame=True)
        await self._inward.end(_NORMAL_CLOSURE, "", close_frame=True)

    def _check_connected(self) -> None:
        if not self._connected:
            raise StateError("The transport is not connected: await connect() first.")


class MemoryPeer:
    """The server's end of a pair; made by `memory_pair`.

    Attributes
    ----------
    connected
        Set when the client has connected.
    refusal
        Error that the client's ``connect`` raises; None accepts it.
    """

    def __init__(self, outward: _Wire, inward: _Wire) -> None:
        self.connected = asyncio.Event()
        self.refusal: ServerError | None = None
        self._outward = outward
        self._inward = inward

    async def send(self, message: str | bytes) -> None:
        """Send a message to the client; waits while it takes nothing.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        """
        await self._outward.put(message)

    async def receive(self) -> str | bytes:
        """Return the client's next message.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was taken.
        """
        return await self._inward.take()

    async def close(self, code: int = _NORMAL_CLOSURE, reason: str = "") -> None:
        """End the connection with a close frame."""
        await self._end(code, reason, close_frame=True)

    async def cut(self) -> None:
        """End the connection without a close frame, as a server does that crashes."""
        await self._end(ABNORMAL_CLOSURE, "", close_frame=False)

    async def _end(self, code: int, reason: str, *, close_frame: bool) -> None:
        await self._outward.end(code, reason, close_frame=close_frame)
        await self._inward.end(code, reason, close_frame=close_frame)


def memory_pair() -> tuple[MemoryTransport, MemoryPeer]:
    """Return the two ends of a connection within the process."""
    to_server, to_client = _Wire(), _Wire()
    peer = MemoryPeer(to_client, to_server)
    return MemoryTransport(to_server, to_client, peer), peer
