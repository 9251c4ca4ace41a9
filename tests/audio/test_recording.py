from __future__ import annotations

import base64
import dataclasses
import importlib
import io
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, AudioWarning, InputError

pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")


def tone(seconds: float = 0.5, rate: int = 16_000, level: float = 0.5) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return wave


def recording(seconds: float = 0.5, rate: int = 16_000) -> Recording:
    return Recording.from_array(tone(seconds, rate), rate)


SHAPES = hnp.array_shapes(min_dims=1, max_dims=2, max_side=40).filter(
    lambda shape: len(shape) < 2 or shape[1] <= shape[0]
)


@given(hnp.arrays(np.int16, SHAPES))
def test_int16_of_any_shape_is_averaged_without_clipping(samples: NDArray[np.int16]) -> None:
    made = Recording.from_array(samples, 8000)
    channels = samples.reshape(len(samples), -1).astype(np.int64)
    assert made.samples.dtype == np.int16
    assert made.samples.shape == (len(samples),)
    assert np.abs(made.samples - channels.mean(axis=1)).max() <= 0.5


@given(hnp.arrays(np.float32, SHAPES, elements=st.floats(-1, 1, width=32)))
def test_floats_keep_their_value_to_half_a_step(samples: NDArray[np.float32]) -> None:
    made = Recording.from_array(samples, 8000).samples
    channels = samples.reshape(len(samples), -1).astype(np.float64)
    expected = np.minimum(channels.mean(axis=1) * 32_768, 32_767)
    assert np.abs(made - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([-(2**31), 0, 2**31 - 1], dtype=np.int32), [-32_768, 0, 32_767]),
        (np.array([0, 128, 255], dtype=np.uint8), [-32_768, 0, 32_512]),
        (np.array([-128, 0, 127], dtype=np.int8), [-32_768, 0, 32_512]),
        (np.array([0, 32_768, 65_535], dtype=">u2"), [-32_768, 0, 32_767]),
        (np.array([-1.0, 0.5, 1.0, 1.5], dtype=np.float64), [-32_768, 16_384, 32_767, 32_767]),
        (np.array([1, -2], dtype=">i2"), [1, -2]),
        (np.array([0.25], dtype=">f4"), [8192]),
        (np.array([0.25], dtype=np.float16), [8192]),
        (np.zeros(2, dtype=np.int32), [0, 0]),
        (np.array([[32_767, 32_767], [-32_768, -32_768]], dtype=np.int16), [32_767, -32_768]),
        ([0.5, -0.5], [16_384, -16_384]),
    ],
)
def test_each_dtype_has_its_own_full_scale(samples: NDArray[Any], expected: list[int]) -> None:
    assert Recording.from_array(samples, 8000).samples.tolist() == expected


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0, dtype=np.int16), "empty (0 samples)"),
        (np.zeros((0, 2), dtype=np.int16), "empty (0 samples)"),
        (np.zeros((5, 0), dtype=np.int16), "no channels"),
        (np.zeros((2, 5, 1), dtype=np.int16), "(samples, channels)"),
        (np.int16(1), "(samples, channels)"),
        (np.zeros((2, 48_000), dtype=np.int16), "samples.T"),
        (np.zeros((1, 200), dtype=np.int16), "samples.T"),
        (np.zeros((2, 200), dtype=np.float32), "samples.T"),
        (
            np.zeros((2_000, 128), dtype=np.float32),
            "has 128 channels: if these are blocks of samples, give samples.ravel()",
        ),
        ((16_000, np.zeros(200)), "wanted apart, as in Recording.from_array(samples, 16000)"),
        ({"array": np.zeros(200), "sampling_rate": 16_000}, "wanted apart"),
        (np.array([-32_768, 5], dtype=np.int32), "samples.astype(np.int16)"),
        (np.array([1, 8_388_607], dtype=np.int32), "samples * 256"),
        ([[0.5], [0.5, 0.25]], "cannot be made an array"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.array([[0.0], [-np.inf]], dtype=np.float32), "infinity"),
        (np.array([0.0, 20_000.0]), "reaches 20000"),
        (np.array([3.0, 3.5, 2.5]), "reaches 3.5"),
        (np.ma.masked_array([0.1, 0.2, 0.3], [False, True, False]), "samples.filled(0)"),
        (pl.Series([None, 0.1]), "NaN"),
        (np.zeros(3, dtype=np.complex128), "dtype complex128"),
        (np.array(["a"], dtype=object), "dtype object"),
        (np.zeros(3, dtype=np.int64), "dtype int64"),
        (np.zeros(3, dtype=np.bool_), "dtype bool"),
        (bytearray(8), "give np.frombuffer(data, np.int16)"),
        (bytes(8), "give np.frombuffer(data, np.int16)"),
    ],
)
def test_arrays_that_are_not_audio_are_refused_in_one_sentence(samples: Any, message: str) -> None:
    with pytest.raises(AudioError, match=re.escape(message)) as caught:
        Recording.from_array(samples, 8000)
    assert re.fullmatch(r"[A-Z][^\n]*\.", str(caught.value))


