"""Files whose first header does not tell the truth: what is in them is read, and what does not fit is told."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ipyspeaches.audio import containers, decoding
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, AudioWarning

RATE = 16_000
SECONDS = 4
FORMATS = ("WAV", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "MP3", "OGG")


def noisy_tone() -> NDArray[np.float64]:
    at = np.arange(SECONDS * RATE) / RATE
    wave: NDArray[np.float64] = 0.3 * np.sin(2 * np.pi * 440 * at) + 0.02 * np.random.default_rng(7).standard_normal(
        len(at)
    )
    return wave


def file(container: str, samples: NDArray[np.float64] | None = None, rate: int = RATE, subtype: str = "") -> bytes:
    buffer = io.BytesIO()
    samples = noisy_tone() if samples is None else samples
    soundfile.write(buffer, samples, rate, format=container, subtype=subtype or None)
    return buffer.getvalue()


def load(content: bytes) -> tuple[Recording, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = Recording.load(io.BytesIO(content))
    assert all(warning.category is AudioWarning for warning in caught)
    return made, " ".join(str(warning.message) for warning in caught)


def with_size(content: bytes, size: int, container: str = "WAV") -> bytes:
    changed = bytearray(content)
    if container == "RF64":
        struct.pack_into("<QQQ", changed, content.index(b"ds64") + 8, 0, size, 0)
    elif container == "AU":
        struct.pack_into(">I", changed, 8, size)
    elif container == "AIFF":
        struct.pack_into(">I", changed, content.index(b"SSND") + 4, size)
    elif container == "CAF":
        struct.pack_into(">Q", changed, content.rindex(b"data", 0, 4096) + 4, size + 4 * (size > 0))
    elif container == "W64":
        struct.pack_into("<Q", changed, content.index(b"data") + 16, size + 24)
    else:
        struct.pack_into("<I", changed, content.index(b"data") + 4, size)
    return bytes(changed)


@pytest.mark.parametrize("container", FORMATS)
def test_of_a_whole_file_nothing_is_told(container: str) -> None:
    made, told = load(file(container))
    assert made.duration == SECONDS
    assert told == ""


@pytest.mark.parametrize("container", FORMATS)
def test_joined_files_are_read_one_after_the_other(container: str) -> None:
    made, told = load(file(container) + file(container, rate=24_000) + file(container))
    assert made.rate == RATE
    assert made.duration == pytest.approx(SECONDS * (2 + RATE / 24_000), abs=0.1)
    assert "3 recordings are joined" in told
    assert np.corrcoef(made.samples[-RATE:], noisy_tone()[-RATE:])[0, 1] > 0.99


@pytest.mark.parametrize("first", FORMATS)
def test_a_file_of_another_format_behind_one_is_read_or_told(first: str) -> None:
    for second in FORMATS:
        if second == first:
            continue
        made, told = load(file(first) + file(second))
        if second == "MP3":
            assert made.duration == pytest.approx(SECONDS, abs=0.6)
            assert "bytes behind the audio that its header announces: they were not read" in told
            assert made.lost == ((made.duration, made.duration),)
        else:
            assert made.duration == 2 * SECONDS
            assert "2 recordings are joined" in told
            assert np.corrcoef(made.samples[-RATE:], noisy_tone()[-RATE:])[0, 1] > 0.99


def test_a_tag_before_or_behind_the_audio_and_flac_in_ogg_are_no_other_recording() -> None:
    id3 = b"ID3\x03\x00\x00\x00\x00\x07\x76" + bytes(1014)
    for whole in (id3 + file("FLAC"), file("FLAC") + b"TAG" + b"x" * 125):
        made, told = load(whole)
        assert (made.duration, told) == (SECONDS, "")
    in_ogg = b"OggS" + bytes(24) + b"\x7fFLAC\x01\x00\x00\x01" + file("FLAC")
    assert len(containers.inspect(in_ogg)) == 1


def test_an_mp3_with_a_picture_is_read_with_what_is_joined_behind_it() -> None:
    size = 300_000
    tag = b"ID3\x03\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + b"\x01" * size
    made, told = load(tag + file("MP3"))
    assert (made.duration, told) == (SECONDS, "")
    assert np.corrcoef(made.samples[-RATE:], noisy_tone()[-RATE:])[0, 1] > 0.99
    made, told = load(2 * (tag + file("MP3")))
    assert made.duration == 2 * SECONDS
    assert "2 recordings are joined" in told


def test_what_an_mp3_header_does_not_count_is_read_too() -> None:
    whole = file("MP3")
    # The second one begins with its audio: without the header that would announce another file.
    second = whole[whole.index(whole[:2], 4) :]
    made, told = load(whole + second)
    assert made.duration == pytest.approx(2 * SECONDS, abs=0.2)
    assert "announces only 4.1 s, as when a recorder is stopped hard or files are joined: all 8.2 s" in told
    made, told = load(second)
    assert made.duration == pytest.approx(SECONDS, abs=0.2)
    assert told == ""


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("cut", "put"), [(100, b""), (500, b""), (3000, b""), (3000, bytes(3000)), (0, b"\xff\xfb" * 500)]
)
def test_damage_in_the_midst_of_an_mp3_costs_only_what_is_missing(cut: int, put: bytes, announced: bool) -> None:
    whole = file("MP3")
    if not announced:
        whole = whole[whole.index(whole[:2], 4) :]
    middle = len(whole) // 2
    made, told = load(whole[:middle] + put + whole[middle + cut :])
    assert made.duration == pytest.approx(
        SECONDS, abs=0.2 if announced else 0.2 + (cut or len(put)) * SECONDS / len(whole)
    )
    assert "damaged in its midst: silence is in place" in told
    [(start, end)] = made.lost
    assert start == pytest.approx(SECONDS / 2, abs=0.3)
    assert end - start <= 0.2 + max(cut, len(put)) * SECONDS / len(whole)
    assert np.abs(made.samples[-RATE // 2 :].astype(int)).max() > 5_000


def test_an_mp3_is_read_beside_the_companion_that_macos_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = file("MP3")
    without_header = whole[whole.index(whole[:2], 4) :]
    monkeypatch.chdir(tmp_path)
    for companion in (Path("._"), Path("._talk.mp3")):
        companion.write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(4000))
    for content in (whole, whole + without_header):
        Path("talk.mp3").write_bytes(content)
        assert Recording.load("talk.mp3").duration > SECONDS - 0.1


@pytest.mark.parametrize(
    ("container", "told"),
    [
        *((name, "ends after 2.0 s, but its header announces 4.0 s") for name in ("WAV", "RF64", "AIFF", "AU", "W64")),
        *(
            ("CAF", "announces 4.0 s"),
            ("MP3", "header announces 4."),
            ("OGG", "no end mark"),
            ("FLAC", "announces 4.0 s"),
        ),
    ],
)
def test_of_a_file_cut_in_half_the_half_is_read_and_the_rest_told(container: str, told: str) -> None:
    whole = file(container)
    made, warned = load(whole[: len(whole) // 2])
    assert 0.8 <= made.duration <= 2.1
    assert told in warned
    announced = made.duration if container == "OGG" else SECONDS
    assert made.lost[0] == pytest.approx((made.duration, announced), abs=0.1)
    assert made.to_rate(8000).lost == made.lost


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_what_the_first_of_joined_files_lacks_takes_no_time_of_the_second(container: str) -> None:
    whole = file(container)
    made, _ = load(whole[:-4000] + whole)
    ((start, end),) = made.lost
    assert start == end == pytest.approx(made.duration - SECONDS, abs=0.1)


def with_length(flac: bytes, samples: int) -> bytes:
    """Return a FLAC whose header announces another number of samples."""
    first = int.from_bytes(flac[21:26]) & ~((1 << 36) - 1)
    return flac[:21] + (first | samples).to_bytes(5) + flac[26:]


@pytest.mark.parametrize("rate", [RATE, 22_050, 95_000])
@pytest.mark.parametrize("samples", [0, 1, 5000, SECONDS * RATE - 1, 1 << 25])
def test_a_flac_is_read_to_its_last_frame_whatever_its_header_announces(samples: int, rate: int) -> None:
    whole = file("FLAC", rate=rate)
    made, told = load(with_length(whole, samples))
    assert np.array_equal(made.samples, load(whole)[0].samples)
    assert bool(told) is bool(samples)
    assert bool(made.lost) is (samples == 1 << 25)
    assert load(whole + bytes(9000))[1] == ""


def test_a_flac_that_names_no_length_and_ends_in_a_frame_is_cut_off() -> None:
    whole = with_length(file("FLAC"), 0)
    made, told = load(whole[: len(whole) // 2])
    assert "ends in the middle of a frame" in told
    assert made.lost == ((made.duration, made.duration),)
    for behind in (b"", b"TAG" + bytes(125), b"APETAGEX" + bytes(range(200)), bytes(9)):
        made, told = load(whole + behind)
        assert (len(made.samples), made.lost, told) == (SECONDS * RATE, (), "")


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("damage", ["cut out", "overwritten"])
def test_pages_that_an_ogg_lacks_are_told_with_their_place(subtype: str, damage: str) -> None:
    whole = file("OGG", np.tile(noisy_tone(), 4), subtype=subtype)
    pages = [place for place in range(len(whole)) if whole.startswith(b"OggS", place)]
    start, end = pages[len(pages) // 2 : len(pages) // 2 + 2]
    kept = b"" if damage == "cut out" else whole[start : end - 50] + bytes(50)
    made, told = load(whole[:start] + kept + whole[end:])
    assert "pages are missing" in told
    ((first, last),) = made.lost
    assert 0.2 * 4 * SECONDS < first < last < 0.8 * 4 * SECONDS
    assert not made.samples[round(first * RATE) : round(last * RATE)].any()


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("lacking", [(2,), (7,), (4, 9), (5, 6, 7)])
def test_what_follows_a_hole_in_an_ogg_keeps_its_time(subtype: str, lacking: tuple[int, ...]) -> None:
    burst_at = 14 * RATE
    samples = 0.05 * np.random.default_rng(5).standard_normal(16 * RATE).clip(-3, 3)
    samples[burst_at : burst_at + 800] *= 6
    whole = file("OGG", samples, subtype=subtype)
    pages = [place for place in range(len(whole)) if whole.startswith(b"OggS", place)]
    ends = [*pages[1:], len(whole)]
    kept = (whole[a:b] for at, (a, b) in enumerate(zip(pages, ends, strict=True)) if at not in lacking)
    made, told = load(b"".join(kept))
    assert "silence is in their place" in told
    assert made.duration == pytest.approx(16, abs=0.15)
    assert np.argmax(np.abs(made.samples)) / RATE == pytest.approx(14.025, abs=0.15)
    assert sum(end - start for start, end in made.lost) == pytest.approx(len(lacking), abs=0.25)


def test_behind_a_hole_nothing_is_lost_or_said_twice_where_pages_have_different_lengths() -> None:
    samples = np.zeros(12 * RATE)
    for second in range(12):  # of little that changes, many seconds are on one page
        samples[second * RATE + RATE // 2 :][:800] = 0.5 * np.sin(np.arange(800) * (0.2 + 0.1 * second))
    whole = file("OGG", samples, subtype="VORBIS")
    pages = [place for place in range(len(whole)) if whole.startswith(b"OggS", place)]
    assert len(pages) == 4
    made, _ = load(whole[: pages[2]] + whole[pages[3] :])
    assert made.duration == pytest.approx(12, abs=0.05)
    ((start, end),) = made.lost
    loud = np.abs(made.samples.reshape(-1, RATE)).max(axis=1) > 5000
    assert start == 0
    assert 4 < end < 11
    assert loud.tolist() == [second + 0.5 > end for second in range(12)]


def _page(page: bytes, until: int, number: int) -> bytes:
    """Return an Ogg page that ends after so many samples and has another number."""
    page = page[:6] + struct.pack("<q", until) + page[14:18] + struct.pack("<I", number) + page[22:]
    return page[:22] + containers._ogg_check(page) + page[26:]


def _pages(whole: bytes) -> list[tuple[bytes, int, int]]:
    """Return the pages of an Ogg, each with the sample at which it ends and its number."""
    places = [place for place in range(len(whole)) if whole.startswith(b"OggS", place)]
    pages = [whole[start:end] for start, end in zip(places, [*places[1:], len(whole)], strict=True)]
    return [(page, *struct.unpack_from("<q4xI", page, 6)) for page in pages]


def test_what_an_ogg_left_out_in_a_pause_is_silence_and_nothing_is_said_twice() -> None:
    pages = _pages(file("OGG", np.tile(noisy_tone(), 2), subtype="OPUS"))
    moved = [(page, until + 2 * 48_000 * (number > 5), number) for page, until, number in pages]
    made, told = load(b"".join(_page(*one) for one in moved))
    assert (made.lost, told) == ((), "")
    assert made.duration == pytest.approx(2 * SECONDS + 2, abs=0.05)
    loud = np.abs(made.samples[: 9 * RATE].reshape(-1, RATE // 2)).max(axis=1) > 5000
    assert np.count_nonzero(~loud) in {3, 4}  # in one piece, at the place of the jump
    assert np.ptp(np.flatnonzero(~loud)) == np.count_nonzero(~loud) - 1


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_broadcast_that_was_joined_in_its_midst_begins_there(subtype: str) -> None:
    pages = _pages(file("OGG", np.tile(noisy_tone(), 4), subtype=subtype))
    joined = b"".join(page for page, _, _ in pages[:2])
    joined += b"".join(_page(page, until + 10**8, number + 5000) for page, until, number in pages[2:])
    made, told = load(joined)
    assert not made.lost
    assert "in the midst of a broadcast" in told
    assert made.duration == pytest.approx(4 * SECONDS, abs=0.05)
    assert np.abs(made.samples[: 15 * RATE].reshape(-1, RATE)).max(axis=1).min() > 5000


@pytest.mark.parametrize("size", [0, 1000])
@pytest.mark.parametrize("container", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_recorder_that_died_before_it_wrote_the_length_loses_nothing(container: str, size: int) -> None:
    whole = file(container)
    made, told = load(with_size(whole, size, container))
    if size and container in {"AIFF", "AU", "CAF"}:
        assert made.duration == pytest.approx(500 / RATE, abs=5 / RATE)
        assert "bytes behind the audio that its header announces: they were not read" in told
    else:
        assert np.array_equal(made.samples, load(whole)[0].samples)
        assert "all 4.0 s were read" in told


def test_what_programs_write_behind_the_audio_is_no_audio() -> None:
    tag = b"LIST" + struct.pack("<I", 5000) + bytes(5000)
    assert load(file("WAV") + tag) == load(file("WAV")) or load(file("WAV") + tag)[0].duration == SECONDS
    assert load(file("WAV") + bytes(9000))[0].duration == SECONDS
    assert load(file("MP3") + b"TAG" + bytes(125))[1] == ""
    made, told = load(file("WAV", subtype="FLOAT") + b"junk" * 3000)
    assert made.duration == SECONDS
    assert "12,000 bytes behind the audio" in told
    assert made.lost == ((SECONDS, SECONDS),)


def test_a_file_with_bytes_but_no_audio_is_not_to_be_thrown_away() -> None:
    header = file("WAV", np.zeros(0))
    with pytest.raises(AudioError, match=r"is empty \(0 samples\): choose another file\."):
        Recording.load(io.BytesIO(header))
    with pytest.raises(AudioError, match=r"is empty \(0 samples\): keep it"):
        Recording.load(io.BytesIO(header + b"LIST" + struct.pack("<I", 5000) + bytes(5000)))


def test_damage_in_the_middle_costs_only_what_follows() -> None:
    whole = bytearray(file("FLAC"))
    whole[len(whole) // 2 : len(whole) // 2 + 200] = bytes(200)
    made, told = load(bytes(whole))
    assert 1.5 < made.duration < 2.1
    assert "damaged after" in told
    assert made.lost == ((made.duration, SECONDS),)


@pytest.mark.parametrize(
    ("channels", "level"),
    [
        (lambda x: [x, -x], 1.0),
        (lambda x: [x, -0.8 * x], 0.9),
        (lambda x: [x, -x, x, -x], 1.0),
        (lambda x: [0.5 * x + 0.2, -0.5 * x + 0.2], 0.5),
        (lambda x: [0 * x, x, -x], 2 / 3),
    ],
)
@pytest.mark.parametrize("container", ["WAV", "MP3", "array"])
def test_channels_that_cancel_each_other_are_turned(
    channels: Callable[[NDArray[np.float64]], list[NDArray[np.float64]]], level: float, container: str
) -> None:
    frames = np.stack(channels(noisy_tone()), axis=1)
    if container == "MP3" and frames.shape[1] > 2:
        container = "WAV"  # MP3 has two channels at most
    if container == "array":
        with pytest.warns(AudioWarning, match=r"opposite in phase for 4\.0 s"):
            made = Recording.from_array(frames, RATE)
    else:
        made, told = load(file(container, frames))
        assert "opposite in phase for" in told
    samples = made.samples - made.samples.mean()
    assert np.abs(samples).mean() / 32_768 == pytest.approx(level * np.abs(noisy_tone()).mean(), rel=0.05)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2, 1)])
def test_two_of_three_channels_that_cancel_each_other_are_not_lost_behind_the_third(order: tuple[int, ...]) -> None:
    wave, other = noisy_tone(), 0.2 * np.random.default_rng(3).standard_normal(SECONDS * RATE).clip(-3, 3)
    channels = [wave, -wave, other]
    made, told = load(file("WAV", np.stack([channels[at] for at in order], axis=1)))
    assert "opposite in phase for" in told
    assert abs(np.corrcoef(made.samples, 2 * wave + other)[0, 1]) > 0.9


def test_channels_cancel_each_other_also_when_one_comes_a_little_later() -> None:
    speech = Recording.sample().samples / 32_768
    made, told = load(file("WAV", np.stack([speech, -np.roll(speech, 2)], axis=1)))
    assert "opposite in phase for" in told
    assert np.std(made.samples / 32_768) > 0.8 * np.std(speech)


def test_where_only_a_part_cancels_only_this_part_is_turned() -> None:
    wave = noisy_tone()
    half = len(wave) // 2
    frames = np.stack([wave, np.concatenate([wave[:half], -wave[half:]])], axis=1)
    made, told = load(file("WAV", frames))
    assert "opposite in phase for" in told
    assert np.abs(made.samples / 32_768 - wave).mean() < 0.03


@pytest.mark.parametrize("rate", [8000, 48_000])
@pytest.mark.parametrize("disturbed", ["hum", "noise"])
def test_where_hum_or_noise_is_opposite_in_phase_the_speech_stays(disturbed: str, rate: int) -> None:
    speech = Recording.sample().to_rate(rate).samples / 65_536
    speech = np.concatenate([np.zeros(rate // 2), speech, np.zeros(4 * rate), speech])  # a pause longer than a block
    at = np.arange(len(speech)) / rate
    hum = 0.2 * np.sin(2 * np.pi * 50 * at) + 0.1 * np.sin(2 * np.pi * 150 * at)
    other = hum if disturbed == "hum" else 0.12 * np.random.default_rng(3).standard_normal(len(at)).clip(-3, 3)
    made, told = load(file("WAV", np.stack([speech + other, speech - other], axis=1), rate))
    assert told == ""
    assert np.abs(made.samples / 32_768 - speech).max() < 1e-3


def test_channels_that_differ_are_only_averaged() -> None:
    wave = noisy_tone()
    for other in (0 * wave, wave, 0.3 * np.random.default_rng(3).standard_normal(len(wave)).clip(-3, 3)):
        made, told = load(file("WAV", np.stack([wave, other], axis=1)))
        assert told == ""
        assert np.abs(made.samples / 32_768 - (wave + other) / 2).max() < 1e-3


def test_silence_is_told_with_its_level() -> None:
    assert "is silent: in 16 bits, every sample is 0" in load(file("WAV", np.zeros(RATE)))[1]
    for gain, how in (
        (0.002, "almost silent: its loudest sample is at -6"),
        (0.03, "very quiet: its loudest sample is at -3"),
    ):
        assert how in load(file("WAV", noisy_tone() * gain))[1]
    with pytest.warns(AudioWarning, match="array: It is silent"):
        Recording.from_array(noisy_tone() / 32_768, RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recording.from_array(np.zeros(9), RATE)
    with pytest.warns(AudioWarning, match=r"silent in 16 bits: its loudest sample is at -\d+ dBFS"):
        Recording.from_array(noisy_tone() / 32_768 * 1e-5, RATE)


def test_one_of_many_channels_is_as_loud_as_alone() -> None:
    wave = noisy_tone()
    many = np.zeros((len(wave), 32))
    many[:, 5] = wave
    for made in (load(file("WAV", many))[0], Recording.from_array(many, RATE)):
        assert np.abs(made.samples / 32_768 - wave).max() < 2e-3
    two = load(file("WAV", many[:, 4:6]))[0]
    assert np.abs(two.samples / 32_768 - wave / 2).max() < 1e-3


def test_speech_beside_a_time_code_is_heard_alone() -> None:
    speech = Recording.sample().slice(0, 4)
    code = np.sign(np.sin(2 * np.pi * 2_400 * np.arange(len(speech.samples)) / speech.rate))
    made = Recording.from_array(np.stack([speech.samples / 32_768, 0.8 * code], axis=1), speech.rate)
    assert (made.samples == speech.samples).all()


def test_a_constant_offset_is_taken_away_and_told() -> None:
    wave = noisy_tone() * 0.1
    with pytest.warns(AudioWarning, match=r"constant offset of 0\.50 of full scale, which was taken away"):
        made = Recording.from_array(wave + 0.5, RATE)
    assert np.abs(made.samples / 32_768 - wave).max() < 1e-3
    made, told = load(file("WAV", wave - 0.9))
    assert "constant offset of -0.90" in told
    assert np.abs(made.samples / 32_768 - wave).max() < 1e-3


def test_what_is_over_full_scale_is_told_with_its_peak() -> None:
    wave = noisy_tone()
    loud = wave / np.abs(wave).max() * 1.5
    path = io.BytesIO()
    soundfile.write(path, loud, RATE, "FLOAT", format="WAV")
    assert "reaches 1.5 times full scale, and" in load(path.getvalue())[1]
    with pytest.warns(AudioWarning, match=r"array: It reaches 1\.5 times full scale, and \d+\.\d% of its samples"):
        Recording.from_array(loud, RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recording.from_array(np.append(wave / np.abs(wave).max(), 1.2), RATE)


def test_what_is_no_number_in_a_file_is_silence_and_told() -> None:
    wave = noisy_tone()
    wave[100], wave[200:210] = np.nan, np.inf
    path = io.BytesIO()
    soundfile.write(path, wave, RATE, "FLOAT", format="WAV")
    made, told = load(path.getvalue())
    assert "11 of its samples are no numbers, or infinite" in told
    assert not made.samples[200:210].any()
    assert made.samples[300:].any()


def test_what_is_silent_only_in_16_bits_is_told_with_its_level() -> None:
    path = io.BytesIO()
    soundfile.write(path, (32_768 * noisy_tone()).astype(np.int32), RATE, "PCM_32", format="WAV")
    assert "silent in 16 bits: its loudest sample is at -1" in load(path.getvalue())[1]


def test_more_audio_than_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = file("FLAC", np.zeros(60 * RATE))
    assert len(bomb) < 20_000
    with pytest.raises(AudioError, match=r"longer than 0\.00278 hours at 16000 Hz: cut it into parts"):
        decoding.decode(io.BytesIO(bomb), 10)
    monkeypatch.setattr(decoding, "MAX_SAMPLES", 30 * RATE)
    with pytest.raises(AudioError, match="longer than"):
        Recording.load(io.BytesIO(bomb))


def test_a_wanted_rate_is_that_of_all_that_is_held() -> None:
    made = decoding.decode(io.BytesIO(file("FLAC") + file("FLAC", rate=48_000)), 10, 24_000)
    assert made.rate == 24_000
    assert len(made.samples) == pytest.approx((SECONDS + SECONDS / 3) * 24_000, abs=2)


@pytest.mark.parametrize(
    "magic", [b"OggS", b"fLaC", b"RIFF", b"RF64", b"riff", b"FORM", b"caff", b".snd", b"ID3", b"\xff\xfb"]
)
@pytest.mark.parametrize("rest", [b"", b"\xff" * 5, bytes(60), b"\xff" * 60])
def test_of_a_file_that_only_begins_like_audio_that_is_said(magic: bytes, rest: bytes) -> None:
    with pytest.raises(AudioError, match=r"cannot be read as audio|is empty"):
        Recording.load(io.BytesIO(magic + rest))


@pytest.mark.parametrize("thing", [None, 3, b"RIFF", np.zeros(9), io.StringIO("RIFF")])
def test_what_is_no_file_is_refused(thing: object) -> None:
    with pytest.raises(AudioError, match=r"path|mode 'rb'"):
        Recording.load(thing)  # type: ignore[arg-type]


def test_no_bytes_raise_anything_but_a_documented_error() -> None:
    """Seeded, so that a failure can be repeated."""
    random = np.random.default_rng(20_261_128)
    short = noisy_tone()[: RATE // 8]
    seeds = [file(container, short) for container in FORMATS]
    seeds += [file("WAV", short, subtype=subtype) for subtype in ("FLOAT", "ULAW", "PCM_24", "GSM610", "IMA_ADPCM")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        refused = 0
        for turn in range(3000):
            content = bytearray(seeds[turn % len(seeds)])
            if turn % 3 == 0:
                content += seeds[random.integers(len(seeds))]
            # Headers are where it hurts: most changes go there.
            reach = min(len(content), 120) if turn % 4 else len(content)
            for place in random.integers(reach, size=random.integers(1, 8)):
                content[place] = (0, 1, 0x7F, 0x80, 0xFF, int(random.integers(256)))[random.integers(6)]
            if turn % 5 == 0:
                del content[random.integers(len(content)) :]
            try:
                made = Recording.load(io.BytesIO(bytes(content)))
            except AudioError:
                refused += 1
            else:
                assert len(made.samples), turn
    assert 300 < refused < 2700  # both happen
