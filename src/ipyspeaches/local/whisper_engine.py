"""faster-whisper (extra ``whisper``): more accurate, many languages, no live text."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.local.engines import DecodingOptions, EngineResult, LiveDecoder
from ipyspeaches.words import Word

INT16_SCALE: Final = 32_768.0
WARMER: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class WhisperEngine:
    """One Whisper model in CTranslate2.

    Parameters
    ----------
    model
        Model id on the Hugging Face hub, a size such as ``small``, or a folder; downloaded at the first use.

    Raises
    ------
    MissingExtraError
        If faster-whisper is not installed.
    InputError
        If the model cannot be loaded.
    """

    def __init__(self, model: str) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as exc:
            raise MissingExtraError("faster-whisper", "whisper", "run Whisper models in the local server") from exc
        try:
            self._model: Any = WhisperModel(model, device="auto", compute_type="default")
        except (OSError, RuntimeError, ValueError) as exc:
            raise InputError(
                f"The model {model!r} could not be loaded ({exc}): check its name and the connection it is "
                "downloaded over."
            ) from exc

    def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        """Return the text of an utterance (int16, 16 kHz, shape ``(n,)``); Whisper guesses a language not named."""
        segments, info = self._model.transcribe(
            samples.astype(np.float32) / INT16_SCALE,
            language=options.language_code,
            task=options.task,
            initial_prompt=options.prompt,
            hotwords=options.hotwords,
            # Whisper's own way out of a text that repeats itself: try again, warmer.
            temperature=WARMER if options.temperature is None else options.temperature,
            without_timestamps=options.without_timestamps,
            word_timestamps=True,
            vad_filter=False,  # only speech gets here
            condition_on_previous_text=False,
        )
        heard = list(segments)
        words = tuple(
            Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for segment in heard
            for word in segment.words or ()
        )
        return EngineResult("".join(segment.text for segment in heard), words, str(info.language))

    def live(self) -> LiveDecoder | None:
        """Return None: Whisper needs whole utterances."""
        return None
