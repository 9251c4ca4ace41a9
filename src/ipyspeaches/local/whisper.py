"""Whisper models, run by CTranslate2: whole utterances, and guesses while they grow.

faster-whisper's pieces are used, but not its loop over windows: an utterance is one window here. It is encoded once,
for its language, its text and the times of its words.

Whisper was trained on windows of 30 s, padded with silence, and the encoder takes as long for one word as for 30 s.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.local import weights
from ipyspeaches.local.engines import ENGINE_RATE_HZ, LONGEST_S, DecodingOptions, EngineResult, usable_cores
from ipyspeaches.results.agreement import comparable
from ipyspeaches.terminal import one_line
from ipyspeaches.words import Word, spaceless_script

INT16_SCALE: Final = 32_768.0
WARMER: Final = (0.0, 0.4, 0.8)
"""Whisper's own way out of a text that repeats itself: try again, warmer."""
BEAM_SIZE: Final = 5
SAMPLES_OF_A_WARM_TEXT: Final = 5
FRAMES_PER_S: Final = 100
WHOLE_WINDOW: Final = 3000
"""Frames that Whisper was trained on."""
WINDOW: Final = 2000
"""Frames that the encoder is given at first."""
GUESS_WINDOW: Final = 1000
PADDING: Final = 300
"""Frames behind the audio, at least: with fewer, Whisper says everything again."""
TOKENS_PER_S: Final = 15
"""Nobody speaks faster, at eight Chinese characters a second neither: more is a text that repeats itself."""
SPARE_TOKENS: Final = 10
MOST_TOKENS: Final = 224
"""Half of what the decoder can hold; the other half is for what it is told."""
MOST_TOLD: Final = 223
PHRASE_WORDS: Final = 3
KEPT_RESULTS: Final = 4
PROCESSOR_WORDS: Final = ("CPU", "instruction", "backend")
"""What CTranslate2 speaks of where the processor is too old for it."""
DITHER: Final = 2
"""How far samples of the same audio differ after resampling, in int16 units: libsoxr dithers the last bits."""
MAX_THREADS: Final = 4

NO_SPEECH: Final = (0.4, 0.46, 0.65)
UNSURE: Final = (-1.5, -1.0, -0.7)
"""Mean log probability that the tokens of a text need, at these probabilities that nobody speaks, and between them."""
SURE: Final = -0.25
"""The same, of a text that says the same over and over."""
UNREAD: Final = ENGINE_RATE_HZ * 3 // 2
"""Audio behind the last word in which somebody must have spoken: an utterance has no pause as long as that."""
REPETITIVE: Final = 2.4
"""Length of a text over its compressed length: Whisper's own limit."""
SURE_LANGUAGE: Final = 0.5
OPENING: Final = "\"'“¿([{-"
CLOSING: Final = "\"'.。,，!！?？:：”)]}、"
"""Punctuation that belongs to the word behind it, and before it."""


