"""From options to a server that is known to work: address, key, model."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field

from ipyspeaches.protocol.address import API_KEY_VARIABLE, BASE_URL_VARIABLE
from ipyspeaches.server.client import check
from ipyspeaches.server.models import ServerInfo, model_id
from ipyspeaches.session.options import SessionOptions


@dataclass(frozen=True, slots=True)
class Destination:
    """A server that answers, and the model that will be used there.

    Parameters
    ----------
    url
        Base address.
    api_key
        The server's key; never shown.
    info
        What the check found.
    embedded
        Whether it is the embedded server.
    """

    url: str
    api_key: str | None = field(repr=False)
    info: ServerInfo
    embedded: bool

    @property
    def model(self) -> str:
        """The model's id."""
        return self.info.model

    async def find(self, model: str | None) -> str:
        """Return the id of a model, a preset name or None (the first recognition model) that the server has now.

        Raises
        ------
        ModelNotFoundError
            If it does not have it; the message lists what it has.
        ServerError
            If it does not answer.
        """
        info = await check(self.url, api_key=self.api_key, model=None if model is None else model_id(model))
        return info.model


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, asked or not; fields as in `Destination`."""

    url: str
    api_key: str | None = field(repr=False)
    embedded: bool


async def locate(options: SessionOptions) -> Place:
    """Find the server that the options mean, without asking it anything; starts the embedded one if that is meant.

    Raises
    ------
    MissingExtraError
        If the embedded server is needed and not installed.
    """
    url = options.server or os.environ.get(BASE_URL_VARIABLE)
    if url:
        return Place(url, options.api_key or os.environ.get(API_KEY_VARIABLE), embedded=False)
    from ipyspeaches.local import LocalServer

    # Starting the process takes about a second: the engine must not wait for it.
    local = await asyncio.to_thread(LocalServer.shared)
    return Place(local.url, local.api_key, embedded=True)


async def resolve(options: SessionOptions) -> Destination:
    """Find the server that the options mean and check it.

    Raises
    ------
    ServerError
        If it cannot be reached, refuses the key, is no Speaches server, or does not have the model.
    MissingExtraError
        If the embedded server is needed and not installed.
    """
    place = await locate(options)
    model = None if options.model is None else model_id(options.model)
    info = await check(place.url, api_key=place.api_key, model=model)
    return Destination(place.url, place.api_key, info, place.embedded)
