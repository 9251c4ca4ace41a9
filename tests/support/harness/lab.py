"""A JupyterLab that shares nothing with the user's: own settings, own port, own folder."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0


class LabServer:
    """JupyterLab in a process of its own, from `start` (or ``with``) to `stop`.

    Parameters
    ----------
    folder
        An empty folder for notebooks, settings and the log.
    env
        Environment variables for the server and its kernels, on top of this process's.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.notebooks = folder / "notebooks"
        self.log = folder / "jupyter.log"
        self.token = secrets.token_urlsafe(16)
        self._settings = folder / "settings"
        self._env = {**os.environ, **_hermetic(folder), **(env or {}), "JUPYTER_TOKEN": self.token}
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address without the token."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.notebooks.mkdir(parents=True)
        # The news pop-up would cover what is to be photographed.
        quiet = self._settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self._port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.password=",
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.expose_app_in_browser=True",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait(self._process)

    def stop(self) -> None:
        """Stop the server and its kernels."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def write_notebook(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells and return its path below the server's root."""
        notebook = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [_code_cell(f"cell-{index}", source) for index, source in enumerate(cells)],
        }
        (self.notebooks / name).write_text(json.dumps(notebook), encoding="utf-8")
        return name

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        request = urllib.request.Request(f"{self.url}/api/status", headers={"Authorization": f"token {self.token}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with opener.open(request, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text(errors='replace')[-4000:]}")


def _code_cell(identity: str, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": identity,
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }


def _hermetic(folder: Path) -> dict[str, str]:
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    env = {name: str(folder / place) for name, place in places.items()}
    # What one test records and leaves is not offered in the next.
    env["IPYSPEACHES_JOURNAL"] = "off"
    # The kernel is this Python, not one of the same name somewhere else.
    return {**env, "JUPYTER_PREFER_ENV_PATH": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
