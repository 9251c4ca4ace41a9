"""The models of this server, and the endpoints that list, load and unload them."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.session_settings import model_missing_text
from ipyspeaches.local.worker_pool import WorkerPool

SILERO_MODEL: Final = "silero_vad_v6"
RECOGNITION_TASK: Final = "automatic-speech-recognition"
VAD_TASK: Final = "voice-activity-detection"


class Catalogue:
    """Two models: the engine's, and Silero.

    Parameters
    ----------
    pool
        Holds the engine.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._created = int(time.time())
        self.silero_loaded = False

    def entries(self, task: str | None = None) -> list[dict[str, Any]]:
        """Return the models for a task (None for all), as the wire's model objects."""
        spec = self._pool.spec
        models = [
            self._entry(spec.model, spec.owner, list(spec.languages) or None, RECOGNITION_TASK),
            self._entry(SILERO_MODEL, "snakers4", None, VAD_TASK),
        ]
        return [model for model in models if task in (None, model["task"])]

    def _entry(self, model: str, owner: str, languages: list[str] | None, task: str) -> dict[str, Any]:
        return {
            "id": model,
            "created": self._created,
            "object": "model",
            "owned_by": owner,
            "language": languages,
            "task": task,
        }

    def find(self, model: str) -> dict[str, Any] | None:
        """Return one model object, or None."""
        return next((entry for entry in self.entries() if entry["id"] == model), None)

    def loaded(self) -> list[str]:
        """Return the ids of the models in memory."""
        engine = [self._pool.spec.model] if self._pool.loaded else []
        return engine + ([SILERO_MODEL] if self.silero_loaded else [])

    async def load(self, model: str) -> None:
        """Load a model of this server."""
        if model == SILERO_MODEL:
            self.silero_loaded = True
        else:
            await self._pool.load()

    async def unload(self, model: str) -> None:
        """Unload a model of this server; it is loaded again when it is needed."""
        if model == SILERO_MODEL:
            self.silero_loaded = False
        else:
            await self._pool.unload()


def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


async def list_models(request: Request) -> JSONResponse:
    """``GET /v1/models[?task=…]``."""
    entries = _catalogue(request).entries(request.query_params.get("task"))
    return JSONResponse({"data": entries, "object": "list"})


async def list_registry(request: Request) -> JSONResponse:
    """``GET /v1/registry[?task=…]``: what this server could have is what it has, because it downloads nothing."""
    return await list_models(request)


async def get_model(request: Request) -> JSONResponse:
    """``GET /v1/models/{id}``."""
    model = request.path_params["model"]
    entry = _catalogue(request).find(model)
    if entry is None:
        return JSONResponse({"detail": f"Model '{model}' not found"}, status_code=404)
    return JSONResponse(entry)


async def download_model(request: Request) -> JSONResponse:
    """``POST /v1/models/{id}``: this server's models are there, and it gets no others."""
    model = request.path_params["model"]
    if _catalogue(request).find(model) is None:
        return JSONResponse({"detail": f"Model '{model}' not found"}, status_code=404)
    return JSONResponse({"message": f"Model '{model}' already exists"}, status_code=201)


async def list_running(request: Request) -> JSONResponse:
    """``GET /api/ps``."""
    return JSONResponse({"models": _catalogue(request).loaded()})


async def load_model(request: Request) -> JSONResponse:
    """``POST /api/ps/{id}``."""
    model = request.path_params["model"]
    catalogue = _catalogue(request)
    if catalogue.find(model) is None:
        return JSONResponse({"detail": model_missing_text(model)}, status_code=404)
    if model in catalogue.loaded():
        return JSONResponse({"message": f"Model '{model}' is already loaded."}, status_code=409)
    try:
        await catalogue.load(model)
    except SpeachesError as exc:
        return JSONResponse({"detail": str(exc)}, status_code=500)
    return JSONResponse({"message": f"Model '{model}' loaded."}, status_code=201)


async def unload_model(request: Request) -> JSONResponse:
    """``DELETE /api/ps/{id}``."""
    model = request.path_params["model"]
    catalogue = _catalogue(request)
    if model not in catalogue.loaded():
        return JSONResponse({"message": f"Model {model} is not loaded."}, status_code=404)
    await catalogue.unload(model)
    return JSONResponse({"message": f"Model {model} unloaded."})