@pytest.mark.parametrize("kind", [pl.Series, pd.Series, list, tuple, np.ma.masked_array])
def test_whatever_becomes_an_array_is_audio(kind: Any) -> None:
    assert Recording.from_array(kind([0.5, -0.25]), 8000).samples.tolist() == [16_384, -8_192]


@pytest.mark.parametrize(
    "rate", [0, -16_000, 1, 10**9, pytest.param(10**5000, id="5000 digits"), 16_000.5, float("nan"), float("inf")]
)
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(AudioError, match=r"sample rate of .* Hz is not possible"):
        Recording.from_array(tone(), rate)


@pytest.mark.parametrize("rate", ["16000", "16k", None, True, [16_000], 16_000j])
def test_a_rate_that_is_no_number_is_refused(rate: Any) -> None:
    with pytest.raises(AudioError, match=r"is not a sample rate: give a number"):
        Recording.from_array(tone(), rate)
    with pytest.raises(AudioError, match=r"is not a sample rate: give a number"):
        Recording(np.zeros(9, dtype=np.int16), rate)


def test_a_file_is_found_at_home_and_read_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    recording().save(tmp_path / "talk.wav")
    assert Recording.load("~/talk.wav").duration == recording().duration
    with (tmp_path / "talk.wav").open("rb") as opened:
        opened.read()
        assert Recording.load(opened).duration == recording().duration
    with pytest.raises(AudioError, match=re.escape(f"no file other.wav in {tmp_path}")):
        Recording.load("~/other.wav")


def test_a_recording_cannot_be_changed() -> None:
    made = recording()
    with pytest.raises(ValueError, match="read-only"):
        made.samples[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.rate = 8000  # type: ignore[misc]


def test_the_constructor_shares_samples_and_from_array_copies_them() -> None:
    samples = np.arange(10, dtype=np.int16)
    shared, copied = Recording(samples, 8000), Recording.from_array(samples, 8000)
    samples[0] = 99
    assert shared.samples[0] == 99
    assert copied.samples[0] == 0
    with pytest.raises(AudioError, match=r"use Recording\.from_array"):
        Recording(samples.astype(np.float32), 8000)


@pytest.mark.parametrize("suffix", ["wav", "flac", "WAV"])
def test_lossless_files_come_back_sample_by_sample(suffix: str, tmp_path: Path) -> None:
    made = recording(rate=11_025)
    file = made.save(tmp_path / f"tone.{suffix}")
    back = Recording.load(file)
    assert back.rate == 11_025
    assert np.array_equal(back.samples, made.samples)


def test_ogg_sounds_alike_and_is_written_in_pieces(tmp_path: Path) -> None:
    # Longer than one block: libsndfile cannot encode a long file at once.
    made = recording(20, 24_000)
    back = Recording.load(str(made.save(str(tmp_path / "tone.ogg"))))
    assert len(back.samples) == len(made.samples)
    assert np.corrcoef(back.samples, made.samples)[0, 1] > 0.99


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_every_encoding_of_wav_is_read_at_its_scale(subtype: str, tmp_path: Path) -> None:
    stereo = np.stack([tone(), np.zeros(8000)], axis=1)
    soundfile.write(tmp_path / "tone.wav", stereo, 16_000, subtype=subtype)
    back = Recording.load(tmp_path / "tone.wav")
    tolerance = 300 if subtype in {"PCM_U8", "ULAW"} else 1
    assert np.abs(back.samples - tone() * 16_384).max() <= tolerance


def test_an_open_file_is_read_too() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(), 16_000, format="FLAC")
    buffer.seek(0)
    assert Recording.load(buffer).duration == 0.5


