"""Which ways to a server work, as the doctor finds out."""

from __future__ import annotations

import json
from importlib import util
from typing import Any

import pytest

from ipyspeaches import LocalServer
from ipyspeaches.cli import main, transport_checks
from ipyspeaches.cli.transport_checks import check_transports
from scripted_server import scripted

__all__ = ["scripted"]

NAMES = ["Transport realtime", "Transport chunked", "Transport sse", "Transport webrtc"]


def test_the_local_server_offers_all_of_them() -> None:
    for check in check_transports(LocalServer.shared().url, None, None):
        assert check.ok, check


def test_a_server_that_offers_sessions_only_is_told_from_one_that_offers_all(scripted: Any) -> None:
    found = check_transports(scripted.url, None, None)
    assert [check.name for check in found] == NAMES
    assert [check.ok for check in found] == [True, False, False, False]
    assert scripted.received[0]["type"] == "session.update"
    assert all(message["type"] == "session.update" for message in scripted.received), "sound was sent"
    assert all(check.cure for check in found[1:])
    assert not any(check.essential for check in found)


def test_webrtc_needs_aiortc_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async def there(*_: object) -> str:
        return "POST /v1/realtime is there; no sound was sent"

    monkeypatch.setattr(transport_checks, "_endpoint_is_there", there)
    assert check_transports(LocalServer.shared().url, None, None)[3].ok
    monkeypatch.setattr(util, "find_spec", lambda _package: None)
    webrtc = check_transports(LocalServer.shared().url, None, None)[3]
    assert not webrtc.ok
    assert "is there; no sound was sent; here: without aiortc" in webrtc.found
    assert "ipyspeaches[webrtc]" in str(webrtc.cure)


def test_the_doctor_looks_at_them_where_a_server_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalServer(api_key="sesame-1234") as server:
        main(["doctor", "--json", "--server", server.url, "--api-key", "sesame-1234"])
        told = capsys.readouterr().out
        main(["doctor", "--json", "--server", server.url, "--api-key", "wrong"])
        refused = capsys.readouterr().out
    found = {entry["name"]: entry for entry in json.loads(told)}
    assert [name for name in found if name.startswith("Transport")] == NAMES
    assert set(found["Transport sse"]) == {"name", "ok", "found", "cure", "essential"}
    assert found["Transport realtime"]["ok"]
    assert "sesame" not in told
    assert "Transport" not in refused
