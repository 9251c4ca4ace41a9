"""Why a request failed, by cause, in one sentence with the cure; some endpoints have causes of their own."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

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
    Severity,
)
from ipyspeaches.liberal import fit, parse_json
from ipyspeaches.protocol.address import BASE_URL_VARIABLE, HTTP_OF, is_loopback
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE, takes_environment_key, without_key
from ipyspeaches.protocol.realtime.failure import NO_QUOTA
from ipyspeaches.terminal import one_line

Failed: TypeAlias = httpx2.Response | httpx2.RequestError
Explain: TypeAlias = Callable[[Failed, str], ServerError | None]
"""Says what a failure means for one endpoint of an address; None where it means the same as everywhere."""

KEY_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
BUSY: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
        *range(520, 525),  # Cloudflare's, where the server behind it is not there
        529,  # overloaded, with some clouds
    }
)
"""A server that answers so may take the same request in a while."""
_CURES: Final[dict[int, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "send less at a time, or raise the limit of the proxy in front of it",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "send an audio file, and look for a proxy that changes uploads",
    HTTPStatus.UNPROCESSABLE_ENTITY: "correct the option that it names",
}
_LONGEST_TITLE: Final = 80
_PART_OF_KEY: Final = 4
_LONGEST_HEAD: Final = 10_000
_SHARE_OF_TEXT: Final = 0.9
_MARKED: Final = re.compile(r"<(?:\w{1,20}:)?(\w{1,20})[^<>]*>([^<>]*)</", re.IGNORECASE)
_UNSEEN: Final = re.compile(r"<(script|style|head)\b.*?(</\1>|$)", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*(>|$)")
_DESCRIBED: Final = re.compile(r'error_description="([^"]{1,200})"')
_TRACEBACK: Final = "Traceback (most recent call last)"
_CUT: Final = re.compile(r"disconnected|closed connection")
"""What is said of a connection that ends too early; of anything else, that it is no HTTP."""
_WANTS_TLS: Final = re.compile(r"plain HTTP request|HTTP request to an HTTPS server", re.IGNORECASE)
_CUT_JSON: Final = re.compile(r"""["'](\w{1,20})["']\s*:\s*["]((?:[^"\\]|\\.)*)""")
_REASONS: Final = (
    *("detail", "error_description", "error_message", "message", "msg", "faultstring", "reason", "title"),
    *("error", "errors", "fault"),
)
_CERTIFICATE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_KEYLOG_VARIABLE: Final = "SSLKEYLOGFILE"
_PROXY_VARIABLES: Final = ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
_NO_ROUTE: Final = re.compile(
    r"(404 )?((file|page|path|route|resource|endpoint|url) )?not found\W*|(invalid|unknown request) url\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""What servers say with 404 where they have nothing; one that lacks a model names it."""
_MODEL: Final = re.compile(r"\bmodel\b|模型", re.IGNORECASE)
_DONE: Final = re.compile(
    r"ok|true|success\w*|succeeded|completed?|done|finished|ready|(un|down)?loaded|installed|available|exists|already\b.*",
    re.IGNORECASE,
)
"""A status with which a server says that it has done what it was asked for."""
_WITHOUT_ENDPOINT: Final = {
    "downloaded": "install the model with the server's own tools, then name it in model=",
    "loaded": "such a server loads a model when the first audio comes, so go on without",
    "unloaded": "use the server's own tools",
}
_NO_SUCH_ENDPOINT: Final = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_GAVE_UP: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_DIARIZATION_MODEL: Final = "pyannote/speaker-diarization-community-1"
"""The one that Speaches can run."""


class TooLong(httpx2.TransportError):
    """An answer that is longer than any of a Speaches server."""


def explain_interruption(exc: httpx2.RequestError, address: str, timeout_s: float) -> ServerError:
    """Return the error for a request that got no answer, or half of one, from a server that has answered before."""
    cut = not isinstance(exc, httpx2.RemoteProtocolError) or _CUT.search(str(exc))
    if cut and isinstance(exc, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError | httpx2.CloseError):
        return ConnectionLostError(
            f"{address} dropped the connection in the middle of a request: see the server's log, and restart the "
            "server if it has stopped."
        )
    return explain_transport(exc, address, timeout_s)


def explain_transport(exc: httpx2.RequestError, address: str, timeout_s: float) -> ServerError:
    """Return the error for a request that got no answer in ``timeout_s``; ``address`` is fit to be shown."""
    if isinstance(exc, TooLong):
        return ProtocolError(f"{address} sent {exc}: give the address of a Speaches server.")
    if isinstance(exc, httpx2.TimeoutException):
        return timed_out(address, timeout_s)
    if isinstance(exc, httpx2.ProxyError):
        return proxy_refused(exc, address)
    if isinstance(exc, httpx2.DecodingError):
        return ProtocolError(
            f"{address} sent an answer that is not compressed as it says (Content-Encoding): check the server, or the "
            "proxy in front of it."
        )
    if isinstance(exc, httpx2.RemoteProtocolError):
        why = str(exc).partition(":")[0].rstrip(".")  # behind that, a line of the answer is quoted
        # One that ends closes the connection, too, and so does a balancer whose server has gone.
        passing = Severity.PASSING if "disconnected" in why else None
        return NotSpeachesError(
            f"Something answers at {address}, but not in HTTP ({why}): check the port, write https:// if it speaks "
            "TLS, and look at the proxy in front of it, if there is one; a server that starts or ends may do so, too.",
            severity=passing,
        )
    return unreachable(exc, address)


def timed_out(address: str, timeout_s: float) -> ServerUnreachableError:
    """Return the error for a server that does not answer."""
    return ServerUnreachableError(
        f"{address} did not answer within {timeout_s:.0f} s: check that the server is up, not overloaded, and not "
        "behind a firewall."
    )


def proxy_refused(said: object, address: str) -> ServerUnreachableError:
    """Return the error for a proxy that lets nothing through, whatever it said."""
    if str(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED) in str(said):
        return ServerUnreachableError(
            f"The proxy in front of {address} requires a user and a password (HTTP 407): put them into HTTP_PROXY and "
            "HTTPS_PROXY as http://user:password@host:port, or add the host to NO_PROXY."
        )
    return ServerUnreachableError(
        f"The proxy in front of {address} refuses the connection: correct HTTP_PROXY and HTTPS_PROXY, or add the host "
        "to NO_PROXY."
    )


def proxy_of(address: str) -> str | None:
    """Return the proxy that requests over HTTP take to an address: one way must not work where the other does not."""
    parts = urlsplit(address)
    if is_loopback(parts.hostname or "") or proxy_bypass(parts.netloc):
        return None
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _proxy_unreachable(cause: BaseException, address: str) -> ServerUnreachableError | None:
    """Return the error for a proxy that cannot be reached, in whose place a server cannot have failed so."""
    proxy = proxy_of(address)
    tls = isinstance(cause, ssl.SSLError)
    if proxy is None or (tls and not proxy.startswith("https:")):
        return None
    saying = [name for name in _PROXY_VARIABLES if os.getenv(name) and proxy.endswith(os.getenv(name, ""))]
    names = [name for name in saying if name.lower() in (f"{urlsplit(address).scheme}_proxy", "all_proxy")]
    where = proxy.partition("://")[2].rpartition("@")[2].rstrip("/")
    found = isinstance(cause, socket.gaierror)
    what = "does not speak TLS" if tls else "cannot be found" if found else "refuses connections"
    return ServerUnreachableError(
        f"The proxy {where} in front of {address} {what}: correct or unset {' and '.join(names) or 'it'}"
        f"{', and write http:// in it' if tls else ''}, or add the host to NO_PROXY."
    )


def bad_environment(exc: Exception, address: str) -> ServerUnreachableError:
    """Return the error for variables of the environment with which no connection can be opened."""
    certificates = isinstance(exc, OSError)
    if certificates and (keys := os.getenv(_KEYLOG_VARIABLE)) and not _is_keylog(keys):
        return ServerUnreachableError(
            f"{address} cannot be reached, because {_KEYLOG_VARIABLE} names no file that can be written: correct or "
            "unset it."
        )
    names = _CERTIFICATE_VARIABLES if certificates else _PROXY_VARIABLES
    named = [name for name in names if os.getenv(name)] or list(names)
    named = named[:1] if certificates else named  # of these, the first one counts
    what = "names no file of certificates that can be read" if certificates else "names no proxy that can be used"
    cure = "correct or unset it" if certificates else "write it like http://host:port, or unset it"
    return ServerUnreachableError(f"{address} cannot be reached, because {' or '.join(named)} {what}: {cure}.")


def _is_keylog(file: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = file
    except OSError:
        return False
    return True


def _leads_elsewhere(response: httpx2.Response, address: str) -> NotSpeachesError:
    """Return the error for a redirect: nothing is sent where an answer leads, since it might get the key."""
    said, location = f"HTTP {response.status_code}", response.headers.get("location")
    try:
        target = urlsplit(urljoin(f"{address}/", location or ""))
    except ValueError:
        location = None
    if not location:
        return not_speaches(address, said)
    scheme = HTTP_OF.get(target.scheme, target.scheme)
    base = f"{scheme}://{target.netloc.rpartition('@')[2]}"
    if target.hostname == urlsplit(address).hostname and scheme != urlsplit(address).scheme:
        return NotSpeachesError(f"{address} has moved to {base} ({said}): give that address.")
    return NotSpeachesError(
        f"{address} leads to {base}{target.path} instead of answering ({said}): if that is a page to log in, use an "
        "address that needs none, otherwise give the one that it leads to."
    )


def unreachable(exc: BaseException, address: str) -> ServerUnreachableError:
    """Return the error for a connection that the network or TLS did not allow, by the cause behind what was raised."""
    reason = "network failure"
    for cause in _causes(exc):
        # Where a name has several addresses, asyncio joins their errors into one text.
        refused = isinstance(cause, ConnectionRefusedError) or f"Errno {errno.ECONNREFUSED}" in str(cause)
        if (refused or isinstance(cause, ssl.SSLError | socket.gaierror)) and (
            error := _proxy_unreachable(cause, address)
        ):
            return error
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
        if refused:
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
    """Return the error for an answer, read to its end, that is a refusal or a failure."""
    status = response.status_code
    detail = detail_of(response)
    said = answered(response)
    if status in KEY_REFUSED:
        cure = key_cure(address, key_given=key_given, told=": " in said)
        return ServerAuthError(f"{address} refused the request ({said}): {cure}.")
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return proxy_refused(status, address)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return _leads_elsewhere(response, address)
    if _code_of(response) == NO_QUOTA:
        return ProtocolError(
            f"{address} refused the request ({said}), and trying again does not help: see to the account's plan and "
            "billing.",
            severity=Severity.FATAL,
        )
    if status in BUSY:
        wait_s = _wait_s(response.headers.get("retry-after", ""))
        when = f"in {wait_s / 60:.0f} minutes" if wait_s > 60 else "in a moment"
        return ServerUnreachableError(
            f"{address} is not ready ({said}): it is starting up or overloaded, so try again {when}.",
            retry_after_s=wait_s,
        )
    if tells_missing_model(response):
        return ModelNotFoundError(f"{address} does not have the model ({said}): download it there, or choose another.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # An engine that fails says nothing, whatever the cause.
        more = "" if ": " in said else ", and check that the model knows the language"
        return ProtocolError(f"{address} failed to process the request ({said}): see the server's log{more}.")
    if status == HTTPStatus.BAD_REQUEST and _WANTS_TLS.search(said):
        return NotSpeachesError(f"{address} speaks TLS ({said}): write https:// in its address.")
    if status == HTTPStatus.NOT_FOUND or (detail is None and status not in _CURES):
        return not_speaches(address, said)
    return ProtocolError(f"{address} refused the request ({said}): {_CURES.get(status, 'correct what it names')}.")


def _wait_s(said: str) -> float:
    """Return how long to wait by a Retry-After header, which is a number of seconds or a date; 0 if it is neither."""
    if said.isdecimal():
        return int(said) if len(said) < 7 else 0
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return 0
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def key_cure(address: str, *, key_given: bool, told: bool) -> str:
    """Return what to do about a key that a server refuses or misses, as the end of a sentence.

    Where it was ``told`` why, that may be about something else.
    """
    if key_given:
        what = "if that is about the API key, correct" if told else "the API key is wrong, so correct"
        return f"{what} api_key or {API_KEY_VARIABLE}"
    what = "it may require an API key" if told else "it requires an API key"
    if os.getenv(API_KEY_VARIABLE):
        kept = f", and that of {API_KEY_VARIABLE} goes only to the server that {BASE_URL_VARIABLE} names"
        return f"{what}{'' if takes_environment_key(address) else kept}, so give api_key"
    return f"{what}, so give api_key or set {API_KEY_VARIABLE}"


def after_it_worked(error: ServerError, *, key_given: bool) -> ServerError:
    """Return what an error means from a server that has worked: another cure, and a wait where that may help."""
    what, _, _ = str(error).rpartition(": ")
    if isinstance(error, NotSpeachesError):
        return ServerUnreachableError(
            f"{what}: it has worked until now, so look whether it, or a proxy in front of it, is being restarted."
        )
    if isinstance(error, ServerAuthError) and not key_given:
        return ServerAuthError(
            f"{what}: it has worked without an API key until now, so see its log, and give api_key if it needs one now."
        )
    return error


def not_speaches(address: str, what: str) -> NotSpeachesError:
    """Return the error for an answer that no Speaches server gives."""
    return NotSpeachesError(
        f"Something answers at {address} ({what}), but it is not a Speaches server: give the base address of one."
    )


class _Problem(msgspec.Struct):
    msg: str = ""
    loc: list[str | int] = []


class _Reason(msgspec.Struct):
    code: str | int | None = None


class _Failure(msgspec.Struct):
    status: str | None = None
    success: bool = True
    ok: bool = True
    detail: str | list[_Problem] | _Reason | None = None
    error: str | _Reason | None = None


def detail_of(response: httpx2.Response) -> str | None:
    """Return what a server says about a failure, in FastAPI's words or OpenAI's; None if it is no such JSON."""
    failure = _failure(response)
    problems = failure.detail if isinstance(failure.detail, list) else []
    shown = "; ".join(f"{'.'.join(map(str, one.loc[1:]))}: {one.msg}" for one in problems if one.msg)
    said = _json_of(response)
    shown = shown or (said if isinstance(said, str) else _text_in(said))
    return one_line(without_key(shown, _key_sent(response))) or None


def _failure(response: httpx2.Response) -> _Failure:
    try:
        return fit(_json_of(response), _Failure)
    except ValueError:
        return _Failure()


def _json_of(response: httpx2.Response) -> Any:  # noqa: ANN401  JSON
    try:
        return parse_json(response.content)
    except ValueError:
        return None


def _text_in(said: Any, name: str = "") -> str:  # noqa: ANN401  JSON
    """Return the first text under one of the names that reasons have, however deep: gateways wrap them."""
    if isinstance(said, list):
        return next(filter(None, (_text_in(one, name) for one in said)), "")
    if isinstance(said, dict):
        named = {name.lower(): one for name, one in said.items()}
        return next(filter(None, (_text_in(named.get(name), name) for name in _REASONS)), "")
    return said if isinstance(said, str) and name else ""


def _code_of(response: httpx2.Response) -> str | int | None:
    failure = _failure(response)
    reasons = (reason for reason in (failure.error, failure.detail) if isinstance(reason, _Reason))
    return next((reason.code for reason in reasons if reason.code is not None), None)


def tells_missing_model(response: httpx2.Response) -> bool:
    """Return whether a server answers that it does not have the model."""
    if _code_of(response) == "model_not_found":
        return True
    detail = detail_of(response) or ""
    missing = response.status_code == HTTPStatus.NOT_FOUND and not _NO_ROUTE.fullmatch(detail)
    return missing and _MODEL.search(detail) is not None


def answered(response: httpx2.Response) -> str:
    """Return the status of an answer, with the reason that it gives in whichever form, as a clause without an end."""
    said = f"HTTP {response.status_code}"
    reason = detail_of(response) or _page_text(response) or _challenge(response)
    if reason and response.status_code in KEY_REFUSED and _quotes_of(reason, _key_sent(response)):
        return said  # here servers quote parts of the key
    return f"{said}: {reason.rstrip('.')}" if reason else said


def _quotes_of(text: str, key: str) -> bool:
    """Return whether a text may quote some of a key: four characters of it in a row."""
    text, key = text.casefold(), key.casefold()
    return any(key[at : at + _PART_OF_KEY] in text for at in range(len(key) - _PART_OF_KEY + 1))


def _page_text(response: httpx2.Response) -> str | None:
    """Return what a page or a text says that answers in place of a server: a proxy's, a login, a gateway's."""
    head = response.text[:_LONGEST_HEAD].lstrip("\ufeff \t\r\n")
    if sum(map(str.isprintable, head)) < _SHARE_OF_TEXT * (len(head) - sum(map(str.isspace, head))):
        return None  # an image, or what is still compressed
    phrase = httpx2.codes.get_reason_phrase(response.status_code).lower()
    idle = {"", "error", str(response.status_code), phrase, f"{response.status_code} {phrase}"}
    texts = _marked_up(head) if head.startswith("<") else _unmarked(head)
    said = next((text for text in texts if text.lower().rstrip(".!") not in idle), "")
    return without_key(one_line(said, _LONGEST_HEAD), _key_sent(response))[:_LONGEST_TITLE] or None


def _challenge(response: httpx2.Response) -> str:
    """Return why a key is refused, by the header that asks for one."""
    found = _DESCRIBED.search(response.headers.get("www-authenticate", ""))
    return one_line(found[1]) if found else ""


def _marked_up(head: str) -> Iterator[str]:
    """Yield what HTML or XML says in a title, in a heading, in a message, and altogether."""
    marked = {name.lower(): inner for name, inner in reversed(_MARKED.findall(head))}
    for text in (*(marked.get(name, "") for name in ("title", "h1", *_REASONS)), _UNSEEN.sub(" ", head)):
        yield " ".join(unescape(_TAG.sub(" ", text)).split())


def _unmarked(head: str) -> Iterator[str]:
    """Yield the reason in JSON that is cut off, then what a text says."""
    said = {name.lower(): text for name, text in reversed(_CUT_JSON.findall(head))}
    yield from (said.get(name, "") for name in _REASONS)
    if head.startswith(_TRACEBACK):
        yield head.rstrip().rpartition("\n")[2]
    yield " ".join(head.split()) if any(map(str.isalnum, head)) else ""


def _key_sent(response: httpx2.Response) -> str:
    try:
        sent: str = response.request.headers.get("Authorization", "")
    except RuntimeError:  # an answer that came by another way than HTTP has no request
        return ""
    return sent.partition(" ")[2]


def explain_lack(failed: Failed, address: str) -> ServerError | None:
    """Return what a failure means where an endpoint is looked for."""
    if not lacks_endpoint(failed):
        return None
    return ProtocolError(f"{address} does not offer {failed.request.url.path}: use a server that does.")


def explain_registry(failed: Failed, address: str) -> ServerError | None:
    """Return what a failure means where the models are listed that a server could download."""
    if lacks_endpoint(failed):
        return ProtocolError(
            f"{address} has no list of models to download: name the model by its id on the Hugging Face hub, or "
            "update the server."
        )
    if _is_late(failed) or _is_status(failed, HTTPStatus.INTERNAL_SERVER_ERROR):
        what = "no answer" if _is_late(failed) else "HTTP 500"
        return ProtocolError(
            f"{address} cannot list the models to download ({what}): it asks the Hugging Face hub for them, so give it "
            "access to huggingface.co. Installed models work without it."
        )
    return None


def explain_management(failed: Failed, address: str, done: str) -> ServerError | None:
    """Return what a failure means where a server is to have a model ``done``: downloaded, loaded or unloaded.

    Servers with nothing but the interface of OpenAI are as good for recognition.
    """
    page = _is_status(failed, HTTPStatus.NOT_FOUND) and isinstance(failed, httpx2.Response) and not detail_of(failed)
    if not page and not lacks_endpoint(failed):
        return None
    assert isinstance(failed, httpx2.Response)
    return ProtocolError(
        f"{address} has no endpoint by which models can be {done} ({answered(failed)}): {_WITHOUT_ENDPOINT[done]}; or "
        "give the base address of a Speaches server."
    )


def not_done(response: httpx2.Response, address: str, model: str, done: str) -> ServerError | None:
    """Return why a model is not ``done`` although its server took the request; None if it is."""
    if (error := explain_management(response, address, done)) is not None:
        return error
    failure, said = _failure(response), answered(response)
    if response.headers.get("content-type", "").startswith("text/html"):
        return not_speaches(address, said)  # a page to log in
    if response.status_code == HTTPStatus.CONFLICT and "already loaded" not in said:
        failure.ok = False
    if failure.error or not (failure.success and failure.ok):
        return ProtocolError(f"{address} has not {done} {model} ({said}): correct what it names, or see its log.")
    status = failure.status or ""
    if response.status_code != HTTPStatus.ACCEPTED and (not status or _DONE.fullmatch(status)):
        return None
    if status:
        said = said if detail_of(response) else f"HTTP {response.status_code}"
        said = f"{said}, status {one_line(without_key(status, _key_sent(response)))}"
    return ProtocolError(
        f"{address} does not say that it has {done} {model} ({said}): look later whether it has, with "
        "Server.overview() or ipyspeaches models."
    )


def explain_load(failed: Failed, address: str, model: str) -> ServerError | None:
    """Return what a failure means where a server is asked to load a model."""
    lack = explain_management(failed, address, "loaded")
    if lack is not None or not _is_status(failed, HTTPStatus.NOT_FOUND):
        return lack
    assert isinstance(failed, httpx2.Response)
    return ModelNotFoundError(
        f"{address} has no model '{model}' to load ({answered(failed)}): check its spelling, or download it there "
        "first."
    )


def explain_download(failed: Failed, address: str, model: str, timeout_s: float) -> ServerError | None:
    """Return what a failure means where a server is asked to install a model."""
    if (lack := explain_management(failed, address, "downloaded")) is not None:
        return lack
    detail = detail_of(failed) or "" if isinstance(failed, httpx2.Response) else ""
    if _is_status(failed, HTTPStatus.UNAUTHORIZED) and "gated" in detail:
        return ModelNotFoundError(
            f"{address} may not download {model} (HTTP 401): accept its authors' terms at "
            f"https://huggingface.co/{model}, then restart the server with HF_TOKEN set to a token of that account."
        )
    if _is_status(failed, HTTPStatus.NOT_FOUND):
        return ModelNotFoundError(
            f"{address} finds no model '{model}' to download: check its spelling against the server's registry "
            "(Server.registry(), or ipyspeaches models registry)."
        )
    if _is_late(failed) or _is_status(failed, *_GAVE_UP):
        late = f"no answer within {timeout_s:.0f} s"
        waited = f"HTTP {failed.status_code}" if isinstance(failed, httpx2.Response) else late
        return ServerUnreachableError(
            f"{address} did not say whether it has downloaded {model} ({waited}) and is probably still at it: "
            "check later whether the model is installed."
        )
    if _is_status(failed, HTTPStatus.INTERNAL_SERVER_ERROR):
        if detail:  # of the embedded server, which says itself what to do
            return ProtocolError(f"{address} could not download {model}: {detail}")
        return ProtocolError(
            f"{address} could not download {model} (HTTP 500): it needs access to huggingface.co and space on its "
            "disk, and its log says which is missing."
        )
    return None


def explain_diarization(failed: Failed, address: str) -> ServerError | None:
    """Return what a failure means where a server is asked who speaks when."""
    if not lacks_endpoint(failed):
        return None
    return ProtocolError(
        f"{address} cannot tell speakers apart: it has no endpoint for that, so use a newer Speaches server."
    )


def no_diarization_model(address: str) -> ModelNotFoundError:
    """Return the error for a server that has no model that tells speakers apart."""
    return ModelNotFoundError(
        f"{address} has no model that tells speakers apart: accept the terms of '{_DIARIZATION_MODEL}' at "
        "huggingface.co, then download it to a Speaches server."
    )


def lacks_endpoint(failed: Failed) -> bool:
    """Return whether an answer says that the server has no such endpoint, rather than no such model."""
    if _is_status(failed, HTTPStatus.NOT_FOUND):
        return isinstance(failed, httpx2.Response) and bool(_NO_ROUTE.fullmatch(detail_of(failed) or ""))
    return _is_status(failed, *_NO_SUCH_ENDPOINT)


def _is_status(failed: Failed, *statuses: int) -> bool:
    return isinstance(failed, httpx2.Response) and failed.status_code in statuses


def _is_late(failed: Failed) -> bool:
    return isinstance(failed, httpx2.ReadTimeout)
