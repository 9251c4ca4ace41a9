"""A lab's file holds what it says, tells what is wrong with it in one sentence, and is ranked among others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ipyspeaches import EnergyVad, InputError, Recording, Segments, WebRtcVad, evaluate, rank
from ipyspeaches.vad.detectors import Detector, from_description
from ipyspeaches.vad.handins import HandIn, Setup, Sound

TRUTH = Segments([(1, 2), (3, 4), (5, 6)])


@pytest.fixture
def bursts() -> Recording:
    """Noise that is loud where the truth says."""
    noise = np.random.default_rng(5).normal(0, 10, 7 * 16_000)
    for one in TRUTH:
        noise[int(one.start) * 16_000 : int(one.end) * 16_000] *= 400
    return Recording(noise.astype(np.int16), 16_000)


def hand_in(recording: Recording, *detectors: Detector, truth: Segments = TRUTH) -> HandIn:
    setup = Setup(truth, (0.5, 6.5), detectors, 0.02)
    return HandIn(Sound.of(recording, "talk.flac"), setup, 0, tuple(one.score(recording) for one in detectors))


def test_a_file_holds_everything(bursts: Recording, tmp_path: Path) -> None:
    made = hand_in(bursts, EnergyVad(threshold=900, max_speech_duration_s=math.inf), WebRtcVad(aggressiveness=3))
    made = replace(made, active=1, scores=(made.scores[0], None))
    made.write(tmp_path / "anna.vadlab")
    read = HandIn.read(tmp_path / "anna.vadlab")
    assert (read.sound, read.setup, read.active) == (made.sound, made.setup, 1)
    before, after = made.scores[0], read.scores[0]
    assert before is not None
    assert after is not None
    assert (after.hop, after.rate, after.length) == (before.hop, before.rate, before.length)
    assert np.array_equal(before.value, after.value)
    assert read.scores[1] is None


def test_a_detector_is_made_from_its_description() -> None:
    for vad in (EnergyVad(), EnergyVad(neg_threshold=20), WebRtcVad(aggressiveness=1, frame_ms=10)):
        assert from_description(vad.describe()) == vad
    for wrong in ({"name": "own"}, {"name": "energy", "treshold": 3}, {"name": "energy", "threshold": "loud"}):
        with pytest.raises(InputError):
            from_description(wrong)


def broken(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    def write(content: bytes) -> bytes:
        sheet = json.loads(content)
        change(sheet)
        return json.dumps(sheet).encode()

    return write


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[: len(content) // 2], "is no lab's file, or was cut short"),
        (lambda _: b"", "is no lab's file, or was cut short"),
        (lambda _: b"[" * 100_000, "is no lab's file, or was cut short"),
        (
            broken(lambda sheet: sheet.update(vadlab=2)),
            "is of version 2 of these files, and this program reads version 1",
        ),
        (broken(lambda sheet: sheet.update(vadlab=2, truth="new")), "is of version 2"),
        (broken(lambda sheet: sheet.update(active=7)), "is no lab's file"),
        (broken(lambda sheet: sheet.update(truth=[[5, 9]])), "cannot be used: Region of the truth 0"),
        (broken(lambda sheet: sheet.update(span=[6, 5])), "cannot be used: span is"),
        (broken(lambda sheet: sheet.update(detectors=[])), "is no lab's file"),
        (broken(lambda sheet: sheet["detectors"][0].update(name="own")), "'own' is none of silero, energy"),
        (broken(lambda sheet: sheet["detectors"][0].update(threshold=-1)), "cannot be used: neg_threshold"),
        (broken(lambda sheet: sheet["scores"][0].update(hop=0)), "is no lab's file"),
        (broken(lambda sheet: sheet["scores"][0].update(value="AAAA")), "is no lab's file"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(
    bursts: Recording, tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / "anna.vadlab"
    hand_in(bursts, EnergyVad()).write(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=said) as caught:
        HandIn.read(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_cannot_be_written_is_as_it_was(bursts: Recording, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"anna\.vadlab cannot be written \(No such file"):
        hand_in(bursts, EnergyVad()).write(tmp_path / "nowhere" / "anna.vadlab")
    (tmp_path / "a.vadlab").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        hand_in(bursts, EnergyVad()).write(tmp_path / "a.vadlab")
    assert [one.name for one in tmp_path.iterdir()] == ["a.vadlab"]


def test_a_folder_becomes_a_ranking(bursts: Recording, tmp_path: Path) -> None:
    for name, threshold in {"anna": 500, "ben": 20_000, "chloe": 500}.items():
        hand_in(bursts, EnergyVad(threshold=threshold)).write(tmp_path / f"{name}.vadlab")
    other = Recording(bursts.samples[::-1].copy(), bursts.rate)
    hand_in(other, EnergyVad()).write(tmp_path / "dora.vadlab")
    (tmp_path / "eve.vadlab").write_bytes((tmp_path / "anna.vadlab").read_bytes()[:900])
    table = rank(tmp_path).to_pandas().set_index("name")
    assert table["rank"].to_dict() == {"anna": 1, "chloe": 1, "ben": 3, "dora": 0, "eve": 0}
    expected = evaluate(EnergyVad().segment(bursts), TRUTH, 0.02, bursts.duration, (0.5, 6.5))
    assert table["f1"]["anna"] == expected.f1
    assert "another sound" in table["problem"]["dora"]
    assert "cut short" in table["problem"]["eve"]
    key = hand_in(bursts, EnergyVad(), truth=Segments([(1, 2)]))
    key.write(tmp_path / "key.vadlab")
    judged = rank(tmp_path, tmp_path / "key.vadlab", "detection_error_rate").to_pandas().set_index("name")
    assert list(judged.index[:3]) == ["ben", "anna", "chloe"]
    assert judged["labels_f1"]["anna"] == pytest.approx(0.5, abs=0.02)
    TRUTH.to_rttm(tmp_path / "truth.rttm")
    assert rank(tmp_path, tmp_path / "truth.rttm").to_pandas()["labels_f1"][0] == 1
    with pytest.raises(InputError, match=r"There are no \.vadlab files"):
        rank(tmp_path / "nowhere")
