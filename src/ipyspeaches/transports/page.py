"""The realtime protocol over WebRTC, where the connection is the page's own.

    microphone ──► page ──sound, as a media stream──────────────────────► server
                    │ ▲───messages, over a data channel─────────────────► │
       sound, orders▼ │news, the server's messages
                   kernel   the protocol, the tables

The page passes messages on and understands none. It is asked to connect, and asks the server itself; where a key is
needed or the browser forbids that, the kernel asks in its place, so that no key ever enters the page.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ipyspeaches.audio import to_seconds
from ipyspeaches.errors import ServerError, ServerUnreachableError, SpeachesError, StateError
from ipyspeaches.protocol import Noticed, Sound
from ipyspeaches.transports.base import TransportClosed
from ipyspeaches.transports.page_refusals import explain_failure, explain_obstacle
from ipyspeaches.transports.rtc_offer import RtcOffer

if TYPE_CHECKING:
    from ipyspeaches.sources import BrowserMicrophone
    from ipyspeaches.transports.page_line import News, PageLine

PERMISSION_TIMEOUT_S: Final = 120.0
"""For the browser's question whether the page may use the microphone."""
OPEN_TIMEOUT_S: Final = 30.0
"""The page itself gives up after 10 s; its word may come late, while a cell holds up the notebook's messages."""
RELAY_S: Final = 0.04
"""Messages to the page come in this rhythm: more than 25 a second bunch up in the notebook server."""


