"""The page gets every column and every frame once, as they are."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.recording import Recording
from ipyspeaches.session.ledger import Stage
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import SessionState
from ipyspeaches.vad.detectors import EnergyVad
from ipyspeaches.widget.drawing import COLUMN, MAX_COLUMNS, Drawing, Feed
from realtime_wire import cut

ONE = cut(0, 10, 20)


def test_messages_add_up_to_the_recording() -> None:
    pipeline = Pipeline(TurnDetection.client(EnergyVad()))
    drawing = Drawing(pipeline)
    sound = np.random.default_rng(2).integers(-32_768, 32_767, 24_000 * 130, dtype=np.int16)
    extremes, scores, energies = b"", b"", b""
    for piece in np.array_split(sound, 7):
        pipeline.process(AudioBlock(piece, 24_000))
        for header, buffers in iter(drawing.new, None):
            assert header["columns"] <= MAX_COLUMNS
            assert header["first_column"] * 4 == len(extremes)
            assert header["first_frame"] * 4 == len(scores)
            extremes, scores, energies = extremes + buffers[0], scores + buffers[1], energies + buffers[2]
    drawn = np.frombuffer(extremes, dtype="<i2").reshape(-1, 2)
    columns = sound[: len(drawn) * COLUMN].reshape(-1, COLUMN)
    assert len(drawn) == len(sound) // COLUMN
    assert np.array_equal(drawn, np.stack((columns.min(axis=1), columns.max(axis=1)), axis=1))
    assert np.array_equal(np.frombuffer(scores, dtype="<f4"), pipeline.frames.score)
    assert np.array_equal(np.frombuffer(energies, dtype="<f4"), pipeline.frames.energy)


def test_lost_sound_is_no_silence_at_any_resolution() -> None:
    pipeline = Pipeline(TurnDetection.client(EnergyVad()))
    drawing = Drawing(pipeline)
    for lost in (0, 24_000):
        pipeline.process(AudioBlock(np.zeros(12_000, dtype=np.int16), 24_000, lost=lost))
    message = drawing.new()
    assert message is not None
    extremes = np.frombuffer(message[1][0], dtype="<i2").reshape(-1, 2)
    gone = extremes[:, 0] > extremes[:, 1]
    assert gone.tolist() == [False] * 50 + [True] * 100 + [False] * 50
    _, (coarse, *_) = drawing.window(1, 0, 100)
    pairs = np.frombuffer(coarse, dtype="<i2").reshape(-1, 2)
    # Columns 48 to 55 hold some sound still, 56 to 143 hold none.
    assert (pairs[:, 0] > pairs[:, 1]).tolist() == [False] * 7 + [True] * 11 + [False] * 7
    assert pairs[6].tolist() == [0, 0]


def test_nothing_new_is_no_message() -> None:
    pipeline = Pipeline(TurnDetection.client(EnergyVad()))
    drawing = Drawing(pipeline)
    assert drawing.new() is None
    pipeline.process(AudioBlock(np.zeros(2_400, dtype=np.int16), 24_000))
    assert drawing.new() is not None
    assert drawing.new() is None


def test_clipping_and_level_are_those_of_the_last_moment() -> None:
    pipeline = Pipeline(TurnDetection.client(EnergyVad()))
    pipeline.process(AudioBlock(np.full(24_000, 32_767, dtype=np.int16), 24_000))
    message = Drawing(pipeline).new()
    assert message is not None
    header, _ = message
    assert header["clipped"]
    assert header["peak_db"] == 0 or abs(header["peak_db"]) < 0.001


def test_windows_and_replay_show_the_same_as_the_live_messages() -> None:
    pipeline = Pipeline(TurnDetection.client(EnergyVad()))
    drawing = Drawing(pipeline)
    sound = np.random.default_rng(2).integers(-9_000, 9_000, 24_000 * 90, dtype=np.int16)
    live = bytearray()
    for number, piece in enumerate(np.array_split(sound, 9)):
        if number == 4:
            pipeline.set_detector(EnergyVad(frame_ms=32))
        pipeline.process(AudioBlock(piece, 24_000))
        for _, buffers in iter(drawing.new, None):
            live += buffers[0]
    replayed = list(drawing.replay(0))
    assert b"".join(buffers[0] for _, buffers in replayed) == live
    assert {header["frame_s"] for header, _ in replayed if header["frames"]} == {0.02, 0.032}
    scores = b"".join(buffers[1] for _, buffers in replayed)
    assert np.array_equal(np.frombuffer(scores, dtype="<f4"), pipeline.frames.score)
    header, (extremes, first_score, *_) = drawing.window(1, 0, 2_000)
    assert header["columns"] == 9_000 // 8
    base = np.frombuffer(bytes(live), dtype="<i2").reshape(-1, 8, 2)
    drawn = np.frombuffer(extremes, dtype="<i2").reshape(-1, 2)
    assert np.array_equal(drawn[:, 0], base[:, :, 0].min(axis=1))
    assert header["curves"][0]["entries"] * 8 == len(first_score)
    header, _ = drawing.window(1, 800, 100)
    late = header["curves"][1]
    assert late["first_frame"] * late["frame_s"] == pytest.approx(800 * 0.08, abs=0.6)


def test_pages_are_told_which_utterances_wait_and_once_that_none_does() -> None:
    told: list[list[tuple[str, str | None]]] = []

    def send(content: dict[str, Any], _buffers: list[bytes]) -> None:
        for event in content.get("events", []):
            told.append([(one["stage"], one["item_id"]) for one in event["utterances"]])

    async def follow() -> None:
        session, feed = Session(Recording(np.zeros(10, np.int16), 16_000)), Feed(send, lambda: None)
        feed.begin(session)
        ledger = session._recorder.ledger
        for note in (lambda: ledger.cut(ONE), lambda: ledger.committed("a", ONE), feed.send_recent):
            note()
            before = len(told)
            while len(told) == before:  # noqa: ASYNC110  nothing says when
                await asyncio.sleep(0.01)
        ledger.settled("a", ONE, Stage.FINAL)
        session.state = SessionState.STOPPED  # the ticker ends
        while told[-1]:  # noqa: ASYNC110  the same
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(follow(), 10))
    assert told == [[("cut", None)], [("committed", "a")], [("committed", "a")], []]
