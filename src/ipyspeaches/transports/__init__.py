"""What carries messages and requests: a WebSocket or two queues in memory, and uploads over HTTP."""

from __future__ import annotations

from ipyspeaches.transports.base import Transport, TransportClosed
from ipyspeaches.transports.memory import MemoryPeer, MemoryTransport, memory_pair
from ipyspeaches.transports.requests import RequestTransport
from ipyspeaches.transports.websocket import WebSocketTransport

__all__ = [
    "MemoryPeer",
    "MemoryTransport",
    "RequestTransport",
    "Transport",
    "TransportClosed",
    "WebSocketTransport",
    "memory_pair",
]
