"""Speech in noise with an exact truth: how detectors fare when it gets loud.

Everything is made from the recordings that come with the package and a seed; the same seed gives the same audio.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import check_seed, checked
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table
from ipyspeaches.vad.detectors import Detector
from ipyspeaches.vad.evaluation import METRICS, Evaluation, evaluate
from ipyspeaches.vad.segments import Segments

Waveform: TypeAlias = NDArray[np.float64]

_PEAK: Final = 32_767
_GAP_S: Final = (0.3, 2.0)
_BABBLE_VOICES: Final = 8
_BABBLE_SPEEDS: Final = (0.8, 1.25)
"""Played slower and faster, one voice becomes several."""
_LOWEST_PINK_HZ: Final = 20
_MAINS_HZ: Final = 50
_HARMONICS: Final = 20
_MOST_DB: Final = 300
_HARD_RATE: Final = 16_000
_HARD_GAINS: Final = (1, 0.1, 1, 0.13, 0.8, 0.09)
_HARD_PAUSE_S: Final = (0.9, 1.6)
_BREATHS: Final = (2600, 2000, 1500)
_FAN: Final = 160
"""Means of |sample|: the soft voice has some 200 to 300."""


def _pink(count: int, rate: int, rng: np.random.Generator) -> Waveform:
    """Return noise whose power falls by 3 dB an octave, from 20 Hz on."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / rate)
    shaped: Waveform = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, _LOWEST_PINK_HZ)), count)
    return shaped


def _hum(count: int, rate: int, rng: np.random.Generator) -> Waveform:
    """Return the hum of the mains: 50 Hz and its harmonics, each weaker than the one before."""
    time = np.arange(count) / rate
    harmonics = [k for k in range(1, _HARMONICS + 1) if k * _MAINS_HZ < rate / 2]
    phases = rng.uniform(0, 2 * np.pi, len(harmonics))
    waves = [np.sin(2 * np.pi * _MAINS_HZ * k * time + phase) / k for k, phase in zip(harmonics, phases, strict=True)]
    return np.asarray(np.sum(waves, axis=0), dtype=np.float64)


def _babble(count: int, rate: int, rng: np.random.Generator) -> Waveform:
    """Return several voices that speak without end."""
    total = np.zeros(count)
    sentences = _sentences(rate)
    for _ in range(_BABBLE_VOICES):
        speed = rng.uniform(*_BABBLE_SPEEDS)
        spoken: list[Waveform] = []
        while sum(map(len, spoken)) < (count + rate) * speed:
            spoken.append(sentences[int(rng.integers(len(sentences)))])
        voice = np.concatenate(spoken)
        begin = rng.uniform(0, rate)
        total += np.interp(begin + np.arange(count) * speed, np.arange(len(voice)), voice)
    return total


NOISES: Final[Mapping[str, Callable[[int, int, np.random.Generator], Waveform]]] = {
    "white": lambda count, _rate, rng: rng.standard_normal(count),
    "pink": _pink,
    "babble": _babble,
    "hum": _hum,
}


def _sentences(rate: int) -> list[Waveform]:
    """Return every sentence of the sample, without the silence around it."""
    recording, info = Recording.sample(), samples.info()
    return [
        recording.slice(sentence.start, sentence.end).to_rate(rate).samples.astype(np.float64)
        for sentence in info.sentences
    ]


@checked
def speech(duration_s: float = 60.0, *, rate: int = 16_000, seed: int = 0) -> tuple[Recording, Segments]:
    """Return sentences in random order with 0.3 to 2 s of silence between them, and where they are.

    It is an `InputError` if it is too short for a sentence.

    Parameters
    ----------
    duration_s
        Length of the audio in seconds, at least 5.
    rate
        Samples per second.
    seed
        Draws the order and the pauses.
    """
    if not 5 <= duration_s <= 36_000:
        raise InputError(f"duration_s is {duration_s}: give from 5 s to 10 h.")
    rng = np.random.default_rng(check_seed("seed", seed))
    sentences = _sentences(rate)
    audio = np.zeros(round(duration_s * rate))
    spans = []
    now = round(rng.uniform(*_GAP_S) * rate)
    while True:
        sentence = sentences[int(rng.integers(len(sentences)))]
        if now + len(sentence) > len(audio):
            break
        audio[now : now + len(sentence)] = sentence
        spans.append((now / rate, (now + len(sentence)) / rate))
        now += len(sentence) + round(rng.uniform(*_GAP_S) * rate)
    return Recording(np.round(audio).astype(np.int16), rate), Segments(spans)


