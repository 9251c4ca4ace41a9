"""What both ends of a WebRTC connection need of aiortc: that it is there, is silent, and finds an address."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Final

from ipyspeaches.errors import MissingExtraError

# At level DEBUG they log addresses and every message, and so what was said.
_LOGGERS: Final = ("aiortc", "aioice")
_LOOPBACK: Final = "127.0.0.1"


def missing_webrtc() -> MissingExtraError | None:
    """Return the error to raise if WebRTC is not installed, with the pip line that cures it."""
    if find_spec("aiortc") is not None:
        return None
    return MissingExtraError("aiortc", "webrtc", "send speech over WebRTC")


def prepare() -> None:
    """Make aiortc ready, once or again.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
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
