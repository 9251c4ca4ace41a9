"""Whisper models, run by CTranslate2 through faster-whisper: whole utterances, and guesses while they grow."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.local import weights
from ipyspeaches.local.engines import ENGINE_RATE_HZ, DecodingOptions, EngineResult
from ipyspeaches.terminal import one_line
from ipyspeaches.words import Word

INT16_SCALE: Final = 32_768.0
WARMER: Final = (0.0, 0.4, 0.8)
"""Whisper's own way out of a text that repeats itself: try again, warmer."""
BEAM_SIZE: Final = 5
FRAMES_PER_S: Final = 100
WINDOW_FRAMES: Final = 3000
"""Whisper was trained on windows of 30 s; shorter audio is padded with silence up to that."""
GUESS_PADDING_FRAMES: Final = 300
"""Silence behind the audio of a guess: with less, Whisper repeats itself; with 30 s, the encoder takes ten times as
long."""
KEPT_RESULTS: Final = 4
PROCESSOR_WORDS: Final = ("CPU", "instruction", "backend")
"""What CTranslate2 speaks of where the processor is too old for it."""
DITHER: Final = 2
"""How far samples of the same audio differ after resampling, in int16 units: libsoxr dithers the last bits."""


class WhisperEngine:
    """One Whisper model.

    Parameters
    ----------
    model
        A folder, or an id on the Hugging Face hub; nothing is downloaded.
    english_only
        Whether it was trained on English alone: such a model has no other task and no other language.

    Raises
    ------
    MissingExtraError
        If faster-whisper is not installed.
    ModelNotFoundError
        If this machine does not have the model.
    InputError
        If it cannot be loaded.
    """

    def __init__(self, model: str, *, english_only: bool = False) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as exc:
            raise MissingExtraError("faster-whisper", "local", "run Whisper models in the local server") from exc
        folder = weights.local_folder(model)
        self._english_only = english_only
        self._model = _load(WhisperModel, model, folder)
        self._full_encode = self._model.encode
        self._results: deque[tuple[NDArray[np.int16], DecodingOptions, EngineResult]] = deque(maxlen=KEPT_RESULTS)
        self._decode(np.zeros(ENGINE_RATE_HZ, np.int16), DecodingOptions("en"))  # or the first utterance waits for it

    def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        """Return the text of an utterance (int16, 16 kHz, shape ``(n,)``); Whisper guesses a language not named.

        Audio that was recognised a moment ago, when its end could only be supposed, is not recognised again.
        """
        for known, its_options, result in self._results:
            if its_options == options and _same(known, samples):
                return result
        result = self._decode(samples, options)
        self._results.append((samples, options, result))
        return result

    def guess(self, samples: NDArray[np.int16], options: DecodingOptions) -> tuple[Word, ...]:
        """Return the words of an utterance that is not over, quickly."""
        frames = len(samples) * FRAMES_PER_S // ENGINE_RATE_HZ + GUESS_PADDING_FRAMES
        self._model.encode = lambda features: self._full_encode(np.ascontiguousarray(features[..., :frames]))
        try:
            return self._decode(samples, replace(options, temperature=0.0), beam_size=1).words
        finally:
            self._model.encode = self._full_encode

    def _decode(self, samples: NDArray[np.int16], options: DecodingOptions, beam_size: int = BEAM_SIZE) -> EngineResult:
        segments, info = self._model.transcribe(
            samples.astype(np.float32) / INT16_SCALE,
            language="en" if self._english_only else options.language_code,
            task="transcribe" if self._english_only else options.task,
            initial_prompt=options.prompt,
            hotwords=options.hotwords,
            temperature=WARMER if options.temperature is None else options.temperature,
            without_timestamps=options.without_timestamps,
            beam_size=beam_size,
            word_timestamps=True,
            vad_filter=False,  # only speech gets here
            condition_on_previous_text=False,
        )
        heard = [segment for segment in segments if _is_said(segment)]
        words = tuple(
            Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for segment in heard
            for word in segment.words or ()
        )
        return EngineResult("".join(segment.text for segment in heard), words, str(info.language))


def _load(model_class: Any, model: str, folder: Path) -> Any:  # noqa: ANN401  faster-whisper is not typed
    from ctranslate2 import get_cuda_device_count

    # On a processor, 8-bit integers take half the time of floats; words do not get worse by that.
    compute_type = "default" if get_cuda_device_count() else "int8"
    try:
        try:
            return model_class(str(folder), device="auto", compute_type=compute_type)
        except ValueError as exc:
            if "compute type" not in str(exc):
                raise
            return model_class(str(folder), device="auto", compute_type="default")  # slower, on old processors
    except Exception as exc:  # tokenizers raises no subclass of its own
        raise InputError(_not_loaded(model, folder, one_line(str(exc)))) from exc


def _not_loaded(model: str, folder: Path, said: str) -> str:
    """Return why a model could not be loaded, and what to do."""
    if (found := weights.damage(folder)) is not None:
        return f"The weights of {model} are damaged ({found}): download the model again."
    if any(word in said for word in PROCESSOR_WORDS):
        return (
            f"CTranslate2, which runs {model}, does not work on this processor ({said}): use --engine pocketsphinx, or "
            "a server on another machine."
        )
    return (
        f"The model {model} could not be loaded ({said}): it is damaged or no Whisper model; get it again, or name "
        "another one, such as Systran/faster-whisper-base."
    )


def _same(known: NDArray[np.int16], samples: NDArray[np.int16]) -> bool:
    if len(known) != len(samples):
        return False
    return bool(np.abs(known.astype(np.int32) - samples).max(initial=0) <= DITHER)


def _is_said(segment: Any) -> bool:  # noqa: ANN401
    """Return whether somebody said this, rather than Whisper having made words of noise."""
    return not (segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < UNSURE)


NO_SPEECH: Final = 0.6
UNSURE: Final = -0.7
