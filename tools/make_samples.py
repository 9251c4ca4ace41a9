"""Make the recordings in src/ipyspeaches/samples again.

The English one needs Flite (https://cmuflite.org; Debian and Ubuntu: ``apt install flite``), the Mandarin one is made
of recordings in tests/data/speech. Run from the repository: ``python tools/make_samples.py [NAME]``. Sentences are
placed one by one with silence between them, so that where each begins and ends is known.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from ipyspeaches.samples import Sample, Sentence
from ipyspeaches.words import join_text

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "src/ipyspeaches/samples"
RECORDED = ROOT / "tests/data/speech/zh"
RATE_HZ = 16_000
# Of Flite's voices and espeak-ng, PocketSphinx understands rms best.
VOICE = "rms"
LEAD_S, PAUSE_S, TAIL_S = 0.6, 1.2, 1.0
PEAK = 16_000
# A room is never silent: without a floor, levels and energies would be those of no microphone (-70 dBFS).
NOISE_RMS = 10
EDGE = 0.01
"""A sentence begins and ends where it passes this part of its peak (-40 dB), as annotators hear it."""
SENTENCES = (
    "Good morning everyone.",
    "This is a short test of speech recognition.",
    "Every word appears on the screen.",
    "Now it is your turn to speak.",
)
RECORDINGS = {
    "aishell-BAC009S0724W0121.wav": "广州市房地产中介协会分析。",
    "aishell-BAC009S0764W0122.flac": "一二线城市虽然也处于调整中，",
    "aishell-BAC009S0764W0121.flac": "甚至出现交易几乎停滞的情况。",
}
AIR, AIR_EDGE = 0.2, 0.1
"""At least this part of a recording is the noise of a room; speech passes that by this part of the loudest level."""
LEVEL_S, MARGIN_S, FADE_S = 0.05, 0.2, 0.1
RECORDED_PEAK, RECORDED_GRAIN = 8_000, 4
"""Steps far below the noise of the room are not heard, and FLAC leaves them out."""

Spoken = tuple[str, NDArray[np.float64], float]
"""A sentence, its sound as int16 counts, shape ``(n,)``, and how many seconds of air there are at either end."""


def speak(text: str) -> Spoken:
    """Return a sentence as Flite speaks it, without the silence around it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sentence.wav"
        subprocess.run(["flite", "-voice", VOICE, "-t", text, "-o", str(file)], check=True)  # noqa: S603, S607
        samples, rate = soundfile.read(file)
    if rate != RATE_HZ:
        raise SystemExit(f"flite's voice {VOICE} speaks at {rate} Hz here: {RATE_HZ} Hz were expected.")
    magnitude = np.abs(samples)
    loud = np.flatnonzero(magnitude > EDGE * magnitude.max())
    return text, samples[loud[0] : loud[-1] + 1] * (PEAK / magnitude.max()), 0.0


def cut(file: Path, text: str) -> Spoken:
    """Return a recorded sentence with a little of the air around it, faded in and out."""
    samples, rate = soundfile.read(file)
    if rate != RATE_HZ:
        raise SystemExit(f"{file} has {rate} Hz: {RATE_HZ} Hz were expected.")
    width, margin = round(LEVEL_S * RATE_HZ), round(MARGIN_S * RATE_HZ)
    level = np.sqrt(np.convolve(samples**2, np.full(width, 1 / width), "same"))
    loud = np.flatnonzero(level > np.quantile(level, AIR) + AIR_EDGE * level.max())
    speech = samples[loud[0] - margin : loud[-1] + 1 + margin] * (RECORDED_PEAK / np.abs(samples).max())
    fade = np.linspace(0, 1, round(FADE_S * RATE_HZ))
    speech[: len(fade)] *= fade
    speech[-len(fade) :] *= fade[::-1]
    return text, speech, MARGIN_S


def flite_version() -> str:
    """Return Flite's version."""
    told = subprocess.run(["flite", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = re.search(r"flite-(\d[\w.]*)", told)
    return found[1] if found else "unknown"


def make(name: str, spoken: Sequence[Spoken], grain: int = 1, **known: str) -> None:
    """Write the FLAC file and the JSON file of a sample, in steps of ``grain``; ``known`` is what else it says."""
    pieces = [np.zeros(round(LEAD_S * RATE_HZ))]
    sentences = []
    position = len(pieces[0])
    for number, (text, speech, air_s) in enumerate(spoken, 1):
        pause = np.zeros(round(((TAIL_S if number == len(spoken) else PAUSE_S) - air_s) * RATE_HZ))
        end = position + len(speech)
        sentences.append(Sentence(round(position / RATE_HZ + air_s, 7), round(end / RATE_HZ - air_s, 7), text))
        pieces += [speech, pause]
        position += len(speech) + len(pause)
    noise = np.random.default_rng(0).normal(0, NOISE_RMS, position)
    sound = (grain * np.rint((np.concatenate(pieces) + noise) / grain)).astype(np.int16)
    soundfile.write(FOLDER / f"{name}.flac", sound, RATE_HZ, subtype="PCM_16")
    said = join_text(text for text, _, _ in spoken)
    sample = Sample(said, tuple(sentences), rate=RATE_HZ, duration=position / RATE_HZ, **known)
    written = msgspec.json.format(msgspec.json.encode(sample), indent=2)
    (FOLDER / f"{name}.json").write_bytes(written + b"\n")


def make_quickstart() -> None:
    """Make the English sample."""
    make(
        "quickstart",
        [speak(text) for text in SENTENCES],
        language="en",
        tool="Flite (Carnegie Mellon University)",
        version=flite_version(),
        voice=f"{VOICE} (cmu_us_{VOICE})",
        licence="MIT, as the package; Flite and its voice are free to use for any purpose (CMU, BSD-like)",
    )


def make_mandarin() -> None:
    """Make the Mandarin sample."""
    make(
        "mandarin",
        [cut(RECORDED / file, text) for file, text in RECORDINGS.items()],
        RECORDED_GRAIN,
        language="zh-CN",
        tool="AISHELL-1 (Beijing Shell Shell Technology)",
        version="1",
        voice="speakers S0724 and S0764",
        licence="Apache 2.0; cut, made louder and put one after the other",
    )


if __name__ == "__main__":
    for one in sys.argv[1:] or ("quickstart", "mandarin"):
        {"quickstart": make_quickstart, "mandarin": make_mandarin}[one]()
