"""The server process: started, announced, stopped, and never left behind."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from ipyspeaches.errors import (
    InputError,
    MissingExtraError,
    ModelNotFoundError,
    ServerUnreachableError,
    StateError,
)
from ipyspeaches.local import LocalServer, serve
from ipyspeaches.local.engines import engine_spec
from ipyspeaches.local.local_server import require_packages
from ipyspeaches.local.worker_pool import early_end
from model_hub import HEAD

POSIX = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks processes up in /proc")


def is_up(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def wait_until_down(url: str) -> bool:
    """Return whether the server goes away within a minute."""
    deadline = time.monotonic() + 60
    while is_up(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_it_lives_as_long_as_the_with_statement() -> None:
    server = LocalServer()
    assert "not running" in repr(server)
    with pytest.raises(StateError, match=r"start\(\)"):
        _ = server.url
    with server:
        url = server.url
        assert url.startswith("http://127.0.0.1:")
        assert url in repr(server)
        assert is_up(url)
        with pytest.raises(StateError, match="already"):
            server.start()
    assert not is_up(url)
    server.stop()


def test_it_starts_again_after_a_stop() -> None:
    server = LocalServer()
    for _ in range(2):
        with server:
            assert is_up(server.url)


def test_one_is_shared(local_server: LocalServer) -> None:
    assert LocalServer.shared() is local_server
    assert local_server.is_running


def test_a_port_that_is_taken_is_said(local_server: LocalServer) -> None:
    port = int(local_server.url.rpartition(":")[2])
    with pytest.raises(ServerUnreachableError, match=f"port {port} .*choose another port"):
        LocalServer(port=port).start()


@POSIX
def test_the_key_is_not_in_the_list_of_processes() -> None:
    server = LocalServer(api_key="hidden-from-ps")
    with server:
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert "ipyspeaches serve" in listed
        assert "hidden-from-ps" not in listed
        assert "hidden-from-ps" not in repr(server)
        headers = {"Authorization": "Bearer hidden-from-ps"}
        assert httpx2.get(f"{server.url}/v1/models", trust_env=False).status_code == 403
        assert httpx2.get(f"{server.url}/v1/models", headers=headers, trust_env=False).status_code == 200


def test_it_dies_with_the_process_that_started_it() -> None:
    code = (
        "import time\nfrom ipyspeaches.local import LocalServer\n"
        "print(LocalServer.shared().url, flush=True)\ntime.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert is_up(url)
        parent.kill()
    assert wait_until_down(url)


def test_it_ends_when_its_python_ends() -> None:
    code = "from ipyspeaches.local import LocalServer\nprint(LocalServer.shared().url)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert wait_until_down(run.stdout.strip())
    assert run.stderr == ""


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ipyspeaches.local.local_server.find_spec", lambda name: None if name == "uvicorn" else object()
    )
    with pytest.raises(MissingExtraError, match=r"uvicorn .*pip install 'ipyspeaches\[local\]'"):
        LocalServer().start()
    monkeypatch.setattr(
        "ipyspeaches.local.local_server.find_spec", lambda name: None if name == "faster_whisper" else object()
    )
    with pytest.raises(MissingExtraError, match=r"faster-whisper .*pip install 'ipyspeaches\[local\]'"):
        require_packages(engine_spec("faster-whisper"))


@pytest.mark.parametrize("host", ["[::1]", "::1", " 127.0.0.1 "])
def test_a_host_may_be_written_as_in_an_address(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    async def run(_spec: object, host: str, _key: object, listener: socket.socket, **_: object) -> None:
        heard.extend((host, listener.getsockname()[0]))
        listener.close()

    monkeypatch.setattr("ipyspeaches.local.local_server._run", run)
    serve(host)
    assert heard == [host.strip(" []")] * 2


@pytest.mark.parametrize(
    "host", ["localhost:8000", "http://localhost", "no such.host", "a" * 70 + ".localhost", "192.0.2.1"]
)
def test_a_host_that_is_none_is_told(host: str) -> None:
    with pytest.raises(InputError, match=r"cannot listen on .*: give an address of this machine as the host"):
        serve(host, api_key="k")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.1", "my.example"])
def test_other_machines_need_a_key(host: str) -> None:
    with pytest.raises(InputError, match=r"other machines: set a key with --api-key or \$SPEACHES_API_KEY,"):
        serve(host)


def test_a_model_that_cannot_be_loaded_is_told_by_its_own_sentence(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.bin").write_bytes(HEAD)
    with pytest.raises(
        ServerUnreachableError, match=r"^The local server cannot start: The model .* could not be loaded"
    ):
        LocalServer(model=str(tmp_path)).start()


def test_what_cannot_be_loaded_is_done_without_unless_somebody_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "NONE")  # to CTranslate2 a processor that it cannot use
    monkeypatch.delenv("IPYSPEACHES_MODEL")
    server = LocalServer()
    with server:
        models = httpx2.get(f"{server.url}/openapi.json", trust_env=False).json()
        assert models["info"]["x-default-model"] == "pocketsphinx/en-us"
    assert len(server.warnings) >= 1
    assert "does not work on this processor" in server.warnings[0]
    assert server.warnings[-1].endswith("Until then, pocketsphinx/en-us is used where no model is named.")


def test_a_model_that_is_not_here_is_told_before_anything_starts() -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"large-v3 \(3\.1 GB\) is not on this machine: allow its download with"
    ):
        LocalServer(model="large-v3").start()


def test_the_command_line_says_what_is_wrong() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "ipyspeaches", "serve"]
    run = subprocess.run([*command, "--host", "0.0.0.0"], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 1
    assert "set a key" in run.stderr
    assert "Traceback" not in run.stderr
    run = subprocess.run([*command, "--engine", "x"], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 2


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (-4, r"\(SIGILL\): this processor may lack"),
        (-9, r"\(killed\): .* a smaller model"),
        (1, r"\(code 1\): what it"),
    ],
)
def test_a_recogniser_that_ends_early_is_explained(code: int, told: str) -> None:
    assert re.search(told, early_end(engine_spec("faster-whisper"), code))
