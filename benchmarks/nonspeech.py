"""How often the embedded server gives text where nobody speaks, and how often it gives none where somebody does.

Two hundred pieces of silence, noise, music and the sounds of a room, made here from a seed, go both ways in: as files
over HTTP, and as audio that is committed in a realtime session. The same is done with human speech: as it is, quiet,
in noise, and cut to single words.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx2
import numpy as np
import soundfile
from numpy.typing import NDArray
from websockets.sync.client import connect

from ipyspeaches import LocalServer, Recording, Segments, mix
from ipyspeaches.errors import AudioWarning
from rows import Row, arguments, judged, progress, report

Waveform: TypeAlias = NDArray[np.float64]
Sound: TypeAlias = Callable[[float, np.random.Generator], Waveform]
Pieces: TypeAlias = list[tuple[str, Recording]]

SPEECH: Final = Path(__file__).parents[1] / "tests" / "data" / "speech"
RATE: Final = 24_000
MODELS: Final = ("Systran/faster-whisper-tiny.en", "Systran/faster-whisper-base")
LEVELS_DBFS: Final = (-60.0, -40.0, -26.0, -12.0)
DURATIONS_S: Final = (1.0, 3.0, 10.0)
QUICK: Final = 8
"""Every eighth piece is a quick run's."""
QUIET_DB: Final = (20, 30)
SNR_DB: Final = (10, 5)
CUT_S: Final = 0.15
"""Around a word that is cut out."""
SHORTEST_WORD_S: Final = 0.25
APPEND_S: Final = 2
TIMEOUT_S: Final = 60


def _time(duration_s: float) -> Waveform:
    return np.arange(round(duration_s * RATE)) / RATE


def _coloured(duration_s: float, rng: np.random.Generator, slope: float) -> Waveform:
    """Return noise whose amplitude falls with the frequency to this power."""
    count = round(duration_s * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    return np.asarray(np.fft.irfft(spectrum / frequency**slope, count))


def _band(duration_s: float, rng: np.random.Generator, low_hz: float, high_hz: float) -> Waveform:
    count = round(duration_s * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(frequency < low_hz) | (frequency > high_hz)] = 0
    wave = np.fft.irfft(spectrum, count)
    return np.asarray(wave / np.abs(wave).max())


def _scattered(
    duration_s: float, rng: np.random.Generator, per_s: float, one: Callable[[np.random.Generator], Waveform]
) -> Waveform:
    """Return a short sound again and again, at random times and levels; at least once."""
    wave = np.zeros(round(duration_s * RATE))
    for at in rng.uniform(0, 0.8 * duration_s, max(1, round(per_s * duration_s))):
        sound = one(rng) * rng.uniform(0.3, 1)
        first = round(at * RATE)
        end = min(len(wave), first + len(sound))
        wave[first:end] += sound[: end - first]
    return wave


def _click(rng: np.random.Generator) -> Waveform:
    time = _time(0.03)
    return rng.standard_normal(len(time)) * np.exp(-time / rng.uniform(0.001, 0.006))


def _key(rng: np.random.Generator) -> Waveform:
    down, up = _click(rng), 0.5 * _click(rng)
    return np.concatenate((down, np.zeros(round(rng.uniform(0.04, 0.1) * RATE)), up))


def _slam(rng: np.random.Generator) -> Waveform:
    time = _time(0.8)
    body = np.sin(2 * np.pi * rng.uniform(50, 120) * time) * np.exp(-time / 0.15)
    return np.asarray(body + _band(0.8, rng, 40, 2500) * np.exp(-time / rng.uniform(0.02, 0.08)))


def _cough(rng: np.random.Generator) -> Waveform:
    """Return a burst through the resonances of a throat, and the voiced rest of it."""
    time = _time(rng.uniform(0.25, 0.45))
    duration_s = len(time) / RATE
    formants = sum(_band(duration_s, rng, f - 150, f + 150) for f in (rng.uniform(400, 700), 1400, 2600))
    pitch_hz = rng.uniform(90, 250) * np.exp(-time)
    voiced = np.sign(np.sin(2 * np.pi * np.cumsum(pitch_hz) / RATE)) * 0.15 * np.exp(-(((time - 0.2) / 0.06) ** 2))
    return np.asarray(formants * np.exp(-time / 0.08) + voiced)


def _breath(rng: np.random.Generator) -> Waveform:
    duration_s = rng.uniform(0.8, 1.6)
    return np.asarray(_band(duration_s, rng, 300, 5000) * np.sin(np.pi * _time(duration_s) / duration_s) ** 2)


def _note(rng: np.random.Generator) -> Waveform:
    """Return a plucked note with its harmonics."""
    time, pitch_hz = _time(0.6), 110 * 2 ** (rng.integers(36) / 12)
    harmonics = sum(np.sin(2 * np.pi * k * pitch_hz * time) / k**1.5 for k in range(1, 9) if k * pitch_hz < RATE / 2)
    return np.asarray(harmonics * np.exp(-time / rng.uniform(0.1, 0.5)))


def _chords(duration_s: float, rng: np.random.Generator) -> Waveform:
    """Return an organ that changes its chord every second."""
    time, root_hz = _time(duration_s), rng.uniform(100, 300)
    bar = np.floor(time).astype(int)
    steps = rng.integers(-5, 6, bar.max(initial=0) + 1)[bar]
    pitches = [root_hz * 2 ** ((steps + offset) / 12) for offset in (0, 4, 7)]
    phases = [2 * np.pi * np.cumsum(pitch) / RATE for pitch in pitches]
    return np.asarray(sum(np.sin(k * phase) / k for phase in phases for k in (1, 2, 3, 4)))


def _violin(duration_s: float, rng: np.random.Generator) -> Waveform:
    """Return a melody with vibrato."""
    time = _time(duration_s)
    steps = rng.integers(0, 12, int(duration_s * 2) + 1)[(time * 2).astype(int)]
    pitch_hz = rng.uniform(196, 440) * 2 ** ((steps + 0.3 * np.sin(2 * np.pi * 5.5 * time)) / 12)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    return np.asarray(sum(np.sin(k * phase) / k for k in range(1, 12)))


def _beeps(duration_s: float, rng: np.random.Generator) -> Waveform:
    time = _time(duration_s)
    tone = np.sin(2 * np.pi * rng.uniform(400, 2500) * time) + np.sin(2 * np.pi * rng.uniform(400, 2500) * time)
    return np.asarray(tone * ((time * rng.uniform(1, 4)) % 1 < 0.4))


def _siren(duration_s: float, rng: np.random.Generator) -> Waveform:
    time = _time(duration_s)
    pitch_hz = rng.uniform(500, 900) * (1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.2, 2) * time))
    return np.asarray(np.sin(2 * np.pi * np.cumsum(pitch_hz) / RATE))


