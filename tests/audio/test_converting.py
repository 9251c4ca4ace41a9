"""What phones and browsers record is read as other files are, or there is a word on what that takes."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, AudioWarning


@pytest.fixture
def bursts() -> Recording:
    """Seven seconds of the sample."""
    return Recording.sample().slice(0, 7)


KINDS = {
    "m4a": ("mp4", "aac", 44_100),
    "aac": ("adts", "aac", 16_000),
    "webm": ("webm", "libopus", 48_000),
    "mkv": ("matroska", "aac", 44_100),
    "avi": ("avi", "pcm_s16le", 16_000),
    "ts": ("mpegts", "aac", 44_100),
    "flv": ("flv", "aac", 44_100),
    "wav": ("wav", "g722", 16_000),  # which libsndfile opens, and does not know
    "ogg": ("ogg", "flac", 48_000),
}


def recorded(
    kind: str,
    *tracks: Recording,
    begin_s: float = 0,
    without: tuple[float, float] = (0, 0),
    options: dict[str, str] | None = None,
) -> bytes:
    """Return recordings as tracks of a file, as a phone or a browser would have written it.

    They begin at a second of its clock, and some seconds of that are not in it.
    """
    container, codec, rate = KINDS[kind]
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as opened:
        streams: list[Any] = [opened.add_stream(codec, rate=rate, layout="mono") for _ in tracks]
        packets = []
        for stream, track in zip(streams, tracks, strict=True):
            frame = av.AudioFrame.from_ndarray(track.to_rate(rate).samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, round(begin_s * rate)
            resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 960)
            for piece in (*resampler.resample(frame), *resampler.resample(None), None):
                packets += stream.encode(piece)
        for packet in packets:
            if not without[0] <= packet.pts * packet.time_base < without[1]:
                opened.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_it_sounds_as_it_was_recorded(kind: str, bursts: Recording) -> None:
    read = Recording.load(io.BytesIO(recorded(kind, bursts)))
    assert read.rate == KINDS[kind][2]
    assert read.duration == pytest.approx(bursts.duration, abs=0.15)
    windows = [np.abs(one.to_rate(8_000).samples[: 17 * 3_200].reshape(17, -1)).mean(axis=1) for one in (read, bursts)]
    assert np.corrcoef(*windows)[0, 1] > 0.9
    assert read.lost == ()


def test_all_tracks_are_heard(bursts: Recording) -> None:
    silence = Recording(np.zeros_like(bursts.samples), bursts.rate)
    first, second = (Recording(bursts.samples * mask, bursts.rate) for mask in np.arange(2)[:, None] == halves(bursts))
    for tracks, gain in (((silence, bursts), 1), ((bursts, silence), 1), ((first, second), 2)):
        with pytest.warns(AudioWarning, match="has 2 tracks of sound: they were mixed"):
            read = Recording.load(io.BytesIO(recorded("mkv", *tracks)))
        assert level(read, 0, 7) * gain == pytest.approx(level(bursts, 0, 7), rel=0.1)
        assert level(read, 3.5, 7) * gain == pytest.approx(level(bursts, 3.5, 7), rel=0.1)


def halves(recording: Recording) -> Any:
    return (np.arange(len(recording.samples)) >= len(recording.samples) // 2).astype(np.int16)


def level(recording: Recording, start_s: float, end_s: float) -> float:
    return float(np.abs(recording.slice(start_s, end_s).samples.astype(float)).mean())


@pytest.mark.parametrize("kind", ["mkv", "webm", "m4a"])
def test_every_sound_has_its_time(kind: str, bursts: Recording) -> None:
    with pytest.warns(AudioWarning, match=r"no sound for 2\.0 s in its midst: silence is in its place"):
        read = Recording.load(io.BytesIO(recorded(kind, bursts, without=(2, 4))))
    assert read.duration == pytest.approx(7, abs=0.1)
    assert read.lost == ()
    assert level(read, 2.2, 3.9) == 0
    assert level(read, 4.2, 7) == pytest.approx(level(bursts, 4.2, 7), rel=0.1)
    late = Recording.load(io.BytesIO(recorded(kind, bursts, begin_s=3)))
    assert late.duration == pytest.approx(10, abs=0.1)
    assert late.lost == ()
    assert level(late, 0, 2.9) == 0


@pytest.mark.parametrize("kind", ["m4a", "aac", "ts", "webm"])
def test_what_is_joined_is_read_to_its_end(kind: str, bursts: Recording) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        read = Recording.load(io.BytesIO(recorded(kind, bursts) + recorded(kind, bursts)))
    assert read.duration == pytest.approx(14, abs=0.3)
    assert read.lost == ()
    assert [str(one.message) for one in told if "joined" not in str(one.message)] == []


def test_a_stream_whose_rate_changes_is_read_to_its_end(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    content = recorded("aac", bursts)
    monkeypatch.setitem(KINDS, "aac", ("adts", "aac", 44_100))
    read = Recording.load(io.BytesIO(content + recorded("aac", bursts)))
    assert (read.rate, read.lost) == (16_000, ())
    assert read.duration == pytest.approx(14, abs=0.3)
    assert level(read, 8, 13) == pytest.approx(level(bursts, 1, 6), rel=0.1)


def test_damage_costs_no_more_than_its_place(bursts: Recording) -> None:
    content = bytearray(recorded("m4a", bursts))
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    with pytest.warns(AudioWarning, match="is damaged in places"):
        read = Recording.load(io.BytesIO(content))
    assert read.duration == pytest.approx(7, abs=0.15)
    [(start, end)] = read.lost
    assert 2 < start < end < 5
    assert level(read, 5, 7) == pytest.approx(level(bursts, 5, 7), rel=0.1)


def test_what_was_written_of_a_file_in_fragments_is_read(bursts: Recording) -> None:
    content = recorded("m4a", bursts, options={"movflags": "frag_keyframe+empty_moov", "frag_duration": "1000000"})
    last = content.rindex(b"moof") - 4
    with pytest.warns(AudioWarning, match="breaks off"):
        read = Recording.load(io.BytesIO(content[: last + 50]))
    assert read.duration == pytest.approx(6, abs=0.3)
    assert len(read.lost) == 1


def test_what_is_cut_off_says_so(bursts: Recording) -> None:
    content = recorded("webm", bursts)
    with pytest.warns(AudioWarning, match="the end is missing"):
        read = Recording.load(io.BytesIO(content[: len(content) // 2]))
    assert 0 < read.duration < bursts.duration - 1
    assert read.lost[0][1] == pytest.approx(bursts.duration, abs=0.15)
    with pytest.raises(AudioError, match=r"index is missing.*: keep it, the sound is in it"):
        Recording.load(io.BytesIO(recorded("m4a", bursts)[:5_000]))


def test_without_pyav_the_cure_is_said(bursts: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "memo.m4a"
    file.write_bytes(recorded("m4a", bursts))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=r"^memo\.m4a: It takes PyAV to read it: pip install av"):
        Recording.load(file)
