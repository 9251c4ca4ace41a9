"""Audio files: ``POST /v1/audio/`` ``transcriptions``, ``translations``, ``speech/timestamps`` and ``diarization``.

Options are checked whatever the engine; PocketSphinx makes no use of them, and its translation is its transcript, as it
hears only English.
"""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.dispatcher import BusyError, ClientRecogniser, Dispatcher
from ipyspeaches.local.engines import ENGINE_RATE_HZ, SILERO_MODEL, DecodingOptions, EngineSpec, model_missing_text
from ipyspeaches.local.forms import FormReader, decode_upload, limited, refusal
from ipyspeaches.local.recogniser import SegmentText, speech_spans
from ipyspeaches.protocol.address import is_loopback
from ipyspeaches.results.subtitles import to_srt, to_vtt
from ipyspeaches.vad.detectors import SileroVad
from ipyspeaches.vad.segmenter import SHORTEST_S, SegmentOptions
from ipyspeaches.words import needs_space, spaceless_script

NOTES_HEADER: Final = "X-Audio-Notes"
"""What was odd about a file: joined, cut off, silent. The answers themselves have no place for it."""
CLIENT_GONE: Final = 499
"""What nginx notes for a client that did not wait for its answer."""
FORMATS: Final = ("text", "json", "verbose_json", "srt", "vtt")
_SMALLEST_PROBABILITY: Final = 1e-10


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """What a client wants to know about a file."""

    file: UploadFile
    model: EngineSpec
    response_format: str
    options: DecodingOptions
    words: bool = False
    stream: bool = False


async def transcriptions(request: Request) -> Response:
    """Transcribe a file."""
    return await _recognise(request, translate=False)


async def translations(request: Request) -> Response:
    """Give the English text of a file."""
    return await _recognise(request, translate=True)


def _read(reader: FormReader, find: Callable[[str], EngineSpec | None], *, translate: bool) -> TranscriptionRequest:
    file = reader.file()
    model = reader.required_text("model")
    spec = find(model)
    options = DecodingOptions(prompt=reader.text("prompt"), temperature=reader.optional_number("temperature", most=1))
    granularities, stream = [], False
    if translate:
        options = replace(options, task="translate")
        problem = None if spec is None else spec.language_problem(options)
        if problem is not None:
            reader.problem("value_error", "model", problem, model)
    else:
        language, hotwords = reader.text("language"), reader.text("hotwords")
        reader.flag("without_timestamps")  # segments are cut before an engine hears them: they always have their times
        options = replace(options, language=language, hotwords=hotwords)
        problem = None if spec is None else spec.language_problem(options)
        if problem is not None:
            reader.problem("value_error", "language", problem, language)
        granularities = reader.choices("timestamp_granularities[]", ("segment", "word"))
        stream = reader.flag("stream")
    response_format = reader.choice("response_format", FORMATS, "json")
    reader.check()
    assert file is not None
    if spec is None:
        raise HTTPException(404, model_missing_text(model))
    return TranscriptionRequest(file, spec, response_format, options, "word" in granularities, stream)


async def _recognise(request: Request, *, translate: bool) -> Response:
    dispatcher: Dispatcher = request.app.state.dispatcher
    async with limited(request).form() as form:
        wanted = _read(FormReader(form), dispatcher.memory.find, translate=translate)
        try:
            dispatcher.require_room(_user(request))
            async with request.app.state.decoding:
                samples, notes = await decode_upload(wanted.file)
            recogniser = dispatcher.client(_user(request), wanted.model)
            response = await _unless_gone(request, _recognised(recogniser, wanted, samples))
        except BusyError as exc:
            raise refusal(exc) from exc
    response.headers.update(_noted(notes))
    return response


def _noted(notes: Sequence[str]) -> dict[str, str]:
    return {NOTES_HEADER: " ".join(notes)} if notes else {}


def _user(request: Request) -> str:
    """Return who asks, as far as it shows: an address, or on this machine, where many may be, a connection."""
    host, port = request.client or ("", 0)
    return f"{host} {port}" if is_loopback(host) else host


async def _unless_gone(request: Request, answering: Coroutine[Any, Any, Response]) -> Response:
    """Return the answer, or give it up when nobody waits for it any more: others do."""
    answer, gone = asyncio.create_task(answering), asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else Response(status_code=CLIENT_GONE)
    finally:
        answer.cancel()
        gone.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _recognised(
    recogniser: ClientRecogniser, wanted: TranscriptionRequest, samples: NDArray[np.int16]
) -> Response:
    recognised = recogniser.transcribe(samples, wanted.options)
    if wanted.stream:
        return StreamingResponse(_events(recognised), media_type="text/event-stream")
    try:
        segments = [segment async for segment in recognised]
    except BusyError:
        raise
    except SpeachesError as exc:
        raise HTTPException(500, str(exc)) from exc
    return _answer(segments, wanted, len(samples) / SESSION_RATE_HZ)


