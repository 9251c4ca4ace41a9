"""How this package speaks HTTP to a server."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2

from ipyspeaches.protocol.address import is_loopback


def http_client(
    url: str, api_key: str | None, timeout: httpx2.Timeout, transport: httpx2.AsyncBaseTransport | None = None
) -> httpx2.AsyncClient:
    """Return a client of the server at a base address.

    Parameters
    ----------
    url
        Base address, as `normalise_base_url` writes it.
    api_key
        The server's key, sent as a Bearer token.
    timeout
        How long to wait for what.
    transport
        Carries the requests; None for the network.
    """
    parts = urlsplit(url)
    return httpx2.AsyncClient(
        base_url=url,
        headers={} if not api_key else {"Authorization": f"Bearer {api_key}"},
        timeout=timeout,
        transport=transport,
        trust_env=not is_loopback(parts.hostname or ""),  # no proxy leads to this machine
        verify=parts.scheme == "https",  # certificates take 20 ms to load: not for plain HTTP
    )
