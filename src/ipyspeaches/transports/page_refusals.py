"""Why a page has no connection with a server, and why it could not ask for one itself: in words, with the cure."""

from __future__ import annotations

from typing import Any, Final

from ipyspeaches.errors import (
    ConnectionLostError,
    ServerError,
    ServerUnreachableError,
    SpeachesError,
    UdpBlockedError,
)
from ipyspeaches.protocol import Noticed
from ipyspeaches.transports.rtc_offer import explain_refusal

REALTIME: Final = 'transport="realtime"'


def explain_failure(news: dict[str, Any], address: str) -> SpeachesError:
    """Return the error for a connection that a page could not open.

    Parameters
    ----------
    news
        The page's: ``kind``, ``detail`` and, of a refusal, the ``status``.
    address
        Of the server, fit to be shown.
    """
    detail = str(news.get("detail", ""))
    match news.get("kind"):
        case "ice":
            return UdpBlockedError(
                f"{address} took the WebRTC offer, but no UDP packets get through between it and this browser: let UDP "
                "through (a firewall, a VPN, or a container without its ports on the host's network), or use "
                f"{REALTIME}, where the sound goes through the kernel over TCP."
            )
        case "refused":
            return explain_refusal(int(news.get("status") or 0), detail.encode(), address, key_given=False)
        case "unsupported":
            return ServerUnreachableError(
                f"This browser or notebook editor has no WebRTC: use {REALTIME}, or open the notebook in JupyterLab."
            )
        case "microphone":
            return ConnectionLostError(
                "The microphone was closed before the connection with the server was open: press Record again."
            )
    return ServerError(
        f"The browser could not connect with {address} over WebRTC ({detail or 'it gave no reason'}): try again, or "
        f"use {REALTIME}."
    )


def explain_obstacle(reason: str, origin: str, address: str) -> Noticed:
    """Return what kept a page from asking the server itself; the kernel has asked in its place.

    Parameters
    ----------
    reason
        The page's word for it: ``cors``, ``mixed_content`` or ``unreachable``.
    origin
        Of the page.
    address
        Of the server, fit to be shown.
    """
    if reason == "cors":
        cure = (
            f"{address} does not let pages of {origin} ask it (CORS): start Speaches with "
            f"ALLOW_ORIGINS='[\"{origin}\"]'."
        )
    elif reason == "mixed_content":
        cure = (
            f"This page came over https, so the browser does not let it ask {address}: serve that over https, too, or "
            "open the notebook on http://localhost."
        )
    else:
        cure = (
            f"This browser cannot reach {address}, only the kernel can: give server= an address that is right on both "
            "computers."
        )
    return Noticed(f"rtc_{reason}", f"{cure} The kernel asked in its place.")
