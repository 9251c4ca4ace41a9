"""The realtime protocol over WebRTC, where the connection is the page's own.

    microphone ──► page ──audio, as a media stream──────────────────────► server
                    │ ▲───messages, over a data channel─────────────────► │
       audio, orders▼ │news, the server's messages
                   kernel   the protocol, the tables

The page passes messages on and understands none. It is asked to connect, and asks the server itself; where a key is
needed or the browser forbids that, the kernel asks in its place, so that no key ever enters the page.

The page's side of this is in `js/src/rtc/link.ts`; the shapes of orders and news are in `js/src/wire/messages.ts`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ipyspeaches.audio.clock import to_seconds
from ipyspeaches.errors import (
    ConnectionLostError,
    ServerError,
    ServerUnreachableError,
    Severity,
    SpeachesError,
    UdpBlockedError,
)
from ipyspeaches.protocol.protocol_events import Noticed
from ipyspeaches.protocol.realtime.media import StreamAudio
from ipyspeaches.transports.transport import TransportClosed, not_connected

if TYPE_CHECKING:
    from ipyspeaches.sources.microphones import BrowserMicrophone
    from ipyspeaches.transports.webrtc import RtcEndpoint

Order: TypeAlias = dict[str, Any]
News: TypeAlias = dict[str, Any]

PERMISSION_TIMEOUT_S: Final = 120.0
"""For the browser's question whether the page may use the microphone."""
OPEN_TIMEOUT_S: Final = 30.0
"""The page itself gives up after 10 s; its word may come late, while a cell holds up the notebook's messages."""
RELAY_S: Final = 0.04
"""Messages to the page come in this rhythm: more than 25 a second bunch up in the notebook server."""
_REALTIME: Final = 'transport="realtime"'


class PageLine:
    """Carries the orders and the news of one connection that a page has with a server.

    Messages of a notebook may overtake each other, and are held up while a cell runs: both ways are numbered.
    Everything but the constructor belongs to the engine's loop.
    """

    def __init__(self, link_id: int, post: Callable[[Order], None]) -> None:
        self.link_id = link_id  # tells this connection from the page's earlier ones
        self.used = False  # whether a connection was ever asked for
        self._post = post  # sends an order to the page
        self._orders = 0
        self._early: dict[int, News] = {}
        self._expected = 0
        self._news: asyncio.Queue[News | SpeachesError] = asyncio.Queue()
        self._lost: SpeachesError | None = None

    def send_order(self, action: str, **content: Any) -> None:  # noqa: ANN401  whatever JSON can carry
        """Have the page do something; nothing happens if it has gone."""
        self.used = True
        if self._lost is None:
            self._post({"type": "peer", "action": action, "link_id": self.link_id, "seq": self._orders, **content})
            self._orders += 1

    def receive_news(self, news: News) -> None:
        """Sort in news as they came, in any order and perhaps of another connection."""
        if news.get("link_id") != self.link_id or int(news["seq"]) < self._expected:
            return
        self._early[int(news["seq"])] = news
        while (due := self._early.pop(self._expected, None)) is not None:
            self._expected += 1
            self._news.put_nowait(due)

    def lose(self, error: SpeachesError) -> None:
        """Note that the page has gone, or its microphone has: no more news will come."""
        if self._lost is None:
            self._lost = error
            self._news.put_nowait(error)

    async def next_news(self) -> News:
        """Return the next news, in their order; behind the last, a `SpeachesError` says why there will be none."""
        news = await self._news.get()
        if isinstance(news, SpeachesError):
            self._news.put_nowait(news)  # for whoever asks again
            raise news
        return news


