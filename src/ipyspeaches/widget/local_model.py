"""The embedded server's model, as pages see it: whether a better one could be had, how far it is, what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

from ipyspeaches.errors import StateError
from ipyspeaches.local.downloads import Download
from ipyspeaches.local.engines import DEFAULT_WHISPER_MODEL, POCKETSPHINX, asked_engine, model_to_download
from ipyspeaches.local.weights import SIZES_BYTES
from ipyspeaches.protocol.address import asked_address
from ipyspeaches.server.models import model_id
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.widget.bridge import Command
from ipyspeaches.widget.page_messages import failure_message

INTERVAL_S: Final = 0.25


class LocalModel:
    """Offers, fetches and stops fetching a model on behalf of pages; everything is shown in one trait.

    The options say which server and model; ``fetched`` is called when a model has come. Runs on the engine's loop.
    """

    def __init__(
        self,
        options: Callable[[], SessionOptions],
        show: Callable[[Mapping[str, Any]], None],
        fetched: Callable[[], Awaitable[None]],
    ) -> None:
        self._options = options
        self._show = show
        self._fetched = fetched
        self._follower: asyncio.Task[None] | None = None
        self._failure: dict[str, Any] | None = None
        self.commands: dict[str, Command] = {"get_model": self._get, "stop_download": self._stop}

    async def look(self) -> None:
        """Show whether a better model could be had; begin to fetch it where that is wished for by itself."""
        if self._follower is not None:
            return
        wanted = await asyncio.to_thread(self._wanted)
        if wanted is None:
            self._show({"_local_model": None})
        elif Download.under_way(wanted["model"]) is not None or self._wished(wanted):
            self._follow(Download.begin(wanted["model"]), wanted)
        else:
            self._show({"_local_model": {**wanted, "state": "offered", "failure": self._failure}})

    def look_soon(self) -> None:
        """Do as `look`, without being waited for."""
        ENGINE.submit(self.look())

    def _wished(self, wanted: Mapping[str, Any]) -> bool:
        """Whether it is to be fetched unasked: not again and again where that has failed."""
        return self._options().auto_download and self._failure is None and wanted["can_run"]

    def _wanted(self) -> dict[str, Any] | None:
        """Return which model could be had, and why it should be; None where nothing is to be said."""
        options = self._options()
        if asked_address(options.server):
            return None
        asked = None if options.recognition.model is None else model_id(options.recognition.model)
        engine = asked_engine(None, asked)  # None where nobody chose, neither here nor in the environment
        if engine == POCKETSPHINX:
            return None
        can_run = find_spec("faster_whisper") is not None
        model = model_to_download(asked) if can_run else DEFAULT_WHISPER_MODEL
        if model is None:
            return None
        size_bytes = SIZES_BYTES.get(model, 0)
        return {"model": model, "size_bytes": size_bytes, "named": engine is not None, "can_run": can_run}

    async def _get(self, _args: dict[str, Any]) -> None:
        """Fetch the model that was offered."""
        wanted = await asyncio.to_thread(self._wanted)
        if wanted is None or not wanted["can_run"]:
            raise StateError("There is nothing to download: record with the model that is there.")
        if self._follower is None:
            self._failure = None
            self._follow(Download.begin(wanted["model"]), wanted)

    async def _stop(self, _args: dict[str, Any]) -> None:
        """Stop fetching it; what came is kept."""
        wanted = await asyncio.to_thread(self._wanted)
        if wanted is not None and (download := Download.under_way(wanted["model"])) is not None:
            download.stop()

    def _follow(self, download: Download, wanted: Mapping[str, Any]) -> None:
        self._follower = asyncio.create_task(self._until_ended(download, wanted))

    async def _until_ended(self, download: Download, wanted: Mapping[str, Any]) -> None:
        """Show how far it is until it is over, and then what became of it."""
        while not download.ended:
            how_far = {"done_bytes": download.done_bytes, "total_bytes": download.total_bytes}
            self._show({"_local_model": {**wanted, "state": "downloading", **how_far, "failure": None}})
            await asyncio.sleep(INTERVAL_S)
        self._follower = None
        self._failure = None if download.error is None else failure_message(download.error)
        if download.error is None and not download.stopped:
            self._show({"_local_model": {**wanted, "state": "done", "failure": None}})
            await self._fetched()
        else:
            kept = {"done_bytes": download.done_bytes}
            self._show({"_local_model": {**wanted, "state": "offered", **kept, "failure": self._failure}})
