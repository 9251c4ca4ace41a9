"""Where servers are: one way to write each base address, what is wrong with the others, who names a default."""

from __future__ import annotations

import ipaddress
import os
import re
import unicodedata
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ipyspeaches.checks import as_word
from ipyspeaches.errors import InputError
from ipyspeaches.protocol.recognition import RecognitionOptions

HTTP_OF: Final = {"ws": "http", "wss": "https"}
EXAMPLE: Final = "http://localhost:8000"
BASE_URL_VARIABLE: Final = "SPEACHES_BASE_URL"
EMBEDDED: Final = "embedded"
"""In place of an address: the embedded server, whatever the environment names."""

_ENDPOINT: Final = re.compile(r"/v1(/(audio/(transcriptions|translations)|realtime|models))?$|/docs$")
_MODEL_FREE_HOSTS: Final = ("api.openai.com", ".openai.azure.com")


def asked_address(server: str | None) -> str | None:
    """Return the address that is meant where nobody names one, or ``"embedded"``; None for the embedded server."""
    return None if as_word(server, EMBEDDED) else server or os.getenv(BASE_URL_VARIABLE, "").strip() or None


def realtime_query(base_url: str, options: RecognitionOptions) -> dict[str, str]:
    """Return the query of a realtime session's address; without ``intent`` the server would open a chat."""
    query = {"intent": "transcription"}
    if not _takes_model(base_url):
        return query
    if options.model is not None:
        query = {"model": options.model, **query}
    if options.language:
        query["language"] = options.language
    return query


def _takes_model(base_url: str) -> bool:
    """Return whether a realtime address of this server names the model.

    Speaches refuses one without. OpenAI's own servers open a conversation for one with it, in which no transcription
    can be asked for: there the first update names the model.
    """
    host = urlsplit(base_url).hostname or ""
    return not any(host == name or (name.startswith(".") and host.endswith(name)) for name in _MODEL_FREE_HOSTS)


def normalise_base_url(url: str) -> str:
    """Return a server's base address without a slash at its end, and without the ``/v1`` that OpenAI clients want.

    Nor has it the endpoints that are copied from examples.

    It is an `InputError` if it has another scheme than http or https, no host, or more in it than an address (a key, a
    query).
    """
    if not isinstance(url, str):
        raise InputError(f"The server's address is no text but {type(url).__name__}: write it like {EXAMPLE}.")
    try:
        return _base_url(url)
    except InputError as exc:
        refusal = str(exc)
    raise InputError(refusal)  # anew: the frames of the first one have the parts of the address, a password among them


def _base_url(url: str) -> str:
    shown = url.strip().partition("?")[0].rpartition("@")[2]  # without what may be secret
    for character in shown:  # pasted ones are often invisible, or wide digits
        if character == " " or not character.isprintable() or unicodedata.normalize("NFKC", character) != character:
            code = f"U+{ord(character):04X}"
            raise InputError(
                f"The server's address has a character that no address has ({code}): type it like {EXAMPLE}."
            )
    # What Python says quotes the part that it cannot read, which may be a password.
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise InputError(f"The server's address cannot be read: write it like {EXAMPLE}.") from None
    try:
        port = parts.port
    except ValueError:
        raise InputError(
            f"The port of the server's address is not a number from 1 to 65535: write it like {EXAMPLE}."
        ) from None
    _check(parts)
    host = parts.hostname or ""
    shown_host = f"[{host}]" if ":" in host else host
    path = _ENDPOINT.sub("", parts.path.rstrip("/")).rstrip("/")
    return f"{parts.scheme}://{shown_host}{'' if port is None else f':{port}'}{path}"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check(parts: SplitResult) -> None:
    """Refuse what is no base address; the messages leave out whatever could be a secret."""
    host = parts.hostname
    if parts.scheme in HTTP_OF:
        cure = f"{HTTP_OF[parts.scheme]}://{host}" if host else EXAMPLE
        raise InputError(f"The server's address begins with {parts.scheme}://: use {cure} … instead.")
    if parts.scheme not in ("http", "https") or not host:
        raise InputError(
            f"The server's address must begin with http:// or https:// and a host: write it like {EXAMPLE}."
        )
    if parts.port == 0:
        raise InputError(f"No server listens at port 0: give the server's own port, and write it like {EXAMPLE}.")
    if parts.username is not None or parts.password is not None:
        raise InputError("The server's address has a user or password in it: give the key as api_key instead.")
    if parts.query or parts.fragment:
        raise InputError("The server's address has a query in it: give only the address, and the key as api_key.")
