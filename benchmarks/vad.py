"""Tuning a detector on one hour of speech: scores, a re-cut after a threshold has moved, and a sweep with metrics.

Beside each figure stands what else one would do: the loop of a tutorial, or silero-vad's own post-processing (told
again in `silero_rules`, as it cannot be imported without torch). All is counted in CPU time of one core, the median of
the rounds. The hour is made of the package's own sentences in pink noise at 20 dB; Silero hears the first part of it,
and its scores are repeated, each time a little changed.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ipyspeaches import EnergyVad, Recording, Segments, SileroVad, mix, sweep
from ipyspeaches.vad.detectors import Detector
from ipyspeaches.vad.noise import speech
from ipyspeaches.vad.scores import Scores
from rows import Row, arguments, judged, progress, report
from silero_rules import padded, speech_stretches

HOUR_S = 3600
RATE_HZ = 16_000
BUDGET_SCORES_MS = 60.0
BUDGET_RECUT_MS = 2.0
BUDGET_SWEEP_S = 1.0
SETTINGS = 1_000
GRID = {
    "threshold": np.linspace(0.1, 0.9, 25),
    "min_silence_duration_ms": [100, 250, 400, 550, 800],
    "min_speech_duration_ms": [0, 250],
    "speech_pad_ms": [0, 30, 60, 100],
}


def cpu_s(work: Callable[[], object], rounds: int) -> float:
    """Return the CPU seconds of a piece of work, the median of the rounds after a first one to warm up."""
    work()
    spent = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return statistics.median(spent)


def hour() -> tuple[Recording, Segments]:
    """Return an hour of speech in noise, and where it is: ten minutes, six times."""
    part_s = 600
    clean, truth = speech(part_s, rate=RATE_HZ, seed=1)
    noisy = mix(clean, truth, "pink", 20, seed=1)
    offsets = np.repeat(np.arange(HOUR_S // part_s) * part_s, len(truth))
    times = HOUR_S // part_s
    whole = Segments.from_arrays(np.tile(truth.start, times) + offsets, np.tile(truth.end, times) + offsets)
    return Recording(np.tile(noisy.samples, times), RATE_HZ), whole


def silero_scores(recording: Recording, heard_s: int) -> tuple[Scores, SileroVad]:
    """Return Silero's scores of an hour, made from those of its first part, and the detector."""
    vad = SileroVad()
    part = vad.score(recording.slice(0, heard_s))
    frames = math.ceil(HOUR_S * RATE_HZ / part.hop)
    value = np.resize(part.value, frames)
    noise = np.random.default_rng(1).normal(0, 0.01, frames)
    return Scores(np.clip(value + noise, 0, 1).astype(np.float32), part.hop, RATE_HZ, HOUR_S * RATE_HZ), vad


def tutorial_energies(samples: NDArray[np.int16], hop: int) -> list[float]:
    """Return the mean absolute value of each frame, as tutorials compute it."""
    energies = []
    for begin in range(0, len(samples) - hop + 1, hop):
        frame = samples[begin : begin + hop]
        energies.append(float(np.abs(frame).mean()))
    return energies


def tutorial_evaluation(scores: Scores, labels: NDArray[np.bool_], vad: Detector) -> float:
    """Return the F1 of one setting: silero-vad's post-processing, then frames counted with numpy."""
    options = vad.options
    stretches = speech_stretches(scores.value.tolist(), options, scores.length, scores.hop, scores.rate)
    found = np.zeros(len(labels), dtype=np.bool_)
    for start, end in padded(stretches, options.speech_pad_ms * scores.rate / 1000, scores.length):
        found[start // scores.hop : end // scores.hop] = True
    hits = int((found & labels).sum())
    return 2 * hits / max(1, int(found.sum()) + int(labels.sum()))


def scoring(recording: Recording, rounds: int) -> Iterator[Row]:
    """Yield the rows about energy scores."""
    progress("energy scores of one hour …")
    vad = EnergyVad()
    ours = cpu_s(lambda: vad.score(recording), rounds) * 1000
    loop = cpu_s(lambda: tutorial_energies(recording.samples, 320), 1) * 1000
    reading = cpu_s(lambda: recording.samples.max(), rounds) * 1000
    yield judged("energy scores of one hour at 16 kHz", ours, "ms", budget=BUDGET_SCORES_MS)
    yield judged("… against the loop of a tutorial", ours, "ms", anchor=loop, budget=None)
    yield judged("… against reading the samples once", ours, "ms", anchor=reading, budget=None)


def recutting(name: str, scores: Scores, vad: Detector, thresholds: NDArray[np.float64], rounds: int) -> Iterator[Row]:
    """Yield the rows about a threshold that is dragged."""
    progress(f"re-cut of one hour, {name} …")
    moved = [replace(vad, threshold=float(threshold)) for threshold in thresholds]
    spent = [cpu_s(lambda one=one: one.segment(scores), rounds) * 1000 for one in moved]  # type: ignore[misc]
    options = vad.options
    theirs = cpu_s(
        lambda: padded(
            speech_stretches(scores.value.tolist(), options, scores.length, scores.hop, scores.rate),
            options.speech_pad_ms * scores.rate / 1000,
            scores.length,
        ),
        1,
    )
    title = f"re-cut of one hour after a threshold move, {name}"
    yield judged(title, statistics.median(spent), "ms", budget=BUDGET_RECUT_MS)
    yield judged(f"{title}, slowest of {len(spent)} places", max(spent), "ms", budget=None)
    yield judged(
        f"{title}, against silero-vad's rules as loops",
        statistics.median(spent),
        "ms",
        anchor=theirs * 1000,
        budget=None,
    )


def sweeping(scores: Scores, truth: Segments, vad: SileroVad, rounds: int) -> Iterator[Row]:
    """Yield the rows about a sweep."""
    progress(f"sweep of {SETTINGS} settings over one hour …")
    result = sweep(scores, truth, vad, collar=0.1, **GRID)  # type: ignore[arg-type]
    assert len(result) == SETTINGS
    ours = cpu_s(lambda: sweep(scores, truth, vad, collar=0.1, **GRID), rounds)  # type: ignore[arg-type]
    labels = np.zeros(len(scores.value), dtype=np.bool_)
    for segment in truth:
        labels[int(segment.start / scores.hop_s) : int(segment.end / scores.hop_s)] = True
    tried = [row.vad for row in result.rows[:: SETTINGS // 4]]
    loop = cpu_s(lambda: [tutorial_evaluation(scores, labels, one) for one in tried], 1) * SETTINGS / len(tried)
    yield judged("sweep of 1,000 settings over one hour, metrics included", ours, "s", budget=BUDGET_SWEEP_S)
    yield judged("… against the loop of a tutorial (4 settings timed)", ours, "s", anchor=loop, budget=None)


def measure(*, quick: bool) -> Iterator[Row]:
    """Yield all rows."""
    rounds = 3 if quick else 15
    recording, truth = hour()
    yield from scoring(recording, rounds)
    scores, vad = silero_scores(recording, 60 if quick else 600)
    yield from recutting("Silero", scores, vad, np.linspace(0.2, 0.9, 15), rounds)
    yield from recutting("energy", EnergyVad().score(recording), EnergyVad(), np.geomspace(100, 4_000, 15), rounds)
    yield from sweeping(scores, truth, vad, 3 if quick else 7)


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__ or "")
    return report(measure(quick=options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
