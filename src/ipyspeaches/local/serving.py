"""Run the server in this process, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.local.engines import EngineSpec, engine_spec
from ipyspeaches.protocol.address import is_loopback

if TYPE_CHECKING:
    import uvicorn

    from ipyspeaches.local.realtime_routes import RtcPeers
    from ipyspeaches.local.worker_pool import WorkerPool

KEY_VARIABLE: Final = "IPYSPEACHES_API_KEY"
READY_PREFIX: Final = "listening on "
"""What a line on standard output begins with once the server answers, in front of its address."""
MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
EXIT_GRACE_S: Final = 3.0
_PACKAGES: Final = (("starlette", "starlette"), ("uvicorn", "uvicorn"), ("python_multipart", "python-multipart"))


def require_packages(spec: EngineSpec) -> None:
    """Check that what the server needs is installed.

    Raises
    ------
    MissingExtraError
        With the pip line that installs it.
    """
    for module, package in _PACKAGES:
        if find_spec(module) is None:
            raise MissingExtraError(package, "local", "run the local server")
    module, package, extra = spec.requires
    if find_spec(module) is None:
        raise MissingExtraError(package, extra, f"recognise speech with the {spec.name} engine")


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    api_key: str | None = None,
    engine: str = "pocketsphinx",
    *,
    model: str | None = None,
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
        Key to ask clients for; None for ``$IPYSPEACHES_API_KEY``, and none if that is unset.
    engine
        ``"pocketsphinx"`` (offline, English) or ``"faster-whisper"``.
    model
        Model of the faster-whisper engine.
    exit_with_stdin
        End when standard input is closed, so that the server dies with the process that started it.

    Raises
    ------
    InputError
        If the engine is unknown, the port is taken, or the host is open to the network without a key.
    MissingExtraError
        If a package is missing.
    """
    key = api_key or os.environ.get(KEY_VARIABLE) or None
    if key is None and not is_loopback(host):
        raise InputError(
            f"{host} can be reached from other machines: set a key with --api-key or ${KEY_VARIABLE}, or listen on "
            "127.0.0.1."
        )
    spec = engine_spec(engine, model)
    require_packages(spec)
    listener = _listen(host, port)
    asyncio.run(_run(spec, host, key, listener, exit_with_stdin=exit_with_stdin))


async def _run(
    spec: EngineSpec, host: str, api_key: str | None, listener: socket.socket, *, exit_with_stdin: bool
) -> None:
    from ipyspeaches.local.realtime_routes import RtcPeers
    from ipyspeaches.local.worker_pool import WorkerPool

    pool, peers = WorkerPool(spec), RtcPeers()
    server = _server(pool, peers, host, api_key, listener)
    if exit_with_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    try:
        await pool.load()
        await server.serve(sockets=[listener])
    finally:
        await peers.close()
        await pool.unload()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise InputError(
            f"The server cannot listen on {host} port {port} ({reason}): choose another port, or 0 for a free one."
        ) from exc


def _server(
    pool: WorkerPool, peers: RtcPeers, host: str, api_key: str | None, listener: socket.socket
) -> uvicorn.Server:
    import uvicorn

    from ipyspeaches.local.asgi_app import create_app

    shown_host = f"[{host}]" if ":" in host else host
    url = f"http://{shown_host}:{listener.getsockname()[1]}"

    class AnnouncingServer(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                sys.stdout.write(f"{READY_PREFIX}{url}\n")
                sys.stdout.flush()

    config = uvicorn.Config(
        create_app(pool, peers, host, api_key),
        # Both would write addresses with their query, and a key may be in it.
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    return AnnouncingServer(config)


def _end_with_stdin(server: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True
    threading.Timer(EXIT_GRACE_S, os._exit, (1,)).start()