def _damaged(folder: Path) -> dict[str, Path]:
    files = {name: folder / name for name in ("text.wav", "empty.wav", "nothing.flac", "cut.flac", "x.raw")}
    files["text.wav"].write_text("this is not audio")
    files["nothing.flac"].write_bytes(b"")
    files["x.raw"].write_bytes(bytes(100))
    soundfile.write(files["empty.wav"], np.zeros(0), 16_000)
    whole = io.BytesIO()
    soundfile.write(whole, np.random.default_rng(0).uniform(-1, 1, 50_000), 16_000, format="FLAC")
    files["cut.flac"].write_bytes(whole.getvalue()[:30])
    files["folder"] = folder
    files["missing.wav"] = folder / "missing.wav"
    return files


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize(
    "address", ["http://host/y.wav", "https://me:hunter2@host/y.wav?sig=abc", "file:///tmp/no.wav"]
)
def test_a_web_address_is_told_from_a_file_without_being_quoted(address: str, kind: type[str | Path]) -> None:
    with pytest.raises(AudioError, match="not a web address: download it first, and give its path") as refused:
        Recording.load(kind(address))
    assert "host" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.wav", r"There is no file missing\.wav in /.*: check its name"),
        ("folder", r"cannot be opened \(Is a directory\)"),
        (
            "text.wav",
            r"text\.wav cannot be read as audio \(it is text: .+\): fetch the file itself",
        ),
        ("nothing.flac", r"nothing\.flac is empty \(0 bytes\): record it again"),
        ("x.raw", r"x\.raw cannot be read as audio"),
        ("cut.flac", r"cut\.flac cannot be read as audio"),
        ("empty.wav", r"empty\.wav is empty \(0 samples\)"),
    ],
)
def test_files_that_are_not_audio_are_refused_in_one_sentence(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=message) as caught:
        Recording.load(_damaged(tmp_path)[name])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "rate", "message"),
    [
        ("tone.mp4", 16_000, r"one of \.wav, \.flac, \.ogg\.$"),
        ("tone.ogg", 384_000, r"Ogg files cannot have 384000 Hz"),
        ("tone.flac", 200_001, r"tone\.flac cannot have 200001 Hz"),
        ("nowhere/tone.wav", 16_000, r"cannot be written \(No such file or directory\)"),
    ],
)
def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    name: str, rate: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AudioError, match=message):
        recording(0.01, rate).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_need_not_be_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    Recording.sample().save(path)
    assert Recording.load(path).duration == Recording.sample().duration
    path.write_text("no audio")
    for file in (path, path.with_name(f"no {path.name}"), path.with_name("nul\0.wav")):
        with pytest.raises(AudioError) as caught:
            Recording.load(file)
        assert str(caught.value).encode(), "it can be shown anywhere"


def test_slices_are_seconds_cut_to_what_is_there_and_share_the_samples() -> None:
    made = recording(2.0)
    part = made.slice(0.5, 1.25)
    assert part.duration == 0.75
    assert np.shares_memory(part.samples, made.samples)
    assert np.array_equal(part.samples, made.samples[8000:20_000])
    assert made.slice(-1, 99).duration == made.slice().duration == 2.0
    assert made.slice(1.5).duration == 0.5


@pytest.mark.parametrize(("a", "b"), [(2.0, None), (1.0, 1.0), (1.5, 0.5), (-2, -1)])
def test_a_slice_of_nothing_is_refused(a: float, b: float | None) -> None:
    with pytest.raises(InputError, match=r"no audio from .* in a recording of 2\.00 s"):
        recording(2.0).slice(a, b)


