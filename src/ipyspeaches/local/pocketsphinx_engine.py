"""PocketSphinx with the US English model of its own wheel: offline, small, and about as wrong as it was in 2015.

Settings were chosen on human recordings that were cut in several ways (whole file, between silences, between noise,
quieter and shifted): batch cepstral mean over the whole utterance, one level of loudness, and a noise floor under the
samples, because digital silence gives cepstra that no speaker ever made. With these the word error rate depends
little on how an utterance was cut (single words still change), and not at all on what the decoder heard before. The
level of the noise floor matters less than these recordings, of 61 words, can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.errors import MissingExtraError
from ipyspeaches.local.engines import ENGINE_RATE_HZ, DecodingOptions, EngineResult
from ipyspeaches.words import Word

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


class _Segment(Protocol):
    word: str
    start_frame: int
    end_frame: int
    prob: float


class _Decoder(Protocol):
    """The part of ``pocketsphinx.Decoder`` (an untyped extension) that is used here."""

    def reinit_feat(self) -> None: ...
    def start_utt(self) -> None: ...
    def process_raw(self, data: bytes, *, full_utt: bool = False) -> object: ...
    def end_utt(self) -> None: ...
    def hyp(self) -> object: ...
    def seg(self) -> Iterable[_Segment] | None: ...
    def get_prob(self) -> float: ...
    def set_cmn(self, cmn: str) -> None: ...


def _decoder(**settings: bool | str) -> _Decoder:
    try:
        from pocketsphinx import Decoder
    except ImportError as exc:
        raise MissingExtraError("pocketsphinx", "local", "recognise speech offline") from exc
    decoder: _Decoder = Decoder(samprate=ENGINE_RATE_HZ, loglevel="FATAL", **settings)
    return decoder


def _words(segments: Iterable[_Segment] | None, *, scored: bool) -> list[Word]:
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

    Raises
    ------
    MissingExtraError
        If PocketSphinx is not installed.
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

    def live(self) -> PocketSphinxLiveDecoder | None:
        """Return a decoder for speech under way, or None if `MAX_LIVE_DECODERS` are in use."""
        if not self._idle:
            if self._live == MAX_LIVE_DECODERS:
                return None
            self._live += 1
            # The second passes only matter at the end of an utterance, whose text `recognise` makes.
            self._idle.append(_decoder(cmn="live", fwdflat=False, bestpath=False))
        return PocketSphinxLiveDecoder(self._idle.pop(), self._idle)


class PocketSphinxLiveDecoder:
    """A decoder that is lent for one utterance.

    Parameters
    ----------
    decoder
        A PocketSphinx decoder that nobody else uses.
    idle
        Where it goes back to.
    """

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
