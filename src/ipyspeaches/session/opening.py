"""From options to what a run is made of: the source and the server."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipyspeaches.audio.decoding import printable_name
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.protocol.address import BASE_URL_VARIABLE
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

    @property
    def server(self) -> Server:
        """Its endpoints besides the live session."""
        from ipyspeaches.server.client import Server

        return Server(self.url, self.api_key)

    async def check(self, model: str | None) -> ServerInfo:
        """Ask the server what it is and whether it has a model: an id, a preset or None (its first for recognition).

        It is a `ModelNotFoundError` if it does not have it; the message lists what it has.
        """
        from ipyspeaches.server.client import check

        return await check(self.url, api_key=self.api_key, model=None if model is None else model_id(model))


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

    It is a `MissingExtraError` if that one is needed and not installed.
    """
    url = options.server or os.environ.get(BASE_URL_VARIABLE)
    if url:
        return Place(url, options.api_key or key_from_environment(url), embedded=False)
    from ipyspeaches.local import LocalServer

    # Starting the process takes about a second: the engine must not wait for it.
    local = await asyncio.to_thread(LocalServer.shared)
    return Place(local.url, local.api_key, embedded=True)


async def resolve(options: SessionOptions) -> Destination:
    """Find the server that the options mean and check it; errors as of `locate` and `Place.check`."""
    place = await locate(options)
    info = await place.check(options.recognition.model)
    return Destination(place.url, place.api_key, place.embedded, info)
