"""Sound files: ``POST /v1/audio/`` ``transcriptions``, ``translations``, ``speech/timestamps`` and ``diarization``.

``prompt``, ``hotwords``, ``temperature`` and ``without_timestamps`` are checked whatever the engine; faster-whisper
uses them, on PocketSphinx they have no effect. PocketSphinx hears only English: its translation is its transcript.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
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
from ipyspeaches.local.engine import ENGINE_RATE_HZ, Advice, EngineSpec
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
    response_format: str
    advice: Advice
    language: str | None = None
    words: bool = False
    stream: bool = False


def _read_transcription(reader: FormReader, spec: EngineSpec) -> TranscriptionRequest:
    """Read the form of a transcription.

    Raises
    ------
    FormError
        If a field is missing or wrong.
    """
    file = reader.file()
    model = reader.required_text("model")
    language = reader.text("language")
    if not spec.understands(language):
        reader.problem("value_error", "language", language_missing_text(spec, str(language)), language)
    response_format = reader.choice("response_format", formats.FORMATS, "json")
    granularities = reader.choices("timestamp_granularities[]", ("segment", "word"))
    stream = reader.flag("stream")
    advice = Advice(
        prompt=reader.text("prompt"),
        hotwords=reader.text("hotwords"),
        temperature=reader.optional_number("temperature", most=1),
        without_timestamps=reader.flag("without_timestamps", default=True),
    )
    reader.check()
    assert file is not None
    return TranscriptionRequest(file, model, response_format, advice, language, "word" in granularities, stream)


def _read_translation(reader: FormReader, _spec: EngineSpec) -> TranscriptionRequest:
    """Read the form of a translation into English.

    Raises
    ------
    FormError
        If a field is missing or wrong.
    """
    file = reader.file()
    model = reader.required_text("model")
    response_format = reader.choice("response_format", formats.FORMATS, "json")
    temperature = reader.optional_number("temperature", most=1)
    reader.check()
    assert file is not None
    advice = Advice("translate", reader.text("prompt"), temperature=temperature)
    return TranscriptionRequest(file, model, response_format, advice)


async def _decode(file: UploadFile) -> NDArray[np.int16] | JSONResponse:
    try:
        return await asyncio.to_thread(decode_upload, file.file, file.content_type)
    except AudioError as exc:
        return JSONResponse({"detail": str(exc)}, status_code=415)


async def transcriptions(request: Request) -> Response:
    """Transcribe a file."""
    return await _recognise(request, _read_transcription)


async def translations(request: Request) -> Response:
    """Give the English text of a file."""
    return await _recognise(request, _read_translation)


async def _recognise(request: Request, read: Callable[[FormReader, EngineSpec], TranscriptionRequest]) -> Response:
    pool: WorkerPool = request.app.state.pool
    async with limited(request).form() as form:
        try:
            wanted = read(FormReader(form), pool.spec)
        except FormError as exc:
            return JSONResponse({"detail": exc.problems}, status_code=422)
        if wanted.model != pool.spec.model:
            return JSONResponse({"detail": model_missing_text(wanted.model)}, status_code=404)
        samples = await _decode(wanted.file)
    if isinstance(samples, JSONResponse):
        return samples
    heard = pool.transcribe(samples, wanted.language, wanted.advice)
    if wanted.stream:
        return StreamingResponse(_events(heard), media_type="text/event-stream")
    try:
        stretches = [stretch async for stretch in heard]
    except SpeachesError as exc:
        return JSONResponse({"detail": str(exc)}, status_code=500)
    return _answer(stretches, wanted, len(samples) / SESSION_RATE_HZ)


def _answer(stretches: list[StretchText], wanted: TranscriptionRequest, duration_s: float) -> Response:
    if wanted.response_format in formats.TEXT_FORMATS:
        render, media_type = formats.TEXT_FORMATS[wanted.response_format]
        return PlainTextResponse(render(stretches), media_type=media_type)
    verbose = wanted.response_format == "verbose_json"
    if wanted.advice.task == "translate":
        translated = formats.as_translation_verbose_json(stretches, duration_s) if verbose else None
        return JSONResponse(translated or formats.as_translation_json(stretches))
    if verbose:
        return JSONResponse(formats.as_verbose_json(stretches, duration_s, wanted.language, words=wanted.words))
    return JSONResponse(formats.as_json(stretches))


async def _events(heard: AsyncIterator[StretchText]) -> AsyncIterator[str]:
    """Yield one delta a stretch, then the whole text; an engine that fails cuts the stream before that."""
    stretches: list[StretchText] = []
    async for stretch in heard:
        stretches.append(stretch)
        yield formats.sse_delta(stretch.text)
    yield formats.sse_done(formats.full_text(stretches))


async def diarization(request: Request) -> Response:
    """Answer that no model here tells speakers apart, in the words for a model that is not installed."""
    async with limited(request).form() as form:
        reader = FormReader(form)
        reader.file()
        model = reader.required_text("model")
        reader.choice("response_format", ("json", "rttm"), "json")
        try:
            reader.check()
        except FormError as exc:
            return JSONResponse({"detail": exc.problems}, status_code=422)
    return JSONResponse({"detail": model_missing_text(model)}, status_code=404)


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
