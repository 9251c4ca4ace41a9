from __future__ import annotations

import json
import sys
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from ipyspeaches import LocalServer
from ipyspeaches.cli import doctor, main
from ipyspeaches.cli.doctor import Check, check_transports
from ipyspeaches.local import weights
from scripted_server import scripted

__all__ = ["scripted"]

TRANSPORTS = ["Transport realtime", "Transport chunked", "Transport sse", "Transport webrtc"]


def test_requirements_are_sorted_by_extra() -> None:
    found = doctor.requirements_by_extra()
    assert {"numpy", "anywidget"} <= set(found[""])
    assert "pocketsphinx" in found["local"]
    assert all("ipyspeaches" not in names for names in found.values())


def test_every_extra_has_its_row_and_what_works_needs_no_cure() -> None:
    found = doctor.run_checks(None, None, None)
    extras = {check.name.removeprefix("Extra ") for check in found if check.name.startswith("Extra")}
    assert extras == {"frames", "lab", "local", "zh"}
    assert [check for check in found if check.ok and check.cure] == []


def test_a_missing_bundle_is_essential_and_has_a_cure(tmp_path: Path) -> None:
    (tmp_path / "transcriber.js").write_text("export default {}", encoding="utf-8")
    check = doctor.check_bundles([tmp_path / "transcriber.js", tmp_path / "vadlab.js"])
    assert not check.ok
    assert check.essential
    assert "make build" in str(check.cure)


def test_an_empty_bundle_is_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "transcriber.js").touch()
    assert not doctor.check_bundles([tmp_path / "transcriber.js"]).ok


def test_where_recordings_are_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYSPEACHES_JOURNAL", str(tmp_path / "not" / "yet"))
    check = doctor.check_recordings()
    assert check.ok
    assert check.found.startswith(f"0 in {tmp_path / 'not' / 'yet'} (0 MB, ")
    (tmp_path / "not").touch()
    check = doctor.check_recordings()
    assert not check.ok
    assert "only in memory" in check.found
    monkeypatch.setenv("IPYSPEACHES_JOURNAL", "off")
    assert doctor.check_recordings().found == "none are kept on disk: IPYSPEACHES_JOURNAL is off"


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requirements_by_extra", lambda: {"": ["numpy", "no-such-package"], "x": ["neither"]})
    assert "no-such-package" in doctor.check_packages().found
    assert doctor.check_extra("x").cure == "If you want it: pip install 'ipyspeaches[x]'"


@pytest.mark.parametrize(
    ("model", "ok", "told"),
    [
        ("pocketsphinx/en-us", True, "with pocketsphinx/en-us, which hears English only, and badly"),
        (
            "",
            True,
            "with pocketsphinx/en-us, which hears English only, and badly; --auto-download gets Whisper (148 MB)",
        ),
        ("small", False, "Systran/faster-whisper-small (486 MB) is not on this machine: allow its download"),
        (".", False, "is no whole Whisper model of CTranslate2's format (it has no model.bin, "),
    ],
)
def test_the_model_of_the_embedded_server_is_named(
    model: str, ok: bool, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.MODEL_VARIABLE, model)
    monkeypatch.setattr(weights, "find", lambda _model: None)
    found = doctor.check_embedded_server()
    assert (found.ok, found.essential) == (ok, True)
    assert told in found.found
    there = weights.FoundModel("someone/small", "the cache of the Hugging Face hub", 486_000_000)
    monkeypatch.setattr(weights, "find", lambda _model: there)
    monkeypatch.setenv(weights.MODEL_VARIABLE, "someone/small")
    assert doctor.check_embedded_server().found == (
        "the embedded one, with someone/small (486 MB, the cache of the Hugging Face hub)"
    )


def test_webrtc_is_loaded_and_its_absence_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    there = doctor.check_webrtc()
    assert there.ok
    assert there.found.startswith("aiortc ")
    monkeypatch.setitem(sys.modules, "aiortc", None)  # its import fails as one of a broken library does
    broken = doctor.check_webrtc()
    assert not broken.ok
    assert not broken.essential
    assert "pip install 'ipyspeaches[webrtc]'" in str(broken.cure)


