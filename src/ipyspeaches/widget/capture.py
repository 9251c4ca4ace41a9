"""Which page captures, and what it captures: orders to pages, and their answers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ipyspeaches.audio.audio_blocks import NumberedBlock
from ipyspeaches.errors import MicrophoneError, SpeachesError, StateError
from ipyspeaches.sources.microphones import BrowserMicrophone
from ipyspeaches.transports.page_webrtc import PageLine, page_gone
from ipyspeaches.widget.page_messages import PageMicrophoneError

SILENT_S = 2.0
"""A page that was to capture and sends nothing for so long has gone: blocks come every 40 ms."""


AHEAD_S: Final = 60.0
"""A page cannot have captured more than the time since it began; so much more is no matter."""


class PageCapture:
    """Orders one of the pages that show the widget to capture.

    Several pages may show the same widget, and each may be reloaded at any time. Only one may capture: the one that
    asked, else the one that came last.
    """

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self._pages: dict[str, None] = {}
        self._ids = itertools.count(1)
        self._id = 0
        self._client: str | None = None
        self._received_at_s = 0.0
        self._began_s = 0.0
        self._is_refused = False
        self._origin: int | None = None  # the frame at which the capture begins
        self._going = False
        self.microphone: BrowserMicrophone | None = None

    def hello(self, client_id: str | None) -> None:
        """Remember a page; the last that came is the one in front of which somebody sits."""
        if client_id is not None:
            self._pages.pop(client_id, None)
            self._pages[client_id] = None

    def bye(self, client_id: str | None) -> None:
        """Forget a page that is being closed."""
        if client_id is not None:
            self._pages.pop(client_id, None)
        if client_id == self._client:
            self._client = None
            self._lose_page()

    @property
    def capturing(self) -> str | None:
        """The page that captures, or would after a pause; None if it has gone, or audio comes from elsewhere."""
        if self.microphone is None or (self._going and time.monotonic() - self._received_at_s > SILENT_S):
            return None
        return self._client

    def open(self, microphone: BrowserMicrophone | None, client_id: str | None) -> None:
        """Begin a capture for a new recording; without a microphone there is nothing to order."""
        self.microphone = microphone
        self._begin(client_id)
        if microphone is not None:
            microphone.line = PageLine(self._id, self._send_to_capturing)

    def pause(self) -> None:
        """Let the page pause."""
        self._going = False
        self._order("pause")

    def check_resume(self, client_id: str | None) -> None:
        """Return if a page may go on after a pause.

        It is a `StateError` if another page has the connection with the server, which cannot move.
        """
        if self._connected and client_id not in {None, self._client}:
            raise StateError("Another page of this notebook is connected to the server: continue there.")

    def resume(self, client_id: str | None = None) -> None:
        """Let a page go on: the one that asks, else the one that captured, else the one that came last."""
        wanted = client_id or (self._client if self._client in self._pages else self._last)
        if wanted == self._client:
            self._going = True
            self._received_at_s = time.monotonic()
            self._order("start")
        elif self.microphone is not None:
            self.microphone.restart()
            self._begin(wanted)

    def take_over(self, client_id: str | None) -> None:
        """Let a page go on with the capture of one that was closed or reloaded; what was missed is a gap.

        A `StateError` says that another page captures, or none; a `ConnectionLostError`, that the page's own connection
        with the server went with it: a new one would be a new session with the server, which could not be given what
        was said between.
        """
        if self.microphone is None:
            raise StateError("The audio does not come from a page: choose the browser's microphone and record again.")
        if self.capturing not in {None, client_id}:
            raise StateError("Another page of this notebook is recording: stop or continue it there.")
        if self._connected:
            self._lose_page()
            raise page_gone()
        self.microphone.restart(gap=True)
        self._begin(client_id)

    def close(self) -> None:
        """Let the page close its microphone."""
        self._going = False
        self._order("stop")

    def receive_audio(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Receive a block of audio; callable from any thread, must not wait."""
        if self.microphone is None or self._is_refused or content["capture_id"] != self._id:
            return  # the rest of an earlier capture
        data = bytes(buffers[0]) if buffers else b"?"
        sequence, first_frame, rate = (int(content[name]) for name in ("seq", "first_frame", "rate"))
        self._received_at_s = time.monotonic()
        if self._origin is None:
            self._origin = first_frame
        most_s = self._received_at_s - self._began_s + AHEAD_S
        end_s = (first_frame - self._origin + len(data) / 2) / rate
        if len(data) % 2 or end_s > most_s or sequence > most_s * 1000:
            self.refuse(content)
        else:
            samples = np.frombuffer(data, dtype="<i2").astype(np.int16)
            self.microphone.receive(NumberedBlock(sequence, first_frame, samples, rate))

    def refuse(self, content: Any) -> None:  # noqa: ANN401  whatever came
        """End the capture of a page that sends audio which can be none; what else is not understood is passed over."""
        is_audio = isinstance(content, dict) and content.get("type") == "audio"
        if self.microphone is None or not is_audio or content.get("capture_id", self._id) != self._id:
            return
        self.microphone.end(
            MicrophoneError(
                "The page sent audio that cannot be right: reload the page and press Record. What was recorded is kept."
            )
        )
        self.close()
        self._is_refused = True  # what it sends on would pile up

    def receive_peer(self, content: dict[str, Any]) -> None:
        """Receive what a page says about its own connection with the server."""
        if self._line is not None and content.get("client_id") == self._client:
            self._line.receive_news(content)

    def receive_state(self, content: dict[str, Any]) -> bool:
        """Receive what a page says about its microphone; return whether it has started."""
        microphone = self.microphone
        if microphone is None or content.get("capture_id") != self._id:
            return False
        if content["state"] == "started":
            self._received_at_s = time.monotonic()
            microphone.label = str(content.get("label") or microphone.label)
            return True
        if content["state"] == "failed":
            refused = _refused(str(content.get("error", "other")), str(content.get("detail", "")))
            microphone.end(refused)
            if self._line is not None:
                self._line.lose(refused)
        elif content.get("error"):
            microphone.end(
                MicrophoneError(
                    "The browser's microphone was disconnected: plug it in again and press Record. "
                    "What was recorded is kept."
                )
            )
        else:
            microphone.end()
        return False

    @property
    def _line(self) -> PageLine | None:
        return None if self.microphone is None else self.microphone.line

    @property
    def _connected(self) -> bool:
        return self._line is not None and self._line.used

    def _lose_page(self) -> None:
        if self._line is not None and self._line.used:
            self._line.lose(page_gone())

    def _send_to_capturing(self, order: dict[str, Any]) -> None:
        self._send(order if self._client is None else {**order, "client_id": self._client})

    @property
    def _last(self) -> str | None:
        return next(reversed(self._pages), None)

    def _begin(self, client_id: str | None) -> None:
        self._id = next(self._ids)
        self._client = client_id or self._last
        self._going = True
        self._began_s = self._received_at_s = time.monotonic()
        self._origin, self._is_refused = None, False
        self._order("start")

    def _order(self, action: str) -> None:
        if self.microphone is None:
            return
        order: dict[str, Any] = {"type": "capture", "action": action, "capture_id": self._id}
        if self._client is not None:
            order["client_id"] = self._client
        self._send(order)


# The page says the same, at more length: `problems` in js/src/i18n/en.ts.
_REFUSALS: dict[str, str] = {
    "denied": "The browser blocked the microphone: click the microphone icon in the address bar and choose “Allow”",
    "no-device": "The browser finds no microphone: plug one in or switch it on",
    "insecure": "This page is not allowed to use the microphone: open the notebook at an https or localhost address",
    "unsupported": "This editor gives widgets no access to the microphone: open the notebook in JupyterLab",
    "busy": "The microphone is in use: close the other program that uses it",
}


def _refused(kind: str, detail: str) -> SpeachesError:
    what = _REFUSALS.get(kind, "The microphone did not start: try again")
    return PageMicrophoneError(kind, f"{what}, or use the kernel's microphone or a file instead.", detail)
