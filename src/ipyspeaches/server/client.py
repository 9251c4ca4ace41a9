"""A client of a Speaches server's other endpoints: is it there, what has it, where is speech, who speaks."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from functools import partial
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import httpx2

from ipyspeaches.audio.decoding import wav
from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import checked, shown_if_made
from ipyspeaches.errors import ModelNotFoundError, NotSpeachesError, ServerError, Severity
from ipyspeaches.protocol.api_key import hidden, hidden_address
from ipyspeaches.results.diarization import Diarization, SpeakerTurn
from ipyspeaches.server.api import Call, HttpApi
from ipyspeaches.server.failures import (
    detail_of,
    explain_diarization,
    explain_download,
    explain_lack,
    explain_load,
    explain_management,
    explain_registry,
    lacks_endpoint,
    no_diarization_model,
    not_done,
)
from ipyspeaches.server.models import (
    DIARIZATION_TASK,
    DiarizationAnswer,
    InterfaceDocument,
    InterfaceInfo,
    ModelEntry,
    ModelList,
    Models,
    Overview,
    RunningList,
    ServerInfo,
    SpanEntry,
    named_model,
)
from ipyspeaches.server.waiting import Waiting, screen
from ipyspeaches.terminal import one_line
from ipyspeaches.vad.segments import Segments

REGISTRY_TIMEOUT_S: Final = 60.0
LOAD_TIMEOUT_S: Final = 300.0
DOWNLOAD_TIMEOUT_S: Final = 3600.0
DIARIZATION_TIMEOUT_S: Final = 3600.0
_VOICE_RATE_HZ: Final = 16_000
"""Speaches reads known voices without looking at their rate, and takes them for this one."""
_CALLS: Final = (
    "overview()",
    "models()",
    "registry()",
    "download(id)",
    "load(id)",
    "speech_timestamps(…)",
    "diarize(…)",
)

Audio: TypeAlias = Recording | str | Path


@checked
class Server:
    """A Speaches server at an address.

    It is an `InputError` if the address is none, or the key cannot be one.

    Wherever a model is asked for, the name of a preset does as well. What a server cannot do or say is a `ServerError`.

    Parameters
    ----------
    url
        Base address, such as ``http://localhost:8000``.
    api_key
        The server's key, if it has one; sent as a Bearer token, and never shown. It is not pickled with the rest.
    transport
        Carries the requests; None for the network.
    """

    def __init__(
        self, url: str, api_key: str | None = None, *, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        url, api_key = hidden_address(url), hidden(api_key)  # or the traceback of what refuses them shows them
        self._api = HttpApi(url, api_key, transport)
        self.url = self._api.url

    @shown_if_made
    def __repr__(self) -> str:
        return f"Server({self.url!r}{', api_key=…' if self._api.has_key else ''})"

    def _repr_html_(self) -> str:
        key = "with a key" if self._api.has_key else "without a key"
        listed = " ".join(f"<code>await server.{call}</code>" for call in _CALLS)
        return f"<p><strong>{escape(self.url)}</strong>, {key}</p><p>{listed}</p>"

    async def health(self) -> None:
        """Return if the server is up; this says nothing about key or models."""
        await self._api.send(Call(path="/health"))

    async def version(self) -> str | None:
        """Return the version of the server's interface, or None if it does not say."""
        interface = await self.interface()
        return None if interface is None else interface.version

    async def interface(self) -> InterfaceInfo | None:
        """Return what the server says about its interface, or None if it does not; a `ServerError` if it is away."""
        try:
            return (await self._api.ask(Call(path="/openapi.json"), InterfaceDocument)).info
        except ServerError as exc:
            if exc.severity is Severity.PASSING:
                raise  # or whoever connects again would take it for another kind of server, with another model
            return None

    async def require_endpoint(self, path: str) -> None:
        """Return if there is a POST endpoint, asked with nothing in the form, so that it does nothing."""
        call = Call(method="POST", path=path, also=HTTPStatus.UNPROCESSABLE_ENTITY, explain=explain_lack)
        await self._api.send(call)

    async def overview(self) -> Overview:
        """Return version, installed models and which of them are in memory, asked for at once."""
        models, version, running = await asyncio.gather(self.models(), self.version(), self._running_if_told())
        return Overview(self.url, version, models, running)

    async def models(self, task: str | None = None) -> Models:
        """Return the installed models.

        Parameters
        ----------
        task
            Only models for this, such as ``automatic-speech-recognition``.
        """
        call = Call(path="/v1/models", params={} if task is None else {"task": task})
        return (await self._api.ask(call, ModelList)).to_models()

    async def refusal(self, model: str) -> str | None:
        """Return why the server does not take a model's name; None if it does, or does not say.

        Aliases are in no list: servers resolve them when they are asked for the model itself.
        """
        call = Call(path=f"/v1/models/{quote(model)}", also=HTTPStatus.NOT_FOUND)
        try:
            response = await self._api.send(call)
        except ServerError:
            return None  # it has no such endpoint, and says what it thinks of the name when it is asked for text
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None if lacks_endpoint(response) else detail_of(response)
        try:
            found = self._api.decode(response, ModelEntry).to_model()
        except NotSpeachesError:
            return f"no model {model}"
        return None if found.recognises else f"{model} recognises no speech"

    async def registry(self, task: str | None = None) -> Models:
        """Return the models that the server could download; it asks the Hugging Face hub, which takes seconds.

        Parameters
        ----------
        task
            Only models for this, such as ``automatic-speech-recognition``.
        """
        call = Call(
            path="/v1/registry",
            params={} if task is None else {"task": task},
            timeout_s=REGISTRY_TIMEOUT_S,
            explain=explain_registry,
        )
        return (await self._api.ask(call, ModelList)).to_models()

    async def download(self, model: str, *, progress: bool = True) -> bool:
        """Have the server install a model; returns when it is there. Cancelling only stops the waiting.

        It is a `ModelNotFoundError` if there is no such model, or its authors want their terms accepted first, and a
        `ProtocolError` if the server has no way to do it, failed, or has only put it into a queue.

        Parameters
        ----------
        model
            Its id on the Hugging Face hub, or a preset.
        progress
            Whether to show in a notebook or a terminal how long it has been going on.

        Returns
        -------
        bool
            True if it was downloaded, False if it was installed already.
        """
        model = named_model(model)
        call = Call(
            method="POST",
            path=f"/v1/models/{quote(model)}",
            timeout_s=DOWNLOAD_TIMEOUT_S,
            explain=partial(explain_download, model=model, timeout_s=DOWNLOAD_TIMEOUT_S),
        )
        goes_on = "no longer waiting, but the server keeps downloading"
        async with Waiting(f"Download of {model}", screen() if progress else None, goes_on) as waiting:
            response = await self._manage(call, model, "downloaded")
            downloaded = response.status_code != HTTPStatus.CREATED
            waiting.outcome = "done" if downloaded else "already installed"
        return downloaded

    async def running(self) -> list[str]:
        """Return the ids of the models in the server's memory, sorted."""
        return list(await self.memory())

    async def memory(self) -> dict[str, int | None]:
        """Return how many bytes each model in the server's memory takes, by id; None where the server does not say."""
        answer = await self._api.ask(Call(path="/api/ps"), RunningList)
        told = {one.id: one.memory_bytes for one in answer.details}
        return {model: told.get(model) for model in sorted(answer.models)}

    async def load(self, model: str) -> None:
        """Load a model into the server's memory, so that the first utterance does not wait; errors as of `download`."""
        model = named_model(model)
        call = Call(
            method="POST",
            path=f"/api/ps/{quote(model)}",
            timeout_s=LOAD_TIMEOUT_S,
            also=HTTPStatus.CONFLICT,  # it is loaded already
            explain=partial(explain_load, model=model),
        )
        await self._manage(call, model, "loaded")

    async def unload(self, model: str) -> None:
        """Drop a model from the server's memory; nothing happens if it is not there."""
        model = named_model(model)
        explain = partial(explain_management, done="unloaded")
        call = Call(method="DELETE", path=f"/api/ps/{quote(model)}", also=HTTPStatus.NOT_FOUND, explain=explain)
        await self._manage(call, model, "unloaded")

    async def speech_timestamps(
        self, audio: Audio, *, threshold: float = 0.75, min_silence_duration_ms: int = 300, speech_pad_ms: int = 0
    ) -> Segments:
        """Return where the server's Silero hears speech.

        Parameters
        ----------
        audio
            A recording or an audio file.
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
        call = Call(method="POST", path=path, fields=fields, file=_as_file(audio), timeout_s=LOAD_TIMEOUT_S)
        spans = await self._api.ask(call, list[SpanEntry])
        return Segments((span.start / 1000, span.end / 1000) for span in spans if span.start <= span.end)

    async def diarize(
        self, audio: Audio, *, model: str | None = None, known_speakers: Mapping[str, Audio] | None = None
    ) -> Diarization:
        """Return who speaks when.

        It is a `ModelNotFoundError` if the server has no model for it.

        Parameters
        ----------
        audio
            A recording or an audio file.
        model
            Id of the model; None for the server's first one for this task.
        known_speakers
            Names of people and a few seconds of each one's voice; everybody gets the name of the nearest voice.
        """
        file = _as_file(audio)  # says what is wrong with a file before anything is asked
        if model is None:
            installed = await self.models(DIARIZATION_TASK)
            if not len(installed):
                raise no_diarization_model(self.url)
            model = installed[0].id
        model = named_model(model)
        fields: dict[str, Any] = {"model": model, "response_format": "json", **_known_voices(known_speakers or {})}
        call = Call(
            method="POST",
            path="/v1/audio/diarization",
            fields=fields,
            file=file,
            timeout_s=DIARIZATION_TIMEOUT_S,
            explain=explain_diarization,
        )
        answer = await self._api.ask(call, DiarizationAnswer)
        turns = (SpeakerTurn(one.start, one.end, str(one.speaker)) for one in answer.segments if one.start <= one.end)
        return Diarization(turns, answer.duration)

    async def _manage(self, call: Call, model: str, done: str) -> httpx2.Response:
        """Return the answer of a server that has done something with a model; done is only what it says is done."""
        response = await self._api.send(call)
        if (error := not_done(response, self.url, model, done)) is not None:
            raise error
        return response

    async def _running_if_told(self) -> tuple[str, ...] | None:
        try:
            return tuple(await self.running())
        except ServerError:
            return None


async def check(
    url: str,
    *,
    api_key: str | None = None,
    model: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> ServerInfo:
    """Check that a server answers, takes the key and has the model.

    It is a `ServerUnreachableError` if nothing answers there, a `ServerAuthError` if the key is refused or missing, a
    `NotSpeachesError` if something else answers, a `ModelNotFoundError` if the model is not installed (the message
    lists what is), and an `InputError` if the address is none, or the key cannot be one.

    Parameters
    ----------
    url
        Base address.
    api_key
        The server's key.
    model
        Model id; None for the one that the server names for that, else the first installed recognition model by id.
    transport
        Carries the requests; None for the network.
    """
    url, api_key = hidden_address(url), hidden(api_key)
    server = Server(url, api_key, transport=transport)
    models, interface = await asyncio.gather(server.models(), server.interface())
    interface = interface or InterfaceInfo("")
    chosen = await _choose(server, models, model, interface.default_model)
    return ServerInfo(interface.version or None, tuple(models), chosen, interface.title)


async def _choose(server: Server, models: Models, wanted: str | None, default: str | None) -> str:
    fitting = [model.id for model in models if model.recognises]
    if wanted is None:
        if not fitting:
            raise ModelNotFoundError(
                f"{server.url} has no recognition model installed: download one there, for example with "
                "Server(…).download('fastest').",
                severity=_lack(models),
            )
        return default if default in fitting else fitting[0]
    if wanted in fitting or (refusal := await server.refusal(wanted)) is None:
        return wanted
    said = "" if wanted in refusal else f" ({refusal.rstrip('.')})"  # what an alias stands for
    have = ", ".join(map(one_line, fitting))
    cure = f"choose one of {have}, or download it there" if have else "download it there first"
    raise ModelNotFoundError(f"{server.url} does not have the model '{wanted}'{said}: {cure}.", severity=_lack(models))


def _lack(models: Models) -> Severity:
    """Return what it means that a model is not there: a server that lists none at all may still be starting."""
    return Severity.FATAL if len(models) else Severity.PASSING


def _as_file(audio: Audio) -> tuple[str, bytes]:
    """Return the name and the content of a WAV file; what cannot be read is refused before anything is sent."""
    if not isinstance(audio, Recording):
        audio = Recording.load(audio)
    return "audio.wav", wav(audio.samples, audio.rate)


def _known_voices(voices: Mapping[str, Audio]) -> dict[str, list[str]]:
    """Return the form fields that tell a diarization whose voices are known; none where there are none."""
    if not voices:
        return {}
    urls = [_data_url(voice) for voice in voices.values()]
    return {"known_speaker_names[]": list(voices), "known_speaker_references[]": urls}


def _data_url(voice: Audio) -> str:
    recording = voice if isinstance(voice, Recording) else Recording.load(voice)
    _, content = _as_file(recording.to_rate(_VOICE_RATE_HZ))
    return f"data:audio/wav;base64,{base64.b64encode(content).decode()}"
