"""How a server is asked for a WebRTC connection: an SDP offer over HTTP, and its answer or refusal in words."""

from __future__ import annotations

from typing import Final

import httpx2

from ipyspeaches.errors import ProtocolError, ServerError
from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.server.failures import detail_of, explain_status, explain_transport
from ipyspeaches.server.http import http_client
from ipyspeaches.transports.websocket import OPEN_TIMEOUT_S, realtime_path

_NO_WEBRTC: Final = frozenset({404, 405, 501})
_BAD_OFFER: Final = frozenset({400, 415, 500})


class RtcOffer:
    """Where and with which key offers go.

    Parameters
    ----------
    url
        Base address of the server, ``http://host:port``.
    query
        Query of the request's address; Speaches takes only the model from it, and ignores that.
    api_key
        The server's key; it travels in the ``Authorization`` header and is shown nowhere.

    Raises
    ------
    InputError
        If the address cannot be one of a server.
    """

    def __init__(self, url: str, query: dict[str, str], api_key: str | None = None) -> None:
        self.address = normalise_base_url(url)
        self._query = query
        self._api_key = api_key

    def __repr__(self) -> str:
        return f"RtcOffer({self.address!r})"

    @property
    def needs_key(self) -> bool:
        """Whether only somebody who has the key may ask."""
        return bool(self._api_key)

    @property
    def url(self) -> str:
        """Where offers go, without the key."""
        return f"{self.address}{realtime_path(self._query)}"

    async def exchange(self, offer: str) -> str:
        """Send an offer and return the server's answer, whatever it calls that (its content type is malformed).

        Raises
        ------
        ServerUnreachableError
            If nothing answers there in time.
        ServerAuthError
            If the server refuses the key.
        ProtocolError
            If the server has no WebRTC, or does not take the offer.
        NotSpeachesError
            If something else answers.
        """
        headers = {"Content-Type": "application/sdp"}
        try:
            async with http_client(self.address, self._api_key, httpx2.Timeout(OPEN_TIMEOUT_S)) as client:
                response = await client.post(realtime_path(self._query), content=offer.encode(), headers=headers)
        except httpx2.TransportError as exc:
            raise explain_transport(exc, self.address, OPEN_TIMEOUT_S) from exc
        if not response.is_success:
            raise explain_refusal(response.status_code, response.content, self.address, key_given=self.needs_key)
        return response.text


def explain_refusal(status: int, body: bytes, address: str, *, key_given: bool) -> ServerError:
    """Return the error for a server that does not take an offer.

    Parameters
    ----------
    status, body
        Of its answer.
    address
        Base address, fit to be shown.
    key_given
        Whether a key was sent.
    """
    response = httpx2.Response(status, content=body)
    detail = detail_of(response)
    said = f": {detail}" if detail else ""
    if status in _NO_WEBRTC and not (detail or "").startswith("Model "):
        return ProtocolError(
            f'{address} has no WebRTC (HTTP {status}{said}): use transport="realtime", or a server with it.'
        )
    if status in _BAD_OFFER:
        return ProtocolError(
            f"{address} could not do anything with the WebRTC offer (HTTP {status}{said}): see the server's log, or "
            'use transport="realtime".'
        )
    return explain_status(response, address, key_given=key_given)
