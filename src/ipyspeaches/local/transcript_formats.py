"""The shapes in which ``/v1/audio/transcriptions`` answers."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any, Final

from ipyspeaches.local.messages import StretchText
from ipyspeaches.results import subtitles

FORMATS: Final = ("text", "json", "verbose_json", "srt", "vtt")
_SMALLEST_PROBABILITY: Final = 1e-10


def full_text(stretches: Sequence[StretchText]) -> str:
    """Return the text of all stretches."""
    return "".join(stretch.text for stretch in stretches).strip()


def as_json(stretches: Sequence[StretchText]) -> dict[str, Any]:
    """Return the ``json`` answer."""
    return {"text": full_text(stretches), "logprobs": None, "usage": None}


def as_verbose_json(
    stretches: Sequence[StretchText], duration_s: float, language: str | None, *, words: bool
) -> dict[str, Any]:
    """Return the ``verbose_json`` answer, with the times of words if they are wanted."""
    timed = [
        {"end": word.end, "start": word.start, "word": f" {word.word}"}
        for stretch in stretches
        for word in stretch.words
    ]
    return {
        "duration": round(duration_s, 6),
        "language": stretches[0].language if stretches else language,
        "text": full_text(stretches),
        "segments": [_segment(number, stretch) for number, stretch in enumerate(stretches, 1)],
        "usage": None,
        "words": timed if words else None,
    }


def as_translation_json(stretches: Sequence[StretchText]) -> dict[str, Any]:
    """Return the ``json`` answer of a translation."""
    return {"text": full_text(stretches)}


def as_translation_verbose_json(stretches: Sequence[StretchText], duration_s: float) -> dict[str, Any]:
    """Return the ``verbose_json`` answer of a translation; the language is that of the speech."""
    verbose = as_verbose_json(stretches, duration_s, "", words=False)
    return {name: verbose[name] for name in ("duration", "language", "text", "segments")}


def _segment(number: int, stretch: StretchText) -> dict[str, Any]:
    probabilities = [word.probability for word in stretch.words if word.probability is not None]
    logs = [math.log(max(probability, _SMALLEST_PROBABILITY)) for probability in probabilities]
    data = stretch.text.encode()
    return {
        "id": number,
        "avg_logprob": round(fmean(logs), 4) if logs else 0.0,
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 4),
        "end": stretch.end_s,
        "no_speech_prob": 0.0,
        "seek": int(stretch.start_s * 100),
        "start": stretch.start_s,
        "temperature": 0.0,
        "text": stretch.text,
        "tokens": [],
    }


def as_srt(stretches: Sequence[StretchText]) -> str:
    """Return the ``srt`` answer: one cue a stretch."""
    return subtitles.to_srt(_spans(stretches)) + "\n"


def as_vtt(stretches: Sequence[StretchText]) -> str:
    """Return the ``vtt`` answer: one cue a stretch."""
    return subtitles.to_vtt(_spans(stretches)) + "\n"


def _spans(stretches: Sequence[StretchText]) -> Iterator[subtitles.Span]:
    return ((stretch.start_s, stretch.end_s, stretch.text) for stretch in stretches)


TEXT_FORMATS: Final[dict[str, tuple[Callable[[Sequence[StretchText]], str], str]]] = {
    "text": (full_text, "text/plain"),
    "srt": (as_srt, "text/plain"),
    "vtt": (as_vtt, "text/vtt"),
}
"""Formats that are plain text, with their media types."""


def _sse(fields: dict[str, Any]) -> str:
    return f"data: {json.dumps(fields, ensure_ascii=False, separators=(',', ':'))}\n\n"


def sse_delta(text: str) -> str:
    """Return a ``transcript.text.delta`` of an event stream."""
    return _sse({"delta": text, "type": "transcript.text.delta", "logprobs": None, "segment_id": None})


def sse_done(text: str) -> str:
    """Return the ``transcript.text.done`` of an event stream."""
    return _sse({"text": text, "type": "transcript.text.done", "logprobs": None, "usage": None})