class PageTransport:
    """Carries the realtime protocol's messages through a page, which sends the audio by itself.

    The page's microphone leaves out what the server does not get.
    """

    def __init__(
        self,
        line: PageLine,
        microphone: BrowserMicrophone,
        endpoint: RtcEndpoint,
        on_obstacle: Callable[[Noticed], None],
    ) -> None:
        self._line = line
        self._microphone = microphone
        self._endpoint = endpoint  # where the server is asked for a connection
        self._on_obstacle = on_obstacle  # called with what kept the page from asking the server itself
        # Called with seconds of silence that the page sends when its microphone pauses: they are in no recording.
        self.on_silence: Callable[[float], None] = lambda _seconds: None
        self._from_s = 0.0  # where the session begins, on the page's capture clock
        self._received: deque[str] = deque()
        self._to_send: deque[bytes | float] = deque()  # messages, and seconds to wait between them
        self._handed_over = asyncio.Event()
        self.writer: asyncio.Task[None] | None = None
        self._replies: dict[str, deque[asyncio.Future[News | None]]] = {"cleared": deque(), "echo": deque()}
        self._ended = False

    def __repr__(self) -> str:
        return f"PageTransport({self._endpoint.address!r})"

    async def connect(self) -> None:
        """Have the page open the connection; it waits for the microphone's permission first.

        Raises
        ------
        ServerError
            Why it cannot be opened, and what to do.
        MicrophoneError
            If the page may not use its microphone.
        """
        self._line.send_order("open", url=None if self._endpoint.needs_key else self._endpoint.url)
        try:
            await self._wait_until_open()
        except BaseException:
            self._line.send_order("close")
            raise
        self.writer = asyncio.create_task(self._write())

    async def _wait_until_open(self) -> None:
        address, limit_s = self._endpoint.address, PERMISSION_TIMEOUT_S
        while True:
            try:
                news = await asyncio.wait_for(self._line.next_news(), limit_s)
            except TimeoutError:
                raise ServerUnreachableError(
                    f"The page did not open its connection within {limit_s:.0f} s: answer the browser's question "
                    "about the microphone, interrupt any cell that is running, and press Record again."
                ) from None
            limit_s = OPEN_TIMEOUT_S
            match news["news"]:
                case "offer":
                    if (reason := news.get("blocked")) is not None:
                        self._on_obstacle(_obstacle(reason, str(news.get("origin")), address))
                    self._line.send_order("answer", sdp=await self._endpoint.exchange(str(news["sdp"])))
                case "open":
                    # Nobody sends the server what was captured before: here, too, the session begins now.
                    self._from_s = float(news["from_s"])
                    self._microphone.skip(self._from_s)
                    return
                case "failed":
                    raise _failure(news, address)

    async def send(self, message: bytes) -> None:
        """Hand over a message; it leaves behind the waits that were handed over before."""
        self._check_connected()
        if self._ended:
            raise TransportClosed
        self._hand_over(message)

    def send_audio(self, audio: StreamAudio) -> None:
        """Wait as long as padding lasts before the next message leaves; all other audio goes by itself."""
        if audio.padding:
            self._hand_over(to_seconds(len(audio.samples)))

    async def drain(self, unsent_s: float) -> None:
        """Return at once: no audio waits here."""

    async def receive(self) -> str:
        """Return the next message of the channel, as it is wrapped."""
        self._check_connected()
        while not self._received:
            try:
                news = await self._line.next_news()
            except SpeachesError as exc:
                self._end()
                raise TransportClosed(error=exc if isinstance(exc, ServerError) else None) from exc
            self._receive_news(news)
        return self._received.popleft()

    def _receive_news(self, news: News) -> None:
        match news["news"]:
            case "messages":
                self._received.extend(news["messages"])
            case "silent":
                self.on_silence(float(news["seconds"]))
            case "cleared" | "echo":
                waiting = self._replies[news["news"]]
                if waiting and not (reply := waiting.popleft()).done():
                    reply.set_result(news)
            case "closed":
                self._end()
                raise TransportClosed(reason=str(news.get("detail", "")))

    async def clear(self, message: bytes, silent_until_s: float) -> float | None:
        """Send a clear, unless the page has captured speech since; return when it was sent, in session seconds.

        Up to ``silent_until_s``, in session seconds, there is silence for sure.
        """
        self._line.send_order("clear", message=message.decode(), heard_s=self._from_s + silent_until_s)
        news = await self._reply("cleared")
        return None if news is None or not news["done"] else float(news["at_s"]) - self._from_s

    async def caught_up(self) -> bool:
        """Wait until all that the page has sent so far is here; False if the connection has ended.

        While a cell holds up the notebook's messages, that takes as long as the cell does.
        """
        self._line.send_order("echo")
        return await self._reply("echo") is not None

    async def close(self) -> None:
        """Have the page close the connection; what has not gone out is dropped."""
        self._end()
        if self.writer is not None:
            self.writer.cancel()
            await asyncio.gather(self.writer, return_exceptions=True)
        self._line.send_order("close")

    def _hand_over(self, entry: bytes | float) -> None:
        self._to_send.append(entry)
        self._handed_over.set()

    async def _write(self) -> None:
        """Pass messages on together, but for those with a wait between them."""
        while True:
            await self._handed_over.wait()
            self._handed_over.clear()
            batch: list[bytes] = []
            while self._to_send:
                entry = self._to_send.popleft()
                if isinstance(entry, bytes):
                    batch.append(entry)
                else:
                    self._pass_on(batch)
                    await asyncio.sleep(entry)
            self._pass_on(batch)
            await asyncio.sleep(RELAY_S)

    def _pass_on(self, batch: list[bytes]) -> None:
        if batch:
            self._line.send_order("send", messages=[message.decode() for message in batch])
            batch.clear()

    def _reply(self, kind: str) -> asyncio.Future[News | None]:
        """Return the page's next reply of a kind, None if the connection ends before."""
        reply: asyncio.Future[News | None] = asyncio.get_running_loop().create_future()
        if self._ended:
            reply.set_result(None)
        else:
            self._replies[kind].append(reply)
        return reply

    def _end(self) -> None:
        self._ended = True
        for waiting in self._replies.values():
            while waiting:
                if not (reply := waiting.popleft()).done():
                    reply.set_result(None)

    def _check_connected(self) -> None:
        if self.writer is None:
            raise not_connected()


