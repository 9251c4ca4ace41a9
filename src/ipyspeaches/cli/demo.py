"""``ipyspeaches demo``: JupyterLab on the quickstart notebook."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import webbrowser
from importlib import util
from pathlib import Path
from typing import IO

from ipyspeaches.checks import as_path
from ipyspeaches.cli.arguments import Commands, add_download_argument, better_model_text, port
from ipyspeaches.errors import DownloadError, InputError, MissingExtraError, SpeachesError
from ipyspeaches.protocol.address import BASE_URL_VARIABLE

NOTEBOOK = "01_quickstart.ipynb"
FIRST_PORT = 8888
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="open the quickstart notebook in JupyterLab",
        description="Copy the notebooks into a folder, start JupyterLab there and open the quickstart in the browser. "
        "Ctrl-C stops it.",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    parser.add_argument("--port", type=port, help=f"port (default: the first free one from {FIRST_PORT})")
    parser.add_argument(
        "--folder",
        type=as_path,
        default=Path("ipyspeaches-demo"),
        help="where your copies of the notebooks are; those that are there already are kept (default: %(default)s)",
    )
    add_download_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run JupyterLab until Ctrl-C; return 0 when it was stopped in its own way (its menu, a signal), 1 otherwise."""
    if util.find_spec("jupyterlab") is None:
        raise MissingExtraError("jupyterlab", "lab", "open the demo")
    notebook = copy_notebooks(args.folder)
    get_model(auto_download=args.auto_download)
    number = free_port(args.port)
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryFile() as log:
        process = _start(notebook.parent, number, token, log)
        try:
            _wait_until_ready(process, number, token, log)
            url = f"http://127.0.0.1:{number}/lab/tree/{notebook.name}?token={token}"
            print(f"JupyterLab is at {url}\nIts folder is {notebook.parent}. Stop it with Ctrl-C.", flush=True)
            if not args.no_browser:
                webbrowser.open(url)
            return int(process.wait() != 0)
        finally:
            _stop(process)


def get_model(*, auto_download: bool) -> None:
    """Have a good recogniser before the notebook is open, if that was allowed; else say what is missing."""
    from ipyspeaches.local.downloads import download
    from ipyspeaches.local.engines import model_to_download
    from ipyspeaches.local.weights import missing_text

    wanted = None if os.getenv(BASE_URL_VARIABLE) else model_to_download()
    if wanted is None:
        return
    if not auto_download:
        better = better_model_text()
        told = missing_text(wanted) if better is None else f"{better}, or with the button in the widget."
        print(f"ipyspeaches: {told}", file=sys.stderr)
        return
    try:
        download(wanted)
    except DownloadError as exc:  # the notebook can do without
        print(f"ipyspeaches: {exc}", file=sys.stderr)


def copy_notebooks(folder: Path) -> Path:
    """Copy the notebooks into ``folder`` that are not there; return the absolute path of the quickstart.

    It is an `InputError` if the folder cannot be made or written.
    """
    target = folder.resolve()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for notebook in _source().glob("*.ipynb"):
            if not (target / notebook.name).exists():
                shutil.copyfile(notebook, target / notebook.name)
    except OSError as exc:
        raise InputError(f"{target} cannot be written ({exc.strerror}): choose another --folder.") from exc
    return target / NOTEBOOK


def free_port(asked: int | None) -> int:
    """Return ``asked`` if it is free (0: any), or the first free port from `FIRST_PORT` when None.

    It is an `InputError` if the port that was asked for is taken.
    """
    if asked is not None:
        if (port := _bind(asked)) is None:
            raise InputError(f"Port {asked} is taken: choose another --port, or leave it out to get a free one.")
        return port
    for candidate in (*range(FIRST_PORT, FIRST_PORT + 20), 0):
        if (port := _bind(candidate)) is not None:
            return port
    raise SpeachesError("No port is free on this machine: stop a server that you no longer need.")


def _source() -> Path:
    package = Path(__file__).parents[1]
    # In a wheel the notebooks are inside the package, in a working copy beside src/.
    for folder in (package / "notebooks", package.parents[1] / "notebooks"):
        if (folder / NOTEBOOK).is_file():
            return folder
    raise SpeachesError("The notebooks are missing: reinstall ipyspeaches.")


def _bind(port: int) -> int | None:
    with socket.socket() as probe:
        # As the server will bind it: connections of the last run that linger do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return None
        return int(probe.getsockname()[1])


def _start(folder: Path, port: int, token: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        # Widgets load their code from the kernel, never from the net.
        "--ServerApp.password=",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # The token travels by environment: a command line can be read by everyone on the machine. The kernel is this
    # Python, not one of the same name in the user's home.
    env = {**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_PREFER_ENV_PATH": "1"}
    # A session of its own: the terminal's Ctrl-C reaches us alone, and we stop Jupyter in its own way.
    return subprocess.Popen(  # noqa: S603  our own Python, our own arguments
        command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, token: str, log: IO[bytes]) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/status", headers={"Authorization": f"token {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(request, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    log.seek(0)
    last = log.read().decode(errors="replace").strip().splitlines()[-1:] or ["it printed nothing"]
    raise SpeachesError(
        f"JupyterLab did not start ({last[0].strip()}): run `{Path(sys.executable).name} -m jupyterlab` to see why."
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let Jupyter shut its kernels down; kill it only when it does not."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
