"""The embedded server: run in this process until it is stopped, or as a child process of this one."""

from __future__ import annotations

import asyncio
import atexit
import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar, Final, Self

import ipyspeaches
from ipyspeaches.checks import number, shown_if_made
from ipyspeaches.errors import (
    DownloadError,
    InputError,
    MissingExtraError,
    ServerUnreachableError,
    SpeachesError,
    StateError,
)
from ipyspeaches.local import weights
from ipyspeaches.local.downloads import download
from ipyspeaches.local.engines import (
    ENGINE_NAMES,
    POCKETSPHINX,
    EngineSpec,
    asked_engine,
    engine_spec,
    engines_at_hand,
    model_to_download,
    usable_cores,
)
from ipyspeaches.local.limits import ServerLimits
from ipyspeaches.protocol.address import is_loopback
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE, hidden, key_from_environment, read_key
from ipyspeaches.terminal import ERROR_PREFIX, WARNING_PREFIX, one_line, write_warning

if TYPE_CHECKING:
    import uvicorn

    from ipyspeaches.local.dispatcher import Dispatcher
    from ipyspeaches.local.model_memory import ModelMemory
    from ipyspeaches.local.realtime_routes import RtcPeers

READY_PREFIX: Final = "listening on "
"""What a line on standard output begins with once the server answers, in front of its address."""
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
EXIT_GRACE_S: Final = 3.0
DRAIN_S: Final = 25.0
"""How long a server that is told to end goes on with what was committed; Kubernetes waits for 30 s."""
SEND_S: Final = 0.1
"""How long the last answers take to be sent."""
_PACKAGES: Final = (("starlette", "starlette"), ("uvicorn", "uvicorn"), ("python_multipart", "python-multipart"))
"""What a line on standard error begins with that says why the server does not start."""
START_TIMEOUT_S: Final = 60.0
LARGE_MODEL_TIMEOUT_S: Final = 600.0
"""The same for a model that was named: one of gigabytes is checked and read from a slow disk."""
STOP_TIMEOUT_S: Final = 5.0
_PORT: Final = number(0, 65535, "1 to 65535, or 0 for any free one", whole=True)
_LAST_LINES: Final = 20