class PageTransport:
    """Carries the realtime protocol's messages through a page, which sends the sound by itself.

    Parameters
    ----------
    line
        To the page.
    microphone
        The page's; it leaves out what the server does not hear.
    offer
        How to ask the server.
    on_obstacle
        Called with what kept the page from asking the server itself.

    Attributes
    ----------
    on_silence
        Called with seconds of silence that the page sends when its microphone pauses: they are in no recording.
    """

    def __init__(
        self,
        line: PageLine,
        microphone: BrowserMicrophone,
        offer: RtcOffer,
        on_obstacle: Callable[[Noticed], None],
    ) -> None:
        self._line = line
        self._microphone = microphone
        self._offer = offer
        self._on_obstacle = on_obstacle
        self.on_silence: Callable[[float], None] = lambda _seconds: None
        self._from_s = 0.0  # where the session begins, on the page's capture clock
        self._messages: deque[str] = deque()
        self._outward: deque[bytes | float] = deque()
        self._handed_over = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._answers: dict[str, deque[asyncio.Future[News | None]]] = {"cleared": deque(), "echo": deque()}
        self._ended = False

    def __repr__(self) -> str:
        return f"PageTransport({self._offer.address!r})"

    async def connect(self) -> None:
        """Have the page open the connection; it waits for the microphone's permission first.

        Raises
        ------
        ServerError
            If there is no connection to be had; the message says why and what to do.
        MicrophoneError
            If the page may not use its microphone.
        """
        self._line.order("open", url=None if self._offer.needs_key else self._offer.url)
        try:
            await self._opened()
        except BaseException:
            self._line.order("close")
            raise
        self._writer = asyncio.create_task(self._write())

    async def _opened(self) -> None:
        limit_s = PERMISSION_TIMEOUT_S
        while True:
            try:
                news = await asyncio.wait_for(self._line.next(), limit_s)
            except TimeoutError:
                raise ServerUnreachableError(
                    f"The page did not open its connection within {limit_s:.0f} s: answer the browser's question for "
                    "the microphone, interrupt a cell that is running, and press Record again."
                ) from None
            limit_s = OPEN_TIMEOUT_S
            match news["news"]:
                case "offer":
                    if (reason := news.get("blocked")) is not None:
                        self._on_obstacle(explain_obstacle(reason, str(news.get("origin")), self._offer.address))
                    self._line.order("answer", sdp=await self._offer.exchange(str(news["sdp"])))
                case "open":
                    # Nobody sends the server what was captured before: here, too, the session begins now.
                    self._from_s = float(news["from_s"])
                    self._microphone.skip(self._from_s)
                    return
                case "failed":
                    raise explain_failure(news, self._offer.address)

    async def send(self, message: bytes) -> None:
        """Hand over a message; it leaves behind the waits that were handed over before.

        Raises
        ------
        TransportClosed
            If the connection has ended.
        StateError
            If it was never opened.
        """
        self._check_connected()
        if self._ended:
            raise TransportClosed(None, close_frame=False)
        self._hand_over(message)

    def play(self, sound: Sound) -> None:
        """Wait as long as padding lasts before the next message leaves; all other sound goes by itself."""
        if sound.padding:
            self._hand_over(to_seconds(len(sound.samples)))

    async def drained(self, seconds: float) -> None:
        """Return at once: sound waits for nobody here."""

    async def receive(self) -> str:
        """Return the next message of the channel, as it is wrapped.

        Raises
        ------
        TransportClosed
            If the connection has ended and every message was taken.
        StateError
            If it was never opened.
        """
        self._check_connected()
        while not self._messages:
            try:
                news = await self._line.next()
            except SpeachesError as exc:
                self._end()
                error = exc if isinstance(exc, ServerError) else None
                raise TransportClosed(None, close_frame=False, error=error) from exc
            self._take(news)
        return self._messages.popleft()

    def _take(self, news: News) -> None:
        match news["news"]:
            case "messages":
                self._messages.extend(news["messages"])
            case "silent":
                self.on_silence(float(news["seconds"]))
            case "cleared" | "echo":
                waiting = self._answers[news["news"]]
                if waiting and not (answer := waiting.popleft()).done():
                    answer.set_result(news)
            case "closed":
                self._end()
                raise TransportClosed(None, str(news.get("detail", "")), close_frame=False)

    async def clear(self, message: bytes, heard_s: float) -> float | None:
        """Send a clear, unless the page has heard something since; return when it was sent, in session seconds.

        Parameters
        ----------
        message
            The clear.
        heard_s
            Up to where silence was heard, in session seconds.
        """
        self._line.order("clear", message=message.decode(), heard_s=self._from_s + heard_s)
        news = await self._answer("cleared")
        return None if news is None or not news["done"] else float(news["at_s"]) - self._from_s

    async def caught_up(self) -> bool:
        """Wait until all that the page has sent so far is here; False if the connection has ended.

        While a cell holds up the notebook's messages, that takes as long as the cell does.
        """
        self._line.order("echo")
        return await self._answer("echo") is not None

    async def close(self) -> None:
        """Let the page end the connection; what has not gone out is dropped."""
        self._end()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        self._line.order("close")

    def _hand_over(self, entry: bytes | float) -> None:
        self._outward.append(entry)
        self._handed_over.set()

    async def _write(self) -> None:
        """Pass messages on together, but for those with a wait between them."""
        while True:
            await self._handed_over.wait()
            self._handed_over.clear()
            batch: list[bytes] = []
            while self._outward:
                entry = self._outward.popleft()
                if isinstance(entry, bytes):
                    batch.append(entry)
                else:
                    self._pass_on(batch)
                    await asyncio.sleep(entry)
            self._pass_on(batch)
            await asyncio.sleep(RELAY_S)

    def _pass_on(self, batch: list[bytes]) -> None:
        if batch:
            self._line.order("send", messages=[message.decode() for message in batch])
            batch.clear()

    def _answer(self, kind: str) -> asyncio.Future[News | None]:
        """Return the page's next answer of a kind, None if the connection ends before."""
        answer: asyncio.Future[News | None] = asyncio.get_running_loop().create_future()
        if self._ended:
            answer.set_result(None)
        else:
            self._answers[kind].append(answer)
        return answer

    def _end(self) -> None:
        self._ended = True
        for waiting in self._answers.values():
            while waiting:
                if not (answer := waiting.popleft()).done():
                    answer.set_result(None)

    def _check_connected(self) -> None:
        if self._writer is None:
            raise StateError("The transport is not connected: await connect() first.")
