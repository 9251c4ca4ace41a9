"""The ASGI application: all routes, behind the access control."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from ipyspeaches.local.access import AccessControl
from ipyspeaches.local.realtime_route import realtime
from ipyspeaches.local.worker_pool import WorkerPool


async def health(request: Request) -> JSONResponse:
    """Answer that the server is up."""
    del request
    return JSONResponse({"message": "OK"})


def routes() -> list[BaseRoute]:
    """Return all routes."""
    return [
        Route("/health", health),
        WebSocketRoute("/v1/realtime", realtime),
    ]


def create_app(pool: WorkerPool, host: str, api_key: str | None) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    pool
        Who recognises; belongs to the caller.
    host
        Host the server listens on.
    api_key
        Key to ask for, or None.
    """
    app = Starlette(routes=routes())
    app.state.pool = pool
    return AccessControl(app, host, api_key)
