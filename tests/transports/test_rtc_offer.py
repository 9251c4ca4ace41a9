"""Every refusal of an offer is told by its cause."""

from __future__ import annotations

import asyncio

import pytest

from ipyspeaches.errors import (
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
)
from ipyspeaches.transports import RtcOffer, WebRtcTransport
from rtc_wire import KEY, Answer, offer_server


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(403, '{"detail": "Invalid API key."}'), ServerAuthError, "the API key is wrong"),
        (Answer(404, '{"detail": "Not Found"}'), ProtocolError, 'use transport="realtime"'),
        (Answer(405, '{"detail": "Method Not Allowed"}'), ProtocolError, 'use transport="realtime"'),
        (Answer(405, ""), ProtocolError, "has no WebRTC (HTTP 405)"),
        (Answer(501, '{"detail": "pip install aiortc"}'), ProtocolError, "pip install aiortc"),
        (Answer(404, '{"detail": "Model \'x\' is not installed"}'), ModelNotFoundError, "Model 'x'"),
        (
            Answer(422, '{"detail": [{"msg": "Field required", "loc": ["query", "model"]}]}'),
            ProtocolError,
            "model: Field required",
        ),
        (Answer(500, "Internal Server Error"), ProtocolError, "could not do anything with the WebRTC offer (HTTP 500)"),
        (Answer(503, ""), ServerUnreachableError, "overloaded"),
        (Answer(200, "<!doctype html>"), NotSpeachesError, "no fitting answer"),
        (Answer(200, ""), NotSpeachesError, "no fitting answer"),
    ],
)
async def test_refusals_are_told_by_their_cause(answer: Answer, kind: type[ServerError], words: str) -> None:
    async def refuse(offer: str, headers: dict[str, str]) -> Answer:
        return answer

    before = asyncio.all_tasks()
    async with offer_server(refuse) as url:
        transport = WebRtcTransport(RtcOffer(url, {}, KEY))
        with pytest.raises(kind) as failure:
            await transport.connect()
    assert words in str(failure.value)
    assert url in str(failure.value)
    assert KEY not in str(failure.value)
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() == before


async def test_nobody_there() -> None:
    with pytest.raises(ServerUnreachableError, match="start the server"):
        await WebRtcTransport(RtcOffer("http://127.0.0.1:9", {})).connect()
