"""The reason that a server gives is quoted, in whichever form it comes, and where it leads is said."""

from __future__ import annotations

import json
import os
import socket
import ssl
from typing import Any

import httpx2
import pytest

from ipyspeaches.errors import (
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    Severity,
)
from ipyspeaches.server.client import Server
from ipyspeaches.server.failures import after_it_worked, detail_of, explain_status

URL = "http://speaches.example:8000"
KEY = "sk-secret"


async def failure(status: int, body: Any = "", **headers: str) -> ServerError:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=content, headers=headers))
    with pytest.raises(ServerError) as failed:
        await Server(URL, KEY, transport=transport).models()
    assert KEY not in str(failed.value)
    return failed.value


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no memory", "type": "x", "code": None}}, "no memory"),
        ({"error": "no\n memory"}, "no memory"),
        ({"error": "server_error", "error_description": "no memory"}, "no memory"),
        ({"detail": {"message": "no memory"}}, "no memory"),
        ({"detail": [{"msg": "no memory", "loc": ["body", "file"]}]}, "file: no memory"),
        ({"detail": [{"msg": "no memory", "loc": ["body", 1.5]}, 5]}, ": no memory"),
        ({"message": "no memory", "detail": None, "error": 5}, "no memory"),
        ({"message": f"the key {KEY} is over its limit"}, "the key … is over its limit"),
        ([{"error": {"code": 500, "message": "no memory"}}], "no memory"),
        ({"detail": ["no memory"]}, "no memory"),
        ({"detail": [{"message": "no memory"}]}, "no memory"),
        ({"status": 500, "error": "Internal Server Error", "message": "no memory"}, "no memory"),
        ({"detail": {"error": "no memory"}}, "no memory"),
        ({"code": 500, "msg": "no memory"}, "no memory"),
        ({"error": {"code": 1, "msg": "no memory"}}, "no memory"),
        ({"errors": [{"message": "no memory"}, "more"]}, "no memory"),
        ({"error": {"error": {"message": "no memory"}}}, "no memory"),
        ({"fault": {"faultstring": "no memory"}}, "no memory"),
        ({"Message": "no memory"}, "no memory"),
        ({"title": "no memory", "status": 500}, "no memory"),
    ],
)
async def test_each_form_of_a_reason_is_quoted(body: Any, said: str) -> None:
    failed = await failure(500, body)
    assert type(failed) is ProtocolError
    assert f"(HTTP 500: {said})" in str(failed)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html><body><h1>no memory</h1></body></html>", "no memory"),
        (
            "<html><title>Error</title><style>h1 {}</style><body><h1>500</h1><p>no <b>memory</b></html>",
            "Error 500 no memory",
        ),
        ("<title>Internal Server Error</title><h1 class='x'>no &lt;memory&gt;</h1>", "no <memory>"),
        ('<?xml version="1.0"?><Error><Code>X</Code><Message>no memory</Message></Error>', "no memory"),
        ("<soap:Fault><faultcode>1</faultcode><soap:faultstring>no memory</soap:faultstring>", "no memory"),
        ('{"error":{"code":"x","message":"no memory', "no memory"),
        ('{"detail":"no \\"memory\\"","model":', 'no \\"memory\\"'),
        ("{'error': 'no memory'}", "{'error': 'no memory'}"),
        ('"no memory"', "no memory"),
        ('{"status":"no memory"}', '{"status":"no memory"}'),
        ("\ufeff no\nmemory", "no memory"),
        ('Traceback (most recent call last):\n  File "x.py", line 3\nValueError: no memory\n', "ValueError: no memory"),
        (f"<h1>{KEY} is over its limit</h1>", "… is over its limit"),
    ],
)
async def test_a_reason_that_is_no_json_is_quoted(body: str, said: str) -> None:
    assert f"(HTTP 500: {said})" in str(await failure(500, body))


async def test_a_reason_is_read_in_the_charset_that_is_announced() -> None:
    for content_type in ("application/json; charset=gbk", "application/json; charset=iso-8859-1"):
        sent = "gbk" if "gbk" in content_type else "utf-8"  # many announce another one than they send
        body = '{"error": "音频太短"}'.encode(sent)
        assert "(HTTP 400: 音频太短)" in str(await failure(400, body, **{"content-type": content_type}))


async def test_why_a_key_is_refused_is_quoted_from_the_header() -> None:
    challenge = 'Bearer realm="x", error="invalid_token", error_description="The token has expired"'
    assert "(HTTP 401: The token has expired)" in str(await failure(401, **{"www-authenticate": challenge}))


@pytest.mark.parametrize(
    "body", [b"\x89PNG\x00\x01\x02\x03\x04" * 9, b"{}", b"<html>", b"<h1>500</h1>", b"Internal Server Error"]
)
async def test_what_says_no_more_than_the_number_is_not_quoted(body: bytes) -> None:
    assert "(HTTP 500)" in str(await failure(500, body))


