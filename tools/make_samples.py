"""Synthesise the recordings in src/ipyspeaches/samples again.

Needs Flite (https://cmuflite.org; Debian and Ubuntu: ``apt install flite``). Run from the repository:
``python tools/make_samples.py``. Sentences are spoken one by one and placed with silence between them, so that where
each begins and ends is known to the sample.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from ipyspeaches.samples import Sample, Sentence

FOLDER = Path(__file__).parents[1] / "src/ipyspeaches/samples"
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


def speak(text: str) -> NDArray[np.float64]:
    """Return a sentence without the silence around it, scaled to `PEAK`, shape ``(n,)``."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sentence.wav"
        subprocess.run(["flite", "-voice", VOICE, "-t", text, "-o", str(file)], check=True)  # noqa: S603, S607
        samples, rate = soundfile.read(file)
    if rate != RATE_HZ:
        raise SystemExit(f"flite's voice {VOICE} speaks at {rate} Hz here: {RATE_HZ} Hz were expected.")
    magnitude = np.abs(samples)
    loud = np.flatnonzero(magnitude > EDGE * magnitude.max())
    speech: NDArray[np.float64] = samples[loud[0] : loud[-1] + 1] * (PEAK / magnitude.max())
    return speech


def flite_version() -> str:
    """Return Flite's version."""
    told = subprocess.run(["flite", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    found = re.search(r"flite-(\d[\w.]*)", told)
    return found[1] if found else "unknown"


def make(name: str, texts: tuple[str, ...]) -> None:
    """Write the FLAC file and the JSON file of a sample."""
    pieces = [np.zeros(round(LEAD_S * RATE_HZ))]
    sentences = []
    position = len(pieces[0])
    for text in texts:
        speech = speak(text)
        pause = np.zeros(round((TAIL_S if text == texts[-1] else PAUSE_S) * RATE_HZ))
        sentences.append(Sentence(position / RATE_HZ, (position + len(speech)) / RATE_HZ, text))
        pieces += [speech, pause]
        position += len(speech) + len(pause)
    noise = np.random.default_rng(0).normal(0, NOISE_RMS, position)
    sound = np.rint(np.concatenate(pieces) + noise).astype(np.int16)
    soundfile.write(FOLDER / f"{name}.flac", sound, RATE_HZ, subtype="PCM_16")
    sample = Sample(
        text=" ".join(texts),
        sentences=tuple(sentences),
        language="en",
        rate=RATE_HZ,
        duration=position / RATE_HZ,
        tool="Flite (Carnegie Mellon University)",
        version=flite_version(),
        voice=f"{VOICE} (cmu_us_{VOICE})",
        licence="MIT, as the package; Flite and its voice are free to use for any purpose (CMU, BSD-like)",
    )
    written = msgspec.json.format(msgspec.json.encode(sample), indent=2)
    (FOLDER / f"{name}.json").write_bytes(written + b"\n")


if __name__ == "__main__":
    make("quickstart", SENTENCES)
