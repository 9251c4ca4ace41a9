"""One request and its answer, over a wire that answers what a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ipyspeaches.errors import ConnectionLostError, InputError, NotSpeachesError, ProtocolError, ServerUnreachableError
from ipyspeaches.server.api import Call, HttpApi, answering, http_client, read_whole
from ipyspeaches.server.failures import Failed, explain_interruption
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


@pytest.mark.parametrize(
    ("moved", "followed"),
    [
        ("/v1/audio/transcriptions/", True),
        (f"{URL}/api/v1/audio/transcriptions", True),
        ("http://other.example/v1/audio/transcriptions/", False),
        ("/login", False),
    ],
)
async def test_what_has_moved_within_a_server_is_asked_for_there_and_nowhere_else(moved: str, followed: bool) -> None:
    asked: list[tuple[str, str | None, bytes]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((str(request.url), request.headers.get("authorization"), request.read()))
        return httpx2.Response(307, headers={"location": moved}) if len(asked) == 1 else httpx2.Response(200)

    path = "/v1/audio/transcriptions"
    async with (
        http_client(URL, "sk-1", httpx2.Timeout(5), httpx2.MockTransport(answer)) as client,
        answering(client, "POST", path, files={"file": ("a.wav", b"RIFF")}) as response,
    ):
        assert response.status_code == (200 if followed else 307)
    assert len(asked) == 1 + followed
    assert {one[1:] for one in asked} == {asked[0][1:]}
    assert b"RIFF" in asked[0][2]


async def test_a_whole_answer_counts_whatever_length_is_announced() -> None:
    class Cut(httpx2.AsyncByteStream):
        def __init__(self, content: bytes) -> None:
            self._content = content

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield self._content
            raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")

    request = httpx2.Request("GET", URL)
    whole = await read_whole(httpx2.Response(200, stream=Cut(b'{"text": "good"}'), request=request), 5)
    assert whole.json() == {"text": "good"}
    with pytest.raises(httpx2.RemoteProtocolError):
        await read_whole(httpx2.Response(200, stream=Cut(b'{"text": "go'), request=request), 5)


def test_an_answer_that_is_no_http_is_no_lost_connection() -> None:
    odd = explain_interruption(httpx2.RemoteProtocolError("illegal header line: bytearray(b'X Y: 1')"), URL, 5)
    assert type(odd) is NotSpeachesError
    assert "not in HTTP (illegal header line): check the port" in str(odd)
    lost = explain_interruption(httpx2.RemoteProtocolError("Server disconnected without sending a response."), URL, 5)
    assert type(lost) is ConnectionLostError
