"""A client of a Speaches server's other endpoints: health, models, speech timestamps, speakers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx2

from ipyspeaches.errors import ServerError
from ipyspeaches.results.diarization import Diarization, SpeakerTurn
from ipyspeaches.server import missing
from ipyspeaches.server.api import Call, HttpApi
from ipyspeaches.server.markup import server_html
from ipyspeaches.server.models import (
    DIARIZATION_TASK,
    DiarizationAnswer,
    InterfaceDocument,
    InterfaceInfo,
    ModelList,
    Models,
    Overview,
    RunningList,
    SpanEntry,
)
from ipyspeaches.server.presets import model_id
from ipyspeaches.server.uploads import Sound, as_file, known_voices
from ipyspeaches.server.waiting import Waiting, screen
from ipyspeaches.vad.segments import Segments

REGISTRY_TIMEOUT_S: Final = 60.0
LOAD_TIMEOUT_S: Final = 300.0
DOWNLOAD_TIMEOUT_S: Final = 3600.0
DIARIZATION_TIMEOUT_S: Final = 3600.0


class Server:
    """A Speaches server at an address.

    Wherever a model is asked for, the name of a preset does as well.

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
        self._api = HttpApi(url, api_key, transport)
        self.url = self._api.url

    def __repr__(self) -> str:
        return f"Server({self.url!r}{', api_key=…' if self._api.has_key else ''})"

    def _repr_html_(self) -> str:
        return server_html(self.url, has_key=self._api.has_key)

    async def health(self) -> None:
        """Return if the server is up; this says nothing about key or models.

        Raises
        ------
        ServerError
            Why it is not.
        """
        await self._api.send(Call(path="/health"))

    async def version(self) -> str | None:
        """Return the version of the server's interface, or None if it does not say."""
        interface = await self.interface()
        return None if interface is None else interface.version

    async def interface(self) -> InterfaceInfo | None:
        """Return what the server says about its interface, or None if it does not."""
        try:
            return (await self._api.ask(Call(path="/openapi.json"), InterfaceDocument)).info
        except ServerError:
            return None

    async def require_endpoint(self, path: str) -> None:
        """Return if there is a POST endpoint, asked with nothing in the form, so that it does nothing.

        Raises
        ------
        ServerError
            If there is none, or no answer.
        """
        call = Call(
            method="POST", path=path, also=HTTPStatus.UNPROCESSABLE_ENTITY, explain=missing.explain_lack(self.url)
        )
        await self._api.send(call)

    async def overview(self) -> Overview:
        """Return version, installed models and which of them are in memory, asked for at once.

        Raises
        ------
        ServerError
            If the server cannot say what is installed.
        """
        models, version, running = await asyncio.gather(self.models(), self.version(), self._running_if_told())
        return Overview(self.url, version, models, running)

    async def models(self, task: str | None = None) -> Models:
        """Return the installed models.

        Parameters
        ----------
        task
            Only models for this, such as ``automatic-speech-recognition``.

        Raises
        ------
        ServerError
            If the server cannot say.
        """
        call = Call(path="/v1/models", params={} if task is None else {"task": task})
        return Models(entry.to_model() for entry in (await self._api.ask(call, ModelList)).data)

    async def registry(self, task: str | None = None) -> Models:
        """Return the models that the server could download; it asks the Hugging Face hub, which takes seconds.

        Parameters
        ----------
        task
            Only models for this, such as ``automatic-speech-recognition``.

        Raises
        ------
        ServerError
            If the server cannot say: it has no way to the hub, or no such list.
        """
        call = Call(
            path="/v1/registry",
            params={} if task is None else {"task": task},
            timeout_s=REGISTRY_TIMEOUT_S,
            explain=missing.explain_registry(self.url),
        )
        return Models(entry.to_model() for entry in (await self._api.ask(call, ModelList)).data)

    async def download(self, model: str, *, progress: bool = True) -> bool:
        """Have the server install a model; takes as long as the download does, and the server says nothing meanwhile.

        Cancelling only stops the waiting: the server goes on.

        Parameters
        ----------
        model
            Its id on the Hugging Face hub, or a preset.
        progress
            Whether to show, in a notebook or a terminal, that and how long it goes on.

        Returns
        -------
        bool
            True if it was downloaded, False if it was installed already.

        Raises
        ------
        ModelNotFoundError
            If there is no such model, or its authors want their terms accepted first.
        ServerError
            If the server cannot get it.
        """
        model = model_id(model)
        call = Call(
            method="POST",
            path=f"/v1/models/{quote(model)}",
            timeout_s=DOWNLOAD_TIMEOUT_S,
            explain=missing.explain_download(self.url, model, DOWNLOAD_TIMEOUT_S),
        )
        goes_on = "nobody waits any more, but the server goes on downloading"
        async with Waiting(f"Download of {model}", screen() if progress else None, goes_on) as waiting:
            response = await self._api.send(call)
            downloaded = response.status_code != HTTPStatus.CREATED
            waiting.outcome = "done" if downloaded else "it was installed already"
        return downloaded

    async def running(self) -> list[str]:
        """Return the ids of the models in the server's memory, sorted.

        Raises
        ------
        ServerError
            If the server cannot say.
        """
        return sorted((await self._api.ask(Call(path="/api/ps"), RunningList)).models)

    async def load(self, model: str) -> None:
        """Load a model into the server's memory, so that the first utterance does not wait for it.

        Raises
        ------
        ModelNotFoundError
            If it is not installed.
        """
        path = f"/api/ps/{quote(model_id(model))}"
        # 409: it is loaded already
        await self._api.send(Call(method="POST", path=path, timeout_s=LOAD_TIMEOUT_S, also=HTTPStatus.CONFLICT))

    async def unload(self, model: str) -> None:
        """Drop a model from the server's memory; nothing happens if it is not there."""
        path = f"/api/ps/{quote(model_id(model))}"
        await self._api.send(Call(method="DELETE", path=path, also=HTTPStatus.NOT_FOUND))

    async def speech_timestamps(
        self,
        audio: Sound,
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
        fields = {
            "threshold": str(threshold),
            "min_silence_duration_ms": str(min_silence_duration_ms),
            "speech_pad_ms": str(speech_pad_ms),
        }
        path = "/v1/audio/speech/timestamps"
        call = Call(method="POST", path=path, fields=fields, file=as_file(audio), timeout_s=LOAD_TIMEOUT_S)
        spans = await self._api.ask(call, list[SpanEntry])
        return Segments((span.start / 1000, span.end / 1000) for span in spans)

    async def diarize(
        self, audio: Sound, *, model: str | None = None, known_speakers: Mapping[str, Sound] | None = None
    ) -> Diarization:
        """Return who speaks when.

        Parameters
        ----------
        audio
            A recording or a sound file.
        model
            Id of the model; None for the server's first one for this task.
        known_speakers
            Names of people and a few seconds of each one's voice; everybody gets the name of the nearest voice.

        Raises
        ------
        ModelNotFoundError
            If the server has no model for it.
        ServerError
            If the server cannot do it.
        """
        file = as_file(audio)  # says what is wrong with a file before anything is asked
        if model is None:
            installed = await self.models(DIARIZATION_TASK)
            if not len(installed):
                raise missing.no_diarization_model(self.url)
            model = installed[0].id
        fields: dict[str, Any] = {"model": model, "response_format": "json", **known_voices(known_speakers or {})}
        call = Call(
            method="POST",
            path="/v1/audio/diarization",
            fields=fields,
            file=file,
            timeout_s=DIARIZATION_TIMEOUT_S,
            explain=missing.explain_diarization(self.url),
        )
        answer = await self._api.ask(call, DiarizationAnswer)
        turns = (SpeakerTurn(turn.start, turn.end, turn.speaker) for turn in answer.segments)
        return Diarization(turns, answer.duration)

    async def _running_if_told(self) -> tuple[str, ...] | None:
        try:
            return tuple(await self.running())
        except ServerError:
            return None