class PageGoneError(ConnectionLostError):
    """The page that was connected with the server has gone, and its microphone with it."""

    severity = Severity.FATAL


def page_gone() -> PageGoneError:
    """Return the error for a page that was closed or reloaded while it was connected with the server."""
    return PageGoneError(
        "The page that sent the audio to the server was closed or reloaded, which ended its connection: press Record "
        f"to continue. What was recorded is kept. (With {_REALTIME}, a recording survives a reload.)"
    )


def _failure(news: News, address: str) -> SpeachesError:
    """Return the error for a connection that the page could not open."""
    import httpx2

    from ipyspeaches.transports.webrtc import offer_refused

    detail = str(news.get("detail", ""))
    match news.get("kind"):
        case "ice":
            return UdpBlockedError(
                f"{address} accepted the WebRTC offer, but no UDP packets get through between it and this browser: let "
                "UDP through the firewall or VPN, publish the container's ports if the server runs in one, or use "
                f"{_REALTIME}, which sends the audio through the kernel over TCP."
            )
        case "refused":
            refused = httpx2.Response(int(news.get("status") or 0), content=detail.encode())
            return offer_refused(refused, address, key_given=False)
        case "unsupported":
            return ServerUnreachableError(
                f"This browser or notebook editor does not support WebRTC: use {_REALTIME}, or open the notebook in "
                "JupyterLab."
            )
        case "microphone":
            return ConnectionLostError(
                "The microphone was closed before the page had connected to the server: press Record again."
            )
    return ServerError(
        f"The browser could not connect to {address} over WebRTC ({detail or 'it gave no reason'}): try again, or "
        f"use {_REALTIME}."
    )


def _obstacle(reason: str, origin: str, address: str) -> Noticed:
    """Return what kept a page from asking the server itself; the kernel has asked in its place."""
    if reason == "cors":
        cure = (
            f"{address} does not accept requests from pages at {origin} (CORS): start Speaches with "
            f"ALLOW_ORIGINS='[\"{origin}\"]'."
        )
    elif reason == "mixed_content":
        cure = (
            f"This page came over https, so the browser does not let it contact {address}: serve that over https too, "
            "or open the notebook at http://localhost."
        )
    else:
        cure = (
            f"This browser cannot reach {address}, only the kernel can: give server= an address that works on both "
            "computers."
        )
    return Noticed(f"rtc_{reason}", f"{cure} The kernel asked on its behalf.")
