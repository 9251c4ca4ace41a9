"""What a recognition engine is to this server, and the table of the engines there are.

An engine lives in a worker process (`worker.py`) and is asked for whole utterances; one that can also follow speech
while it is spoken hands out `LiveDecoder` objects. It hears 16 kHz mono int16, and only stretches that hold speech.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.words import Word

ENGINE_RATE_HZ: Final = 16_000


@dataclass(frozen=True, slots=True)
class Recognition:
    """What an engine heard: its text (a leading space where words are spaced), words and language.

    The times of the words count from the first sample that it was given.
    """

    text: str
    words: tuple[Word, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What an engine is told besides the language; PocketSphinx, which knows one language and no context, needs none.

    Parameters
    ----------
    task
        ``"transcribe"``, or ``"translate"`` into English.
    prompt
        Text that could have come before.
    hotwords
        Words to listen for.
    temperature
        0 to 1; None lets the engine try several, from 0 up.
    without_timestamps
        Whether to save the time for the times of segments.
    """

    task: str = "transcribe"
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None
    without_timestamps: bool = False


NO_ADVICE: Final = Advice()


class LiveDecoder(Protocol):
    """Follows one utterance while it is spoken."""

    def feed(self, samples: NDArray[np.int16]) -> list[Word]:
        """Take more of the utterance and return the words of the present hypothesis."""

    def close(self) -> None:
        """Give the decoder back; it is not used again by this owner."""


class Engine(Protocol):
    """A recogniser of whole utterances."""

    def recognise(self, samples: NDArray[np.int16], language: str | None, advice: Advice = NO_ADVICE) -> Recognition:
        """Return the text of an utterance (int16, 16 kHz, shape ``(n,)``)."""

    def live(self) -> LiveDecoder | None:
        """Return a decoder for an utterance that begins now, or None if all are taken or there are none."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine by name, and what is known about it without loading it.

    Parameters
    ----------
    name
        ``"pocketsphinx"`` or ``"faster-whisper"``.
    model
        Id under which the server lists the model.
    languages
        ISO 639-1 codes it understands; empty for "any".
    owner
        Who made the model.
    live_text
        Whether it can follow speech while it is spoken.
    requires
        Module, package and extra of ipyspeaches that it comes with.
    max_workers
        Processes that may run it side by side; None for one a core, up to four.
    """

    name: str
    model: str
    languages: tuple[str, ...]
    owner: str
    live_text: bool
    requires: tuple[str, str, str]
    max_workers: int | None = None

    def understands(self, language: str | None) -> bool:
        """Whether a language code such as ``en`` or ``en-GB`` (or none) can be transcribed."""
        if not language or not self.languages:
            return True
        return language.replace("_", "-").split("-")[0].lower() in self.languages


POCKETSPHINX: Final = EngineSpec(
    "pocketsphinx",
    "pocketsphinx/en-us",
    ("en",),
    "cmusphinx",
    live_text=True,
    requires=("pocketsphinx", "pocketsphinx", "local"),
)
DEFAULT_WHISPER_MODEL: Final = "Systran/faster-whisper-small"
ENGINE_NAMES: Final = ("pocketsphinx", "faster-whisper")


def engine_spec(name: str, model: str | None = None) -> EngineSpec:
    """Return the description of an engine.

    Parameters
    ----------
    name
        One of `ENGINE_NAMES`.
    model
        Model id for ``faster-whisper``; PocketSphinx has only the one in its wheel.

    Raises
    ------
    InputError
        If there is no such engine, or it cannot load that model.
    """
    if name == "pocketsphinx":
        if model not in (None, POCKETSPHINX.model):
            raise InputError(
                f"The pocketsphinx engine has one model, {POCKETSPHINX.model}, not {model}: leave the model out, "
                "or use the faster-whisper engine."
            )
        return POCKETSPHINX
    if name == "faster-whisper":
        chosen = model or DEFAULT_WHISPER_MODEL
        owner = chosen.split("/")[0]
        return EngineSpec(
            name,
            chosen,
            _whisper_languages(chosen),
            owner,
            live_text=False,
            requires=("faster_whisper", "faster-whisper", "whisper"),
            max_workers=1,
        )
    raise InputError(f"There is no engine {name!r}: choose one of {', '.join(ENGINE_NAMES)}.")


def _whisper_languages(model: str) -> tuple[str, ...]:
    # By the naming rule of Whisper's authors, models whose name ends in ".en" know English only.
    return ("en",) if model.endswith(".en") else ()


def load_engine(spec: EngineSpec) -> Engine:
    """Load an engine with its model; takes from half a second up to a download.

    Raises
    ------
    MissingExtraError
        If its package is not installed.
    """
    loaders: dict[str, Callable[[EngineSpec], Engine]] = {
        "pocketsphinx": _load_pocketsphinx,
        "faster-whisper": _load_whisper,
    }
    return loaders[spec.name](spec)


def _load_pocketsphinx(spec: EngineSpec) -> Engine:
    del spec
    from ipyspeaches.local.pocketsphinx_engine import PocketSphinxEngine

    return PocketSphinxEngine()


def _load_whisper(spec: EngineSpec) -> Engine:
    from ipyspeaches.local.whisper_engine import WhisperEngine

    return WhisperEngine(spec.model)
