"""How this package speaks HTTP to a server: one request and its answer, a value or an error in words."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2

from ipyspeaches.liberal import fit, parse_json
from ipyspeaches.protocol.address import is_loopback, normalise_base_url
from ipyspeaches.protocol.api_key import bearer, read_key
from ipyspeaches.server.failures import (
    Explain,
    TooLong,
    bad_environment,
    detail_of,
    explain_status,
    explain_transport,
    not_speaches,
)

Value = TypeVar("Value")

_CHARSETS: Final = re.compile(r"(gb|big5|shift|euc|iso-8859|windows-|koi8)", re.IGNORECASE)
"""Whose decoders take no longer than their text."""

TIMEOUT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 16 * 2**20
"""Decoded: half a megabyte of gzip may hold a gigabyte. All models of the Hugging Face hub for speech take 4 MB."""
MAX_REASON_BYTES: Final = 2**16
"""What is read of a refusal, which is a sentence or a page."""


def http_client(
    url: str, api_key: str | None, timeout: httpx2.Timeout, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """Return a client of the server at a base address; ``transport`` carries the requests, None is the network.

    It is a `ServerUnreachableError` if the environment names a proxy or certificates that cannot be used.
    """
    parts = urlsplit(url)
    try:
        return httpx2.AsyncClient(
            base_url=url,
            headers=bearer(api_key),
            timeout=timeout,
            transport=transport,
            trust_env=not is_loopback(parts.hostname or ""),  # no proxy leads to this machine
            # They take 20 ms to load: not for plain HTTP.
            verify=trusted_certificates(url) if parts.scheme == "https" else False,
        )
    except (ValueError, ImportError, httpx2.InvalidURL) as exc:
        # What libraries say about a proxy quotes its address, password and all.
        raise bad_environment(exc, url) from None


def trusted_certificates(url: str) -> ssl.SSLContext:
    """Return what tells whether to trust a server: the certificates of the environment, else those of the system.

    It is a `ServerUnreachableError` if the environment names certificates that cannot be used.
    """
    try:
        return httpx2.create_ssl_context()
    except OSError as exc:
        raise bad_environment(exc, url) from None


@contextlib.asynccontextmanager
async def answering(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    **what: Any,  # noqa: ANN401  as httpx2 takes it
) -> AsyncGenerator[httpx2.Response]:
    """Ask, and give the answer before it is read; where the same server has it in another place, from there.

    That is a slash behind the path, or a prefix before it. Nothing is sent to any other server: it would get the key.
    """
    async with client.stream(method, path, **what) as answer:
        moved, asked = answer.next_request, answer.request.url
        at_home = moved and (moved.url.scheme, moved.url.netloc) == (asked.scheme, asked.netloc)
        if not (moved and at_home and moved.method == method and moved.url.path.rstrip("/").endswith(path)):
            yield answer
            return
    response = await client.send(moved, stream=True)
    try:
        yield response
    finally:
        await response.aclose()


async def read_whole(response: httpx2.Response, within_s: float) -> httpx2.Response:
    """Return an answer with its content, of a refusal with its beginning; `TooLong` if above `MAX_ANSWER_BYTES`.

    It is an `httpx2.ReadTimeout` if it takes longer: timeouts of a client count anew with each byte that drips.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for piece in response.aiter_bytes():
                content += piece
                if not response.is_success and len(content) > MAX_REASON_BYTES:
                    break
                if len(content) > MAX_ANSWER_BYTES:
                    raise TooLong(f"an answer of more than {MAX_ANSWER_BYTES // 2**20} MiB", request=response.request)
    except TimeoutError:
        raise httpx2.ReadTimeout("It drips.", request=response.request) from None
    except httpx2.RemoteProtocolError:
        if not _is_whole(content):  # or its length is announced wrongly
            raise
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
    text = _in_utf8(bytes(content), response.charset_encoding or "")
    whole = httpx2.Response(response.status_code, headers=headers, content=text, request=response.request)
    if text != content:
        whole.encoding = "utf-8"
    return whole


def _is_whole(content: bytearray) -> bool:
    with contextlib.suppress(ValueError):
        return isinstance(parse_json(bytes(content)), dict | list)
    return False


def _in_utf8(text: bytes, charset: str) -> bytes:
    """Return text of the charset that is announced; many announce another one than UTF-8 and send that."""
    try:
        text.decode()
    except UnicodeDecodeError:
        with contextlib.suppress(LookupError):
            return text.decode(charset, "replace").encode() if _CHARSETS.match(charset) else text
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request: ``fields`` and ``file`` make a form, and ``also`` counts as success if the server explains it."""

    method: str = "GET"
    path: str
    params: dict[str, str] | None = None
    fields: dict[str, Any] | None = None
    file: tuple[str, bytes] | None = None
    timeout_s: float = TIMEOUT_S
    also: int | None = None
    explain: Explain | None = None


class HttpApi:
    """A server's HTTP interface; the parameters are those of `Server`."""

    def __init__(self, url: str, api_key: str | None, transport: httpx2.AsyncBaseTransport | None) -> None:
        self.url = normalise_base_url(url)
        self._api_key = read_key(api_key)
        self._transport = transport

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key."""
        return self._api_key is not None

    async def send(self, call: Call) -> httpx2.Response:
        """Return a successful answer, or raise the `ServerError` that says why there is none."""
        files = None if call.file is None else {"file": call.file}
        try:
            # A client a request: a Server may be used from several event loops (a notebook's, the engine's).
            timeout = httpx2.Timeout(call.timeout_s)
            async with (
                http_client(self.url, self._api_key, timeout, self._transport) as client,
                answering(client, call.method, call.path, params=call.params, data=call.fields, files=files) as answer,
            ):
                response = await read_whole(answer, call.timeout_s)
        except httpx2.RequestError as exc:
            known = call.explain(exc, self.url) if call.explain else None
            response, error = None, known or explain_transport(exc, self.url, call.timeout_s)
        if response is None:
            raise error  # not from what is behind it: with a proxy, frames there hold the headers, key and all
        if response.is_success or (response.status_code == call.also and detail_of(response) is not None):
            return response
        known = call.explain(response, self.url) if call.explain else None
        raise known or explain_status(response, self.url, key_given=self.has_key)

    async def ask(self, call: Call, kind: type[Value]) -> Value:
        """Return what a successful answer says, without what does not fit, or raise the `ServerError` why not."""
        return self.decode(await self.send(call), kind)

    def decode(self, response: httpx2.Response, kind: type[Value]) -> Value:
        """Return what an answer says, or raise a `NotSpeachesError` if it says something else."""
        try:
            return fit(parse_json(response.content), kind)
        except ValueError as exc:
            raise not_speaches(self.url, response.headers.get("content-type", "no content type")) from exc