@pytest.mark.parametrize(
    "body", ["<script" * 2_000, "<" * 10_000, '{"a":' * 2_000, '"' * 10_000, "<a>" * 5_000, "&" * 10_000]
)
async def test_no_page_takes_long(body: str) -> None:
    assert len(str(await failure(500, body))) < 300


@pytest.mark.parametrize("body", [b"[" * 200_000, b"\xe9", b"null", b"[1]", b'{"detail": 5}', b""])
def test_what_is_no_reason_is_none(body: bytes) -> None:
    assert detail_of(httpx2.Response(500, content=body)) is None


def test_a_reason_in_latin_1_is_read() -> None:
    assert detail_of(httpx2.Response(503, content='{"detail": "überlastet"}'.encode("latin-1"))) == "überlastet"


@pytest.mark.parametrize("status", [408, 425, 503, 520, 524, 529])
async def test_what_passes_is_asked_again(status: int) -> None:
    failed = await failure(status, {"detail": "overloaded"})
    assert failed.severity is Severity.PASSING
    assert f"is not ready (HTTP {status}: overloaded)" in str(failed)


@pytest.mark.parametrize(("said", "wait_s"), [("3", 3), ("x", 0), ("9" * 12, 0)])
async def test_how_long_to_wait_is_told(said: str, wait_s: float) -> None:
    response = httpx2.Response(503, headers={"retry-after": said})
    assert explain_status(response, "http://x", key_given=False).retry_after_s == wait_s


def test_what_worked_until_now_has_another_cure() -> None:
    def again(status: int, *, key_given: bool = False) -> ServerError:
        error = explain_status(httpx2.Response(status), "http://x", key_given=key_given)
        return after_it_worked(error, key_given=key_given)

    assert again(404).severity is Severity.PASSING
    assert "(HTTP 404), but it is not a Speaches server: it has worked until now" in str(again(404))
    assert again(403).severity is Severity.FATAL
    assert "(HTTP 403): it has worked without an API key until now" in str(again(403))
    assert "the API key is wrong" in str(again(403, key_given=True))


async def test_a_quota_that_is_used_up_is_not_taken_for_load() -> None:
    failed = await failure(429, {"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}})
    assert failed.severity is Severity.FATAL
    assert "HTTP 429: You exceeded your quota), and trying again does not help" in str(failed)
    failed = await failure(429, {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}})
    assert failed.severity is Severity.PASSING
    assert "HTTP 429: Slow down" in str(failed)


@pytest.mark.parametrize(
    ("status", "location", "said"),
    [
        (301, "https://speaches.example/v1/models", "has moved to https://speaches.example "),
        (302, "https://me:pw@login.example/oauth?next=secret", "leads to https://login.example/oauth instead"),
        (307, "//other.example/x", "leads to http://other.example/x instead"),
        (307, "wss://speaches.example/v1/realtime", "has moved to https://speaches.example "),
        (302, "http://[", "HTTP 302"),
        (302, "", "HTTP 302"),
        (302, "/login", f"leads to {URL}/login instead of answering (HTTP 302)"),
    ],
)
async def test_a_redirect_says_where_it_leads(status: int, location: str, said: str) -> None:
    failed = await failure(status, location=location)
    assert type(failed) is NotSpeachesError
    assert said in str(failed)
    assert "pw" not in str(failed)
    assert "secret" not in str(failed)


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (404, {"error": {"message": "No model x", "code": "model_not_found"}}, ModelNotFoundError, "No model x"),
        (400, "<title>400 The plain HTTP request was sent to HTTPS port</title>", NotSpeachesError, "write https://"),
        (403, {"detail": "Your country is not supported."}, ServerAuthError, "Your country is not supported"),
        (401, {"error": {"message": "Incorrect API key sk-s***t"}}, ServerAuthError, "HTTP 401)"),
        (413, "<html>", ProtocolError, "HTTP 413): send less at a time"),
        (415, {"detail": "No such format."}, ProtocolError, "HTTP 415: No such format): send an audio file"),
        (404, "<html><title>nginx\n &amp; co</title>", NotSpeachesError, "HTTP 404: nginx & co)"),
        (400, {"detail": "No such field."}, ProtocolError, "HTTP 400: No such field): correct what it names."),
        (403, "<title>Just a moment...</title>", ServerAuthError, "HTTP 403: Just a moment)"),
        (530, f"<title>Origin of {KEY}</title>", ProtocolError, "HTTP 530: Origin of …): see the server's log"),
        (503, {"detail": "loading"}, ServerUnreachableError, "HTTP 503: loading"),
    ],
)
async def test_statuses_and_what_they_say(status: int, body: Any, error: type[ServerError], said: str) -> None:
    failed = await failure(status, body)
    assert type(failed) is error
    assert said in str(failed)