def _engine(duration_s: float, rng: np.random.Generator) -> Waveform:
    time, pitch_hz = _time(duration_s), rng.uniform(30, 90)
    wobble = 0.05 * np.cumsum(rng.standard_normal(len(time))) / np.sqrt(RATE)
    harmonics = sum(np.sin(2 * np.pi * k * pitch_hz * (time + wobble / 50)) / k for k in range(1, 30))
    return np.asarray(harmonics + 20 * _coloured(duration_s, rng, 1))


def _wind(duration_s: float, rng: np.random.Generator) -> Waveform:
    gusts = np.interp(
        _time(duration_s), np.arange(0, duration_s + 1, 0.5), rng.uniform(0.1, 1, int(2 * duration_s) + 2)
    )
    return _coloured(duration_s, rng, 1) * gusts


SOUNDS: Final[Mapping[str, Sound]] = {
    "white noise": lambda s, rng: _coloured(s, rng, 0),
    "pink noise": lambda s, rng: _coloured(s, rng, 0.5),
    "brown noise": lambda s, rng: _coloured(s, rng, 1),
    "hum": lambda s, rng: np.sum(
        [np.sin(2 * np.pi * 50 * k * _time(s) + rng.uniform(0, 6)) / k for k in range(1, 20)], 0
    ),
    "clicks": lambda s, rng: _scattered(s, rng, 2, _click),
    "keyboard": lambda s, rng: _scattered(s, rng, 6, _key),
    "slammed door": lambda s, rng: _scattered(s, rng, 0.3, _slam),
    "cough": lambda s, rng: _scattered(s, rng, 0.8, _cough),
    "breath": lambda s, rng: _scattered(s, rng, 0.4, _breath),
    "notes": lambda s, rng: _scattered(s, rng, 3, _note),
    "chords": _chords,
    "violin": _violin,
    "beeps": _beeps,
    "siren": _siren,
    "engine": _engine,
    "wind": _wind,
}


def nonspeech() -> Iterator[tuple[str, Recording]]:
    """Yield 200 pieces without speech: 8 of silence, and each sound at four levels and three lengths."""
    rng = np.random.default_rng(20)
    for step in (0, 1, 2, 8):
        for duration_s in (1.0, 10.0):
            dither = rng.integers(-step, step + 1, round(duration_s * RATE))
            yield f"silence ±{step}", Recording.from_array(dither.astype(np.int16), RATE)
    for name, sound in SOUNDS.items():
        for level_dbfs in LEVELS_DBFS:
            for duration_s in DURATIONS_S:
                wave = sound(duration_s, rng)
                loud = wave * 10 ** (level_dbfs / 20) * 32_767 / np.abs(wave).max()
                yield f"{name}, {level_dbfs:g} dBFS", Recording.from_array(np.round(loud).astype(np.int16), RATE)


