"""The realtime protocol over WebRTC: messages over a data channel, audio as a media stream.

    audio and messages, in the order in which they were handed over
        │
      writer ──audio──► AudioTrack ──Opus, in real time──►
        └──message, once the audio before it has gone out──► data channel

This is the one place that keeps a commit behind the audio that it is about. aiortc takes half a second to import: what
needs it is in `rtc_connection`, which only a connection imports.
"""

from __future__ import annotations

import asyncio
import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import httpx2

from ipyspeaches.audio.clock import to_seconds
from ipyspeaches.checks import shown_if_made
from ipyspeaches.errors import MissingExtraError, ProtocolError, ServerError
from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.protocol.api_key import read_key
from ipyspeaches.protocol.realtime.media import StreamAudio
from ipyspeaches.server.api import http_client, read_whole
from ipyspeaches.server.failures import answered, explain_status, explain_transport, tells_missing_model
from ipyspeaches.transports.transport import TransportClosed, not_connected
from ipyspeaches.transports.websocket import OPEN_TIMEOUT_S, realtime_path

if TYPE_CHECKING:
    from ipyspeaches.transports.rtc_connection import RtcConnection

CONNECT_TIMEOUT_S: Final = 10.0
"""For the two sides to find each other once the offer was answered; mostly it takes a tenth of a second."""
ARRIVAL_S: Final = 0.12
"""What a sent frame may take until it is decoded and in the server's buffer, where other work goes on, too. A message
that overtakes audio cuts the end off an utterance, so this errs on the side of a later text."""

_NO_WEBRTC: Final = frozenset({404, 405, 501})
_BAD_OFFER: Final = frozenset({400, 415, 500})
# At level DEBUG they log addresses and every message, and so what was said.
_LOGGERS: Final = ("aiortc", "aioice")
_LOOPBACK: Final = "127.0.0.1"


