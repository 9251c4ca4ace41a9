"""The ASGI application: all routes, behind the access control."""

from __future__ import annotations

from importlib import metadata

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from ipyspeaches.local import catalogue
from ipyspeaches.local.access import AccessControl
from ipyspeaches.local.audio_routes import speech_timestamps, transcriptions
from ipyspeaches.local.realtime_route import realtime
from ipyspeaches.local.rtc_route import Peers, realtime_offer
from ipyspeaches.local.worker_pool import WorkerPool
from ipyspeaches.server.models import EMBEDDED_TITLE


async def health(request: Request) -> JSONResponse:
    """Answer that the server is up."""
    del request
    return JSONResponse({"message": "OK"})


async def interface(request: Request) -> JSONResponse:
    """Say which program this is, where FastAPI servers describe themselves."""
    del request
    try:
        version = metadata.version("ipyspeaches")
    except metadata.PackageNotFoundError:  # runs from its source folder
        version = "0"
    info = {"title": EMBEDDED_TITLE, "version": version}
    return JSONResponse({"openapi": "3.1.0", "info": info, "paths": {}})


async def explain(request: Request, error: Exception) -> JSONResponse:
    """Answer an HTTP error (no such path, wrong method, …) in the shape of all others."""
    del request
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


def routes() -> list[BaseRoute]:
    """Return all routes."""
    return [
        Route("/health", health),
        Route("/openapi.json", interface),
        Route("/v1/models", catalogue.list_models),
        Route("/v1/models/{model:path}", catalogue.get_model),
        Route("/v1/models/{model:path}", catalogue.download_model, methods=["POST"]),
        Route("/api/ps", catalogue.list_running),
        Route("/api/ps/{model:path}", catalogue.load_model, methods=["POST"]),
        Route("/api/ps/{model:path}", catalogue.unload_model, methods=["DELETE"]),
        Route("/v1/audio/transcriptions", transcriptions, methods=["POST"]),
        Route("/v1/audio/speech/timestamps", speech_timestamps, methods=["POST"]),
        WebSocketRoute("/v1/realtime", realtime),
        Route("/v1/realtime", realtime_offer, methods=["POST"]),
    ]


def create_app(pool: WorkerPool, peers: Peers, host: str, api_key: str | None) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    pool
        Who recognises; belongs to the caller.
    peers
        Keeps the WebRTC connections; belongs to the caller.
    host
        Host the server listens on.
    api_key
        Key to ask for, or None.
    """
    app = Starlette(routes=routes(), exception_handlers={HTTPException: explain})
    app.state.pool = pool
    app.state.peers = peers
    app.state.catalogue = catalogue.Catalogue(pool)
    return AccessControl(app, host, api_key)