def test_a_server_that_is_not_there_fails_the_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--server", "http://127.0.0.1:9"]) == 1
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert not found["Server"]["ok"]
    assert "http://127.0.0.1:9" in found["Server"]["found"]


def test_what_is_not_essential_does_not_fail_the_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Check("Python", True, "3.11", essential=True), Check("Kernel microphone", False, "none", "Plug one in.")]
    monkeypatch.setattr("ipyspeaches.cli.doctor.run_checks", lambda *_: found)
    assert main(["doctor"]) == 0
    assert "-> Plug one in." in capsys.readouterr().out


def test_the_key_is_in_no_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", "sesame-1234")
    main(["doctor", "--server", "http://127.0.0.1:9"])
    main(["doctor", "--json", "--server", "http://127.0.0.1:9"])
    assert "sesame" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("fails", ["check_packages", "check_portaudio", "check_server", "check_front_ends"])
def test_the_list_is_finished_whatever_a_check_runs_into(
    fails: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def raising(*_: object) -> Check:
        raise RecursionError("sesame-1234 is too deep")

    names = [check.name for check in doctor.run_checks("http://127.0.0.1:9", None, None)]
    monkeypatch.setattr(doctor, fails, raising)
    main(["doctor", "--json", "--server", "http://127.0.0.1:9", "--api-key", "sesame-1234"])
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == names
    [broken] = [entry for entry in found if "RecursionError" in entry["found"]]
    assert not broken["ok"]
    assert broken["cure"]
    assert "sesame" not in broken["found"] or fails != "check_server"


def test_a_transport_that_fails_in_an_odd_way_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def raising(*_: object) -> str:
        raise RecursionError("too deep")

    monkeypatch.setattr(doctor, "_session_opens", raising)
    found = check_transports(LocalServer.shared().url, None, None)
    assert [check.ok for check in found] == [False, True, True, True]
    assert "RecursionError: too deep" in found[0].found


@pytest.mark.parametrize("arguments", [["--api-key", "“sesame”"], ["--api-key-env", "NO_SUCH_VARIABLE"]])
def test_a_key_that_is_none_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--server", "http://127.0.0.1:9", *arguments]) == 1
    told = capsys.readouterr().out
    found = {entry["name"]: entry for entry in json.loads(told)}
    assert not found["Server"]["ok"]
    assert found["Python"]["ok"]
    assert "sesame" not in told


def test_the_local_server_offers_all_of_them() -> None:
    for check in check_transports(LocalServer.shared().url, None, None):
        assert check.ok, check


def test_a_server_that_offers_sessions_only_is_told_from_one_that_offers_all(scripted: Any) -> None:
    found = check_transports(scripted.url, None, None)
    assert [check.name for check in found] == TRANSPORTS
    assert [check.ok for check in found] == [True, False, False, False]
    assert scripted.received[0]["type"] == "session.update"
    assert all(message["type"] == "session.update" for message in scripted.received), "audio was sent"
    assert all(check.cure for check in found[1:])
    assert not any(check.essential for check in found)


def test_webrtc_needs_aiortc_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async def there(*_: object) -> str:
        return "POST /v1/realtime is there; no audio was sent"

    monkeypatch.setattr(doctor, "_endpoint_is_there", there)
    assert check_transports(LocalServer.shared().url, None, None)[3].ok
    monkeypatch.setattr(util, "find_spec", lambda _package: None)
    webrtc = check_transports(LocalServer.shared().url, None, None)[3]
    assert not webrtc.ok
    assert "is there; no audio was sent; here: aiortc is not installed" in webrtc.found
    assert "ipyspeaches[webrtc]" in str(webrtc.cure)


def test_the_doctor_looks_at_them_where_a_server_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalServer(api_key="sesame-1234") as server:
        main(["doctor", "--json", "--server", server.url, "--api-key", "sesame-1234"])
        told = capsys.readouterr().out
        main(["doctor", "--json", "--server", server.url, "--api-key", "wrong"])
        refused = capsys.readouterr().out
    found = {entry["name"]: entry for entry in json.loads(told)}
    assert [name for name in found if name.startswith("Transport")] == TRANSPORTS
    assert set(found["Transport sse"]) == {"name", "ok", "found", "cure", "essential"}
    assert found["Transport realtime"]["ok"]
    assert "sesame" not in told
    assert "Transport" not in refused
