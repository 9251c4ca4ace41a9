"""What carries the realtime protocol's messages: a WebSocket, or two queues in memory."""

from __future__ import annotations

from ipyspeaches.transports.base import Transport, TransportClosed
from ipyspeaches.transports.memory import MemoryPeer, MemoryTransport, memory_pair
from ipyspeaches.transports.websocket import WebSocketTransport

__all__ = [
    "MemoryPeer",
    "MemoryTransport",
    "Transport",
    "TransportClosed",
    "WebSocketTransport",
    "memory_pair",
]
