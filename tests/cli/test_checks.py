from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ipyspeaches.cli import checks, main
from ipyspeaches.cli.checks import Check


def test_requirements_are_sorted_by_extra() -> None:
    found = checks.requirements_by_extra()
    assert {"numpy", "anywidget"} <= set(found[""])
    assert "pocketsphinx" in found["local"]
    assert all("ipyspeaches" not in names for names in found.values())


def test_a_missing_bundle_is_essential_and_has_a_cure(tmp_path: Path) -> None:
    check = checks.check_bundle(tmp_path / "transcriber.js")
    assert not check.ok
    assert check.essential
    assert "make build" in str(check.cure)


def test_an_empty_bundle_is_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "transcriber.js").touch()
    assert not checks.check_bundle(tmp_path / "transcriber.js").ok


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "requirements_by_extra", lambda: {"": ["numpy", "no-such-package"], "x": ["neither"]})
    assert "no-such-package" in checks.check_packages().found
    assert checks.check_extra("x").cure == "If you want it: pip install 'ipyspeaches[x]'"


def test_webrtc_is_loaded_and_its_absence_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    there = checks.check_webrtc()
    assert there.ok
    assert there.found.startswith("aiortc ")
    monkeypatch.setitem(sys.modules, "aiortc", None)  # its import fails as one of a broken library does
    broken = checks.check_webrtc()
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