def speech(languages: str) -> Iterator[tuple[str, Recording]]:
    """Yield every recording in these languages (a pattern) as it is, quieter, and in each noise."""
    for path in sorted([*SPEECH.glob(f"{languages}/*.flac"), *SPEECH.glob(f"{languages}/*.wav")]):
        clean = Recording.load(path).to_rate(RATE)
        whole = Segments([(0, clean.duration)])
        yield path.stem, clean
        for quieter_db in QUIET_DB:
            samples = np.round(clean.samples * 10 ** (-quieter_db / 20)).astype(np.int16)
            yield f"{path.stem}, {quieter_db} dB quieter", Recording.from_array(samples, RATE)
        for noise in ("white", "pink", "babble", "hum"):
            for snr_db in SNR_DB:
                yield f"{path.stem} in {noise}, {snr_db} dB", mix(clean, whole, noise, snr_db)


def single_words(server: LocalServer, model: str) -> Iterator[tuple[str, Recording]]:
    """Yield words cut out of the recordings: some of them nobody would know alone."""
    for path in sorted([*SPEECH.glob("en/*.flac"), *SPEECH.glob("en/*.wav")]):
        recording = Recording.load(path).to_rate(RATE)
        for word in _uploaded(server, model, recording, granularity="word").get("words", ()):
            if word["end"] - word["start"] >= SHORTEST_WORD_S:
                start = max(0.0, word["start"] - CUT_S)
                yield word["word"], recording.slice(start, min(recording.duration, word["end"] + CUT_S))


def _uploaded(server: LocalServer, model: str, recording: Recording, granularity: str = "segment") -> dict[str, Any]:
    file = io.BytesIO()
    soundfile.write(file, recording.samples, recording.rate, format="WAV")
    form = {"model": model, "response_format": "verbose_json", "timestamp_granularities[]": granularity}
    url = f"{server.url}/v1/audio/transcriptions"
    answer = httpx2.post(url, data=form, files={"file": ("a.wav", file.getvalue())}, timeout=TIMEOUT_S)
    answer.raise_for_status()
    return dict(answer.json())


def uploaded(server: LocalServer, model: str, pieces: Pieces) -> Iterator[str]:
    """Yield the text of each piece as a file."""
    for _, recording in pieces:
        yield _uploaded(server, model, recording)["text"]


def committed(server: LocalServer, model: str, pieces: Pieces) -> Iterator[str]:
    """Yield the text of each piece, live or final, that is committed in a realtime session."""
    address = f"{server.url.replace('http', 'ws')}/v1/realtime?intent=transcription&model={model}"
    with connect(address) as socket:
        socket.send(json.dumps({"type": "session.update", "session": {"turn_detection": None}}))
        for _, recording in pieces:
            samples = recording.to_rate(RATE).samples
            for piece in np.split(samples, range(APPEND_S * RATE, len(samples), APPEND_S * RATE)):
                audio = base64.b64encode(piece.astype("<i2").tobytes()).decode()
                socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
            yield _text_of_an_item(iter(lambda: json.loads(socket.recv(TIMEOUT_S)), None))


def _text_of_an_item(events: Iterable[dict[str, Any]]) -> str:
    live = ""
    for event in events:
        if event["type"].endswith("transcription.delta"):
            live += event["delta"]
        elif event["type"].endswith("transcription.completed"):
            return str(event["transcript"]) or live
        elif event["type"].endswith(("failed", "error")):
            raise RuntimeError(f"The server failed: {event}")
    raise AssertionError


def measure(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of each model."""
    step = QUICK if quick else 1
    nothing = list(nonspeech())[::step]
    for model in MODELS:
        something = list(speech("en" if model.endswith(".en") else "*"))[::step]
        with LocalServer(model=model) as server:
            words = list(single_words(server, model))[::step]
            for way, texts_of in (("files", uploaded), ("commits", committed)):
                progress(f"{model}, {way} …")
                invented = _named(nothing, texts_of(server, model, nothing), text=True)
                lost = _named(something, texts_of(server, model, something), text=False)
                unheard = _named(words, texts_of(server, model, words), text=False)
                name = f"{model}, {way}"
                yield judged(f"{name}: of {len(nothing)} pieces without speech give text", invented, "", budget=0)
                yield judged(f"{name}: of {len(something)} pieces of speech give none", lost, "", budget=0)
                yield judged(f"{name}: of {len(words)} single words give none", unheard, "", budget=None)


def _named(pieces: Pieces, texts: Iterable[str], *, text: bool) -> int:
    """Return how many pieces have a text (or none), and say which."""
    found = [(name, one) for (name, _), one in zip(pieces, texts, strict=True) if bool(one.strip()) == text]
    for name, one in found:
        progress(f"  {name}: {one.strip() or 'no text'}")
    return len(found)


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__ or "")
    warnings.simplefilter("ignore", AudioWarning)
    return report(measure(quick=options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
