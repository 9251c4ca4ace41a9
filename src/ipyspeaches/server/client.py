"""A client of a Speaches server's other endpoints: health, models, speech timestamps."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from ipyspeaches.audio.decoding import wav
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import ServerError
from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.server.failures import detail_of, explain_status, explain_transport, not_speaches
from ipyspeaches.server.http import http_client
from ipyspeaches.server.models import InterfaceDocument, InterfaceInfo, Model, ModelList, RunningList, SpanEntry
from ipyspeaches.vad.segments import Segments

Answer = TypeVar("Answer")

TIMEOUT_S: Final = 10.0
LOAD_TIMEOUT_S: Final = 300.0
DOWNLOAD_TIMEOUT_S: Final = 3600.0


class Server:
    """A Speaches server at an address.

    Parameters
    ----------
    url
        Base address, such as ``http://localhost:8000``.
    api_key
        The server's key, if it has one; sent as a Bearer token, and never shown.
    transport
        Carries the requests; None for the network.

    Raises
    ------
    InputError
        If the address is none.
    """

    def __init__(
        self, url: str, api_key: str | None = None, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self.url = normalise_base_url(url)
        self._api_key = api_key
        self._transport = transport

    def __repr__(self) -> str:
        return f"Server({self.url!r}{'' if self._api_key is None else ', api_key=…'})"

    async def health(self) -> None:
        """Return if the server is up; this says nothing about key or models.

        Raises
        ------
        ServerError
            Why it is not.
        """
        await self._request("GET", "/health")

    async def models(self, task: str | None = None) -> list[Model]:
        """Return the installed models, sorted by id.

        Parameters
        ----------
        task
            Only models for this, such as ``automatic-speech-recognition``.

        Raises
        ------
        ServerError
            If the server cannot say.
        """
        response = await self._request("GET", "/v1/models", params={} if task is None else {"task": task})
        entries = self._decode(response, ModelList).data
        return sorted((entry.to_model() for entry in entries), key=lambda model: model.id)

    async def running(self) -> list[str]:
        """Return the ids of the models in the server's memory, sorted."""
        return sorted(self._decode(await self._request("GET", "/api/ps"), RunningList).models)

    async def load(self, model: str) -> None:
        """Load a model into the server's memory, so that the first utterance does not wait for it.

        Raises
        ------
        ModelNotFoundError
            If it is not installed.
        """
        path = f"/api/ps/{quote(model)}"
        await self._request("POST", path, timeout_s=LOAD_TIMEOUT_S, also=409)  # 409: it is loaded already

    async def unload(self, model: str) -> None:
        """Drop a model from the server's memory; nothing happens if it is not there."""
        await self._request("DELETE", f"/api/ps/{quote(model)}", also=404)

    async def download(self, model: str) -> None:
        """Have the server install a model; takes as long as the download does.

        Raises
        ------
        ServerError
            If the server cannot get it.
        """
        await self._request("POST", f"/v1/models/{quote(model)}", timeout_s=DOWNLOAD_TIMEOUT_S)

    async def version(self) -> str | None:
        """Return the version of the server's interface, or None if it does not say."""
        interface = await self.interface()
        return None if interface is None else interface.version

    async def interface(self) -> InterfaceInfo | None:
        """Return what the server says about its interface, or None if it does not."""
        try:
            return self._decode(await self._request("GET", "/openapi.json"), InterfaceDocument).info
        except ServerError:
            return None

    async def speech_timestamps(
        self,
        audio: Recording | str | Path,
        *,
        threshold: float = 0.75,
        min_silence_duration_ms: int = 300,
        speech_pad_ms: int = 0,
    ) -> Segments:
        """Return where the server's Silero hears speech.

        Parameters
        ----------
        audio
            A recording or a sound file.
        threshold
            Probability from 0 to below 1.
        min_silence_duration_ms
            Silence that ends a segment. (The server's own default, 1000, glues sentences together.)
        speech_pad_ms
            Added on each side.
        """
        name, data = _file(audio)
        fields = {
            "threshold": str(threshold),
            "min_silence_duration_ms": str(min_silence_duration_ms),
            "speech_pad_ms": str(speech_pad_ms),
        }
        response = await self._request(
            "POST", "/v1/audio/speech/timestamps", fields=fields, file=(name, data), timeout_s=LOAD_TIMEOUT_S
        )
        spans = self._decode(response, list[SpanEntry])
        return Segments((span.start / 1000, span.end / 1000) for span in spans)

    def _client(self, timeout_s: float) -> httpx2.AsyncClient:
        # One a request: a Server may be used from several event loops (a notebook's, the engine's).
        return http_client(self.url, self._api_key, httpx2.Timeout(timeout_s), self._transport)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
        timeout_s: float = TIMEOUT_S,
        also: int | None = None,
    ) -> httpx2.Response:
        """Return a successful answer; ``also`` is a status that counts as success if the server explains it."""
        files = None if file is None else {"file": file}
        try:
            async with self._client(timeout_s) as client:
                response = await client.request(method, path, params=params, data=fields, files=files)
        except httpx2.RequestError as exc:
            raise explain_transport(exc, self.url, timeout_s) from exc
        if response.is_success or (response.status_code == also and detail_of(response) is not None):
            return response
        raise explain_status(response, self.url, key_given=self._api_key is not None)

    def _decode(self, response: httpx2.Response, kind: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as exc:
            raise not_speaches(self.url, response.headers.get("content-type", "no content type")) from exc


def _file(audio: Recording | str | Path) -> tuple[str, bytes]:
    if not isinstance(audio, Recording):
        audio = Recording.load(audio)  # says what is wrong with a file before anything is sent
    return "audio.wav", wav(audio.samples, audio.rate)