@checked
def hard_sample(seed: int = 0) -> tuple[Recording, Segments]:
    """Return sentences by somebody loud and somebody soft, with breaths and a fan, and where the sentences are.

    About 24 s at 16 kHz. The breaths are louder than the soft voice: no threshold of loudness tells them apart.

    Parameters
    ----------
    seed
        Draws breaths, fan and pauses.
    """
    rng = np.random.default_rng(check_seed("seed", seed))
    sentences = _sentences(_HARD_RATE)
    parts, spans = [np.zeros(round(_HARD_PAUSE_S[0] * _HARD_RATE))], []
    for number, gain in enumerate(_HARD_GAINS):
        if number < len(_BREATHS):
            parts += [_breath(_BREATHS[number], rng), np.zeros(_HARD_RATE // 2)]
        start = sum(map(len, parts))
        sentence = gain * sentences[number % len(sentences)]
        spans.append((start / _HARD_RATE, (start + len(sentence)) / _HARD_RATE))
        parts += [sentence, np.zeros(round(rng.uniform(*_HARD_PAUSE_S) * _HARD_RATE))]
    audio = np.concatenate(parts)
    fan = _pink(len(audio), _HARD_RATE, rng)
    audio += fan * (_FAN / np.abs(fan).mean())
    return Recording(np.round(audio).clip(-_PEAK, _PEAK).astype(np.int16), _HARD_RATE), Segments(spans)


def _breath(loudness: float, rng: np.random.Generator) -> Waveform:
    """Return 0.7 s of noise around 1.5 kHz that swells and dies away; ``loudness`` is its mean at its height."""
    count = round(0.7 * _HARD_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.exp(-(((np.fft.rfftfreq(count, 1 / _HARD_RATE) - 1500) / 900) ** 2))
    air = np.fft.irfft(spectrum, count)
    swelling: Waveform = air * (loudness / np.abs(air).mean()) * np.sin(np.pi * np.arange(count) / count)
    return swelling


@checked
def mix(recording: Recording, truth: Segments, noise: str | Recording, snr_db: float, *, seed: int = 0) -> Recording:
    """Return speech in noise.

    It is an `InputError` if there is no such noise, or the noise or the speech is silent.

    Parameters
    ----------
    recording
        Speech, with little else.
    truth
        Where it is: the signal's power is measured there, the noise's everywhere.
    noise
        ``"white"``, ``"pink"``, ``"babble"``, ``"hum"``, or a recording, which is repeated as often as needed.
    snr_db
        Signal-to-noise ratio in dB; ``math.inf`` adds none.
    seed
        Draws the noise.

    Returns
    -------
    Recording
        The sum, turned down as a whole if it would clip.
    """
    if snr_db == math.inf:
        return recording
    if not abs(snr_db) <= _MOST_DB:  # nor is NaN
        raise InputError(f"snr_db is {snr_db}: give decibels up to {_MOST_DB}, or math.inf for no noise.")
    signal = recording.samples.astype(np.float64)
    marked = np.zeros(len(signal), dtype=np.bool_)
    for segment in truth.check(recording.duration, what="region of the truth"):
        marked[round(segment.start * recording.rate) : round(segment.end * recording.rate)] = True
    signal_power = float(np.mean(signal[marked] ** 2)) if marked.any() else 0.0
    added = _noise(noise, len(signal), recording.rate, seed)
    noise_power = float(np.mean(added**2))
    if not signal_power or not noise_power:
        silent = "speech (where the truth marks it)" if not signal_power else "noise"
        raise InputError(f"The {silent} is silent, so there is no ratio: give audio that can be heard.")
    total = signal + added * math.sqrt(signal_power / noise_power / 10 ** (snr_db / 10))
    total *= min(1.0, _PEAK / float(np.abs(total).max()))
    return Recording(np.round(total).astype(np.int16), recording.rate)


def _noise(noise: str | Recording, count: int, rate: int, seed: int) -> Waveform:
    if isinstance(noise, Recording):
        return np.resize(noise.to_rate(rate).samples, count).astype(np.float64)
    if noise not in NOISES:
        raise InputError(f"There is no noise {noise!r}: choose from {', '.join(NOISES)}, or give a recording.")
    # A stream of its own for each noise: the same whichever others are made.
    return NOISES[noise](count, rate, np.random.default_rng([check_seed("seed", seed), list(NOISES).index(noise)]))


@dataclass(frozen=True, slots=True, eq=False)
class NoisyRecording:
    """Speech in noise: the audio, where speech is, which noise it is in, and how loud the speech is above it."""

    recording: Recording
    truth: Segments
    noise: str
    snr_db: float


class NoiseScores(Table):
    """One row a noise and SNR, with all metrics of a detector.

    Parameters
    ----------
    rows
        Noisy recordings and how a detector did.
    """

    def __init__(self, rows: Sequence[tuple[NoisyRecording, Evaluation]]) -> None:
        self.rows = tuple(rows)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns ``noise``, ``snr_db`` and the metrics."""
        metrics = {name: np.array([getattr(made, name) for _, made in self.rows], dtype=np.float64) for name in METRICS}
        return {
            "noise": [noisy.noise for noisy, _ in self.rows],
            "snr_db": np.array([noisy.snr_db for noisy, _ in self.rows], dtype=np.float64),
            **metrics,
        }

    def plot(self, metric: str = "f1") -> Any:  # noqa: ANN401 - untyped plotly
        """Return a Plotly figure of a metric over the SNR, one line a noise."""
        from ipyspeaches.vad.figures import plot_noise

        return plot_noise(self, metric)


class NoiseBench(Sequence[NoisyRecording]):
    """The same speech in several noises, each at several levels."""

    def __init__(self, recordings: Sequence[NoisyRecording]) -> None:
        self._recordings = tuple(recordings)

    def __len__(self) -> int:
        return len(self._recordings)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - an index or a slice
        return self._recordings[index]

    def evaluate(self, vad: Detector, collar: float = 0.0) -> NoiseScores:
        """Return how a detector does in each noise, at each level."""
        return NoiseScores(
            [
                (noisy, evaluate(vad.segment(noisy.recording), noisy.truth, collar, noisy.recording.duration))
                for noisy in self._recordings
            ]
        )

    def __repr__(self) -> str:
        noises = sorted({noisy.noise for noisy in self._recordings})
        levels = sorted({noisy.snr_db for noisy in self._recordings})
        shown = f"from {levels[0]:g} to {levels[-1]:g} dB" if levels else "none"
        return f"NoiseBench({len(self)} recordings: {', '.join(noises)}; {shown})"


@checked
def noise_bench(
    noises: Sequence[str] = tuple(NOISES),
    snr_db: Sequence[float] = (20, 10, 5, 0, -5),
    *,
    duration_s: float = 60.0,
    rate: int = 16_000,
    seed: int = 0,
) -> NoiseBench:
    """Return speech in every one of these noises, at every one of these levels, with its exact truth.

    It is an `InputError` if there is no such noise, no level, or not enough time for a sentence.

    Parameters
    ----------
    noises
        Of ``"white"``, ``"pink"``, ``"babble"``, ``"hum"``.
    snr_db
        Signal-to-noise ratios in dB; the noise is the same at all of them but for its level.
    duration_s
        Length of each recording in seconds.
    rate
        Samples per second.
    seed
        Draws speech and noise.
    """
    if not len(noises) or not len(snr_db):
        raise InputError("There is nothing to mix: give at least one noise and one SNR.")
    clean, truth = speech(duration_s, rate=rate, seed=seed)
    return NoiseBench(
        [
            NoisyRecording(mix(clean, truth, n, level, seed=seed), truth, n, float(level))
            for n in noises
            for level in snr_db
        ]
    )