@dataclass(frozen=True, slots=True)
class _Encoded:
    """An utterance as the decoder hears it, and in which language; ``frames`` are those of the audio itself."""

    features: Any
    frames: int
    language: str
    certainty: float
    tokenizer: Any


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the decoder makes of an utterance; its words have no times yet."""

    tokens: list[int]
    text: str
    confidence: float  # mean log probability of a token
    no_speech: float  # probability that nobody speaks
    runs_on: bool  # whether it was stopped rather than came to an end

    @property
    def repetitive(self) -> bool:
        """Whether it says the same over and over."""
        text = self.text.encode()
        return self.runs_on or len(text) > REPETITIVE * len(zlib.compress(text))

    @property
    def said(self) -> bool:
        """Whether somebody said this, rather than Whisper having made words of noise."""
        # Somebody may say the same over and over, a drill or a refrain: then Whisper is sure of that.
        needed = SURE if self.repetitive else float(np.interp(self.no_speech, NO_SPEECH, UNSURE))
        return bool(self.text.strip()) and self.confidence >= needed and not self.runs_on


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
        self._english_only |= not self._model.model.is_multilingual
        self._results: deque[tuple[NDArray[np.int16], DecodingOptions, EngineResult]] = deque(maxlen=KEPT_RESULTS)
        try:
            self._hear(np.zeros(ENGINE_RATE_HZ, np.int16), DecodingOptions("en"))  # or the first utterance waits for it
        except Exception as exc:
            raise InputError(_not_loaded(model, folder, one_line(str(exc)))) from exc

    def recognise(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        """Return the text of an utterance (int16, 16 kHz, shape ``(n,)``); Whisper guesses a language not named.

        Audio that was recognised a moment ago, when its end could only be supposed, is not recognised again.
        """
        assert len(samples) <= LONGEST_S * ENGINE_RATE_HZ
        for known, its_options, result in self._results:
            if its_options == options and _same(known, samples):
                return result
        result = self._hear(samples, options)
        self._results.append((samples, options, result))
        return result

    def guess(self, samples: NDArray[np.int16], options: DecodingOptions) -> tuple[Word, ...]:
        """Return the words of an utterance that is not over, quickly; none where it is not sure of the language."""
        encoded = self._encode(samples, options, GUESS_WINDOW)
        if encoded.certainty < SURE_LANGUAGE:
            return ()
        heard = self._decode(encoded, options, 0.0, beam_size=1)
        return self._words(encoded, heard) if heard.said and not said_twice(heard.text) else ()

    def _hear(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        """Recognise an utterance, and what is behind the words: Whisper may stop in the middle."""
        heard = self._hear_once(samples, options)
        until = round(heard.words[-1].end * ENGINE_RATE_HZ) if heard.words else 0
        if not 0 < until < len(samples) - UNREAD:
            return heard
        rest = self._hear(samples[until:], replace(options, language=heard.language))
        return EngineResult(heard.text + rest.text, heard.words + _later(rest.words, until), heard.language)

    def _hear_once(self, samples: NDArray[np.int16], options: DecodingOptions) -> EngineResult:
        encoded = self._encode(samples, options, WINDOW)
        heard = self._decode(encoded, options, options.temperature or 0.0)
        if heard.repetitive or said_twice(heard.text):
            encoded = self._encode(samples, options, WHOLE_WINDOW)
            for temperature in WARMER if options.temperature is None else (options.temperature,):
                heard = self._decode(encoded, options, temperature)
                if heard.said:
                    break
        if not heard.said:
            return EngineResult("", (), encoded.language)
        return EngineResult(heard.text, self._words(encoded, heard), encoded.language)

    def _encode(self, samples: NDArray[np.int16], options: DecodingOptions, window: int) -> _Encoded:
        """Encode an utterance in a window of so many frames, or of as many more as it takes with its padding."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import pad_or_trim

        features = self._model.feature_extractor(samples.astype(np.float32) / INT16_SCALE)[..., :-1]
        frames = features.shape[-1]
        given = min(WHOLE_WINDOW, max(window, frames + PADDING)) // 2 * 2
        encoded = self._model.encode(np.ascontiguousarray(pad_or_trim(features)[..., :given]))
        language, certainty = self._language(encoded, options)
        task = "transcribe" if self._english_only else options.task
        tokenizer = Tokenizer(self._model.hf_tokenizer, not self._english_only, task=task, language=language)
        return _Encoded(encoded, frames, language, certainty, tokenizer)

    def _language(self, encoded: Any, options: DecodingOptions) -> tuple[str, float]:  # noqa: ANN401
        """Return the language of an encoded utterance, and how sure that is."""
        if self._english_only:
            return "en", 1.0
        if options.language_code is not None:
            return options.language_code, 1.0
        token, certainty = self._model.model.detect_language(encoded)[0][0]
        return token.strip("<|>"), certainty

    def _decode(
        self, encoded: _Encoded, options: DecodingOptions, temperature: float, beam_size: int = BEAM_SIZE
    ) -> _Heard:
        prompt = self._model.get_prompt(encoded.tokenizer, _told(encoded.tokenizer, options), without_timestamps=True)
        most = most_tokens(encoded.frames)
        how = {"sampling_temperature": temperature, "sampling_topk": 0, "num_hypotheses": SAMPLES_OF_A_WARM_TEXT}
        [result] = self._model.model.generate(
            encoded.features,
            [prompt],
            beam_size=1 if temperature else beam_size,
            max_length=max(2 * most, len(prompt) + most),  # of which CTranslate2 takes half, or what the prompt leaves
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=[-1],  # what the model's configuration says is no speech
            **(how if temperature else {}),
        )
        tokens = list(result.sequences_ids[0])
        return _Heard(
            tokens,
            encoded.tokenizer.decode(tokens),
            result.scores[0] * len(tokens) / (len(tokens) + 1),
            result.no_speech_prob,
            runs_on=len(tokens) >= most,
        )

    def _words(self, encoded: _Encoded, heard: _Heard) -> tuple[Word, ...]:
        segment: dict[str, Any] = {
            "seek": 0,
            "start": 0.0,
            "end": encoded.frames / FRAMES_PER_S,
            "tokens": heard.tokens,
        }
        self._model.add_word_timestamps(
            [[segment]],
            encoded.tokenizer,
            encoded.features,
            encoded.frames,
            prepend_punctuations=OPENING,
            append_punctuations=CLOSING,
            last_speech_timestamp=0.0,
        )
        return whole_words(segment.get("words", ()))


