"""A sweep finds what one detector after the other finds, anywhere it runs, and goes on where it stopped."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError
from ipyspeaches.vad import sweeps
from ipyspeaches.vad.detectors import Detector, EnergyVad, SileroVad, WebRtcVad
from ipyspeaches.vad.evaluation import Evaluation, evaluate
from ipyspeaches.vad.scores import Scores
from ipyspeaches.vad.segments import Segments
from ipyspeaches.vad.sweeps import SweepFile, SweepResult, sweep

TALK = Recording.sample()
TRUTH = Segments(samples.info().sentences)
GRID: dict[str, Any] = {
    "threshold": [100, 300, 500, 900, 2_000, 5_000],
    "min_silence_duration_ms": [100, 250, 550, 1_300],
}


def equal(one: SweepResult, two: SweepResult) -> bool:
    return [(row.vad, row.evaluation) for row in one.rows] == [(row.vad, row.evaluation) for row in two.rows]


@pytest.fixture(scope="module")
def here() -> SweepResult:
    return sweep(TALK, TRUTH, EnergyVad(), **GRID)


def test_every_setting_is_what_the_detector_alone_would_be(here: SweepResult) -> None:
    assert len(here) == 24
    for row in here.rows:
        vad = replace(EnergyVad(), **row.settings)
        assert row.vad == vad
        expected = evaluate(vad.segment(TALK), TRUTH, duration=TALK.duration)
        assert row.evaluation.durations == expected.durations
        assert row.evaluation.boundaries == expected.boundaries


def test_the_result_is_a_table_in_the_order_of_the_grid(here: SweepResult) -> None:
    frame = here.to_pandas()
    assert list(frame)[:3] == ["threshold", "min_silence_duration_ms", "f1"]
    assert frame["threshold"].tolist() == [t for t in GRID["threshold"] for _ in range(4)]
    assert frame["f1"].max() == here.best().evaluation.f1
    assert len(pd.DataFrame(here)) == 24
    assert repr(pickle.loads(pickle.dumps(here[0]))) == repr(here[0])
    assert pickle.loads(pickle.dumps(here)).rows == here.rows


def test_best_is_highest_or_nearest_to_nothing(here: SweepResult) -> None:
    rows = here.rows
    assert here.best("recall").evaluation.recall == max(row.evaluation.recall for row in rows)
    lowest = min(row.evaluation.detection_error_rate for row in rows)
    assert here.best("detection_error_rate").evaluation.detection_error_rate == lowest
    nearest = min(abs(row.evaluation.onset_error_s) for row in rows if not math.isnan(row.evaluation.onset_error_s))
    assert abs(here.best("onset_error_s").evaluation.onset_error_s) == nearest
    assert here.best("f1").vad.segment(TALK)
    with pytest.raises(InputError, match="no metric 'f2': choose from f1, precision"):
        here.best("f2")


def test_of_equal_settings_the_one_in_the_middle_is_best() -> None:
    values = np.zeros(100, np.float32)
    values[30:70] = 1_000
    scores = Scores(values, 320, 16_000, 32_000)
    result = sweep(scores, Segments([(0.6, 1.4)]), EnergyVad(speech_pad_ms=0), threshold=range(100, 1_000, 100))
    assert result.best().settings == {"threshold": 500}
    assert "best f1 1.000 with sp.EnergyVad(speech_pad_ms=0)" in repr(result)


def test_several_recordings_are_pooled() -> None:
    parts = [TALK.slice(0, 6.5), TALK.slice(6.5)]
    truths = [Segments(TRUTH[:2]), Segments((s.start - 6.5, s.end - 6.5) for s in TRUTH[2:])]
    result = sweep(parts, truths, EnergyVad(), threshold=[300, 500])
    for row in result.rows:
        one, two = (
            evaluate(row.vad.segment(part), truth, duration=part.duration)
            for part, truth in zip(parts, truths, strict=True)
        )
        assert row.evaluation == one + two


def test_parameters_that_change_the_scores_can_be_swept() -> None:
    result = sweep(TALK, TRUTH, WebRtcVad(), aggressiveness=[0, 3], frame_ms=[10, 30])
    expected = [evaluate(row.vad.segment(TALK), TRUTH, duration=TALK.duration) for row in result.rows]
    assert [row.evaluation for row in result.rows] == expected
    assert len({row.evaluation.f1 for row in result.rows}) > 1


@pytest.fixture(scope="module", params=["threads", "processes", "dask"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif request.param == "processes":
        with ProcessPoolExecutor(2) as pool:
            yield pool
    else:
        with (
            LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
            Client(cluster) as client,  # type: ignore[no-untyped-call]
            client.get_executor() as pool,
        ):
            yield pool


def test_any_executor_finds_the_same(executor: Executor, here: SweepResult) -> None:
    assert equal(sweep(TALK, TRUTH, EnergyVad(), executor=executor, **GRID), here)
    thresholds = np.linspace(50, 5_000, 300)
    whole = sweep(TALK, TRUTH, EnergyVad(), threshold=thresholds)
    assert equal(sweep(TALK, TRUTH, EnergyVad(), executor=executor, threshold=thresholds), whole)


def test_errors_of_workers_come_back() -> None:
    with ThreadPoolExecutor(1) as pool:
        bad = Scores(np.zeros(10, np.float32), 0, 16_000, 100)
        with pytest.raises(ZeroDivisionError):
            sweep(bad, Segments([(0, 0.005)]), EnergyVad(), executor=pool, threshold=[1])


class InterruptedSweepError(Exception):
    """What stands for a person's Ctrl-C."""


