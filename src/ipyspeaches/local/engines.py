"""What a recognition engine is to this server, and the two that there are.

Whisper (in `whisper`) is what people should hear. PocketSphinx, with the US English model of its own wheel, is the net
under it: always there, small, and about as wrong as it was in 2015. An engine lives in a worker process and is asked
for whole utterances.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.checks import checked
from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.languages import WHISPER_LANGUAGES, language_code
from ipyspeaches.local import weights
from ipyspeaches.local.weights import MODEL_VARIABLE, PREFERRED
from ipyspeaches.words import Word

ENGINE_RATE_HZ: Final = 16_000
LONGEST_S: Final = 30
"""What an engine is given at most at a time."""
SILERO_MODEL: Final = "silero_vad_v6"
"""Id of the other model that this server lists: it finds speech."""
ENGINE_NAMES: Final = ("pocketsphinx", "faster-whisper")
DEFAULT_WHISPER_MODEL: Final = PREFERRED[0]
MULTILINGUAL_TOKENS: Final = 51_865
"""The vocabulary of models of several languages is as large as this, or larger."""
SIZES: Final = ("tiny", "base", "small", "medium", "tiny.en", "base.en", "small.en", "medium.en", "large-v3")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """What an engine is told about an utterance; PocketSphinx, which knows one language and no context, ignores it."""

    language: str | None = None  # as the client named it
    task: str = "transcribe"  # ``"transcribe"``, or ``"translate"`` into English
    prompt: str | None = None  # text that could have come before
    hotwords: str | None = None  # words to listen for
    temperature: float | None = None  # 0 to 1; None lets the engine try several, from 0 up

    @property
    def language_code(self) -> str | None:
        """The code of the language, by whichever name it was given; None for one that nobody has named."""
        try:
            return language_code(self.language)
        except InputError:
            return self.language  # which no model knows


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


class FollowingEngine(RecognitionEngine, Protocol):
    """A recogniser that can also follow an utterance, a little more of it at a time."""

    def live(self) -> LiveDecoder | None:
        """Return a decoder for an utterance that begins now, or None if all are in use."""


class GuessingEngine(RecognitionEngine, Protocol):
    """A recogniser that can only hear an utterance from its start, but quickly."""

    def guess(self, samples: NDArray[np.int16], options: DecodingOptions) -> tuple[Word, ...]:
        """Return the words of an utterance (int16, 16 kHz) that is not over."""


LiveEngine: TypeAlias = FollowingEngine | GuessingEngine


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine by name, and what is known about it without loading it."""

    name: str  # one of `ENGINE_NAMES`
    model: str  # id under which the server lists the model
    languages: tuple[str, ...]  # codes it understands; empty for "any"
    owner: str  # who made the model
    requires: tuple[str, str, str]  # module, package and extra of ipyspeaches that it comes with
    max_workers: int | None = None  # processes that may run it side by side; None for one a core, up to four
    source: str = ""  # what it is loaded from, if not by its id: a folder

    def language_problem(self, options: DecodingOptions) -> str | None:
        """Return why the language cannot be transcribed, or nothing translated; None if it can.

        What PocketSphinx hears is English already, and its own translation.
        """
        if options.task == "translate" and self.languages == ("en",) and self.name != "pocketsphinx":
            return (
                f"Model '{self.model}' knows English only and translates nothing: use a model of several languages, "
                f"such as {DEFAULT_WHISPER_MODEL}."
            )
        if options.language_code is None or not self.languages or options.language_code in self.languages:
            return None
        if len(self.languages) > 1:
            return (
                f"Model '{self.model}' does not understand the language '{options.language}': leave the language out, "
                "so that the model finds it out, or name one that it knows."
            )
        return (
            f"Model '{self.model}' does not understand the language '{options.language}', only "
            f"{', '.join(self.languages)}: use a model of several languages, such as {DEFAULT_WHISPER_MODEL}."
        )


POCKETSPHINX: Final = EngineSpec(
    "pocketsphinx",
    "pocketsphinx/en-us",
    ("en",),
    "cmusphinx",
    requires=("pocketsphinx", "pocketsphinx", "local"),
)


@checked
def engine_spec(name: str, model: str | None = None) -> EngineSpec:
    """Return the description of an engine, one of `ENGINE_NAMES`; only ``faster-whisper`` has models to choose from.

    It is an `InputError` if there is no such engine, or it cannot load that model.
    The model of ``faster-whisper`` is a folder, an id, or a size such as ``base``.
    """
    if name == "pocketsphinx":
        if model not in (None, POCKETSPHINX.model):
            raise InputError(
                f"The pocketsphinx engine has one model, {POCKETSPHINX.model}, not {model}: leave the model out, "
                "or use the faster-whisper engine."
            )
        return POCKETSPHINX
    if name == "faster-whisper":
        return _whisper_spec(model or DEFAULT_WHISPER_MODEL)
    raise InputError(f"There is no engine {name!r}: choose one of {', '.join(ENGINE_NAMES)}.")


