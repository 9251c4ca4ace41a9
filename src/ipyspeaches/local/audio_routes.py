"""``POST /v1/audio/transcriptions`` and ``POST /v1/audio/speech/timestamps``."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from ipyspeaches.audio import SESSION_RATE_HZ, Resampler
from ipyspeaches.errors import AudioError, SpeachesError
from ipyspeaches.local import transcript_formats as formats
from ipyspeaches.local.catalogue import SILERO_MODEL
from ipyspeaches.local.engine import ENGINE_RATE_HZ, EngineSpec
from ipyspeaches.local.forms import FormError, FormReader, limited
from ipyspeaches.local.messages import StretchText
from ipyspeaches.local.session_settings import language_missing_text, model_missing_text
from ipyspeaches.local.speech import speech_scores, speech_spans
from ipyspeaches.local.uploads import decode_upload
from ipyspeaches.local.worker_pool import WorkerPool
from ipyspeaches.vad import SegmentOptions

RELEASE_BELOW_THRESHOLD = 0.15
MIN_RELEASE = 0.01


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """What a client wants to know about a file."""

    file: UploadFile
    model: str
    language: str | None
    response_format: str
    words: bool
    stream: bool


def _read_transcription(reader: FormReader, spec: EngineSpec) -> TranscriptionRequest:
    file = reader.file()
    model = reader.required_text("model")
    language = reader.text("language")
    if not spec.understands(language):
        reader.problem("value_error", "language", language_missing_text(spec, str(language)), language)
    response_format = reader.choice("response_format", formats.FORMATS, "json")
    granularities = reader.choices("timestamp_granularities[]", ("segment", "word"))
    stream = reader.flag("stream")
    reader.check()
    assert file is not None
    return TranscriptionRequest(file, model, language, response_format, "word" in granularities, stream)


async def _decode(file: UploadFile) -> NDArray[np.int16] | JSONResponse:
    try:
        return await asyncio.to_thread(decode_upload, file.file, file.content_type)
    except AudioError as exc:
        return JSONResponse({"detail": str(exc)}, status_code=415)


async def transcriptions(request: Request) -> Response:
    """Transcribe a file."""
    pool: WorkerPool = request.app.state.pool
    async with limited(request).form() as form:
        try:
            wanted = _read_transcription(FormReader(form), pool.spec)
        except FormError as exc:
            return JSONResponse({"detail": exc.problems}, status_code=422)
        if wanted.model != pool.spec.model:
            return JSONResponse({"detail": model_missing_text(wanted.model)}, status_code=404)
        samples = await _decode(wanted.file)
    if isinstance(samples, JSONResponse):
        return samples
    if wanted.stream:
        return StreamingResponse(_events(pool, samples, wanted.language), media_type="text/event-stream")
    try:
        stretches = [stretch async for stretch in pool.transcribe(samples, wanted.language)]
    except SpeachesError as exc:
        return JSONResponse({"detail": str(exc)}, status_code=500)
    return _answer(stretches, wanted, len(samples) / SESSION_RATE_HZ)


def _answer(stretches: list[StretchText], wanted: TranscriptionRequest, duration_s: float) -> Response:
    if wanted.response_format in formats.TEXT_FORMATS:
        render, media_type = formats.TEXT_FORMATS[wanted.response_format]
        return PlainTextResponse(render(stretches), media_type=media_type)
    if wanted.response_format == "verbose_json":
        return JSONResponse(formats.as_verbose_json(stretches, duration_s, wanted.language, words=wanted.words))
    return JSONResponse(formats.as_json(stretches))


async def _events(pool: WorkerPool, samples: NDArray[np.int16], language: str | None) -> AsyncIterator[str]:
    """Yield one delta a stretch, then the whole text; an engine that fails cuts the stream before that."""
    stretches: list[StretchText] = []
    async for stretch in pool.transcribe(samples, language):
        stretches.append(stretch)
        yield formats.sse_delta(stretch.text)
    yield formats.sse_done(formats.full_text(stretches))


def _read_segment_options(reader: FormReader) -> SegmentOptions:
    model = reader.text("model")
    if model not in (None, SILERO_MODEL):
        reader.problem("literal_error", "model", f"Input should be '{SILERO_MODEL}'", model, expected=SILERO_MODEL)
    threshold = reader.number("threshold", 0.75, most=1)
    release = max(MIN_RELEASE, threshold - RELEASE_BELOW_THRESHOLD)
    options = SegmentOptions(
        threshold=threshold,
        neg_threshold=min(threshold, reader.number("neg_threshold", release, most=1)),
        min_speech_duration_ms=reader.number("min_speech_duration_ms", 0),
        min_silence_duration_ms=reader.number("min_silence_duration_ms", 1000),
        speech_pad_ms=reader.number("speech_pad_ms", 0),
        max_speech_duration_s=reader.number("max_speech_duration_s", math.inf) or math.inf,
    )
    reader.check()
    return options


async def speech_timestamps(request: Request) -> Response:
    """Say where in a file somebody speaks, in milliseconds."""
    async with limited(request).form() as form:
        reader = FormReader(form)
        file = reader.file()
        try:
            options = _read_segment_options(reader)
        except FormError as exc:
            return JSONResponse({"detail": exc.problems}, status_code=422)
        assert file is not None
        samples = await _decode(file)
    if isinstance(samples, JSONResponse):
        return samples
    request.app.state.catalogue.silero_loaded = True
    spans = await asyncio.to_thread(_spans, samples, options)
    per_ms = ENGINE_RATE_HZ // 1000
    return JSONResponse([{"start": start // per_ms, "end": end // per_ms} for start, end in spans])


def _spans(samples: NDArray[np.int16], options: SegmentOptions) -> list[tuple[int, int]]:
    heard = Resampler(SESSION_RATE_HZ, ENGINE_RATE_HZ).push(samples, last=True)
    return speech_spans(speech_scores(heard), len(heard), options)
