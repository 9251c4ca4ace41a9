"""The ASGI application behind the access control: all routes, and those about the server itself and its models."""

from __future__ import annotations

import asyncio
import time
from importlib import metadata
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from ipyspeaches.errors import SpeachesError, StateError
from ipyspeaches.local.access import AccessControl
from ipyspeaches.local.audio_routes import diarization, speech_timestamps, transcriptions, translations
from ipyspeaches.local.dispatcher import Dispatcher
from ipyspeaches.local.downloads import bring
from ipyspeaches.local.engines import SILERO_MODEL, EngineSpec, full_id, model_missing_text
from ipyspeaches.local.metrics import PROMETHEUS_TYPE, prometheus_text
from ipyspeaches.local.model_memory import ModelMemory
from ipyspeaches.local.realtime_routes import RtcPeers, realtime, realtime_offer
from ipyspeaches.local.weights import is_hub_id
from ipyspeaches.server.models import DEFAULT_MODEL_FIELD, EMBEDDED_TITLE
from ipyspeaches.terminal import one_line

RECOGNITION_TASK: Final = "automatic-speech-recognition"
VAD_TASK: Final = "voice-activity-detection"


MAX_DECODING: Final = 2
"""Files that are decoded at a time: a small one may hold hours."""


def create_app(dispatcher: Dispatcher, peers: RtcPeers, host: str, api_key: str | None) -> ASGIApp:
    """Return the application; dispatcher and peers belong to the caller."""
    handlers: dict[Any, Any] = {HTTPException: _answer_error, ClientDisconnect: _answer_nobody}
    app = Starlette(routes=_routes(), exception_handlers=handlers)
    app.state.dispatcher = dispatcher
    app.state.decoding = asyncio.Semaphore(MAX_DECODING)
    app.state.peers = peers
    app.state.catalogue = Catalogue(dispatcher.memory)
    return AccessControl(app, host, api_key)


def _routes() -> list[BaseRoute]:
    return [
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/openapi.json", interface),
        Route("/v1/models", list_models),
        Route("/v1/models/{model:path}", get_model),
        Route("/v1/models/{model:path}", download_model, methods=["POST"]),
        Route("/v1/registry", list_models),  # of what the hub has, nobody could list all
        Route("/api/ps", list_running),
        Route("/api/ps/{model:path}", load_model, methods=["POST"]),
        Route("/api/ps/{model:path}", unload_model, methods=["DELETE"]),
        Route("/v1/audio/transcriptions", transcriptions, methods=["POST"]),
        Route("/v1/audio/translations", translations, methods=["POST"]),
        Route("/v1/audio/diarization", diarization, methods=["POST"]),
        Route("/v1/audio/speech/timestamps", speech_timestamps, methods=["POST"]),
        WebSocketRoute("/v1/realtime", realtime),
        Route("/v1/realtime", realtime_offer, methods=["POST"]),
    ]


