"""Is there a server that can do what is asked? Answered before anything is recorded."""

from __future__ import annotations

import asyncio

import httpx2

from ipyspeaches.errors import ModelNotFoundError
from ipyspeaches.server.client import Server
from ipyspeaches.server.models import RECOGNITION_TASK, Model, ServerInfo


async def check(
    url: str,
    *,
    api_key: str | None = None,
    model: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> ServerInfo:
    """Check that a server answers, takes the key and has the model.

    Parameters
    ----------
    url
        Base address.
    api_key
        The server's key.
    model
        Model id; None for the first installed recognition model by id.
    transport
        Carries the requests; None for the network.

    Raises
    ------
    InputError
        If the address is none.
    ServerUnreachableError
        If nothing answers there.
    ServerAuthError
        If the key is refused or missing.
    NotSpeachesError
        If something else answers.
    ModelNotFoundError
        If the model is not installed; the message lists what is.
    """
    server = Server(url, api_key, transport=transport)
    models, interface = await asyncio.gather(server.models(), server.interface())
    chosen = _choose(models, model, server.url)
    if interface is None:
        return ServerInfo(None, tuple(models), chosen)
    return ServerInfo(interface.version, tuple(models), chosen, interface.title)


def _choose(models: list[Model], wanted: str | None, address: str) -> str:
    # A server that names no tasks may use all its models for anything.
    fitting = [model.id for model in models if model.task in (None, RECOGNITION_TASK)]
    if wanted is None:
        if not fitting:
            raise ModelNotFoundError(
                f"{address} has no recognition model installed: have it download one, such as "
                "Server(…).download('Systran/faster-whisper-small')."
            )
        return fitting[0]
    if wanted not in fitting:
        installed = f"choose one of {', '.join(fitting)}" if fitting else "it has no recognition model"
        raise ModelNotFoundError(
            f"{address} does not have the model '{wanted}': {installed}, or have it download that."
        )
    return wanted
