"""What carries messages and requests: a WebSocket, WebRTC, and uploads over HTTP."""