def interrupt_after(tasks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sweep of one setting a task end after some tasks."""
    monkeypatch.setattr(sweeps, "_SETTINGS_A_TASK", 1)
    evaluate_settings = sweeps.evaluate_settings
    done: list[Sequence[Detector]] = []

    def counted(scores: Scores, truth: Segments, collar: float, vads: Sequence[Detector]) -> list[Evaluation]:
        if len(done) == tasks:
            raise InterruptedSweepError
        done.append(vads)
        return evaluate_settings(scores, truth, collar, vads)

    monkeypatch.setattr(sweeps, "evaluate_settings", counted)


def test_a_sweep_goes_on_where_it_was_interrupted(
    tmp_path: Path, here: SweepResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sweep.jsonl"
    with monkeypatch.context() as patch:
        interrupt_after(10, patch)
        with pytest.raises(InterruptedSweepError):
            sweep(TALK, TRUTH, EnergyVad(), resume=file, **GRID)
    assert len(file.read_text().splitlines()) == 11
    with file.open("a") as stream:
        stream.write('{"recording":0,"vad":"[\\"ener')  # cut off in the middle of a line
    with monkeypatch.context() as patch:
        interrupt_after(14, patch)
        assert equal(sweep(TALK, TRUTH, EnergyVad(), resume=file, **GRID), here)
    assert len(file.read_text().splitlines()) == 25
    with monkeypatch.context() as patch:
        interrupt_after(0, patch)
        assert equal(sweep(TALK, TRUTH, EnergyVad(), resume=file, **GRID), here)


def test_another_grid_uses_what_the_file_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sweep.jsonl"
    sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300, 500])
    interrupt_after(1, monkeypatch)
    assert len(sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300, 400, 500])) == 3


def test_results_of_other_sweeps_are_not_mixed_in(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300])
    others: list[tuple[Recording, Segments, float]] = [
        (TALK.slice(0, 13), TRUTH, 0.0),
        (TALK, TRUTH[:2], 0.0),
        (TALK, TRUTH, 0.1),
    ]
    for audio, truth, collar in others:
        with pytest.raises(InputError, match="of a sweep over other recordings"):
            sweep(audio, truth, EnergyVad(), resume=file, collar=collar, threshold=[300])
    known = file.read_text()
    entry = '{"recording": 0, "vad": "x", "result": %s}\n'
    for wrong in (
        "[" * 99_999,
        entry % '[["1", 1], [1]]',
        entry % f"[[{10**30}], []]",
        entry % "[null, []]",
        "1" * 5000,
    ):
        file.write_text(known + wrong.strip() + "\n")
        with pytest.raises(InputError, match=r"line 3: this is not a result of a sweep. Name another file"):
            sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300])
    file.write_text(known + "{}\n")
    with pytest.raises(InputError, match=r"line 3: this is not a result of a sweep. Name another file"):
        sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300])
    with pytest.raises(InputError, match="cannot be used to resume"):
        sweep(TALK, TRUTH, EnergyVad(), resume=tmp_path / "no folder" / "x.jsonl", threshold=[300])


def test_what_the_file_keeps_is_exact(tmp_path: Path) -> None:
    file = tmp_path / "sweep.jsonl"
    row = sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300.1]).rows[0]
    entry = json.loads(file.read_text().splitlines()[1])
    assert entry["result"][0][0] == row.evaluation.durations.hit_s
    known = SweepFile(file, json.loads(file.read_text().splitlines()[0])["subject"])
    assert known.get(0, row.vad) == row.evaluation
    known.close()


@pytest.mark.parametrize(
    ("audio", "truth", "message"),
    [
        (TALK, Segments(), "The truth is empty"),
        ([TALK, TALK], [TRUTH], "2 recordings and 1 truths"),
        ([], [], "0 recordings and 0 truths"),
        (TALK, Segments([(0, 2), (1, 3)]), "overlaps the one before it"),
        (TALK, Segments([(0, 99)]), "ends after the audio"),
        ("talk.wav", TRUTH, r"'talk.wav' is not a recording: load it with Recording.load\(path\)"),
        (TALK, [[(0, 1)]], r"\[\(0, 1\)\] is not a truth: give Segments"),
    ],
)
def test_what_cannot_be_swept(audio: object, truth: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sweep(audio, truth, EnergyVad(), threshold=[500])  # type: ignore[arg-type]


def test_scores_serve_one_scorer_only() -> None:
    scores = EnergyVad().score(TALK)
    assert len(sweep(scores, TRUTH, EnergyVad(), threshold=[300, 500])) == 2
    with pytest.raises(InputError, match="sweep over the recording, not its scores"):
        sweep(scores, TRUTH, EnergyVad(), frame_ms=[10, 20])
    with pytest.raises(InputError, match="Silero's have 32 ms"):
        sweep(scores, TRUTH, SileroVad(), threshold=[0.5])


@pytest.mark.parametrize("mine", ['{"a": "some json of mine", "b": 1}', "a note", '{"sweep":1,"subject":["other'])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, mine: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(mine)
    with pytest.raises(InputError, match="not a result of a sweep"):
        sweep(TALK, TRUTH, EnergyVad(), resume=file, threshold=[300])
    assert file.read_text() == mine
    with pytest.raises(InputError, match="it is no file"):
        sweep(TALK, TRUTH, EnergyVad(), resume="/dev/null", threshold=[300])
