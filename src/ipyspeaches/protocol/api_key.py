"""The key of a server: what can be one, and how it stays out of everything that is shown."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.address import BASE_URL_VARIABLE, EMBEDDED, is_loopback

Words = TypeVar("Words", bound=str | bytes)

API_KEY_VARIABLE: Final = "SPEACHES_API_KEY"
_UNSEEN: Final = r"(?:\x1b\[[\d;]*\w|<[^<>]{0,40}>|[\s\0-\x1f\x7f-\x9f\xad\u200b-\u200f\u2060\ufeff])*"
"""What may stand within a key that is quoted, and is not seen, or taken out before it is shown."""
_SHORTEST_SECRET: Final = 6
"""Shorter ones are given to servers that want any key ("test", "none"), and are parts of words: as such they stay."""
_QUOTES: Final = "\"'`"
_CURE: Final = f"copy it once more, and set it as api_key or {API_KEY_VARIABLE}"


class ApiKey(str):
    """A key, or the header that holds it: text whose ``repr`` does not show it, as tracebacks and notebooks print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ApiKey(…)"

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()  # a pickle is often a file: the key stays out of it

    def __copy__(self) -> ApiKey:
        return self

    def __deepcopy__(self, _memo: object) -> ApiKey:
        return self


def hidden(given: Any) -> Any:  # noqa: ANN401  whatever a caller gives
    """Return a key as what no traceback shows; of what is no text, its type alone."""
    if given is None or isinstance(given, type):
        return given
    return ApiKey(given) if isinstance(given, str) else type(given)


def hidden_address(given: Any) -> Any:  # noqa: ANN401  whatever a caller gives
    """Return an address that may have a password or a key in it, or be one, as what no traceback shows."""
    is_address = not isinstance(given, str) or given == EMBEDDED or ("://" in given and not set("@?#") & set(given))
    return given if is_address else ApiKey(given)


def read_key(given: str | None) -> ApiKey | None:
    """Return a key without the white space around it, None where there is none.

    It is an `InputError` if it cannot be sent in a header; the message does not quote it.
    """
    if given is None:
        return None
    given = hidden(given)  # no frame of this function shows it from here on
    if isinstance(given, type):
        raise InputError(f"The API key is of type {given.__name__}: give it as text.")
    given = ApiKey(given.strip())
    if given.partition(" ")[0].lower() == "bearer":  # the header's whole value was copied
        given = ApiKey(given.partition(" ")[2].strip())
    if given and (given[0] in _QUOTES or given[-1] in _QUOTES):
        raise InputError("The API key has quotation marks around it: leave them out.")
    # An error's traceback is saved with the notebook, and libraries quote the header that they refuse.
    odd = next((character for character in given if not "!" <= character <= "~"), None)
    if odd is not None:
        raise InputError(f"The API key contains a character that no key has ({_name(odd)}): {_CURE}.")
    return given or None


def key_from_environment(url: str | None = None) -> ApiKey | None:
    """Return the key that ``$SPEACHES_API_KEY`` holds, if it is meant for a server; None asks for no server."""
    if url is not None and not takes_environment_key(url):
        return None
    return read_key(os.getenv(API_KEY_VARIABLE))


def takes_environment_key(url: str) -> bool:
    """Return whether the key of the environment is meant for a server.

    It is for this machine and for the host that ``$SPEACHES_BASE_URL`` names, not unencrypted if that is https. Without
    that variable it is for whichever server is named.
    """
    try:
        here, there = urlsplit(url), urlsplit(os.getenv(BASE_URL_VARIABLE) or url)
    except ValueError:
        return False  # it is no address, and refused as such
    if is_loopback(here.hostname or ""):
        return True
    return here.hostname == there.hostname and (here.scheme == "https" or there.scheme != "https")


def bearer(key: str | None) -> dict[str, str]:
    """Return the header that carries a key, none without one."""
    return {"Authorization": ApiKey(f"Bearer {key}")} if key else {}


def without_key(text: Words, key: str | None) -> Words:
    """Return a server's words, decoded or not, without the key: some quote the one that they refuse.

    It is for what a server says of itself, never for what somebody has spoken.
    """
    if not key:
        return text
    if isinstance(text, bytes):
        return cast(
            "Words", without_key(text.decode("utf-8", "surrogateescape"), key).encode("utf-8", "surrogateescape")
        )
    parts = map(re.escape, str(key))
    quoted = _UNSEEN.join(parts) if len(key) >= _SHORTEST_SECRET else rf"(?<!\w){''.join(parts)}(?!\w)"
    return cast("Words", re.sub(quoted, "…", text))


def _name(character: str) -> str:
    return unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"