async def _events(recognised: AsyncIterator[SegmentText]) -> AsyncIterator[str]:
    """Yield one delta a segment, then the whole text, or why there is no more."""
    segments: list[SegmentText] = []
    try:
        async for segment in recognised:
            segments.append(segment)
            yield _sse({"delta": segment.text, "type": "transcript.text.delta", "logprobs": None, "segment_id": None})
    except SpeachesError as exc:
        yield _sse({"type": "error", "error": {"type": "server_error", "message": str(exc)}})
        return
    yield _sse({"text": _text(segments), "type": "transcript.text.done", "logprobs": None, "usage": None})


def _sse(fields: dict[str, Any]) -> str:
    return f"data: {json.dumps(fields, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _answer(segments: Sequence[SegmentText], wanted: TranscriptionRequest, duration_s: float) -> Response:
    if wanted.response_format == "text":
        return PlainTextResponse(_text(segments))
    if wanted.response_format in ("srt", "vtt"):
        write, media_type = (to_srt, "text/plain") if wanted.response_format == "srt" else (to_vtt, "text/vtt")
        cues = write((segment.start, segment.end, segment.text) for segment in segments)
        return PlainTextResponse(f"{cues}\n", media_type=media_type)
    translated = wanted.options.task == "translate"
    answer: dict[str, Any] = {"text": _text(segments)}
    if wanted.response_format == "verbose_json":
        unheard = "" if translated else wanted.options.language_code
        answer |= {
            "duration": round(duration_s, 6),
            "language": segments[0].language if segments else unheard,
            "segments": [_verbose(number, segment) for number, segment in enumerate(segments, 1)],
        }
        if not translated:
            answer |= {"usage": None, "words": _timed_words(segments) if wanted.words else None}
    elif not translated:
        answer |= {"logprobs": None, "usage": None}
    return JSONResponse(answer)


def _text(segments: Sequence[SegmentText]) -> str:
    return "".join(segment.text for segment in segments).strip()


def _timed_words(segments: Sequence[SegmentText]) -> list[dict[str, Any]]:
    """Return words as a Speaches server does, with their probabilities, which that leaves out."""
    words = [word for segment in segments for word in segment.words]
    before = [None, *(word.word for word in words)]
    return [
        {"end": word.end, "start": word.start, "word": _spaced(one, word.word), "probability": word.probability}
        for one, word in zip(before, words, strict=False)
    ]


def _spaced(before: str | None, word: str) -> str:
    """Return a word with the space before it that its script has, as Whisper writes it."""
    begins = word and spaceless_script(word[0]) is None
    return f" {word}" if (needs_space(before, word) if before and word else begins) else word


def _verbose(number: int, segment: SegmentText) -> dict[str, Any]:
    probabilities = [word.probability for word in segment.words if word.probability is not None]
    logs = [math.log(max(probability, _SMALLEST_PROBABILITY)) for probability in probabilities]
    data = segment.text.encode()
    return {
        "id": number,
        "avg_logprob": round(fmean(logs), 4) if logs else 0.0,
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 4),
        "end": segment.end,
        "no_speech_prob": 0.0,
        "seek": int(segment.start * 100),
        "start": segment.start,
        "temperature": 0.0,
        "text": segment.text,
        "tokens": [],
    }


async def diarization(request: Request) -> Response:
    """Answer that no model here tells speakers apart, in the words for a model that is not installed."""
    async with limited(request).form() as form:
        reader = FormReader(form)
        reader.file()
        model = reader.required_text("model")
        reader.choice("response_format", ("json", "rttm"), "json")
        reader.check()
    raise HTTPException(404, model_missing_text(model))


async def speech_timestamps(request: Request) -> Response:
    """Say where in a file somebody speaks, in milliseconds."""
    async with limited(request).form() as form:
        reader = FormReader(form)
        file = reader.file()
        options = _read_segment_options(reader)
        assert file is not None
        async with request.app.state.decoding:
            samples, notes = await decode_upload(file)
    request.app.state.catalogue.silero_loaded = True
    spans = await asyncio.to_thread(speech_spans, samples, options)
    per_ms = ENGINE_RATE_HZ // 1000
    found = [{"start": start // per_ms, "end": end // per_ms} for start, end in spans]
    return JSONResponse(found, headers=_noted(notes))


def _read_segment_options(reader: FormReader) -> SegmentOptions:
    model = reader.text("model")
    if model not in (None, SILERO_MODEL):
        reader.problem("literal_error", "model", f"Input should be '{SILERO_MODEL}'", model, expected=SILERO_MODEL)
    threshold = reader.number("threshold", 0.75, most=1)
    release = SileroVad(threshold=threshold).options.neg_threshold
    longest_s = reader.number("max_speech_duration_s", math.inf, most=math.inf)
    options = SegmentOptions(
        threshold=threshold,
        neg_threshold=min(threshold, reader.number("neg_threshold", release, most=1)),
        min_speech_duration_ms=reader.number("min_speech_duration_ms", 0),
        min_silence_duration_ms=reader.number("min_silence_duration_ms", 1000),
        speech_pad_ms=reader.number("speech_pad_ms", 0),
        max_speech_duration_s=longest_s if longest_s >= SHORTEST_S else math.inf,
    )
    reader.check()
    return options
