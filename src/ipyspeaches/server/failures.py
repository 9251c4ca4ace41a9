"""Why a request failed, by cause, in one sentence with the cure."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import httpx2
import msgspec

from ipyspeaches.errors import (
    ConnectionLostError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
)
from ipyspeaches.protocol.address import API_KEY_VARIABLE
from ipyspeaches.protocol.outcomes import Severity

KEY_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
BUSY: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""A server that answers so may take the same request in a while."""
_CURES: Final[dict[int, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "send less at a time, or raise the limit of the proxy in front of it",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "send a sound file, and look for a proxy that changes uploads",
    HTTPStatus.UNPROCESSABLE_ENTITY: "correct the option that it names",
}
_LONGEST_DETAIL: Final = 300


def explain_interruption(exc: httpx2.RequestError, address: str, timeout_s: float) -> ServerError:
    """Return the error for a request that got no answer, or half of one, from a server that has answered before."""
    if isinstance(exc, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | httpx2.CloseError):
        return ConnectionLostError(
            f"{address} dropped the connection in the middle of a request: see the server's log, and start it again "
            "if it has ended."
        )
    return explain_transport(exc, address, timeout_s)


def explain_transport(exc: httpx2.RequestError, address: str, timeout_s: float) -> ServerError:
    """Return the error for a request that got no answer.

    Parameters
    ----------
    exc
        What was raised.
    address
        Base address, fit to be shown.
    timeout_s
        How long was waited.
    """
    if isinstance(exc, httpx2.TimeoutException):
        return timed_out(address, timeout_s)
    if isinstance(exc, httpx2.ProxyError):
        return proxy_refused(address)
    if isinstance(exc, httpx2.RemoteProtocolError | httpx2.DecodingError):
        return NotSpeachesError(
            f"Something answers at {address}, but not in HTTP: check the port, and write https:// if it speaks TLS."
        )
    return unreachable(exc, address)


def timed_out(address: str, timeout_s: float) -> ServerUnreachableError:
    """Return the error for a server that does not answer."""
    return ServerUnreachableError(
        f"{address} did not answer within {timeout_s:.0f} s: check that the server is up, not overloaded, and not "
        "behind a firewall."
    )


def proxy_refused(address: str) -> ServerUnreachableError:
    """Return the error for a proxy that lets nothing through."""
    return ServerUnreachableError(
        f"The proxy in front of {address} refuses the connection: correct HTTP_PROXY and HTTPS_PROXY, or add the host "
        "to NO_PROXY."
    )


def busy(address: str, status: int) -> ServerUnreachableError:
    """Return the error for an answer with one of the statuses `BUSY`."""
    return ServerUnreachableError(
        f"{address} is not ready (HTTP {status}): it is starting up or overloaded, so try again in a moment."
    )


def unreachable(exc: BaseException, address: str) -> ServerUnreachableError:
    """Return the error for a connection that the network or TLS did not allow, by the cause behind what was raised."""
    reason = "network failure"
    for cause in _causes(exc):
        match cause:
            case ssl.SSLCertVerificationError():
                return ServerUnreachableError(
                    f"The certificate of {address} cannot be trusted ({cause.verify_message}): use the host name that "
                    "is in the certificate, or name the file of its issuer in SSL_CERT_FILE."
                )
            case ssl.SSLError():
                return ServerUnreachableError(f"{address} does not speak TLS: use http://, or correct the port.")
            case socket.gaierror():
                return ServerUnreachableError(
                    f"The host of {address} cannot be found: check its spelling, and the network's DNS."
                )
        # Where a name has several addresses, asyncio joins their errors into one text.
        if isinstance(cause, ConnectionRefusedError) or f"Errno {errno.ECONNREFUSED}" in str(cause):
            return ServerUnreachableError(
                f"Nothing is listening at {address}: start the server, or correct the address or the port."
            )
        if isinstance(cause, OSError) and cause.strerror:
            reason = cause.strerror
    return ServerUnreachableError(
        f"{address} cannot be reached ({reason}): check the network and the address, and start the server if it is "
        "not running."
    )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception and everything behind it; libraries wrap what the socket raised, some of them in groups."""
    yield exc
    if isinstance(exc, BaseExceptionGroup):
        for inner in exc.exceptions:
            yield from _causes(inner)
    behind = exc.__cause__ or exc.__context__
    if behind is not None:
        yield from _causes(behind)


def explain_status(response: httpx2.Response, address: str, *, key_given: bool) -> ServerError:
    """Return the error for an answer that is a refusal or a failure.

    Parameters
    ----------
    response
        With a status other than success, read to its end.
    address
        Base address, fit to be shown.
    key_given
        Whether a key was sent.
    """
    status = response.status_code
    detail = detail_of(response)
    if status in KEY_REFUSED:
        key = "the API key is wrong" if key_given else "it wants an API key"
        return ServerAuthError(f"{address} refused the request (HTTP {status}): {key} (api_key or {API_KEY_VARIABLE}).")
    if status in BUSY:
        return busy(address, status)
    if status == HTTPStatus.NOT_FOUND and detail is not None and detail.startswith("Model "):
        return ModelNotFoundError(f"{address} does not have the model: {detail}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        said = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
        # An engine that fails says nothing, whatever the cause.
        cure = "" if detail else ", and check that the model knows the language"
        return ProtocolError(f"{address} failed on the request ({said}): see the server's log for the cause{cure}.")
    if status == HTTPStatus.NOT_FOUND or detail is None:
        return not_speaches(address, f"HTTP {status}")
    refused = f"{address} refused the request (HTTP {status}): {detail}"
    return ProtocolError(f"{refused.rstrip('.')}. To cure it, {_CURES[status]}." if status in _CURES else refused)


def severity(error: ServerError) -> Severity:
    """Return what an error of one request means for the others."""
    if isinstance(error, ServerAuthError | ModelNotFoundError):
        return Severity.FATAL
    if isinstance(error, ServerUnreachableError | ConnectionLostError):
        return Severity.PASSING
    return Severity.SINGLE


def not_speaches(address: str, what: str) -> NotSpeachesError:
    """Return the error for an answer that no Speaches server gives."""
    return NotSpeachesError(
        f"Something answers at {address} ({what}), but not as a Speaches server does: give the base address of a "
        "Speaches server."
    )


class _Problem(msgspec.Struct):
    msg: str = ""
    loc: list[str | int] = []


class _Failure(msgspec.Struct):
    detail: str | list[_Problem] | None = None
    message: str | None = None


def detail_of(response: httpx2.Response) -> str | None:
    """Return what a server says about a failure: its ``detail`` or ``message``; None if it is no such JSON."""
    try:
        failure = msgspec.json.decode(response.content, type=_Failure)
    except msgspec.MsgspecError:
        return None
    if isinstance(failure.detail, list):
        shown = "; ".join(f"{'.'.join(map(str, problem.loc[1:]))}: {problem.msg}" for problem in failure.detail)
    else:
        shown = failure.detail or failure.message or ""
    return shown[:_LONGEST_DETAIL] or None
