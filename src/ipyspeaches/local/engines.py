"""What a recognition engine is to this server, and which engines there are.

An engine lives in a worker process and is asked for whole utterances; one that can also follow speech while it is
spoken lends out live decoders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError
from ipyspeaches.words import Word

ENGINE_RATE_HZ: Final = 16_000
SILERO_MODEL: Final = "silero_vad_v6"
"""Id of the other model that this server lists: it finds speech."""
ENGINE_NAMES: Final = ("pocketsphinx", "faster-whisper")
DEFAULT_WHISPER_MODEL: Final = "Systran/faster-whisper-small"


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """What an engine is told about an utterance; PocketSphinx, which knows one language and no context, ignores it.

    Parameters
    ----------
    language
        ISO 639-1 code, perhaps with a region; None for one that nobody has named.
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

    language: str | None = None
    task: str = "transcribe"
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None
    without_timestamps: bool = False

    @property
    def language_code(self) -> str | None:
        """The language without its region, in lower case."""
        return self.language.replace("_", "-").split("-")[0].lower() if self.language else None


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What an engine made of an utterance: text (a leading space where words are spaced), words and language.

    The times of the words count from the first sample that it was given.
    """

    text: str
    words: tuple[Word, ...]
    language: str


class LiveDecoder(Protocol):
    """Follows one utterance while it is spoken."""

    def follow(self, samples: NDArray[np.int16]) -> list[Word]:
        """Decode more of the utterance (int16, 16 kHz) and return the words of the present hypothesis."""

    def close(self) -> None:
        """Give the decoder back; it is not used again by this owner."""


class RecognitionEngine(Protocol):
    """A recogniser of whole utterances."""

    def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        """Return the text of an utterance (int16, 16 kHz, shape ``(n,)``) that holds speech."""

    def live(self) -> LiveDecoder | None:
        """Return a decoder for an utterance that begins now, or None if all are in use or there are none."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine by name, and what is known about it without loading it.

    Parameters
    ----------
    name
        One of `ENGINE_NAMES`.
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

    def language_problem(self, options: DecodingOptions) -> str | None:
        """Return why the language cannot be transcribed, or None if it can."""
        if options.language_code is None or not self.languages or options.language_code in self.languages:
            return None
        return (
            f"Model '{self.model}' does not understand the language '{options.language}', only "
            f"{', '.join(self.languages)}: leave the language out, or use a Speaches server with a Whisper model."
        )


POCKETSPHINX: Final = EngineSpec(
    "pocketsphinx",
    "pocketsphinx/en-us",
    ("en",),
    "cmusphinx",
    live_text=True,
    requires=("pocketsphinx", "pocketsphinx", "local"),
)


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
        return EngineSpec(
            name,
            chosen,
            # By the naming rule of Whisper's authors, models whose name ends in ".en" know English only.
            ("en",) if chosen.endswith(".en") else (),
            chosen.split("/")[0],
            live_text=False,
            requires=("faster_whisper", "faster-whisper", "whisper"),
            max_workers=1,
        )
    raise InputError(f"There is no engine {name!r}: choose one of {', '.join(ENGINE_NAMES)}.")


def model_missing_text(model: str) -> str:
    """Return what a Speaches server says about a model that it does not have."""
    return f"Model '{model}' is not installed locally. You can download the model using `POST /v1/models`"
