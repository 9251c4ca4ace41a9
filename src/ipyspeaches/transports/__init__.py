"""What carries messages and requests: a WebSocket, WebRTC, and uploads over HTTP."""

from __future__ import annotations

from ipyspeaches.transports.http_requests import RequestTransport
from ipyspeaches.transports.page_webrtc import PageLine, PageTransport, page_gone
from ipyspeaches.transports.transport import MediaTransport, Transport, TransportClosed
from ipyspeaches.transports.webrtc import RtcEndpoint, WebRtcTransport
from ipyspeaches.transports.websocket import WebSocketTransport

__all__ = [
    "MediaTransport",
    "PageLine",
    "PageTransport",
    "RequestTransport",
    "RtcEndpoint",
    "Transport",
    "TransportClosed",
    "WebRtcTransport",
    "WebSocketTransport",
    "page_gone",
]
