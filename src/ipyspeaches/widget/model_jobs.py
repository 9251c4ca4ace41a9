"""What a page may do with the server's models: see what is there, have one downloaded, have one loaded.

A job belongs to the kernel, not to the page that asked for it: it is shown in a trait, so that a page that comes
later sees it too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ipyspeaches.errors import InputError, ServerError, StateError
from ipyspeaches.server.client import Server
from ipyspeaches.server.models import model_id
from ipyspeaches.session import SessionOptions
from ipyspeaches.session.destination import Place, locate
from ipyspeaches.widget.bridge import Answer, Command
from ipyspeaches.widget.shown import overview_traits


class ModelJobs:
    """The commands about a server's models. All run on the engine's loop.

    Parameters
    ----------
    options
        Say which server.
    show
        Sets traits.
    """

    def __init__(self, options: Callable[[], SessionOptions], show: Callable[[Mapping[str, Any]], None]) -> None:
        self._options = options
        self._show = show
        self._jobs: dict[str, dict[str, Any]] = {}
        self.commands: dict[str, Command] = {
            "list_models": self._list,
            "download_model": self._download,
            "load_model": self._load,
        }

    async def _list(self, _args: dict[str, Any]) -> None:
        """Ask the server what it has; the traits show it."""
        place = await self._place()
        overview = await Server(place.url, place.api_key).overview()
        self._show(overview_traits(overview, embedded=place.embedded))

    async def _download(self, args: dict[str, Any]) -> Answer:
        with self._job(args, "download") as model:
            place = await self._place()
            downloaded = await Server(place.url, place.api_key).download(model, progress=False)
            await self._show_what_is_there()
        return Answer({"model": model, "downloaded": downloaded})

    async def _load(self, args: dict[str, Any]) -> Answer:
        with self._job(args, "load") as model:
            place = await self._place()
            await Server(place.url, place.api_key).load(model)
            await self._show_what_is_there()
        return Answer({"model": model})

    async def _place(self) -> Place:
        return await locate(self._options())

    async def _show_what_is_there(self) -> None:
        with suppress(ServerError):  # the job is done all the same
            await self._list({})

    @contextmanager
    def _job(self, args: dict[str, Any], kind: str) -> Iterator[str]:
        """Show a job as long as it runs; one at a time for each model."""
        model = model_id(str(args.get("model") or "").strip())
        if not model:
            raise InputError("No model was given: type its id, such as Systran/faster-whisper-small.")
        if model in self._jobs:
            raise StateError(f"The server is already busy with {model}: wait until that is done.")
        self._jobs[model] = {"model": model, "kind": kind, "since_ms": round(time.time() * 1000)}
        self._show_jobs()
        try:
            yield model
        finally:
            del self._jobs[model]
            self._show_jobs()

    def _show_jobs(self) -> None:
        self._show({"_model_jobs": list(self._jobs.values())})
