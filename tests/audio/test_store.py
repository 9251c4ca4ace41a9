"""The store keeps every sample at its index, in memory or in a file that is a WAV file at any moment."""

from __future__ import annotations

import errno
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.store import AudioStore, GrowingArray, GrowingWav, counted, wav_header
from ipyspeaches.errors import AudioError

NOISE = np.random.default_rng(1).integers(-32_768, 32_767, 200_000, dtype=np.int16)


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(0, 200_000), max_size=8), kept_after=st.integers(0, 8))
def test_what_was_appended_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], kept_after: int
) -> None:
    store = AudioStore()
    whole = np.random.default_rng(1).integers(-32_768, 32_767, sum(lengths), dtype=np.int16)
    for number, piece in enumerate(np.split(whole, np.cumsum(lengths))):
        if number == kept_after:
            store.keep_in(tmp_path_factory.mktemp("store") / "audio.wav")
        store.append(piece)
    assert len(store) == len(whole)
    assert np.array_equal(store.read(0, len(whole)), whole)
    assert np.array_equal(store.read(len(whole) // 3, len(whole) + 99), whole[len(whole) // 3 :])


@pytest.mark.parametrize("in_file", [False, True])
def test_a_view_stays_as_it_was_while_the_store_grows(tmp_path: Path, in_file: bool) -> None:
    store = AudioStore()
    if in_file:
        store.keep_in(tmp_path / "audio.wav")
    store.append(np.arange(100, dtype=np.int16))
    view = store.read(0, 100)
    store.append(np.zeros(2_000_000, dtype=np.int16))
    store.close()
    assert view.tolist() == list(range(100))
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


def test_the_whole_is_one_view_of_the_file(tmp_path: Path) -> None:
    store = AudioStore()
    store.keep_in(tmp_path / "audio.wav")
    store.append(NOISE)
    assert np.shares_memory(store.read(0, len(store)), store.read(10, 20))


def test_the_file_is_a_wav_file_after_every_block(tmp_path: Path) -> None:
    path, store = tmp_path / "audio.wav", AudioStore()
    store.keep_in(path)
    for end in (0, 2_400, 4_801):
        store.append(NOISE[len(store) : end])
        samples, rate = soundfile.read(path, dtype="int16")
        assert (rate, len(samples)) == (SESSION_RATE_HZ, end)
        assert np.array_equal(samples, NOISE[:end])
    assert path.stat().st_size > 1_000_000  # lengthened ahead
    store.close()
    assert path.stat().st_size == 80 + 2 * 4_801
    assert np.array_equal(store.read(0, 9_999), NOISE[:4_801])


def test_a_file_is_gone_on_with(tmp_path: Path) -> None:
    path, first, second = tmp_path / "audio.wav", AudioStore(), AudioStore()
    first.keep_in(path)
    first.append(NOISE[:1_000])
    second.keep_in(path)  # as after the death of the first one's process
    second.append(NOISE[1_000:3_000])
    second.close()
    second.append(NOISE[3_000:])
    second.close()
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], NOISE)


@pytest.mark.parametrize("samples", [0, 1, 2**31 - 100, 2**31 - 40, 2**31, 3 * 10**9])
def test_a_file_of_any_length_is_read_by_others(tmp_path: Path, samples: int) -> None:
    path = tmp_path / "audio.wav"
    with path.open("wb") as file:
        file.write(wav_header(samples))
        file.truncate(80 + 2 * samples)  # a hole, which takes no room
    assert soundfile.info(path).frames == counted(path) == samples


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    GrowingWav(tmp_path / "audio.wav")
    assert stat.S_IMODE((tmp_path / "audio.wav").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"RIFF", b"x" * 200, wav_header(5)[:79]])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "audio.wav").write_bytes(content)
    with pytest.raises(AudioError, match="load it as any audio file"):
        AudioStore().keep_in(tmp_path / "audio.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has files in memory")
def test_a_long_recording_in_memory_is_copied_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipyspeaches.audio.store._LONG", 50_000)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    store = AudioStore()
    for piece in np.split(NOISE, 20):
        store.append(piece)
    first = store.read(0, 10)
    monkeypatch.setattr(GrowingArray, "append", None)
    for _ in range(20):  # over the minute by which it is lengthened ahead
        store.append(NOISE)
    store.close()
    assert np.array_equal(store.read(0, len(store)), np.tile(NOISE, 21))
    assert np.array_equal(first, NOISE[:10])
    del store, first
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, store = tmp_path / "audio.wav", AudioStore()
    store.keep_in(path)
    store.append(NOISE[:1_000])

    def full(*_args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingWav, "_write", full)
    store.append(NOISE[1_000:1_500])
    assert store.failure is not None
    monkeypatch.undo()
    store.append(NOISE[1_500:])  # the file has a hole in it, were it gone on with
    store.close()
    assert np.array_equal(store.read(0, len(NOISE)), NOISE)
    assert np.array_equal(store.read(900, 1_100), NOISE[900:1_100])
    assert np.array_equal(store.read(1_200, 1_300), NOISE[1_200:1_300])
    with pytest.raises(ValueError, match="read-only"):
        store.read(900, 1_100)[0] = 1
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], NOISE[:1_000])


def test_thousands_of_closed_files_take_few_descriptors(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    wavs = [GrowingWav(tmp_path / f"{number}.wav") for number in range(3)]
    for number in range(3, 300):
        wavs.append(GrowingWav(tmp_path / f"{number}.wav"))
        wavs[number - 3].append(NOISE[number - 3 :][:1_000])
        wavs[number - 3].close()
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 120
    for number in (0, 150, 296):
        assert np.array_equal(wavs[number].read(0, 1_000), NOISE[number:][:1_000])
    wavs[1].append(NOISE[:5])
    assert np.array_equal(wavs[1].read(998, 1_005), [*NOISE[999:1_001], *NOISE[:5]])
    (tmp_path / "2.wav").unlink()
    with pytest.raises(AudioError, match="was it removed"):
        wavs[2].read(0, 9)
