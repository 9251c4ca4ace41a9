"""What carries messages and requests: a WebSocket, WebRTC or two queues in memory, and uploads over HTTP."""

from __future__ import annotations

from ipyspeaches.transports.base import MediaTransport, Transport, TransportClosed
from ipyspeaches.transports.memory import MemoryPeer, MemoryTransport, memory_pair
from ipyspeaches.transports.requests import RequestTransport
from ipyspeaches.transports.webrtc import WebRtcTransport
from ipyspeaches.transports.websocket import WebSocketTransport

__all__ = [
    "MediaTransport",
    "MemoryPeer",
    "MemoryTransport",
    "RequestTransport",
    "Transport",
    "TransportClosed",
    "WebRtcTransport",
    "WebSocketTransport",
    "memory_pair",
]
