"""What phones and browsers record is read as other files are, or there is a word on what that takes."""

from __future__ import annotations

import io
import sys
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


KINDS = {"m4a": ("mp4", "aac", 44_100), "aac": ("adts", "aac", 16_000), "webm": ("webm", "libopus", 48_000)}


def recorded(kind: str, bursts: Recording) -> bytes:
    """Return a recording as a phone or a browser would have written it."""
    container, codec, rate = KINDS[kind]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as opened:
        stream: Any = opened.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(bursts.to_rate(rate).samples[None], format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 960)
        for piece in (*resampler.resample(frame), *resampler.resample(None), None):
            opened.mux(stream.encode(piece))
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_it_sounds_as_it_was_recorded(kind: str, bursts: Recording) -> None:
    read = Recording.load(io.BytesIO(recorded(kind, bursts)))
    assert read.rate == KINDS[kind][2]
    assert read.duration == pytest.approx(bursts.duration, abs=0.15)
    windows = [np.abs(one.to_rate(8_000).samples[: 17 * 3_200].reshape(17, -1)).mean(axis=1) for one in (read, bursts)]
    assert np.corrcoef(*windows)[0, 1] > 0.9
    assert read.lost == ()


def test_what_is_cut_off_says_so(bursts: Recording) -> None:
    content = recorded("webm", bursts)
    with pytest.warns(AudioWarning, match="the end is missing"):
        read = Recording.load(io.BytesIO(content[: len(content) // 2]))
    assert 0 < read.duration < bursts.duration - 1
    assert read.lost[0][1] == pytest.approx(bursts.duration, abs=0.15)
    with pytest.raises(AudioError, match="cut off"):
        Recording.load(io.BytesIO(recorded("m4a", bursts)[:5_000]))


def test_without_pyav_the_cure_is_said(bursts: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "memo.m4a"
    file.write_bytes(recorded("m4a", bursts))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=r"^memo\.m4a: It takes PyAV to read it: pip install av"):
        Recording.load(file)