def _whisper_spec(model: str) -> EngineSpec:
    given = Path(model)
    shown = given.resolve().name if given.is_dir() else full_id(model)
    return EngineSpec(
        "faster-whisper",
        shown,
        _whisper_languages(shown, given),
        shown.split("/")[0] if "/" in shown else "local",
        requires=("faster_whisper", "faster-whisper", "local"),
        max_workers=1,  # CTranslate2 uses all cores by itself
        source=model if given.is_dir() else "",
    )


def _whisper_languages(model: str, folder: Path) -> tuple[str, ...]:
    """Return what a model understands, by its vocabulary or the naming rules of Whisper's authors."""
    tokens = len(weights.vocabulary(folder))
    if tokens < MULTILINGUAL_TOKENS if tokens else model.endswith(".en"):
        return ("en",)
    # Cantonese came with the third generation; a folder may be called anything.
    newer = "/" not in model or any(mark in model for mark in ("v3", "turbo"))
    return tuple(code for code in WHISPER_LANGUAGES if newer or code != "yue")


def full_id(model: str) -> str:
    """Return the id of a model that a size such as ``base`` stands for; any other name is one already."""
    return f"Systran/faster-whisper-{model}" if model in SIZES else model


@checked
def asked_engine(engine: str | None, model: str | None) -> EngineSpec | None:
    """Return the engine that was asked for by name, by a model, or in ``$IPYSPEACHES_MODEL``; None if none was.

    Raises
    ------
    InputError
        If there is no such engine, or it cannot load that model.
    """
    if engine is None:
        model = model or os.getenv(MODEL_VARIABLE, "").strip() or None
        return None if model is None else engine_named(model)
    return engine_spec(engine, model)


def engine_named(model: str) -> EngineSpec:
    """Return the engine that runs a model, by the model's name."""
    return POCKETSPHINX if model == POCKETSPHINX.model else _whisper_spec(model)


def engines_at_hand() -> list[EngineSpec]:
    """Return the engines that need no download, best first; the last one is PocketSphinx."""
    whisper = [] if find_spec("faster_whisper") is None else weights.models_at_hand()
    return [*map(_whisper_spec, whisper), POCKETSPHINX]


def engines_here() -> list[EngineSpec]:
    """Return all engines that need no download: those at hand, and Whisper models that are only for who names them."""
    *whisper, sphinx = engines_at_hand()
    others = [] if find_spec("faster_whisper") is None else map(_whisper_spec, weights.other_models())
    return [*whisper, *others, sphinx]


def model_to_download(model: str | None = None) -> str | None:
    """Return the id of the model that a download would bring, None where there is nothing to bring.

    That is the model that was asked for, here or in ``$IPYSPEACHES_MODEL``, if this machine does not have it; and where
    none was, the default one if PocketSphinx is all that there is.
    """
    if find_spec("faster_whisper") is None:
        return None
    asked = asked_engine(None, model)
    if asked is None:
        return DEFAULT_WHISPER_MODEL if engines_at_hand() == [POCKETSPHINX] else None
    return model_to_install(asked)


def model_to_install(spec: EngineSpec) -> str | None:
    """Return the id of an engine's model if this machine does not have it."""
    here = spec == POCKETSPHINX or spec.source or weights.find(spec.model) is not None
    return None if here else spec.model


def model_missing_text(model: str) -> str:
    """Return what a Speaches server says about a model that it does not have."""
    return f"Model '{model}' is not installed locally. You can download the model using `POST /v1/models`"


# --- PocketSphinx
#
# Settings were chosen on human recordings that were cut in several ways (whole file, between silences, between noise,
# quieter and shifted): batch cepstral mean over the whole utterance, one level of loudness, and a noise floor under the
# samples, because digital silence gives cepstra that no speaker ever made. With these the word error rate depends
# little on how an utterance was cut (single words still change), and not at all on what the decoder heard before. The
# level of the noise floor matters less than these recordings, of 61 words, can tell.

FRAMES_PER_S: Final = 100
NOISE_FLOOR: Final = 16.0
"""Standard deviation of the noise floor, in int16 units."""
PEAK: Final = 16_000.0
"""Largest sample of an utterance, in int16 units."""
MAX_GAIN: Final = 30.0
MAX_LIVE_DECODERS: Final = 4
"""Utterances that one process follows at a time; each decoder takes about 100 MB."""

