"""From options to what a run is made of: the source and the server."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipyspeaches.audio.decoding import printable_name
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import DownloadError, InputError, ModelNotFoundError
from ipyspeaches.protocol.address import asked_address
from ipyspeaches.protocol.api_key import key_from_environment
from ipyspeaches.server.models import ServerInfo, model_id
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.sources.microphones import KernelMicrophone
from ipyspeaches.sources.source import RecordedSource, Source

if TYPE_CHECKING:
    from ipyspeaches.server.client import Server

SourceLike = Source | Recording | str | os.PathLike[str]


def open_source(source: SourceLike, pace: float | None) -> Source:
    """Return the source that is meant: ``"kernel"``, a path, a `Recording`, or a source itself.

    It is an `InputError` if it is none of these, an `AudioError` if the file cannot be read.
    """
    speed = 1.0 if pace is None else pace
    if isinstance(source, Recording):
        return RecordedSource(source, speed)
    if isinstance(source, str) and source == "kernel":
        return KernelMicrophone()
    if isinstance(source, str) and source == "browser":
        raise InputError('source="browser" needs the Transcriber widget: use "kernel" or a file in a plain session.')
    if isinstance(source, (str, os.PathLike)):
        return RecordedSource(Recording.load(source), speed, printable_name(source))
    if not hasattr(source, "blocks"):
        raise InputError(f'{type(source).__name__} is no source: give a path, a Recording, "kernel", or a Source.')
    return source


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, asked or not; the key is never shown."""

    url: str
    api_key: str | None = field(repr=False)
    embedded: bool
    warnings: tuple[str, ...] = field(default=(), kw_only=True)  # what an embedded server goes on without

    @property
    def server(self) -> Server:
        """Its endpoints besides the live session."""
        from ipyspeaches.server.client import Server

        return Server(self.url, self.api_key)

    async def check(self, model: str | None) -> ServerInfo:
        """Ask the server what it is and whether it has a model: an id, a preset or None (its first for recognition).

        It is a `ModelNotFoundError` if it does not have it; the message lists what it has, or says how to get it.
        """
        from ipyspeaches.server.client import check

        if not self.embedded or model is None:
            return await check(self.url, api_key=self.api_key, model=None if model is None else model_id(model))
        from ipyspeaches.local.engines import engine_named
        from ipyspeaches.local.weights import find, missing_text

        name = engine_named(model_id(model)).model
        try:
            return await check(self.url, api_key=self.api_key, model=name)
        except ModelNotFoundError:
            if find(name) is not None:
                raise
            # It may have been here until its server looked closer.
            told = [warning for warning in self.warnings if name in warning]
            raise ModelNotFoundError(" ".join((*told, missing_text(name)))) from None


@dataclass(frozen=True, slots=True)
class Destination(Place):
    """A server that answers, and what the check found, the model among it."""

    info: ServerInfo

    @property
    def model(self) -> str:
        """The model's id."""
        return self.info.model


async def locate(options: SessionOptions) -> Place:
    """Find the server that the options mean, without asking it anything; starts the embedded one if that is meant.

    It is a `MissingExtraError` if that one is needed and not installed, a `DownloadError` if the model that was named
    was to be downloaded and cannot be.
    """
    url = asked_address(options.server)
    if url:
        return Place(url, options.api_key or key_from_environment(url), embedded=False)
    from ipyspeaches.local import LocalServer
    from ipyspeaches.local.engines import engine_named

    model = None if options.recognition.model is None else model_id(options.recognition.model)
    warnings = await _downloaded(model) if options.auto_download else ()
    folder = model if model is not None and engine_named(model).source else None
    # Starting the process takes about a second: the engine must not wait for it.
    local = await asyncio.to_thread(LocalServer.shared, folder)
    return Place(local.url, local.api_key, embedded=True, warnings=(*warnings, *local.warnings))


def _check_model_is_here(options: SessionOptions) -> None:
    """Refuse a model that the embedded server cannot have before anybody waits for its start."""
    if options.recognition.model is None or asked_address(options.server):
        return
    from ipyspeaches.local.engines import engine_named, model_to_install
    from ipyspeaches.local.weights import missing_text

    missing = model_to_install(engine_named(model_id(options.recognition.model)))
    if missing is not None:
        raise ModelNotFoundError(missing_text(missing))


async def _downloaded(model: str | None) -> tuple[str, ...]:
    """Have the embedded server's model downloaded if it is not here; return what is done without."""
    from ipyspeaches.local.downloads import bring
    from ipyspeaches.local.engines import model_to_download

    wanted = await asyncio.to_thread(model_to_download, model)
    if wanted is None:
        return ()
    try:
        await bring(wanted)
    except DownloadError as exc:
        if model is not None:
            raise
        return (str(exc),)
    return ()


async def resolve(options: SessionOptions) -> Destination:
    """Find the server that the options mean and check it; errors as of `locate` and `Place.check`.

    It is an `InputError` if the embedded server's model does not know the language, or cannot translate.
    """
    if not options.auto_download:
        await asyncio.to_thread(_check_model_is_here, options)
    place = await locate(options)
    info = await place.check(options.recognition.model)
    if place.embedded:
        from ipyspeaches.local.engines import DecodingOptions, engine_named

        wanted = DecodingOptions(options.recognition.language, options.recognition.task)
        if (problem := engine_named(info.model).language_problem(wanted)) is not None:
            raise InputError(problem)
    return Destination(place.url, place.api_key, place.embedded, info, warnings=place.warnings)
