"""What comes back of a session from disk."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dying
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, InputError, ServerError, StateError
from ipyspeaches.results.segment import Gap
from ipyspeaches.session import events, journal
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.recovery import recordings, recover, unfinished
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import SessionState
from ipyspeaches.vad.detectors import EnergyVad
from left_behind import only, unanswered
from live_recording import LiveRecording
from sessions import ENERGY, next_event

SEEDS = (6, 24, 35)
"""Of recordings whose server gives no text, every text, and some."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty default place."""
    monkeypatch.setenv(journal.PLACE_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


async def lived(script: Any, recording: Recording, **options: Any) -> Session:
    """Return a session that has ended, with a mark in it."""
    options = {"turn_detection": ENERGY, "language": "en", **options}
    session = Session(LiveRecording(recording, label="lecture"), server=script.url, **options)
    async with session:
        await session.wait()
    session.mark("the end", 6.5)
    return session


async def cancelled(script: Any, recording: Recording) -> Session:
    """Return a session that was cancelled while somebody spoke, as by a restart of the kernel."""
    session = Session(LiveRecording(recording, pace=4), server=script.url, turn_detection=ENERGY)
    await session.start()
    await next_event(session, events.Final)
    await session._abort()
    return session


async def test_a_session_comes_back_as_it_was(scripted: Any, bursts: Recording, place: Path) -> None:
    session = await lived(scripted, bursts)
    session.rename("Anna’s 报告")
    (row,) = recordings()
    assert (row.name, row.state, row.without_text) == ("Anna’s 报告", "stopped", 0)
    assert row.duration_s == pytest.approx(7, abs=0.001)
    back = recover(row)
    assert np.array_equal(back.recording.samples, session.recording.samples)
    assert back.transcript.to_json() == session.transcript.to_json()
    assert list(back.marks) == list(session.marks)
    for name, column in session.frames.columns().items():
        assert np.array_equal(back.frames.columns()[name], column)
    assert back.turn_detection.detector.options == ENERGY.detector.options
    assert back.language == "en"
    assert back.source.label == "lecture"
    told = {"Partial"}
    assert [event.type for event in back.events] == [one.type for one in session.events if one.type not in told]
    with pytest.raises(StateError):
        await back.start()


async def test_what_the_server_did_not_answer_is_missing_and_can_be_asked_for_again(
    scripted: Any, bursts: Recording, place: Path
) -> None:
    await lived(scripted, bursts)
    folder = unanswered(place, 1)
    (row,) = recordings()
    assert (row.state, row.without_text) == ("unfinished", 2)
    session = recover(row.id[:15])
    assert [segment.text for segment in session.transcript] == ["utterance 1"]
    assert [(round(gap.start), round(gap.end)) for gap in session.transcript.missing] == [(3, 4), (5, 6)]
    transcript = await session.retry()
    assert [round(segment.start) for segment in transcript] == [1, 3, 5]
    assert not len(transcript.missing)
    assert recover(folder).transcript.to_json() == transcript.to_json()
    assert recordings()[0].without_text == 0


async def test_what_cannot_be_asked_for_stays_missing(scripted: Any, bursts: Recording, place: Path) -> None:
    await lived(scripted, bursts)
    unanswered(place, 1)
    session = recover(recordings()[0])
    with pytest.raises(ServerError):
        await session.retry(server="http://127.0.0.1:9")
    assert len(session.transcript.missing) == 2
    scripted.mute_after = 0
    scripted.mute_says = [json.dumps({"type": "error", "error": {"message": "no", "type": "server_error"}})]
    assert len(recover(recordings()[0]).transcript.missing) == 2


async def test_what_was_never_heard_stays_missing(scripted: Any, bursts: Recording, place: Path) -> None:
    await lived(scripted, bursts)
    folder = unanswered(place, 1)
    session = recover(folder)
    never = [Gap(5.0, 30.0, "the server was gone"), Gap(40.0, 50.0, "the server was gone")]
    session._recorder.rewrite(session.transcript, never)
    transcript = await session.retry()
    assert [round(segment.start) for segment in transcript] == [1, 5]
    expected = [(pytest.approx(7, abs=0.01), 30, never[0].reason), (40, 50, never[1].reason)]
    assert [(gap.start, gap.end, gap.reason) for gap in transcript.missing] == expected


async def test_speech_that_nobody_has_cut_yet_is_missing(scripted: Any, bursts: Recording, place: Path) -> None:
    await lived(scripted, bursts)
    folder = unanswered(place, 3)
    whole = (folder / journal.LINES).read_bytes()
    (folder / journal.LINES).write_bytes(whole[: whole.rindex(b'{"type": "SpeechStopped"')])
    gaps = recover(folder).transcript.missing
    assert gaps[-1].start == pytest.approx(5, abs=0.1)
    assert gaps[-1].end == pytest.approx(7, abs=0.01)


async def test_where_the_server_cuts_what_came_after_its_last_answer_is_missing(
    scripted: Any, bursts: Recording, place: Path
) -> None:
    await lived(scripted, bursts, turn_detection=TurnDetection.server(detector=EnergyVad(threshold=500)))
    session = recover(unanswered(place, 0))
    assert [(round(gap.start), round(gap.end)) for gap in session.transcript.missing] == [(1, 2), (3, 4), (5, 6)]
    assert not session.turn_detection.client_cuts


async def test_one_that_runs_is_not_unfinished(scripted: Any, bursts: Recording, place: Path) -> None:
    session = Session(LiveRecording(bursts, pace=4), server=scripted.url, turn_detection=ENERGY)
    async with session:
        async for event in session:
            if isinstance(event, events.Final):
                break
        (row,) = recordings()
        assert row.state == "recording"
        assert unfinished() is None
        running = recover(row)
        assert running.recording.duration > 1
        with pytest.raises(StateError, match="under way"):
            await running.retry()
        with pytest.raises(StateError, match="under way"):
            recordings().remove(row)


async def test_the_last_unfinished_one_is_offered_until_it_was_opened(
    scripted: Any, bursts: Recording, place: Path
) -> None:
    assert unfinished() is None
    await lived(scripted, bursts)
    assert unfinished() is None
    folder = unanswered(place, 0)
    found = unfinished()
    assert found is not None
    assert found.path == str(folder)
    journal.mark_opened(folder)
    assert unfinished() is None


async def test_what_failed_in_this_kernel_is_not_offered_in_it(scripted: Any, bursts: Recording, place: Path) -> None:
    await cancelled(scripted, bursts)
    assert recordings()[0].state == "failed"
    assert unfinished() is None
    path = only(place) / journal.LINES
    path.write_text(path.read_text(encoding="utf-8").replace('"process": ', '"process": 1'), encoding="utf-8")
    assert unfinished() is not None


async def test_a_failed_session_says_so(scripted: Any, bursts: Recording, place: Path) -> None:
    session = await cancelled(scripted, bursts)
    (row,) = recordings()
    assert row.state == "failed"
    back = recover(row)
    assert back.state is SessionState.STOPPED
    assert back.transcript.to_json() == session.transcript.to_json()
    assert len(back.transcript.missing)


ODD = [
    b"",
    b"\n\n{}\n[]\nnull\n1\n",
    b'{"type": "Final", "wall_time": "2026-01-01T00:00:00+00:00", "segment": {"start": "x"}}',
    b'{"type": "Final", "wall_time": "never"}',
    b'{"type": ["Final"], "wall_time": 5}',
    b'{"type": "Marked", "wall_time": "2026-01-01T00:00:00+00:00", "mark_id": 1e999, "at_s": NaN, "name": 5}',
    b'{"type": "Track", "wall_time": "2026-01-01T00:00:00+00:00", "detector": "x", "first_row": 3, "frame_s": 0}',
    b'{"type": "TurnDetection", "wall_time": "2026-01-01T00:00:00+00:00", "server_vad": 5, "detector": {"name": "x"}}',
    b'{"type": "Begin", "wall_time": "2026-01-01T00:00:00+00:00", "source": 5, "options": {"server": 5, "x": 5}}',
    b"\xff\xfe{" * 9,
]


@pytest.mark.parametrize("odd", ODD)
async def test_lines_that_nobody_understands_are_passed_over(
    scripted: Any, bursts: Recording, place: Path, odd: bytes
) -> None:
    await lived(scripted, bursts)
    folder = only(place)
    content = (folder / journal.LINES).read_bytes()
    (folder / journal.LINES).write_bytes(content + odd + b'\n{"type": "Fin')
    assert recover(folder).transcript.text == "utterance 1 utterance 2 utterance 3"
    (folder / journal.LINES).write_bytes(odd)
    (folder / journal.FRAMES).write_bytes(odd)
    assert recover(folder).recording.duration == pytest.approx(7, abs=0.001)
    assert len(recordings()) == 1


async def test_what_has_audio_and_no_readable_text_is_missing(scripted: Any, bursts: Recording, place: Path) -> None:
    await lived(scripted, bursts)
    folder = only(place)
    lines = folder / journal.LINES
    whole = lines.read_bytes().splitlines(keepends=True)
    texts = [number for number, line in enumerate(whole) if b'"Final"' in line]

    def gaps(kept: list[bytes]) -> list[tuple[int, int]]:
        lines.write_bytes(b"".join(kept))
        missing = recover(folder).transcript.missing
        assert recordings()[0].without_text == len(missing)
        return [(round(gap.start), round(gap.end)) for gap in missing]

    assert gaps([*whole, whole[texts[1]]]) == []
    assert recover(folder).transcript.text == "utterance 1 utterance 2 utterance 3"
    assert gaps([*whole[: texts[1]], b"\0" * 50 + b"\n", *whole[texts[1] + 1 :]]) == [(3, 4)]
    assert gaps([line.replace(b"utterance 2", b'"') for line in whole]) == [(3, 4)]
    assert [start for start, _ in gaps([])] == [1, 3, 5]
    (folder / journal.FRAMES).unlink()
    assert gaps([]) == [(0, 7)]
    lines.unlink()
    session = recover(folder)
    await session.retry(server=scripted.url, turn_detection=ENERGY)
    assert (len(session.transcript), len(session.transcript.missing)) == (3, 0)
    assert len(recover(folder).transcript) == 3


async def test_one_stretch_that_fails_leaves_the_others_their_text(
    scripted: Any, bursts: Recording, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(scripted, bursts)
    session = recover(unanswered(place, 1))
    answer, calls = scripted._commit, iter("f")

    async def fail_first(socket: Any, number: int) -> str:
        final = json.loads(await answer(socket, number))
        if next(calls, None):
            final |= {"type": final["type"].replace("completed", "failed"), "error": {"message": "no"}}
        return json.dumps(final)

    monkeypatch.setattr(scripted, "_commit", fail_first)
    transcript = await session.retry()
    assert [round(segment.start) for segment in transcript] == [1, 5]
    assert [round(gap.start) for gap in transcript.missing] == [3]


def test_what_is_not_there(tmp_path: Path, place: Path) -> None:
    assert len(recordings()) == len(recordings(tmp_path / "nowhere")) == 0
    assert list(recordings().to_pandas().columns)[:3] == ["id", "started", "duration_s"]
    with pytest.raises(InputError, match="no recording 'x'"):
        recover("x")
    with pytest.raises(InputError, match="no recording 'x'"):
        recordings().remove("x")
    (place / "bare").mkdir(parents=True)
    (place / "bare" / journal.LINES).write_text("")
    with pytest.raises(InputError, match="no recording in"):
        recover(place / "bare")
    (place / "bare" / journal.AUDIO).write_bytes(b"RIFF")
    with pytest.raises(AudioError, match="audio"):
        recover(place / "bare")
    assert len(recordings()) == 0


async def test_one_name_may_stand_for_several(scripted: Any, bursts: Recording, place: Path) -> None:
    await lived(scripted, bursts)
    folder = only(place)
    shutil.copytree(folder, place / f"{folder.name}0")
    assert recover(folder.name).folder == folder
    with pytest.raises(InputError, match="more than one"):
        recover(folder.name[:4])
    recordings().remove(folder.name)
    assert [row.id for row in recordings()] == [f"{folder.name}0"]


async def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    deaths = await asyncio.gather(*(dying.die(tmp_path / str(seed), seed) for seed in SEEDS))
    assert max(death.lost_s for death in deaths) <= 0.5
    assert all(death.texts for death in deaths[1:])
    assert deaths[0].pending
