"""Recordings of people, with what they say. They are not part of the repository: tests skip where they are missing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ipyspeaches.audio import Resampler

FOLDER = Path(os.environ.get("IPYSPEACHES_TEST_SPEECH") or Path(__file__).parents[3] / "shared" / "audio")
REASON = "the recordings of people are not here (name their folder in IPYSPEACHES_TEST_SPEECH)"


@dataclass(frozen=True)
class Spoken:
    """A recording, int16 mono at 24 kHz, and its text."""

    name: str
    samples: NDArray[np.int16]
    text: str
    path: Path


def recordings() -> list[Spoken]:
    """Return all recordings whose text is known, in order of their names; skips the test if there are none."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    readme = FOLDER / "README.md"
    if readme.exists():
        rows = re.findall(
            r"^\| (\S+)\.flac .*?\| ([A-Z' ]+) \|", readme.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        texts.update(rows)
    paths = [path for path in sorted(FOLDER.glob("*.*")) if path.suffix in (".wav", ".flac") and path.stem in texts]
    if not paths:
        pytest.skip(REASON)
    return [Spoken(path.stem, load(path), texts[path.stem], path) for path in paths]


def load(path: Path) -> NDArray[np.int16]:
    """Return a sound file as int16 mono at 24 kHz."""
    samples, rate = soundfile.read(path, dtype="int16")
    return Resampler(rate).push(samples, last=True)


def words(text: str) -> str:
    """Return a text as word error rates compare it: small letters, no punctuation."""
    return " ".join(re.sub(r"[^a-z' ]", " ", text.lower()).split())
