"""What carries messages and requests: a WebSocket, WebRTC or two queues in memory, and uploads over HTTP."""

from __future__ import annotations

from ipyspeaches.transports.base import MediaTransport, Transport, TransportClosed
from ipyspeaches.transports.memory import MemoryPeer, MemoryTransport, memory_pair
from ipyspeaches.transports.page import PageTransport
from ipyspeaches.transports.page_line import PageLine, page_gone
from ipyspeaches.transports.requests import RequestTransport
from ipyspeaches.transports.rtc_offer import RtcOffer
from ipyspeaches.transports.webrtc import WebRtcTransport
from ipyspeaches.transports.websocket import WebSocketTransport

__all__ = [
    "MediaTransport",
    "MemoryPeer",
    "MemoryTransport",
    "PageLine",
    "PageTransport",
    "RequestTransport",
    "RtcOffer",
    "Transport",
    "TransportClosed",
    "WebRtcTransport",
    "WebSocketTransport",
    "memory_pair",
    "page_gone",
]
