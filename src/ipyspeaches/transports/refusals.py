"""Why a connection could not be opened, in words and with the cure."""

from __future__ import annotations

import errno
import socket
import ssl
from http import HTTPStatus
from typing import Final

from websockets.exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from ipyspeaches.errors import (
    NotSpeachesError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    SpeachesError,
)
from ipyspeaches.protocol.address import API_KEY_VARIABLE
from ipyspeaches.server.failures import BUSY

_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def explain(exc: Exception, address: str, *, timeout_s: float, key_given: bool) -> SpeachesError | None:
    """Return the error to raise instead of ``exc``, or None if it is no failure to connect.

    Parameters
    ----------
    exc
        What opening the connection raised.
    address
        Base address of the server, fit to be shown.
    timeout_s
        How long was waited.
    key_given
        Whether a key was sent.
    """
    match exc:
        case InvalidStatus():
            return _status(exc.response.status_code, address, key_given=key_given)
        case InvalidProxy() | ProxyError():
            return ServerUnreachableError(
                f"The proxy on the way to {address} does not let the connection through: "
                "correct HTTP_PROXY and HTTPS_PROXY, or name the host in NO_PROXY."
            )
        case InvalidHandshake() | InvalidURI():
            return _not_a_websocket(exc, address)
        case TimeoutError():
            return ServerUnreachableError(
                f"{address} did not answer within {timeout_s:.0f} s: check that the server is up, "
                "not overloaded, and not behind a firewall."
            )
        case OSError():
            return _network(exc, address)
    return None


def _status(status: int, address: str, *, key_given: bool) -> ServerError:
    if status in _REFUSED:
        key = "the API key is wrong" if key_given else "it wants an API key"
        return ServerAuthError(
            f"{address} refused the session (HTTP {status}): either {key} (api_key or {API_KEY_VARIABLE}), "
            "or no model was named (model=)."
        )
    if status in BUSY:
        return ServerUnreachableError(
            f"{address} cannot take a session now (HTTP {status}): it is starting or overloaded, try again in a while."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerUnreachableError(
            f"{address} failed to open a session (HTTP {status}): see the server's log for the cause."
        )
    return NotSpeachesError(
        f"{address} answers (HTTP {status}), but has no realtime endpoint: give the base address of a "
        "Speaches server, and let a proxy before it pass WebSockets on."
    )


def _not_a_websocket(exc: Exception, address: str) -> ServerError:
    cure = "give the base address of a Speaches server"
    if isinstance(exc, InvalidMessage) and not address.startswith(("https", "wss")):
        cure += ", with https:// if it speaks TLS"
    return NotSpeachesError(f"Something answers at {address}, but not as a Speaches server does: {cure}.")


def _network(exc: OSError, address: str) -> ServerError:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return ServerUnreachableError(
            f"The certificate of {address} cannot be trusted ({exc.verify_message}): name the server as its "
            "certificate does, or make its authority known (SSL_CERT_FILE)."
        )
    if isinstance(exc, ssl.SSLError):
        return ServerUnreachableError(
            f"{address} does not speak TLS: write http:// if it has none, or correct the port."
        )
    if isinstance(exc, socket.gaierror):
        return ServerUnreachableError(
            f"The host in {address} cannot be found: check its spelling and the network's name service."
        )
    # Where a name has several addresses, asyncio joins their errors into one text.
    if exc.errno == errno.ECONNREFUSED or f"Errno {errno.ECONNREFUSED}" in str(exc):
        return ServerUnreachableError(
            f"Nothing listens at {address}: start the server, or correct the address and its port."
        )
    return ServerUnreachableError(
        f"{address} cannot be reached ({exc.strerror or 'network failure'}): check the address and the network."
    )
