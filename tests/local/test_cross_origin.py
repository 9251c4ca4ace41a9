"""Which pages may read the embedded server's answers: over real HTTP, as a browser asks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from ipyspeaches.local import LocalServer

KEY = "secret"
PAGE = "http://localhost:8888"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}
ALLOWED = "access-control-allow-origin"


@pytest.fixture(scope="module")
def locked() -> Iterator[LocalServer]:
    with LocalServer(api_key=KEY) as server:
        yield server


def ask(server: LocalServer, method: str, path: str, **headers: str) -> httpx2.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.request(method, server.url + path, headers=given, trust_env=False)


@pytest.mark.parametrize("path", ["/v1/realtime?model=m", "/v1/models"])
def test_a_page_of_this_machine_may_ask_before_it_has_the_key(locked: LocalServer, path: str) -> None:
    answer = ask(locked, "OPTIONS", path, Origin=PAGE, **ASKED)
    assert answer.status_code == 204
    assert answer.headers[ALLOWED] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == ASKED["Access-Control-Request-Headers"]
    assert answer.headers["vary"] == "Origin"
    assert answer.content == b""


@pytest.mark.parametrize("origin", ["https://page.example", "null", "http://localhost.page.example"])
def test_nobody_else_may(locked: LocalServer, origin: str) -> None:
    for method, more in (("OPTIONS", ASKED), ("GET", {"Authorization": f"Bearer {KEY}"})):
        answer = ask(locked, method, "/v1/models", Origin=origin, **more)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_answers_and_refusals_can_be_read(locked: LocalServer) -> None:
    for key, status in ((KEY, 200), ("wrong", 403)):
        answer = ask(locked, "GET", "/v1/models", Origin=PAGE, Authorization=f"Bearer {key}")
        assert (answer.status_code, answer.headers[ALLOWED]) == (status, PAGE)


def test_without_a_page_nothing_is_said(locked: LocalServer) -> None:
    answer = ask(locked, "GET", "/health")
    assert ALLOWED not in answer.headers


def test_an_options_request_that_asks_for_nothing_is_an_ordinary_one(locked: LocalServer) -> None:
    assert ask(locked, "OPTIONS", "/v1/models", Origin=PAGE).status_code == 403  # it has no key
