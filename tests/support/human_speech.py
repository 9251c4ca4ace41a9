"""Recordings of people, with what they say: `tests/data/speech`, whose README names their sources and licences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ipyspeaches.audio.clock import Resampler

FOLDER = Path(__file__).parents[1] / "data" / "speech"


@dataclass(frozen=True)
class Spoken:
    """A recording, int16 mono at 24 kHz, and its text."""

    name: str
    samples: NDArray[np.int16]
    text: str
    path: Path


def recordings(language: str = "en") -> list[Spoken]:
    """Return all recordings in a language, in order of their names."""
    paths = sorted(path for path in (FOLDER / language).iterdir() if path.suffix in {".wav", ".flac"})
    return [
        Spoken(path.stem, load(path), path.with_suffix(".txt").read_text(encoding="utf-8").strip(), path)
        for path in paths
    ]


def load(path: Path) -> NDArray[np.int16]:
    """Return a sound file as int16 mono at 24 kHz."""
    samples, rate = soundfile.read(path, dtype="int16")
    return Resampler(rate).resample(samples, last=True)


def words(text: str) -> str:
    """Return a text as word error rates compare it: small letters, no punctuation."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower()).split())