async def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer an HTTP error (no such path, a wrong field, …) in one shape."""
    assert isinstance(error, HTTPException)
    detail: object = error.detail  # may quote the client, and be a list of problems
    detail = one_line(detail) if isinstance(detail, str) else detail
    return JSONResponse({"detail": detail}, status_code=error.status_code, headers=error.headers)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """End a request whose client went away in the middle of it."""
    return Response(status_code=400)


async def health(_request: Request) -> JSONResponse:
    """Answer that the server is up."""
    return JSONResponse({"message": "OK"})


async def metrics(request: Request) -> PlainTextResponse:
    """``GET /metrics``: what the server holds and has done, for Prometheus."""
    return PlainTextResponse(prometheus_text(request.app.state.dispatcher), media_type=PROMETHEUS_TYPE)


async def interface(request: Request) -> JSONResponse:
    """Say which program this is, where FastAPI servers describe themselves."""
    try:
        version = metadata.version("ipyspeaches")
    except metadata.PackageNotFoundError:  # runs from its source folder
        version = "0"
    default: EngineSpec = request.app.state.dispatcher.memory.default
    info = {"title": EMBEDDED_TITLE, "version": version, DEFAULT_MODEL_FIELD: default.model}
    return JSONResponse({"openapi": "3.1.0", "info": info, "paths": {}})


class Catalogue:
    """The models of this server on the wire: those that recognise, the default one first, and Silero."""

    def __init__(self, memory: ModelMemory) -> None:
        self._memory = memory
        self._created = int(time.time())
        self.silero_loaded = False

    def entries(self) -> list[dict[str, Any]]:
        """Return the wire's model objects."""
        common = {"created": self._created, "object": "model"}
        silero = {"id": SILERO_MODEL, "owned_by": "snakers4", "language": None}
        return [*map(self._entry, self._memory.specs()), {**common, **silero, "task": VAD_TASK}]

    def _entry(self, spec: EngineSpec) -> dict[str, Any]:
        return {
            "id": spec.model,
            "created": self._created,
            "object": "model",
            "owned_by": spec.owner,
            "language": list(spec.languages) or None,
            "task": RECOGNITION_TASK,
        }

    def find(self, model: str) -> dict[str, Any] | None:
        """Return one model object, or None."""
        return next((entry for entry in self.entries() if entry["id"] == model), None)

    def loaded(self) -> list[str]:
        """Return the ids of the models in memory."""
        engines = [pool.spec.model for pool in self._memory.pools if pool.loaded]
        return engines + ([SILERO_MODEL] if self.silero_loaded else [])

    def details(self) -> list[dict[str, Any]]:
        """Return what each recognition model in memory takes, and for how long it stays."""
        return [
            {
                "id": pool.spec.model,
                "memory_bytes": pool.memory_bytes,
                "processes": len(pool.workers),
                "unfinished": pool.unfinished,
                "leaves_in_s": self._memory.leaves_in_s(pool),
            }
            for pool in self._memory.pools
            if pool.loaded
        ]

    async def load(self, model: str) -> None:
        """Load a model of this server, as soon as there is room."""
        spec = self._memory.find(model)
        if spec is None:
            self.silero_loaded = True
        else:
            await self._memory.load(self._memory.pool(spec))

    async def unload(self, model: str) -> None:
        """Unload a model of this server; it is loaded again when it is needed. A `StateError` if it is at work."""
        spec = self._memory.find(model)
        if spec is None:
            self.silero_loaded = False
            return
        pool = self._memory.pool(spec)
        if pool.unfinished:
            raise StateError(f"Model {model} is still in use. self.ref_count={pool.unfinished}")
        await self._memory.unload(pool)


def _asked(request: Request) -> tuple[Catalogue, str]:
    """Return the models, and the id of the one that was asked for by whichever name."""
    name = request.path_params["model"]
    found = request.app.state.dispatcher.memory.find(name)
    return request.app.state.catalogue, full_id(name) if found is None else found.model


async def list_models(request: Request) -> JSONResponse:
    """``GET /v1/models[?task=…]`` and ``GET /v1/registry[?task=…]``."""
    catalogue: Catalogue = request.app.state.catalogue
    task = request.query_params.get("task")
    entries = [entry for entry in catalogue.entries() if task in (None, entry["task"])]
    return JSONResponse({"data": entries, "object": "list"})


async def get_model(request: Request) -> JSONResponse:
    """``GET /v1/models/{id}``."""
    catalogue, model = _asked(request)
    entry = catalogue.find(model)
    if entry is None:
        raise HTTPException(404, f"Model '{model}' not found")
    return JSONResponse(entry)


async def download_model(request: Request) -> JSONResponse:
    """``POST /v1/models/{id}``: fetch a model from the hub, and answer when it is there."""
    catalogue, model = _asked(request)
    if catalogue.find(model) is not None:
        return JSONResponse({"message": f"Model '{model}' already exists"}, status_code=201)
    if not is_hub_id(model):
        raise HTTPException(404, f"Model '{model}' not found")
    try:
        await bring(model)
    except SpeachesError as exc:
        raise HTTPException(500, str(exc)) from exc
    return JSONResponse({"message": f"Model '{model}' downloaded"})


async def list_running(request: Request) -> JSONResponse:
    """``GET /api/ps``."""
    catalogue: Catalogue = request.app.state.catalogue
    # A Speaches server has no details.
    return JSONResponse({"models": catalogue.loaded(), "details": catalogue.details()})


async def load_model(request: Request) -> JSONResponse:
    """``POST /api/ps/{id}``."""
    catalogue, model = _asked(request)
    if catalogue.find(model) is None:
        raise HTTPException(404, model_missing_text(model))
    if model in catalogue.loaded():
        return JSONResponse({"message": f"Model '{model}' is already loaded."}, status_code=409)
    try:
        await catalogue.load(model)
    except SpeachesError as exc:
        raise HTTPException(500, str(exc)) from exc
    return JSONResponse({"message": f"Model '{model}' loaded."}, status_code=201)


async def unload_model(request: Request) -> JSONResponse:
    """``DELETE /api/ps/{id}``."""
    catalogue, model = _asked(request)
    if model not in catalogue.loaded():
        return JSONResponse({"message": f"Model {model} is not loaded."}, status_code=404)
    try:
        await catalogue.unload(model)
    except StateError as exc:
        return JSONResponse({"message": str(exc)}, status_code=409)
    return JSONResponse({"message": f"Model {model} unloaded."})
