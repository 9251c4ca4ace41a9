"""What both ends need of aiortc."""

from __future__ import annotations

import re

import pytest

from ipyspeaches.errors import MissingExtraError
from ipyspeaches.transports import RtcOffer, WebRtcTransport, rtc_support


async def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc_support, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'ipyspeaches[webrtc]'")):
        await WebRtcTransport(RtcOffer("http://127.0.0.1:9", {})).connect()


def test_a_machine_without_a_network_talks_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from aioice import ice

    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    rtc_support.prepare()
    rtc_support.prepare()
    assert ice.get_host_addresses(True, True) == ["127.0.0.1"]