class LocalServer:
    """A server on this machine, in a process of its own that ends with this one.

    Parameters
    ----------
    engine
        ``"faster-whisper"``, or ``"pocketsphinx"`` (English only, and badly); None for the best Whisper model that is
        at hand, and PocketSphinx where there is none.
    port
        Port, or 0 for a free one.
    api_key
        Key to ask clients for; handed over in the environment, so that ``ps`` does not show it.
    model
        A folder, an id on the Hugging Face hub, or a size such as ``"small"``; None for ``$IPYSPEACHES_MODEL``.
    auto_download
        Whether to download that model if this machine does not have it, and where none is named and PocketSphinx is
        all that there is, Whisper's multilingual base model (148 MB). Otherwise nothing is downloaded.

    Attributes
    ----------
    warnings
        What the running server goes on without, such as a damaged model, in sentences.

    Examples
    --------
    >>> with LocalServer() as local:  # doctest: +SKIP
    ...     print(local.url)
    """

    _shared: ClassVar[dict[str, LocalServer]] = {}  # by the model that it was started for
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        engine: str | None = None,
        port: int = 0,
        api_key: str | None = None,
        *,
        model: str | None = None,
        auto_download: bool = False,
    ) -> None:
        api_key = hidden(api_key)  # or a traceback shows it
        self._asked = asked_engine(engine, model)
        self._auto_download = auto_download
        self.warnings: tuple[str, ...] = ()
        self._port = _PORT("port", port)
        self._api_key = read_key(api_key)
        self._process: subprocess.Popen[str] | None = None
        self._url: str | None = None
        self._owner = os.getpid()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._announced = threading.Event()

    @classmethod
    def shared(cls, model: str | None = None) -> LocalServer:
        """Return the one server of this Python process for a model, or for the best at hand, started at the first call.

        Where a better one has come to be at hand, a server with that is started; the one before it serves its sessions
        until Python ends.

        Raises
        ------
        MissingExtraError, ModelNotFoundError, InputError, ServerUnreachableError
            As `start`.
        """
        asked = asked_engine(None, model)
        name = (asked or engines_at_hand()[0]).model
        with cls._shared_lock:
            shared = cls._shared.get(name)
            if shared is None or not shared.is_running:
                shared = cls(model=model)
                shared.start()
                cls._shared[name] = shared
            return shared

    @shown_if_made
    def __repr__(self) -> str:
        asked = "" if self._asked is None else f"{self._asked.name!r}, "
        return f"LocalServer({asked}{self._url if self.is_running else 'not running'})"

    @property
    def is_running(self) -> bool:
        """Whether the server process is up, as far as this Python process owns it."""
        return self._owner == os.getpid() and self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        """Base address, such as ``http://127.0.0.1:41231``; a `StateError` if the server was not started."""
        if self._url is None:
            raise StateError("The local server is not running: call start(), or use it in a with statement.")
        return self._url

    @property
    def api_key(self) -> str | None:
        """The key that clients need, or None."""
        return self._api_key

    def start(self) -> None:
        """Start the server and wait until it listens.

        Raises
        ------
        MissingExtraError
            If a package is missing; the message has the pip line.
        ModelNotFoundError, InputError
            If the model that was named is not on this machine, or is none.
        DownloadError
            If it was to be downloaded, and could not be.
        ServerUnreachableError
            If the process ended or was not ready in time; the message has its last words.
        StateError
            If it runs already.
        """
        if self.is_running:
            raise StateError("The local server is running already: use it, or stop() it first.")
        require_packages(self._asked)
        missing = require_model(self._asked, auto_download=self._auto_download)
        self._owner = os.getpid()
        self._last_lines.clear()
        self.warnings = missing
        self._announced.clear()
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=self._environment(),
            start_new_session=True,  # interrupting a cell signals the kernel's whole process group
        )
        atexit.register(self.stop)
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        timeout_s = START_TIMEOUT_S if self._asked in (None, POCKETSPHINX) else LARGE_MODEL_TIMEOUT_S
        in_time = self._announced.wait(timeout_s)
        if self._url is None:
            self.stop()
            what = "ended while it was starting" if in_time else f"was not ready after {timeout_s:.0f} seconds"
            last = self._last_lines[-1] if self._last_lines else "it said nothing"
            if last.startswith(ERROR_PREFIX):
                raise ServerUnreachableError(f"The local server cannot start: {last.removeprefix(ERROR_PREFIX)}")
            raise ServerUnreachableError(
                f"The local server {what} ({last}). Run `{Path(sys.executable).name} -m ipyspeaches serve` to see more."
            )

    def _command(self) -> list[str]:
        options = ["--port", str(self._port)]
        if self._asked is not None:
            options += ["--engine", self._asked.name, "--model", self._asked.source or self._asked.model]
        return [sys.executable, "-m", "ipyspeaches", "serve", *options, "--exit-with-stdin"]

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment.pop(API_KEY_VARIABLE, None)  # a key for another server, unless it was given for this one
        if self._api_key is not None:
            environment[API_KEY_VARIABLE] = self._api_key
        # A notebook may have found this package through sys.path, which a child does not inherit.
        root = str(Path(ipyspeaches.__path__[0]).parent)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), root)))
        return environment

    def _read(self, output: IO[str]) -> None:
        for line in output:
            if self._url is None and line.startswith(READY_PREFIX):
                self._url = line.removeprefix(READY_PREFIX).strip()
                self._announced.set()
            elif self._url is None and line.startswith(WARNING_PREFIX):
                self.warnings += (line.removeprefix(WARNING_PREFIX).strip(),)
            elif line.strip():
                self._last_lines.append(line.strip())
        self._announced.set()  # or it ended, and its last words are the reason

    def stop(self) -> None:
        """End the server; nothing happens if it is not running."""
        process, self._process, self._url = self._process, None, None
        atexit.unregister(self.stop)
        if process is None or self._owner != os.getpid():
            return
        assert process.stdin is not None
        process.stdin.close()  # asks it to end
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        self._reader.join()
        process.stdout.close()

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the server."""
        self.stop()


def require_packages(spec: EngineSpec | None) -> None:
    """Check that what the server needs is installed: the packages of an engine, or of any.

    It is a `MissingExtraError` if not, with the pip line that installs it.
    """
    for module, package in _PACKAGES:
        if find_spec(module) is None:
            raise MissingExtraError(package, "local", "run the local server")
    engines = [engine_spec(name) for name in ENGINE_NAMES] if spec is None else [spec]
    if all(find_spec(one.requires[0]) is None for one in engines):
        _, package, extra = engines[0].requires
        raise MissingExtraError(package, extra, f"recognise speech with the {engines[0].name} engine")


def require_model(asked: EngineSpec | None, *, auto_download: bool) -> tuple[str, ...]:
    """Have the model that a server is to run on this machine, downloaded if that was allowed.

    What was not asked for by name is done without if it cannot be had, which the sentences that are returned say.

    Raises
    ------
    ModelNotFoundError, InputError
        If the model that was named is not here, or is none.
    DownloadError
        If it could not be downloaded.
    """
    wanted = (
        None if asked == POCKETSPHINX else model_to_download(None if asked is None else asked.source or asked.model)
    )
    if wanted is not None and auto_download:
        try:
            download(wanted)
        except DownloadError as exc:
            if asked is not None:
                raise
            return (f"{exc} Until then, PocketSphinx hears English only, and badly.",)
    if asked is not None and asked != POCKETSPHINX:
        weights.require(asked.source or asked.model)
    return ()


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    api_key: str | None = None,
    engine: str | None = None,
    *,
    model: str | None = None,
    auto_download: bool = False,
    limits: ServerLimits | None = None,
    exit_with_stdin: bool = False,
) -> None:
    """Serve until interrupted; prints ``listening on http://…`` when ready.

    Parameters
    ----------
    host
        Address to listen on. Anything but this machine's own needs a key.
    port
        Port, or 0 for a free one.
    api_key
        Key to ask clients for; None for ``$SPEACHES_API_KEY``, and none if that is unset.
    engine, model, auto_download
        As of `LocalServer`: the model that is loaded at once. Others that need no download are loaded when they are
        asked for.
    limits
        What the server holds at most; None for what the environment says.
    exit_with_stdin
        End when standard input is closed, so that the server dies with the process that started it.

    Raises
    ------
    InputError
        If the engine is unknown, the port is taken, or the host is open to the network without a key.
    MissingExtraError
        If a package is missing.
    ModelNotFoundError, DownloadError
        If the model that was named is not here and may not, or cannot, be downloaded.
    """
    key, host = read_key(api_key) or key_from_environment(), host.strip().strip("[]")  # as in an address
    if key is None and not is_loopback(host):
        raise InputError(
            f"{host} can be reached from other machines: set a key with --api-key or ${API_KEY_VARIABLE}, or listen on "
            "127.0.0.1."
        )
    asked = asked_engine(engine, model)
    limits = limits or ServerLimits.from_environment()
    require_packages(asked)
    for warning in require_model(asked, auto_download=auto_download):
        write_warning(warning)
    listener = _listen(host, port)
    asyncio.run(_run(asked, host, key, listener, limits=limits, exit_with_stdin=exit_with_stdin))


async def _run(
    asked: EngineSpec | None,
    host: str,
    api_key: str | None,
    listener: socket.socket,
    *,
    limits: ServerLimits,
    exit_with_stdin: bool,
) -> None:
    from ipyspeaches.local.dispatcher import Dispatcher
    from ipyspeaches.local.realtime_routes import RtcPeers

    serving: list[uvicorn.Server] = []  # once an engine is loaded, which may take a download
    if exit_with_stdin:
        threading.Thread(target=_end_with_stdin, args=(serving,), daemon=True).start()
    cores = usable_cores()
    memory, peers = await _loaded(asked, limits, cores), RtcPeers()
    drain_s = 0.0 if exit_with_stdin else DRAIN_S  # whom would the answers reach?
    server = _server(Dispatcher(memory, cores, limits), peers, host, api_key, listener, drain_s)
    serving.append(server)
    try:
        await server.serve(sockets=[listener])
    finally:
        await peers.close()
        await memory.close()


async def _loaded(asked: EngineSpec | None, limits: ServerLimits, cores: int) -> ModelMemory:
    """Return the models, with the one that was asked for in memory, or the best one at hand that can be loaded."""
    from ipyspeaches.local.model_memory import ModelMemory

    engines = engines_at_hand() if asked is None else [asked]
    for spec, following in pairwise(engines):
        memory = ModelMemory(spec, limits, cores)
        try:
            await memory.load(memory.pool(spec))
        except SpeachesError as exc:
            write_warning(f"{exc} Until then, {following.model} is used where no model is named.")
        else:
            return memory
    memory = ModelMemory(engines[-1], limits, cores)
    await memory.load(memory.pool(engines[-1]))
    return memory


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as exc:
        code = getattr(exc, "errno", None) or 0
        # Below 0 are the resolver's, of which `create_server` keeps no more than the number.
        cure = "choose another port, or 0 for a free one"
        if code <= 0 or code == errno.EADDRNOTAVAIL:
            cure = "give an address of this machine as the host, such as 127.0.0.1, ::1 or 0.0.0.0, and no more"
        reason = os.strerror(code) if code > 0 else "there is no such host"
        raise InputError(f"The server cannot listen on {one_line(host)} port {port} ({reason}): {cure}.") from exc


def _server(
    dispatcher: Dispatcher,
    peers: RtcPeers,
    host: str,
    api_key: str | None,
    listener: socket.socket,
    drain_s: float,
) -> uvicorn.Server:
    import uvicorn

    from ipyspeaches.local.access import PromptProtocol
    from ipyspeaches.local.asgi_app import create_app

    shown_host = f"[{host}]" if ":" in host else host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"

    class AnnouncingServer(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Finish what was committed before all connections are closed."""
            deadline_s = time.monotonic() + drain_s
            if dispatcher.unfinished and drain_s:
                sys.stderr.write(f"finishing {dispatcher.unfinished} jobs; Ctrl-C again ends at once\n")
            await dispatcher.finish(lambda: self.force_exit or time.monotonic() > deadline_s)
            await asyncio.sleep(SEND_S)
            await super().shutdown(sockets)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                sys.stdout.write(f"{READY_PREFIX}{url}\n")
                sys.stdout.flush()

    config = uvicorn.Config(
        create_app(dispatcher, peers, host, api_key),
        # Both would write addresses with their query, and a key may be in it.
        access_log=False,
        log_level="warning",
        lifespan="off",
        http=PromptProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return AnnouncingServer(config)


def _end_with_stdin(serving: list[uvicorn.Server]) -> None:
    while os.read(0, 4096):  # past the buffer, whose lock would be missed when Python ends while this waits
        pass
    for server in serving:
        server.should_exit = True
    threading.Timer(EXIT_GRACE_S, os._exit, (1,)).start()