class WebRtcTransport:
    """Carries the realtime protocol's messages and the audio over WebRTC; needs the extra ``webrtc``.

    Audio goes out in real time, and at twice that while it is behind: a recording at ``pace=0`` takes half its length.
    """

    def __init__(self, endpoint: RtcEndpoint) -> None:
        self._endpoint = endpoint  # where the server is asked for a connection
        self._connection: RtcConnection | None = None
        self.writer: asyncio.Task[None] | None = None
        self._to_send: asyncio.Queue[bytes | StreamAudio] = asyncio.Queue()
        self._queued_samples = 0
        self._progressed = asyncio.Event()
        self._stopped = False  # nothing goes out any more

    @shown_if_made
    def __repr__(self) -> str:
        return f"WebRtcTransport({self._endpoint.address!r})"

    async def connect(self) -> None:
        """Open the connection; errors are those of `RtcEndpoint.exchange`.

        Besides, it is a `MissingExtraError` if aiortc is not installed, and a `ServerUnreachableError` if no UDP
        packets get through.
        """
        prepare_webrtc()
        from ipyspeaches.transports.rtc_connection import RtcConnection

        connection = RtcConnection()
        try:
            answer = await self._endpoint.exchange(await connection.offer())
            await connection.connect(answer, self._endpoint.address, CONNECT_TIMEOUT_S)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        self.writer = asyncio.create_task(self._write(connection))

    async def send(self, message: bytes) -> None:
        """Hand over a message; it leaves behind all audio that was handed over before."""
        if self._opened().ended:
            raise TransportClosed
        self._to_send.put_nowait(message)

    def send_audio(self, audio: StreamAudio) -> None:
        """Hand over audio; it goes out in real time."""
        if not self._opened().ended:
            self._queued_samples += len(audio.samples)
            self._to_send.put_nowait(audio)

    async def drain(self, unsent_s: float) -> None:
        """Wait until at most so many seconds of audio have not gone out yet, or the connection has ended."""
        connection = self._opened()
        while not connection.ended and not self._stopped and to_seconds(self._queued_samples) > unsent_s:
            self._progressed.clear()
            await self._progressed.wait()
        await connection.track.drain(max(unsent_s - to_seconds(self._queued_samples), 0))

    async def receive(self) -> str | bytes:
        """Return the next message of the channel, as it is wrapped."""
        return await self._opened().receive()

    async def close(self) -> None:
        """Close the connection; what has not gone out is dropped."""
        if self.writer is not None:
            self.writer.cancel()
            await asyncio.gather(self.writer, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()
        self._progressed.set()

    async def _write(self, connection: RtcConnection) -> None:
        """Keep the order: audio to the track at once, a message when the audio before it has arrived."""
        track, clock = connection.track, asyncio.get_running_loop().time
        try:
            while True:
                entry = await self._to_send.get()
                if isinstance(entry, StreamAudio):
                    track.append(entry.samples)
                    self._queued_samples -= len(entry.samples)
                    self._progressed.set()
                    continue
                await track.drain()
                await asyncio.sleep(max(0.0, track.last_at_s + ARRIVAL_S - clock()))
                connection.send(entry.decode())
        except TransportClosed:
            pass  # whoever receives learns of it
        finally:
            self._stopped = True
            self._progressed.set()

    def _opened(self) -> RtcConnection:
        if self._connection is None:
            raise not_connected()
        return self._connection


class RtcEndpoint:
    """Where a server takes offers of WebRTC connections: SDP over HTTP.

    The query is the address's; Speaches takes only the model from it, and ignores that. The key goes into the
    ``Authorization`` header and is shown nowhere. It is an `InputError` if the address cannot be one of a server.
    """

    def __init__(self, url: str, query: dict[str, str], api_key: str | None = None) -> None:
        self.address = normalise_base_url(url)
        self.url = f"{self.address}{realtime_path(query)}"
        self._api_key = read_key(api_key)

    @shown_if_made
    def __repr__(self) -> str:
        return f"RtcEndpoint({self.address!r})"

    @property
    def needs_key(self) -> bool:
        """Whether only somebody who has the key may send an offer."""
        return bool(self._api_key)

    async def exchange(self, offer: str) -> str:
        """Send an offer and return the server's answer, whatever it calls that (its content type is malformed).

        Raises
        ------
        ServerUnreachableError
            If nothing answers there in time.
        ServerAuthError
            If the server refuses the key.
        ProtocolError
            If the server has no WebRTC, or does not accept the offer.
        NotSpeachesError
            If something else answers.
        """
        headers = {"Content-Type": "application/sdp"}
        try:
            async with (
                http_client(self.address, self._api_key, httpx2.Timeout(OPEN_TIMEOUT_S)) as client,
                client.stream("POST", self.url, content=offer.encode(), headers=headers) as answer,
            ):
                response = await read_whole(answer, OPEN_TIMEOUT_S)
        except httpx2.TransportError as exc:
            response, error = None, explain_transport(exc, self.address, OPEN_TIMEOUT_S)
        if response is None:
            raise error  # outside, as in `HttpApi.send`
        if not response.is_success:
            raise offer_refused(response, self.address, key_given=self.needs_key)
        return response.text


def offer_refused(response: httpx2.Response, address: str, *, key_given: bool) -> ServerError:
    """Return the error for a server that answers an offer otherwise; ``address`` is fit to be shown."""
    status, said = response.status_code, answered(response)
    if status in _NO_WEBRTC and not tells_missing_model(response):
        return ProtocolError(
            f'{address} does not support WebRTC ({said}): use transport="realtime", or another server.'
        )
    if status in _BAD_OFFER:
        return ProtocolError(
            f'{address} rejected the WebRTC offer ({said}): see the server\'s log, or use transport="realtime".'
        )
    return explain_status(response, address, key_given=key_given)


def missing_webrtc() -> MissingExtraError | None:
    """Return the error to raise if WebRTC is not installed, with the pip line that cures it."""
    if find_spec("aiortc") is not None:
        return None
    return MissingExtraError("aiortc", "webrtc", "send speech over WebRTC")


def prepare_webrtc() -> None:
    """Make aiortc ready for either end of a connection, once or again; a `MissingExtraError` if it is not there."""
    missing = missing_webrtc()
    if missing is not None:
        raise missing
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)
    _offer_loopback_when_alone()


def _offer_loopback_when_alone() -> None:
    """Let a machine without any network talk to itself: aioice leaves the loopback address out, and has no option."""
    from aioice import ice

    addresses = ice.get_host_addresses
    if getattr(addresses, "offers_loopback", False):
        return

    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found: list[str] = addresses(use_ipv4, use_ipv6)
        return found or [_LOOPBACK]

    get_host_addresses.offers_loopback = True  # type: ignore[attr-defined]
    ice.get_host_addresses = get_host_addresses