@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_another_rate_keeps_length_pitch_and_level(rate: int) -> None:
    made = recording(1.0).to_rate(rate)
    assert made.rate == rate
    assert made.duration == pytest.approx(1.0, abs=2 / rate)
    inner = slice(rate // 10, -rate // 10)
    assert np.abs(made.samples[inner] - tone(1.0, rate)[inner] * 32_768).max() < 40


def test_the_same_rate_is_the_same_recording() -> None:
    made = recording()
    assert made.to_rate(16_000) is made
    with pytest.raises(AudioError, match="0 Hz is not possible"):
        made.to_rate(0)


def test_the_player_carries_its_audio() -> None:
    html = recording()._repr_html_()
    found = re.search(r'src="data:audio/wav;base64,([^"]+)"', html)
    assert found
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(found[1])), dtype="int16")
    assert rate == 16_000
    assert np.array_equal(samples, recording().samples)


def test_a_long_recording_does_not_bloat_the_notebook() -> None:
    html = Recording(np.zeros(61 * 8000, dtype=np.int16), 8000)._repr_html_()
    assert "<audio" not in html
    assert ".slice(0, 30)" in html
    assert repr(recording()) == "Recording(0.50 s at 16,000 Hz)"


def test_samples_come_with_the_package() -> None:
    made = Recording.sample()
    assert made.rate == 16_000
    assert 10 <= made.duration <= 14
    with pytest.raises(InputError, match="no sample 'slowstart': choose one of mandarin, quickstart"):
        Recording.sample("slowstart")


def test_hours_of_audio_lie_in_memory_once(tmp_path: Path) -> None:
    file = Recording(np.zeros(16_000 * 600, np.int16), 16_000).save(tmp_path / "long.flac")
    tracemalloc.start()
    try:
        with pytest.warns(AudioWarning, match="silent"):
            loaded = Recording.load(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.4 * loaded.samples.nbytes


@pytest.mark.parametrize("span", [(float("nan"), 1), (0, float("nan")), (float("inf"), None), (-1, float("-inf"))])
def test_a_slice_between_what_are_no_times_is_refused(span: tuple[float, float | None]) -> None:
    with pytest.raises(InputError, match=r"^There is no audio|^[ab] is nan: give a number"):
        Recording.sample().slice(*span)
    assert Recording.sample().slice(0, float("inf")).duration == Recording.sample().duration


def test_a_slice_lacks_what_its_stretch_of_the_file_lacks() -> None:
    cut = Recording(np.ones(4000, np.int16), 1000, ((1.0, 1.5), (4.0, 9.0)))
    assert cut.slice(0.5).lost == ((0.5, 1.0), (3.5, 8.5))
    assert cut.slice(2, 3).lost == ()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["NIST", "VOC", "AVR", "MPC2K", "MAT4", "MAT5", "SVX", "WVE"])
def test_what_a_file_of_a_rare_format_announces_and_lacks_is_told(kind: str, channels: int) -> None:
    written, rate = io.BytesIO(), 8000
    samples = np.stack([tone(2, rate)] * (1 if kind in {"SVX", "WVE"} else channels), axis=1)
    soundfile.write(written, samples, rate, format=kind, subtype="ALAW" if kind == "WVE" else "PCM_16")
    whole = written.getvalue()
    assert Recording.load(io.BytesIO(whole)).lost == ()
    with pytest.warns(AudioWarning, match=r"ends after 1\.0 s, but its header announces 2\.0 s"):
        half = Recording.load(io.BytesIO(whole[: len(whole) // 2]))
    [(begin, end)] = half.lost
    assert begin == half.duration == pytest.approx(1, abs=0.1)
    assert end == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("kind", ["PAF", "PVF", "IRCAM", "XI"])
def test_of_a_format_that_names_no_length_it_is_told_that_it_may_lack_some(kind: str) -> None:
    written = io.BytesIO()
    soundfile.write(written, tone(2, 8000), 8000, format=kind, subtype="DPCM_16" if kind == "XI" else "PCM_16")
    with pytest.warns(AudioWarning, match=f"{kind} files do not say how long they are"):
        Recording.load(io.BytesIO(written.getvalue()[:9000]))
