"""What a session leaves on disk, and for how long."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fake_page import wait_for
from ipyspeaches.audio.recording import Recording
from ipyspeaches.audio.store import GrowingWav
from ipyspeaches.errors import StateError
from ipyspeaches.session import events, journal
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import SessionState
from live_recording import LiveRecording
from sessions import ENERGY

KEY = "sk-secret-and-long"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty default place."""
    monkeypatch.setenv(journal.PLACE_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


def live(script: Any, recording: Recording, **options: Any) -> Session:
    """Return a session that hears a recording as if it were a microphone."""
    return Session(LiveRecording(recording), server=script.url, turn_detection=ENERGY, **options)


def private(path: Path, mode: int) -> bool:
    return sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == mode


def only(place: Path) -> Path:
    """Return the only journal in a place."""
    (folder,) = place.iterdir()
    return folder


async def lived(session: Session) -> Session:
    async with session:
        await session.wait()
    return session


def leave(place: Path, name: str, megabytes: float = 0.001, days_old: float = 0) -> Path:
    """Make what looks like a journal."""
    folder = place / name
    folder.mkdir(parents=True)
    (folder / journal.LINES).write_text("")
    (folder / journal.AUDIO).write_bytes(bytes(int(megabytes * 1e6)))
    for one in (journal.LINES, journal.AUDIO):
        os.utime(folder / one, (time.time() - days_old * 86_400,) * 2)
    return folder


async def test_what_is_heard_live_is_kept_with_its_owner_and_without_a_key(
    scripted: Any, bursts: Recording, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEACHES_API_KEY", KEY)
    session = await lived(live(scripted, bursts, api_key=KEY))
    folder = only(place)
    samples, _ = soundfile.read(folder / journal.AUDIO, dtype="int16")
    assert np.array_equal(samples, session.recording.samples)
    assert not any(KEY.encode() in one.read_bytes() for one in folder.iterdir())
    assert private(place, 0o700)
    assert private(folder, 0o700)
    assert all(private(one, 0o600) for one in folder.iterdir())


async def test_the_recording_is_a_view_of_the_file(scripted: Any, bursts: Recording, place: Path) -> None:
    session = await lived(live(scripted, bursts))
    assert np.shares_memory(session.recording.samples, session.recording.samples)
    assert session.recording.samples.base is not None


@pytest.mark.parametrize("off", ["recorded", "None", "False", "variable"])
async def test_nothing_is_kept_where_it_shall_not_be(
    scripted: Any, bursts: Recording, place: Path, monkeypatch: pytest.MonkeyPatch, off: str
) -> None:
    source = bursts if off == "recorded" else LiveRecording(bursts)
    if off == "variable":
        monkeypatch.setenv(journal.PLACE_VARIABLE, "off")
    options: dict[str, Any] = {"journal": {"None": None, "False": False}.get(off, True)}
    session = await lived(Session(source, server=scripted.url, turn_detection=ENERGY, pace=0, **options))
    assert len(session.transcript) == 3
    assert journal.journals(place) == []


async def test_a_named_folder_keeps_everything_and_for_good(scripted: Any, bursts: Recording, tmp_path: Path) -> None:
    old = leave(tmp_path, "old", days_old=99)
    options: dict[str, Any] = {"server": scripted.url, "turn_detection": ENERGY, "pace": 0}
    await lived(Session(bursts, journal=str(tmp_path), **options))
    assert len(journal.journals(tmp_path)) == 2
    assert old.exists()


async def test_a_session_that_heard_nothing_leaves_nothing(bursts: Recording, place: Path) -> None:
    session = Session(LiveRecording(bursts), server="http://127.0.0.1:9", turn_detection=ENERGY)
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        await session.start()
    assert journal.journals(place) == []


async def test_where_nothing_can_be_written_the_session_goes_on_and_says_so_once(
    scripted: Any, bursts: Recording, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    session = await lived(live(scripted, bursts, journal=tmp_path / "file" / "folder"))
    assert session.state is SessionState.STOPPED
    assert session.transcript.text == "utterance 1 utterance 2 utterance 3"
    assert session.recording.duration == pytest.approx(7, abs=0.001)
    (told,) = [event.text for event in session.events if event.detail == "journal"]
    assert "memory only" in told


async def test_a_disk_that_fills_up_loses_nothing_and_is_told_once(
    scripted: Any, bursts: Recording, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = GrowingWav._write

    def full(self: GrowingWav, at: int, content: bytes) -> None:
        if at > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, at, content)

    monkeypatch.setattr(GrowingWav, "_write", full)
    heard = bursts.to_rate(24_000)
    session = await lived(live(scripted, heard))
    told = [event.text for event in session.events if event.detail == "journal"]
    assert len(told) == 1
    assert "No space left" in told[0]
    assert session.recording.duration == pytest.approx(7, abs=0.001)
    assert np.array_equal(session.recording.samples, heard.samples)
    folder = only(place)
    assert soundfile.info(folder / journal.AUDIO).duration == pytest.approx(2, abs=0.2)


async def test_a_folder_that_goes_away_does_not_end_the_session(scripted: Any, bursts: Recording, place: Path) -> None:
    heard = bursts.to_rate(24_000)
    session = live(scripted, heard, pace=4)
    async with session:
        async for event in session:
            if isinstance(event, events.Final):
                break
        shutil.rmtree(place)
        await session.wait()
    assert session.transcript.text == "utterance 1 utterance 2 utterance 3"
    assert np.array_equal(session.recording.samples, heard.samples)


def test_the_oldest_are_removed_first_and_only_what_is_ours(tmp_path: Path) -> None:
    ancient, old = leave(tmp_path, "ancient", days_old=9), leave(tmp_path, "old", 3, days_old=3)
    newer, newest = leave(tmp_path, "newer", 3, days_old=2), leave(tmp_path, "newest", 3, days_old=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "audio.wav").write_bytes(bytes(10))
    journal.prune(tmp_path, days=7, gigabytes=0.007)
    assert not ancient.exists()
    assert not old.exists()
    assert newer.exists()
    assert newest.exists()
    assert (tmp_path / "mine" / "audio.wav").exists()


def test_what_is_in_use_is_not_removed(tmp_path: Path) -> None:
    folder = leave(tmp_path, "ancient", days_old=9)
    with journal.held(folder):
        journal.prune(tmp_path, days=7, gigabytes=0)
        with pytest.raises(StateError, match="under way"):
            journal.remove(folder)
    assert folder.exists()
    journal.remove(folder)
    assert not folder.exists()


async def test_old_recordings_go_when_a_new_one_begins(scripted: Any, bursts: Recording, place: Path) -> None:
    old = leave(place, "old", days_old=8)
    await lived(live(scripted, bursts))
    wait_for(lambda: not old.exists())


async def test_a_retention_that_is_no_number_removes_nothing_and_is_told(
    scripted: Any, bursts: Recording, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = leave(place, "old", days_old=8)
    monkeypatch.setenv(journal.DAYS_VARIABLE, "for ever")
    session = await lived(live(scripted, bursts))
    (told,) = [event.text for event in session.events if event.detail == "journal_retention"]
    assert "IPYSPEACHES_JOURNAL_DAYS" in told
    assert old.exists()


async def test_a_file_system_without_locks_is_none_for_journals(
    scripted: Any, bursts: Recording, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_folder: Path) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(journal, "_lock_of", no_locks)
    session = await lived(live(scripted, bursts))
    assert session.recording.duration == pytest.approx(7, abs=0.001)
    assert "support flock" in next(event.text for event in session.events if event.detail == "journal")
    assert list_of(place) == []


def test_what_cannot_be_removed_as_a_whole_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = leave(tmp_path, "one")

    def interrupted(_folder: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("ipyspeaches.session.journal.shutil.rmtree", interrupted)
    with pytest.raises(StateError, match="cannot be removed"):
        journal.remove(folder)
    assert journal.journals(tmp_path) == [folder]
    assert not (folder / journal.AUDIO).exists()


def list_of(place: Path) -> list[Path]:
    return list(place.iterdir())
