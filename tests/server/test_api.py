"""One request and its answer, over a wire that answers what a test wants."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from ipyspeaches.errors import InputError, NotSpeachesError, ProtocolError, ServerUnreachableError
from ipyspeaches.server.api import Call, HttpApi
from ipyspeaches.server.failures import Failed
from ipyspeaches.server.models import RunningList

URL = "http://speaches.example:8000"


def api(status: int, body: Any, key: str | None = None) -> HttpApi:
    return HttpApi(URL, key, httpx2.MockTransport(lambda _request: httpx2.Response(status, json=body)))


async def test_an_answer_is_a_value() -> None:
    assert (await api(200, {"models": ["a"]}).ask(Call(path="/api/ps"), RunningList)).models == ["a"]
    with pytest.raises(NotSpeachesError, match="application/json"):
        await api(200, {"other": 1}).ask(Call(path="/api/ps"), RunningList)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_headers_with_any_character_cost_no_answer(encoding: str) -> None:
    headers = [(b"X-User", "Müller".encode(encoding)), (b"Content-Encoding", b"identity")]
    wire = httpx2.MockTransport(lambda _request: httpx2.Response(200, headers=headers, json={"models": ["a"]}))
    answer = await HttpApi(URL, None, wire).send(Call(path="/api/ps"))
    assert answer.json() == {"models": ["a"]}
    assert answer.headers["x-user"] == "Müller"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(("body", "good"), [({"message": "loaded"}, True), ({}, False)])
async def test_a_status_counts_as_success_only_where_the_server_explains_it(body: Any, good: bool) -> None:
    call = Call(method="POST", path="/api/ps/m", also=409)
    if good:
        assert (await api(409, body).send(call)).status_code == 409
    else:
        with pytest.raises(NotSpeachesError):
            await api(409, body).send(call)


async def test_an_endpoints_own_explanation_comes_first() -> None:
    def explain(failed: Failed, address: str) -> ProtocolError | None:
        assert address == URL
        return ProtocolError("Mine.") if isinstance(failed, httpx2.Response) else None

    call = Call(path="/x", explain=explain)
    with pytest.raises(ProtocolError, match=r"^Mine\.$"):
        await api(500, {}).send(call)

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(ServerUnreachableError, match="start the server") as failed:
        await HttpApi(URL, None, httpx2.MockTransport(refuse)).send(call)
    assert failed.value.__cause__ is failed.value.__context__ is None, "frames there hold the headers"


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(InputError):
        HttpApi("localhost", None, None)
