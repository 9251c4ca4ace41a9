"""A small hub of models over HTTP: files in ranges, and whatever else a hub may do to a download."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEAD = b"\x06\x00\x00\x00\x0c\x00WhisperSpec\x00\x03\x00\x00\x00"
"""How the weights of a Whisper model begin."""
FILES: Mapping[str, bytes] = {
    ".gitattributes": b"no file of the model",
    "config.json": b"{}",
    "tokenizer.json": b'{"tokens": []}',
    "vocabulary.txt": b"a\nb\n",
    "model.bin": HEAD + bytes(range(256)) * 4_000,
}
REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What a hub has, and how it behaves; each list says for the next requests for ``model.bin``."""

    url: str = ""
    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    status: int = 200
    """Of every answer, if it is not 200."""
    breaks_after: list[int] = field(default_factory=list)
    """Bytes of the weights after which the connection is cut."""
    hangs_at: int | None = None
    """The byte of the weights from which on nothing comes, and the connection stays."""
    silent: bool = False
    """Whether it answers nothing at all."""
    ranges: bool = True
    tells_sums: bool = True
    sent: Mapping[str, bytes] = field(default_factory=dict)
    """Files that are sent instead of those that were promised."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Paths and ranges, in order."""
    tokens: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    piece_s: float = 0
    """Seconds between two pieces of 64 kB."""

    def listing(self) -> dict[str, Any]:
        """Return what the hub says about a model."""
        files = []
        for name, content in self.files.items():
            about: dict[str, Any] = {"rfilename": name, "size": len(content)}
            if not self.tells_sums:
                pass
            elif name != "model.bin":
                about["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            else:
                about["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            files.append(about)
        return {"sha": REVISION, "siblings": files}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        hub = self.hub
        hub.asked.append((self.path, self.headers.get("Range")))
        hub.tokens.append(self.headers.get("Authorization"))
        if hub.silent:
            hub.released.wait(60)
            self.close_connection = True
        elif hub.status != 200:
            self._answer(hub.status, b"{}")
        elif self.path.startswith("/api/models/"):
            self._answer(200, json.dumps(hub.listing()).encode())
        else:
            with suppress(ConnectionError):  # a download that is stopped
                self._send_file(self.path.rpartition("/")[2])

    def _answer(self, status: int, content: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def _send_file(self, name: str) -> None:
        hub = self.hub
        content = hub.sent.get(name, hub.files[name])
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if hub.ranges else None
        start = int(found[1]) if found else 0
        rest = content[start:]
        self.send_response(206 if found else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        end = len(rest)
        if name == "model.bin" and hub.breaks_after:
            end = hub.breaks_after.pop(0)
        elif name == "model.bin" and hub.hangs_at is not None:
            end = max(0, hub.hangs_at - start)
        for at in range(0, min(end, len(rest)), 65_536):
            self.wfile.write(rest[at : min(at + 65_536, end)])
            self.wfile.flush()
            if hub.piece_s and hub.released.wait(hub.piece_s):
                break
        if end < len(rest):
            if hub.hangs_at is not None:
                hub.released.wait(60)
            self.close_connection = True


@contextmanager
def model_hub(**behaviour: Any) -> Iterator[Hub]:
    """Run a hub for the length of the block."""
    hub = Hub(**behaviour)
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield hub
        finally:
            hub.released.set()
            server.shutdown()
