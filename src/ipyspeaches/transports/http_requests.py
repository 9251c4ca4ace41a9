"""Transcription over HTTP: one utterance as a form upload, answered by a document or by a stream of events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

import httpx2

from ipyspeaches.errors import ProtocolError, ServerError, Severity
from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.protocol.api_key import read_key
from ipyspeaches.protocol.http.transcriptions import (
    Answer,
    Broken,
    Outcome,
    Refused,
    StreamedText,
    form_of,
    path_of,
    read_answer,
)
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.server.api import answering, http_client, read_whole
from ipyspeaches.server.failures import (
    TooLong,
    after_it_worked,
    answered,
    detail_of,
    explain_interruption,
    explain_status,
    explain_transport,
    not_speaches,
    timed_out,
)

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 120.0
"""A large model on a slow machine takes a while for 30 s of audio, and sends nothing until it is done."""

STREAM_TIMEOUT_S: Final = 300.0
"""A stream that takes longer drips: it would keep a session from its end for ever. Its text so far is kept."""
MAX_STREAM: Final = 64 * 2**20
"""Characters of the events of one utterance; 30 s of speech take some ten thousand."""
_TAIL: Final = 2_000
_SSE_FIELD: Final = re.compile(r"(data|event|id|retry)?:|(data|event|id|retry)$")
_HEALTH: Final = "/health"
_REFUSED_FORM: Final = frozenset({400, 422})


class RequestTransport:
    """Carries requests to one server, over connections that are kept; the key is never shown.

    It is an `InputError` if the address cannot be one of a server.
    """

    def __init__(self, url: str, api_key: str | None = None, *, stream: bool = False, has_worked: bool = False) -> None:
        self._worked = has_worked
        self._stream = stream  # texts are wanted piece by piece
        self._timed = not stream
        self._url = normalise_base_url(url)
        api_key = read_key(api_key)
        self._api_key = api_key
        timeout = httpx2.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._client = http_client(self._url, api_key, timeout)

    async def post(
        self, options: RecognitionOptions, file: tuple[str, bytes], on_text: Callable[[str], None]
    ) -> Outcome:
        """Send a request with a WAV file (its name and bytes) and return what became of it.

        ``on_text`` gets all the text so far whenever a stream has brought more of it.
        """
        timed, upload = self._timed, {"file": (*file, "audio/wav")}
        form = form_of(options, stream=self._stream, timed=timed)
        try:
            async with answering(self._client, "POST", path_of(options), data=form, files=upload) as answer:
                if answer.is_success and _media_type(answer) == "text/event-stream":
                    return await self._read_stream(answer, on_text)
                response = await read_whole(answer, ANSWER_TIMEOUT_S)
        except httpx2.ReadTimeout as exc:
            # Asking once more would take as long once more, and the server works on the first one still.
            return Refused(explain_transport(exc, self._url, ANSWER_TIMEOUT_S), Severity.SINGLE)
        except httpx2.RequestError as exc:
            error = explain_interruption(exc, self._url, CONNECT_TIMEOUT_S)
            return Refused(error, error.severity)
        if not (timed and _refuses_times(response)):
            return self._read(response)
        # Some models, OpenAI's newer ones among them, give the text alone.
        self._timed = False
        return await self.post(options, file, on_text)

    async def is_alive(self, within_s: float) -> bool:
        """Return whether the server answers anything at all within so many seconds, beside the requests."""
        try:
            async with asyncio.timeout(within_s), self._client.stream("GET", _HEALTH):
                return True
        except (TimeoutError, httpx2.RequestError):
            return False

    def gone(self, after_s: float) -> ServerError:
        """Return the error for a server that does not."""
        return timed_out(self._url, after_s)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _read(self, response: httpx2.Response) -> Outcome:
        if not response.is_success:
            key_given = self._api_key is not None
            error = explain_status(response, self._url, key_given=key_given)
            error = after_it_worked(error, key_given=key_given) if self._worked else error
            return Refused(error, error.severity)
        # A server that does not know stream=true answers it with a document: that is as good.
        kind = _media_type(response)
        plain = kind == "text/plain"
        answer = None if kind == "text/html" else read_answer(response.content, self._api_key, plain=plain)
        if answer is not None:
            self._worked = True
            return answer
        said = answered(response)
        if detail_of(response) is None:
            said = f"{said}, {response.headers.get('content-type', 'no content type')}"
            return Refused(not_speaches(self._url, said), Severity.SINGLE)
        failed = f"{self._url} gave an error in place of a text ({said}): see the server's log."
        return Refused(ProtocolError(failed), Severity.SINGLE)

    async def _read_stream(self, response: httpx2.Response, on_text: Callable[[str], None]) -> Outcome:
        streamed, received, stream = StreamedText(self._api_key), 0, _Ended(response)
        response.encoding = "utf-8-sig"  # some begin with a byte order mark
        try:
            async with asyncio.timeout(STREAM_TIMEOUT_S):
                async for event in httpx2.EventSource(cast("httpx2.Response", stream)):
                    received += len(event.data)
                    if received > MAX_STREAM:
                        raise TooLong(f"more than {MAX_STREAM // 2**20} MiB of text for one utterance")
                    if streamed.receive(event.data, event.event):
                        on_text(streamed.text)
        except TooLong:
            raise
        except TimeoutError:
            late = f"The stream of text did not end within {STREAM_TIMEOUT_S:.0f} s"
            ended = streamed.end()
            return ended if isinstance(ended, Answer) else Broken(streamed.text, late)
        except httpx2.RequestError:
            pass  # half a stream: what it amounts to is the protocol's to say
        return streamed.end(stream.rest)


class _Ended:
    """A response as event sources read it, with the blank line that some lack behind their last event."""

    def __init__(self, response: httpx2.Response) -> None:
        self.headers, self.request = response.headers, response.request
        self._response = response
        self._tail = ""

    async def aiter_text(self) -> AsyncIterator[str]:
        async for text in self._response.aiter_text():
            self._tail = (self._tail + text)[-_TAIL:]
            yield text
        yield "\n\n"

    @property
    def rest(self) -> str:
        """What stands behind the last event and is none: a proxy's page, a document; as words, if it has some."""
        last = self._tail.strip().rpartition("\n")[2]
        if not last or _SSE_FIELD.match(last):
            return ""
        said = answered(httpx2.Response(self._response.status_code, text=last, request=self.request))
        return said.partition(": ")[2] or last


def _media_type(response: httpx2.Response) -> str:
    media_type: str = response.headers.get("content-type", "")
    return media_type.split(";")[0].strip().lower()


def _refuses_times(response: httpx2.Response) -> bool:
    if response.status_code not in _REFUSED_FORM:
        return False
    detail = detail_of(response) or ""
    return "response_format" in detail or "timestamp_granularities" in detail