INITIAL_CEPSTRAL_MEAN: Final = "46.8,2.0,-0.4,2.3,-4.2,-2.2,-4.8,0.9,-1.5,-0.2,-0.4,-0.9,1.8"
"""Where a live decoder's cepstral mean starts: the mean over seven recordings of read speech. On those same recordings
0.38 of the live words were wrong from here, and 0.54 from PocketSphinx's own start; other speech was not tried."""

_VARIANT: Final = re.compile(r"\(\d+\)$")


_Decoder: TypeAlias = Any
"""``pocketsphinx.Decoder``, an untyped extension."""


def _decoder(**settings: bool | str) -> _Decoder:
    try:
        from pocketsphinx import Decoder
    except ImportError as exc:
        raise MissingExtraError("pocketsphinx", "local", "recognise speech offline") from exc
    return Decoder(samprate=ENGINE_RATE_HZ, loglevel="FATAL", **settings)


def _words(segments: Iterable[Any] | None, *, scored: bool) -> list[Word]:
    """Return the words of a decoder's segmentation: no fillers, no markers of pronunciation variants."""
    return [
        Word(
            _VARIANT.sub("", segment.word),
            segment.start_frame / FRAMES_PER_S,
            (segment.end_frame + 1) / FRAMES_PER_S,
            min(1.0, max(0.0, float(segment.prob))) if scored else None,
        )
        for segment in segments or ()
        if not segment.word.startswith(("<", "[", "++"))
    ]


class PocketSphinxEngine:
    """One decoder for whole utterances and, as they are needed, some for speech that is under way.

    It is a `MissingExtraError` if PocketSphinx is not installed.
    """

    def __init__(self) -> None:
        self._decoder = _decoder()
        self._idle: list[_Decoder] = []
        self._live = 0

    def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        """Return the text of an utterance (int16, 16 kHz, shape ``(n,)``).

        It is always English, so that it is its own translation; the options have no effect.
        """
        del options
        decoder = self._decoder
        decoder.reinit_feat()  # forgets the noise and the channel of the utterance before
        decoder.start_utt()
        decoder.process_raw(prepare(samples).tobytes(), full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return EngineResult("", (), "en")
        decoder.get_prob()  # the words' posteriors exist only after this
        words = tuple(_words(decoder.seg(), scored=True))
        return EngineResult("".join(f" {word.word}" for word in words), words, "en")

    def live(self) -> LiveDecoder | None:
        """Return a decoder for speech under way, or None if `MAX_LIVE_DECODERS` are in use."""
        if not self._idle:
            if self._live == MAX_LIVE_DECODERS:
                return None
            self._live += 1
            # The second passes only matter at the end of an utterance, whose text `recognise` makes.
            self._idle.append(_decoder(cmn="live", fwdflat=False, bestpath=False))
        return PocketSphinxLiveDecoder(self._idle.pop(), self._idle)


class PocketSphinxLiveDecoder:
    """A decoder that is lent for one utterance, and goes back to the idle ones."""

    def __init__(self, decoder: _Decoder, idle: list[_Decoder]) -> None:
        self._decoder = decoder
        self._idle = idle
        self._samples = 0
        decoder.reinit_feat()
        decoder.set_cmn(INITIAL_CEPSTRAL_MEAN)
        decoder.start_utt()

    def follow(self, samples: NDArray[np.int16]) -> list[Word]:
        """Decode more of the utterance (int16, 16 kHz) and return the words of the present hypothesis."""
        self._decoder.process_raw(with_noise_floor(samples, self._samples).tobytes())
        self._samples += len(samples)
        return _words(self._decoder.seg(), scored=False)

    def close(self) -> None:
        """End the utterance and give the decoder back."""
        self._decoder.end_utt()
        self._idle.append(self._decoder)


def prepare(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return an utterance at the level that the engine hears best, over the noise floor."""
    peak = float(np.abs(samples.astype(np.int32)).max(initial=1))
    return with_noise_floor(samples * min(MAX_GAIN, PEAK / peak))


_FLOOR: Final = np.random.default_rng(seed=1).normal(0, NOISE_FLOOR, ENGINE_RATE_HZ)


def with_noise_floor(samples: NDArray[np.int16] | NDArray[np.floating], offset: int = 0) -> NDArray[np.int16]:
    """Return samples (int16 units) over a fixed, inaudible noise; the same samples always give the same result."""
    floor = np.resize(np.roll(_FLOOR, -offset), len(samples))
    noisy: NDArray[np.int16] = np.clip(np.rint(samples + floor), -32768, 32767).astype(np.int16)
    return noisy
