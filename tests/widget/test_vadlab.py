"""The lab without a browser: what it sends, what it is told, and what it knows in Python."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ipyspeaches as sp
from fake_page import Page, wait_for
from ipyspeaches import EnergyVad, InputError, Recording, Segments, SileroVad, TurnDetection, VadLab, evaluate, samples
from ipyspeaches.widget import lab_controller
from ipyspeaches.widget.transcriber import Transcriber

TRUTH = Segments([(1, 2), (3, 4), (5, 6)])
ENERGY = EnergyVad(threshold=500)


@pytest.fixture
def sound(tmp_path: Path, bursts: Recording) -> Path:
    """Bursts of noise where the scripted speech is."""
    return bursts.save(tmp_path / "talk.flac")


def open_lab(monkeypatch: pytest.MonkeyPatch, *args: Any, **options: Any) -> tuple[VadLab, Page]:
    lab = VadLab(*args, **{"detectors": [ENERGY, EnergyVad(threshold=3000)], **options})
    return lab, Page(lab, monkeypatch)


def last_state(page: Page) -> tuple[dict[str, Any], Segments]:
    message, buffers = [pair for pair in page.messages if pair[0]["type"] == "lab"][-1]
    pairs = np.frombuffer(buffers[0], dtype="<f8").reshape(-1, 2)
    return message, Segments.from_arrays(pairs[:, 0], pairs[:, 1])


def test_a_page_gets_everything_once(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts, TRUTH)
    page.say({"type": "hello"})
    wait_for(lambda: len(page.of("lab")) == 2)
    state, truth = last_state(page)
    json.dumps(state, allow_nan=False)
    assert truth == TRUTH
    assert [one["label"] for one in state["detectors"]] == ["energy 1", "energy 2"]
    assert state["metrics"][0]["f1"] == lab.metrics.evaluations[0].f1  # type: ignore[union-attr]
    scores = [(message, buffers) for message, buffers in page.messages if message["type"] == "scores"]
    assert [message["index"] for message, _ in scores] == [0, 1]
    header, (values,) = scores[0]
    expected = ENERGY.score(bursts)
    assert (header["hop"], header["rate"], header["length"]) == (expected.hop, expected.rate, expected.length)
    assert np.array_equal(np.frombuffer(values, "<f4"), expected.value)


def test_the_waveform_comes_by_window(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    _, page = open_lab(monkeypatch, bursts)
    data, (extremes,) = page.ask("window", level=0, first_column=100, columns=50)
    assert (data["first_column"], data["columns"]) == (100, 50)
    column = bursts.rate // 100
    part = bursts.samples[100 * column : 150 * column].reshape(50, column)
    assert np.array_equal(np.frombuffer(extremes, "<i2").reshape(-1, 2), np.stack((part.min(1), part.max(1)), axis=1))
    data, _ = page.ask("window", level=2, first_column=0, columns=6000)
    assert data["columns"] == -(-700 // 64)


def test_a_moved_line_is_the_kernels_detector(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts, TRUTH)
    assert page.command("set_detector", index=0, threshold=800, neg_threshold=300, speech_pad_ms=20) is None
    assert lab.vad == EnergyVad(threshold=800, neg_threshold=300, speech_pad_ms=20)
    assert last_state(page)[0]["detectors"][0]["threshold"] == 800
    assert lab.vad.to_code() == "sp.EnergyVad(threshold=800, neg_threshold=300, speech_pad_ms=20)"
    refused = page.command("set_detector", index=0, threshold=-1, neg_threshold=-2)
    assert refused is not None
    assert "threshold is -1" in refused["text"]
    assert lab.vad.threshold == 800
    assert page.command("set_active", index=1) is None
    assert lab.vad.threshold == 3000
    assert lab.segments == lab.vad.segment(bursts)
    wrong = page.command("set_active", index=7)
    assert wrong is not None
    assert "There is no detector 7" in wrong["text"]


def test_other_scores_are_sent_again(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts)
    assert page.command("set_detector", index=1, frame_ms=40) is None
    (scores,) = page.of("scores")
    assert (scores["index"], scores["hop"]) == (1, bursts.rate // 25)
    assert lab.detectors[1] == EnergyVad(threshold=3000, frame_ms=40)


def test_scoring_tells_how_far_it_is_stops_and_goes_on(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipyspeaches.widget.lab_controller.INTERVAL_S", -1)
    _, page = open_lab(monkeypatch, bursts)
    page.say({"type": "hello", "client_id": "page"})
    told = [(one["index"], one["share"]) for one in wait_for(lambda: page.of("scores")[1:] and page.of("scoring"))]
    assert told == [(0, 0.0)]  # both detectors share their scores
    assert page.command("stop_scoring") is None
    assert page.command("set_detector", index=1, frame_ms=40) is None
    (unscored,) = page.of("unscored")
    assert (unscored["index"], unscored["text"]) == (1, "Scoring was stopped: run the cell again to go on.")
    page.say({"type": "hello", "client_id": "page"})
    assert wait_for(lambda: [one for one in page.of("scores") if one["hop"] == bursts.rate // 25])


def test_truth_is_painted_undone_and_kept(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, sound)
    assert lab.metrics.evaluations == (None, None)
    assert page.command("edit", kind="paint", start_s=1, end_s=2) is None
    assert page.command("edit", kind="paint", start_s=4, end_s=3) is None
    assert page.command("edit", kind="edge", index=1, edge="end", time_s=4.5) is None
    assert page.command("edit", kind="move", index=1, by_s=-9) is None
    assert lab.truth == Segments([(1, 2), (2, 3.5)])
    assert page.command("edit", kind="undo") is None
    assert page.command("edit", kind="split", time_s=1.25) is None
    assert page.command("edit", kind="merge", index=0) is None
    assert page.command("edit", kind="remove", index=0) is None
    state, truth = last_state(page)
    assert truth == lab.truth == Segments([(3, 4.5)])
    assert (state["can_undo"], state["can_redo"], state["saved"]["error"]) == (True, False, None)
    kept = sound.with_name("talk.truth.rttm")
    assert state["saved"]["path"] == str(kept)
    assert Segments.from_rttm(kept) == lab.truth
    for kind, words in (("merge", "no such region"), ("dance", "no edit 'dance'")):
        refused = page.command("edit", kind=kind, index=0)
        assert refused is not None
        assert words in refused["text"]
    assert VadLab(sound, detectors=[ENERGY]).truth == lab.truth


def test_only_what_is_labelled_is_scored(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, sound)
    assert lab.span == (0, 7)
    assert page.command("edit", kind="paint", start_s=1, end_s=2, seen=[0, 2.5]) is None
    assert last_state(page)[0]["span"] == lab.span == (0, 2.5)
    assert lab.metrics.evaluations[0] == evaluate(lab.segments, lab.truth, 0, 7, (0, 2.5))
    assert lab.false_alarms.speech_s < 0.3  # its padding; the bursts behind count for nothing
    again = VadLab(sound, detectors=[ENERGY])
    assert (again.span, again.truth) == (lab.span, lab.truth)
    assert page.command("edit", kind="paint", start_s=3.5, end_s=3, seen=[0, 7]) is None
    assert lab.span == (0, 3.5)
    assert page.command("set_span", start_s=0.5, end_s=3.25) is None
    audio, truth = lab.labelled
    assert (audio.duration, truth) == (2.75, Segments([(0.5, 1.5), (2.5, 2.75)]))
    for _ in range(2):
        assert page.command("edit", kind="undo") is None
    assert lab.span == (0, 2.5)
    refused = page.command("set_span", start_s=5, end_s=4)
    assert refused is not None
    assert "give its start and its end" in refused["text"]
    lab.truth = TRUTH
    assert lab.span == (0, 7)
    assert not sound.with_name("talk.truth.uem").exists()
    sound.with_name("talk.truth.uem").write_text("talk 1 5 nonsense")
    with pytest.raises(InputError, match=r"talk\.truth\.uem does not say which part"):
        VadLab(sound, detectors=[ENERGY])


def test_older_labels_are_put_aside(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = sound.with_name("talk.truth.rttm")
    TRUTH.to_rttm(kept)
    lab, page = open_lab(monkeypatch, sound, Segments([(1, 2)]))
    assert page.command("edit", kind="paint", start_s=3, end_s=4) is None
    assert Segments.from_rttm(kept) == lab.truth == Segments([(1, 2), (3, 4)])
    assert Segments.from_rttm(sound.with_name("talk.truth.old1.rttm")) == TRUTH


@pytest.mark.parametrize(
    "written",
    [
        "SPEAKER talk 1 1.000 1.000 <NA> <NA> Anna <NA> <NA>\n",
        "SPEAKER other 1 1.000 1.000 <NA> <NA> speech <NA> <NA>\n",
        ";; by hand\nSPEAKER talk 1 1.000 1.000 <NA> <NA> speech <NA> <NA>\n",
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_labels_that_say_more_than_a_lab_keeps_are_put_aside(
    sound: Path, monkeypatch: pytest.MonkeyPatch, written: str, named: bool
) -> None:
    kept = sound.with_name("talk.truth.rttm")
    kept.write_text(written, encoding="utf-8")
    lab, page = open_lab(monkeypatch, sound, kept if named else None)
    assert lab.truth == Segments([(1, 2)])
    assert page.command("edit", kind="paint", start_s=3, end_s=4) is None
    assert page.command("edit", kind="paint", start_s=4, end_s=5) is None
    assert Segments.from_rttm(kept) == lab.truth
    assert sound.with_name("talk.truth.old1.rttm").read_text(encoding="utf-8") == written
    assert not sound.with_name("talk.truth.old2.rttm").exists()


def test_a_labs_own_labels_are_not_put_aside(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for end_s in (1.123457, 2.2):
        _, page = open_lab(monkeypatch, sound)
        assert page.command("edit", kind="paint", start_s=0.1, end_s=end_s) is None
    assert not sound.with_name("talk.truth.old1.rttm").exists()


def test_kept_labels_that_cannot_be_read_are_named_and_left_alone(sound: Path) -> None:
    kept = sound.with_name("talk.truth.rttm")
    written = "SPEAKER talk 1 1.000 1.000 <NA> <NA> speech <NA> <NA>\nSPEA"
    kept.write_text(written, encoding="utf-8")
    with pytest.raises(InputError, match=r"talk\.truth\.rttm, line 2: 'SPEA' .* move the file away"):
        VadLab(sound, detectors=[ENERGY])
    assert kept.read_text(encoding="utf-8") == written


def test_labels_that_cannot_be_saved_are_not_lost(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, sound)
    sound.with_name("talk.truth.rttm").mkdir()
    assert page.command("edit", kind="paint", start_s=1, end_s=2) is None
    assert lab.truth == Segments([(1, 2)])
    assert "cannot be saved" in last_state(page)[0]["saved"]["error"]


def test_truth_is_read_from_every_kind_of_file(
    bursts: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = {"rttm": TRUTH.to_rttm, "txt": TRUTH.to_audacity, "csv": TRUTH.to_csv, "TextGrid": TRUTH.to_textgrid}
    for suffix, write in writers.items():
        write(tmp_path / f"labels.{suffix}")
        lab, page = open_lab(monkeypatch, bursts, tmp_path / f"labels.{suffix}")
        assert lab.truth == TRUTH
        data, (content,) = page.ask("export_truth", format=suffix)
        assert data["name"] == f"truth.{suffix}"
        assert content
    with pytest.raises(InputError, match="not a label file"):
        VadLab(bursts, "labels.doc")
    with pytest.raises(InputError, match="ends after the audio"):
        VadLab(bursts, Segments([(1, 99)]))
    with pytest.raises(InputError, match="There is no detector"):
        VadLab(bursts, detectors=[])
    with pytest.raises(InputError, match="ndarray is not a recording: give a path or a Recording"):
        VadLab(bursts.samples)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\[\(1, 2\)\] is not a truth: give Segments, or the path"):
        VadLab(bursts, [(1, 2)])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\[\(1, 2\)\] is not a truth: give Segments"):
        lab.truth = [(1, 2)]  # type: ignore[assignment]


def test_python_edits_are_shown(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts)
    lab.truth = TRUTH
    assert last_state(page)[1] == TRUTH
    with pytest.raises(InputError, match="overlaps the one before it"):
        lab.truth = Segments([(1, 3), (2, 4)])
    assert page.command("truth_from", index=0) is None
    assert lab.truth == lab.segments
    assert page.command("edit", kind="undo") is None
    assert lab.truth == TRUTH


def test_metrics_and_errors_are_those_of_evaluate(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts, TRUTH)
    expected = evaluate(lab.segments, TRUTH, 0.04, bursts.duration)
    assert page.command("set_collar", collar_ms=40) is None
    assert lab.collar == 0.04
    assert lab.metrics.evaluations[0] == expected
    assert last_state(page)[0]["metrics"][0] == dict(expected.to_dict())
    assert [row.detector for row in lab.metrics] == ["energy 1", "energy 2"]
    assert lab.missed.speech_s == pytest.approx(expected.durations.missed_s, abs=1e-9)
    assert lab.false_alarms.speech_s == pytest.approx(expected.durations.false_alarm_s, abs=1e-9)
    refused = page.command("set_collar", collar_ms=-1)
    assert refused is not None
    assert "collar is -1 ms" in refused["text"]


def test_a_point_of_the_curve_is_what_a_click_gives(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts, TRUTH)
    data, (points,) = page.ask("curve", index=0)
    rows = np.frombuffer(points, "<f4").reshape(-1, 4)
    assert len(rows) == data["points"] > 50
    threshold, recall, precision, false_alarm_rate = (float(value) for value in rows[len(rows) // 2])
    release = min(lab.vad.options.neg_threshold, threshold)
    assert page.command("set_detector", index=0, threshold=threshold, neg_threshold=release) is None
    found = lab.metrics.evaluations[0]
    assert found is not None
    assert (found.recall, found.precision, found.false_alarm_rate) == pytest.approx(
        (recall, precision, false_alarm_rate), abs=1e-6
    )
    data, (f1,) = page.ask("sweep", index=0)
    assert len(f1) == 4 * len(data["threshold"]) * len(data["silence_ms"])
    assert 0 < np.frombuffer(f1, "<f4").max() <= 1


def test_without_a_truth_there_is_no_curve(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    _, page = open_lab(monkeypatch, bursts)
    assert page.ask("curve")[0]["points"] == 0
    refused = page.command("sweep")
    assert refused is not None
    assert "paint at least one region" in refused["text"]


def test_settings_can_be_taken_away(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    vad = SileroVad(threshold=0.6, min_silence_duration_ms=300, speech_pad_ms=50)
    _, page = open_lab(monkeypatch, bursts, detectors=[vad, ENERGY])
    names: dict[str, Any] = {"sp": sp}
    text = page.ask("export", format="code")[0]["text"]
    exec(text, names)
    assert names["vad"] == vad
    assert max(map(len, text.splitlines())) <= 48
    wire = json.loads(page.ask("export", format="turn_detection")[0]["text"])
    assert wire["threshold"] == 0.6
    assert set(wire) == {"type", "threshold", "silence_duration_ms", "prefix_padding_ms", "create_response"}
    assert json.loads(page.ask("export", format="json")[0]["text"]) == vad.describe()
    assert page.command("set_active", index=1) is None
    refused = page.command("export", format="turn_detection")
    assert refused is not None
    assert "Silero only" in refused["text"]


def test_the_live_session_takes_the_detector(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, bursts)
    monkeypatch.setattr(Transcriber, "_newest", None)
    names: dict[str, Any] = {}
    exec(page.ask("use_live")[0]["code"], names)  # nothing was prepared: it is a cell that makes a session
    assert names["w"].turn_detection.detector == lab.vad
    assert page.command("set_detector", index=0, threshold=700) is None
    assert page.ask("use_live")[0] == {}
    assert names["w"].turn_detection.detector == lab.vad
    live = Transcriber()
    lab.transcriber = live
    Transcriber()
    assert page.ask("use_live")[0] == {}
    assert live.turn_detection.detector == lab.vad


def test_a_lab_is_opened_as_it_was_saved(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab, page = open_lab(monkeypatch, sound, TRUTH)
    assert page.command("set_detector", index=1, threshold=2000) is None
    assert page.command("set_active", index=1) is None
    assert page.command("set_span", start_s=0.5, end_s=4.5) is None
    assert page.command("set_collar", collar_ms=40) is None
    lab.save(tmp_path / "anna.vadlab")
    opened = VadLab.open(tmp_path / "anna.vadlab")
    assert (opened.vad, opened.truth, opened.span, opened.collar) == (lab.vad, TRUTH, (0.5, 4.5), 0.04)
    assert all(map(opened._state.scored, (0, 1)))
    assert opened.metrics.evaluations == lab.metrics.evaluations
    Page(opened, monkeypatch).command("edit", kind="remove", index=0)
    assert VadLab.open(tmp_path / "anna.vadlab").truth == TRUTH  # a hand-in is not changed by looking at it
    quiet = Recording(np.zeros(7 * 16_000, np.int16), 16_000)
    with pytest.raises(InputError, match=r"anna\.vadlab is about another sound than this: give talk\.flac"):
        VadLab.open(tmp_path / "anna.vadlab", quiet)
    sound.unlink()
    with pytest.raises(InputError, match=r"is about talk\.flac, which is not beside it"):
        VadLab.open(tmp_path / "anna.vadlab")


def test_labels_are_loaded_from_the_page(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, content: bytes) -> str:
        refused = page.command("load_labels", name=name, content=b64encode(content).decode())
        return "" if refused is None else refused["text"]

    lab, page = open_lab(monkeypatch, sound)
    assert load("anna.rttm", (TRUTH.to_rttm() or "").encode()) == ""
    assert (lab.truth, lab.span) == (TRUTH, (0, 7))
    assert page.command("set_span", start_s=0, end_s=3) is None
    data, (content,) = page.ask("save")
    assert data["name"] == "talk.vadlab"
    lab.truth = Segments([(0, 1)])
    assert load("talk.vadlab", content) == ""
    assert (lab.truth, lab.span) == (TRUTH, (0, 3))
    assert load("talk.vadlab", content[:99]).startswith("talk.vadlab is no lab's file, or was cut short")
    assert load("../x.doc", b"").startswith("x.doc is not a label file")
    assert load("late.csv", b"start,end\n1,99\n") == (
        "Region of the truth 0 (1 to 99 s) ends after the audio (7 s): use the labels of this audio, or cut them off "
        "with .normalised(duration)."
    )
    assert lab.truth == TRUTH


def test_noise_is_heard_and_scored_and_leaves_what_is_kept_as_it_was(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, page = open_lab(monkeypatch, sound, TRUTH)
    before = lab.metrics.evaluations
    assert page.command("set_noise", kind="white", snr_db=-5) is None
    assert last_state(page)[0]["noise"] == {"kind": "white", "snr_db": -5}
    assert len(page.of("scores")) == 2
    assert lab.metrics.evaluations[0] == evaluate(lab.vad.segment(lab.labelled[0]), TRUTH, 0, 7) != before[0]
    _, (extremes,) = page.ask("window", level=0, first_column=0, columns=50)
    assert np.abs(np.frombuffer(extremes, "<i2").astype(int)).max() > 1000  # where it was silent
    lab.save(tmp_path / "anna.vadlab")
    assert VadLab.open(tmp_path / "anna.vadlab").metrics.evaluations == before
    refused = page.command("set_noise", kind="rain", snr_db=3)
    assert refused is not None
    assert "There is no noise 'rain'" in refused["text"]
    assert page.command("set_noise", kind="white", snr_db=None) is None
    assert lab.metrics.evaluations == before


def test_sound_for_the_speakers(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    _, page = open_lab(monkeypatch, bursts)
    data, (sound,) = page.ask("audio", start_s=1.0, end_s=1.5)
    assert data["rate"] == bursts.rate
    assert np.array_equal(np.frombuffer(sound, "<i2"), bursts.slice(1.0, 1.5).samples)


def test_a_stretch_is_transcribed_under_both_settings(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, page = open_lab(monkeypatch, bursts, reference="utterance one utterance 2", server=scripted.url)
    assert page.command("pin") is None
    assert page.command("set_detector", index=0, threshold=32_000) is None
    data, _ = page.ask("transcribe_compare", start_s=0, end_s=4.5)
    assert data["pinned"]["text"] == "utterance 1 utterance 2"
    assert (data["pinned"]["measure"], data["pinned"]["rate"]) == ("WER", 0.25)
    assert data["pinned"]["words"][:3] == [["same", "utterance"], ["said", "one"], ["heard", "1"]]
    assert data["now"]["text"] == ""
    assert data["now"]["rate"] == 1
    shares = [message["share"] for message in page.of("comparing")]
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1
    assert isinstance(lab._state.pinned, EnergyVad)
    assert TurnDetection.client(lab._state.pinned).client_cuts


def test_a_comparison_can_be_stopped(scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    _, page = open_lab(monkeypatch, bursts, server=scripted.url)
    command = {"type": "command", "id": 7, "name": "transcribe_compare", "args": {"start_s": 0, "end_s": 4.5}}
    begun = threading.Event()

    async def never(*_args: Any, **_options: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(lab_controller, "transcribe", never)
    page.say(command)
    assert begun.wait(10)
    assert page.command("stop_compare") is None
    reply = wait_for(lambda: next((one for one, _ in page.messages if one.get("id") == 7), None))
    assert "stopped" in reply["error"]["text"]


def test_the_default_detectors_hear_the_sample() -> None:
    info = samples.info("quickstart")
    truth = Segments([(one.start, one.end) for one in info.sentences])
    lab = VadLab(samples.path("quickstart"), truth)
    assert [one.name for one in lab.detectors] == ["silero", "energy", "webrtc"]
    assert lab.metrics.to_pandas()["f1"].min() > 0.8