async def test_a_reason_in_plain_text_is_quoted_unless_it_only_repeats_the_number() -> None:
    headers = {"content-type": "text/plain; charset=utf-8"}
    assert "(HTTP 500: CUDA out of\n memory)".replace("\n", "") in str(
        await failure(500, "CUDA out of\n memory", **headers)
    )
    assert "(HTTP 500): see" in str(await failure(500, "Internal Server Error", **headers))
    assert "(HTTP 404: 404 page not found)" in str(await failure(404, "404 page not found\n", **headers))


async def test_a_proxy_that_wants_a_password_is_told_from_one_that_refuses() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ProxyError("407 Proxy Authentication Required", request=request)

    with pytest.raises(ServerUnreachableError, match=r"requires a user and a password \(HTTP 407\)"):
        await Server(URL, transport=httpx2.MockTransport(refuse)).models()


@pytest.mark.parametrize(
    ("named", "url", "sent"),
    [
        (None, URL, True),
        (URL, URL, True),
        ("https://gpu.example", URL, False),
        ("https://gpu.example", "http://127.0.0.1:8000", True),
    ],
)
async def test_a_key_that_was_kept_back_is_told(
    named: str | None, url: str, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", KEY)
    if named is not None:
        monkeypatch.setenv("SPEACHES_BASE_URL", named)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(401))
    with pytest.raises(ServerAuthError, match="requires an API key") as failed:
        await Server(url, transport=transport).models()
    kept_back = "SPEACHES_API_KEY goes only to the server that SPEACHES_BASE_URL names, so give api_key"
    assert (kept_back in str(failed.value)) is not sent
    assert "or set SPEACHES_API_KEY" not in str(failed.value), "it is set"
    assert KEY not in str(failed.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks://me:hunter2@proxy:1080"),
        ("HTTPS_PROXY", "ftp://me:hunter2@proxy"),
        ("HTTPS_PROXY", "http://me:hunter2@proxy:port"),
        ("SSL_CERT_FILE", "/no/such/hunter2.pem"),
        ("SSLKEYLOGFILE", "/no/such/hunter2.log"),
    ],
)
async def test_a_variable_that_keeps_everything_out_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ServerUnreachableError, match=f"because {name} names no") as failed:
        await Server("https://speaches.example").models()
    assert "hunter2" not in str(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("proxy", "cause", "words"),
    [
        ("http://me:hunter2@proxy:3128", ConnectionRefusedError(111, "refused"), "proxy:3128 .* refuses connections"),
        ("http://me:hunter2@proxy:3128", socket.gaierror(-2, "unknown"), "proxy:3128 .* cannot be found"),
        ("https://me:hunter2@proxy:3128", ssl.SSLError(1, "wrong version"), "proxy:3128 .* write http:// in it"),
    ],
)
async def test_a_proxy_that_cannot_be_reached_is_told_from_the_server(
    proxy: str, cause: OSError, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTP_PROXY", proxy)

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("failed", request=request) from cause

    with pytest.raises(ServerUnreachableError, match=words) as failed:
        await Server("http://speaches.example", "sk-1", transport=httpx2.MockTransport(refuse)).health()
    assert "HTTP_PROXY" in str(failed.value)
    assert "hunter2" not in str(failed.value)
    assert failed.value.__context__ is None
    monkeypatch.setenv("all_proxy", proxy)
    monkeypatch.setenv("https_proxy", proxy)  # which is of no concern
    with pytest.raises(ServerUnreachableError, match="correct or unset all_proxy and HTTP_PROXY,"):
        await Server("http://speaches.example", transport=httpx2.MockTransport(refuse)).health()
    monkeypatch.delenv("all_proxy")
    monkeypatch.delenv("https_proxy")
    with pytest.raises(ServerUnreachableError) as failed:
        await Server("https://speaches.example", transport=httpx2.MockTransport(refuse)).health()
    assert "proxy" not in str(failed.value), "it is for http:// alone"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("3600", "in 60 minutes"),
        ("5", "in a moment"),
        ("soon", "in a moment"),
        ("9" * 5_000, "in a moment"),
        ("Fri, 21 Oct 2095 07:28:00 GMT", r"in \d{6,} minutes"),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "in a moment"),
        ("Wed, 21 Oct 99999999 07:28:00 GMT", "in a moment"),
    ],
)
async def test_a_server_that_says_how_long_it_is_busy_is_quoted(told: str, words: str) -> None:
    busy = httpx2.MockTransport(lambda _request: httpx2.Response(429, headers={"Retry-After": told}))
    with pytest.raises(ServerUnreachableError, match=words):
        await Server("http://speaches.example", transport=busy).health()
