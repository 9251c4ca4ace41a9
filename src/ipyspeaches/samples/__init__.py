"""Recordings that come with the package, and what is said in them (see README.md here for their making)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import msgspec

from ipyspeaches.checks import checked
from ipyspeaches.errors import InputError

__all__ = ["Sample", "Sentence", "info", "names", "path"]


class Sentence(msgspec.Struct, frozen=True):
    """A sentence and where it is spoken, in seconds."""

    start: float
    end: float
    text: str


class Sample(msgspec.Struct, frozen=True):
    """What is known about a recording: its text to the letter, its sentences to the sample, and where it is from."""

    text: str
    sentences: tuple[Sentence, ...]
    language: str
    rate: int
    duration: float
    tool: str
    version: str
    voice: str
    licence: str


def names() -> list[str]:
    """Return the names of all samples."""
    return sorted(Path(entry.name).stem for entry in files(__name__).iterdir() if entry.name.endswith(".flac"))


@checked
def path(name: str) -> Path:
    """Return the audio file of a sample; an `InputError` if there is none of this name."""
    if name not in names():
        raise InputError(f"There is no sample {name!r}: choose one of {', '.join(names())}.")
    return Path(__file__).parent / f"{name}.flac"


def info(name: str = "quickstart") -> Sample:
    """Return what is said in a sample, and where; an `InputError` if there is none of this name."""
    return msgspec.json.decode(path(name).with_suffix(".json").read_bytes(), type=Sample)