def whole_words(pieces: Iterable[Mapping[str, Any]]) -> tuple[Word, ...]:
    """Return the words that pieces make up: of an English word in Chinese text, each token is one to faster-whisper."""
    words: list[Word] = []
    for piece in pieces:
        text = str(piece["word"])
        word = Word(text.strip(), float(piece["start"]), float(piece["end"]), float(piece["probability"]))
        if words and _is_spaced(words[-1].word[-1:]) and _is_spaced(text[:1]):
            last = words.pop()
            least = min(last.probability or 0.0, word.probability or 0.0)
            word = Word(last.word + word.word, last.start, word.end, least)
        words.append(word)
    return tuple(words)


def _is_spaced(letter: str) -> bool:
    """Return whether this is a letter or digit of a script that has spaces between words; no white space is."""
    return letter.isalnum() and spaceless_script(letter) is None


def _later(words: tuple[Word, ...], samples: int) -> tuple[Word, ...]:
    offset_s = samples / ENGINE_RATE_HZ
    return tuple(replace(word, start=word.start + offset_s, end=word.end + offset_s) for word in words)


def _load(model_class: Any, model: str, folder: Path) -> Any:  # noqa: ANN401  faster-whisper is not typed
    from ctranslate2 import get_cuda_device_count

    # On a processor, 8-bit integers take half the time of floats; words do not get worse by that.
    compute_type = "default" if get_cuda_device_count() else "int8"
    threads = min(MAX_THREADS, usable_cores())  # CTranslate2's own 4 are slower on two cores
    try:
        try:
            return model_class(str(folder), device="auto", compute_type=compute_type, cpu_threads=threads)
        except ValueError as exc:
            if "compute type" not in str(exc):
                raise
            # Slower, on old processors.
            return model_class(str(folder), device="auto", compute_type="default", cpu_threads=threads)
    except Exception as exc:  # tokenizers raises no subclass of its own
        raise InputError(_not_loaded(model, folder, one_line(str(exc)))) from exc


def _not_loaded(model: str, folder: Path, said: str) -> str:
    """Return why a model could not be loaded, and what to do."""
    if any(word in said for word in PROCESSOR_WORDS):
        return (
            f"CTranslate2, which runs {model}, does not work on this processor ({said}): use --engine pocketsphinx, or "
            "a server on another machine."
        )
    if (found := weights.damage(folder, model)) is not None:
        return f"The weights of {model} are damaged ({found}): download the model again."
    return (
        f"The model {model} could not be loaded ({said}): it is damaged or no Whisper model; get it again, or name "
        "another one, such as Systran/faster-whisper-base."
    )


def _same(known: NDArray[np.int16], samples: NDArray[np.int16]) -> bool:
    if len(known) != len(samples):
        return False
    return bool(np.abs(known.astype(np.int32) - samples).max(initial=0) <= DITHER)


def _told(tokenizer: Any, options: DecodingOptions) -> list[int]:  # noqa: ANN401
    """Return the tokens of what the decoder is told about an utterance: hotwords, then text before it."""
    hotwords, prompt = (
        list[int](tokenizer.encode(f" {text.strip()}")) if text else [] for text in (options.hotwords, options.prompt)
    )
    hotwords = hotwords[: MOST_TOLD // 2]
    return hotwords + prompt[len(hotwords) - MOST_TOLD :]


def most_tokens(frames: int) -> int:
    """Return how many tokens the text of an utterance may have."""
    return min(MOST_TOKENS, SPARE_TOKENS + TOKENS_PER_S * frames // FRAMES_PER_S)


def said_twice(text: str) -> bool:
    """Return whether a text ends in a phrase and the same phrase again."""
    words = [comparable(word) for word in text.split()]
    if len(words) < 2 * PHRASE_WORDS:  # perhaps a script without spaces
        words = [character for character in text if character.isalnum()]
    lengths = range(PHRASE_WORDS, len(words) // 2 + 1)
    return any(words[-length:] == words[-2 * length : -length] for length in lengths)
