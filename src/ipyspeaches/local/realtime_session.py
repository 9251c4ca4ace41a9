"""One realtime session: client events in, server events out; knows no socket.

Two ways to cut, which a client may change at any time: server VAD (`TurnDetector`), or the client's own commits where
``turn_detection`` is null or has a threshold of 1.0; no audio is scored then. In both, text comes as deltas while an
utterance is spoken and as a final when it is over. Whatever a client sends, the session lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.local.dispatcher import BusyError, ClientRecogniser, LiveHandle
from ipyspeaches.local.engines import DecodingOptions
from ipyspeaches.local.realtime_events import (
    RATE_LIMIT_CODE,
    Event,
    decode_audio,
    error,
    event,
    item_events,
    new_id,
    parse_event,
    transcription_event,
)
from ipyspeaches.local.recogniser import LiveNews
from ipyspeaches.local.session_audio import AudioBuffer, Excerpt, SpeechGate, TurnDetector
from ipyspeaches.local.session_settings import SessionSettings, updated
from ipyspeaches.vad.segmenter import Opened

MIN_COMMIT_MS: Final = 100
ONSET_MS: Final = 300
"""Audio before an onset that the engine hears whatever ``prefix_padding_ms`` says: Silero is late, and clipped words
are wrong words."""
SILENCE_KEPT: Final = 10 * SESSION_RATE_HZ
MAX_UNFINISHED: Final = 16
"""Utterances that may wait for their text; a client that commits faster is not read meanwhile."""

_LOG: Final = logging.getLogger(__name__)
_NOT_IMPLEMENTED: Final = frozenset({"conversation.item.truncate", "response.cancel", "response.create"})


class RealtimeSession:
    """The state of one client; ``emit`` is called with each event, in order."""

    def __init__(self, settings: SessionSettings, recogniser: ClientRecogniser, emit: Callable[[Event], None]) -> None:
        self._settings = settings
        self._recogniser = recogniser
        self._emit = emit
        self._id = new_id("sess")
        self._buffer = AudioBuffer()
        self._ended_samples = 0  # of all earlier buffers
        self._item_id = new_id("item")
        self._previous_item_id: str | None = None
        self._detector: TurnDetector | None = None
        self._detector_zero = 0  # sample of the buffer at which the detector began to count
        self._speech_start: int | None = None  # where the utterance under way begins in the buffer, for the engine
        self._live: LiveHandle | None = None
        self._following = False  # whether the item has live text, if the engine has a decoder for it
        self._gate: SpeechGate | None = None  # before the live text of a stream
        self._refusing = False  # a stream of audio that does not fit
        self._finals: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(MAX_UNFINISHED)
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.delete": self._delete,
        }

    def start(self) -> None:
        """Greet the client."""
        self._emit(event("session.created", session=self._settings.as_event(self._id)))
        self._set_detector()

    async def close(self) -> None:
        """Give up what is unfinished."""
        self._stop_live()
        for task in list(self._finals):
            task.cancel()
        await asyncio.gather(*self._finals, return_exceptions=True)

    async def receive(self, message: str | bytes) -> None:
        """Handle one message of the client; what is wrong with it becomes an ``error`` event."""
        about: str | None = None
        kind = ""
        try:
            if isinstance(message, bytes):
                raise InputError("Binary frames are not understood: send each event as JSON in a text frame.")
            received = parse_event(message)
            about = received["event_id"] if isinstance(received.get("event_id"), str) else None
            kind = received["type"]
            handler = self._handlers.get(kind)
            if handler is not None:
                await handler(received)
            elif kind in _NOT_IMPLEMENTED:
                self._emit(error(f"Handling of the '{kind}' event is not implemented.", "server_error", about))
            else:
                raise InputError(f"There is no client event of the type {kind!r}.")
        except InputError as exc:
            # So a client knows that this is the answer to its update, and that no `session.updated` will come.
            param = "session" if kind == "session.update" else None
            self._emit(error(str(exc), about=about, param=param))
        except Exception as exc:  # noqa: BLE001 - one event that cannot be handled must not end the session
            _LOG.exception("A client event could not be handled.")
            self._emit(error(f"The server failed on this event ({type(exc).__name__}).", "server_error", about))

    async def receive_stream(self, samples: NDArray[np.int16]) -> None:
        """Handle audio that comes as a stream (int16, 24 kHz); when it does not fit, the client gets one error."""
        self._gate = self._gate or SpeechGate()
        try:
            await self._append_samples(samples)
        except InputError as exc:
            if not self._refusing:
                self._emit(error(str(exc)))
            self._refusing = True
        else:
            self._refusing = False

    # --- settings

    async def _update(self, message: dict[str, Any]) -> None:
        before = self._settings
        self._settings = updated(before, message.get("session"), self._recogniser.find)
        if self._settings.model != before.model:
            self._recogniser = self._recogniser.for_model(self._settings.model)
            self._recogniser.prepare()
        self._emit(event("session.updated", session=self._settings.as_event(self._id)))
        if before.turn_detection == self._settings.turn_detection:
            return
        if not self._settings.server_cuts and self._speech_start is not None:
            await self._stop_speech(self._buffer.length)  # nobody else would ever end it
        self._set_detector()

    def _set_detector(self) -> None:
        turn_detection = self._settings.turn_detection
        if turn_detection is None or not self._settings.server_cuts:
            self._detector = None
        elif self._detector is None:
            self._stop_live()
            self._detector = TurnDetector(turn_detection)
            self._detector_zero = self._buffer.length
        else:
            self._detector.reconfigure(turn_detection)

    # --- audio

    async def _append(self, message: dict[str, Any]) -> None:
        await self._append_samples(decode_audio(message.get("audio")))

    async def _append_samples(self, samples: NDArray[np.int16]) -> None:
        self._buffer.append(samples)
        if self._detector is None:
            await self._follow(samples)
            return
        if self._speech_start is not None:
            self._append_live(samples)
        for decided, position in await asyncio.to_thread(self._detector.append, samples):
            # These count from the detector's start; what was committed since lies before the buffer.
            if isinstance(decided, Opened):
                await self._start_speech(max(0, decided.start + self._detector_zero))
            else:
                await self._stop_speech(min(self._buffer.length, position + self._detector_zero))
        await self._bound_buffer()

    async def _start_speech(self, onset: int) -> None:
        assert self._settings.turn_detection is not None
        prefix = self._settings.turn_detection.prefix_padding_ms * SESSION_RATE_HZ // 1000
        self._speech_start = max(0, onset - max(prefix, ONSET_MS * SESSION_RATE_HZ // 1000))
        start_ms = self._vad_ms(max(0, onset - prefix))
        self._emit(event("input_audio_buffer.speech_started", item_id=self._item_id, audio_start_ms=start_ms))
        await self._start_live()
        self._append_live(self._buffer.excerpt(self._speech_start).samples)

    async def _stop_speech(self, at: int) -> None:
        self._emit_speech_stopped(at)
        await self._end_buffer(at)

    def _emit_speech_stopped(self, at: int) -> None:
        end_ms = self._vad_ms(at)
        self._emit(event("input_audio_buffer.speech_stopped", item_id=self._item_id, audio_end_ms=end_ms))

    def _vad_ms(self, sample: int) -> int:
        """Return milliseconds from the buffer's start, or from that of the first one, as the newer interface counts."""
        earlier = self._ended_samples if self._settings.nested else 0
        return (earlier + sample) * 1000 // SESSION_RATE_HZ

    async def _bound_buffer(self) -> None:
        """Keep memory bounded under server VAD: silence is forgotten, endless speech is cut at half the limit."""
        if self._speech_start is None:
            self._buffer.forget(self._buffer.length - SILENCE_KEPT)
        elif 2 * self._buffer.kept > self._buffer.limit:
            await self._stop_speech(self._buffer.length)
            if self._detector is not None:
                self._detector.end_turn()

    # --- live text

    async def _follow(self, samples: NDArray[np.int16]) -> None:
        """Have the text of the buffer recognised while it grows."""
        if self._gate is not None:
            samples = await asyncio.to_thread(self._gate.append, samples)
            if not len(samples):
                return
        if not self._following:
            await self._start_live()
        self._append_live(samples)

    async def _start_live(self) -> None:
        self._stop_live()
        self._following = True
        item_id = self._item_id

        def emit_delta(news: LiveNews) -> None:
            # Other servers and clients know no tentative text: they add the delta, which may be empty.
            told = {"delta": news.settled, "tentative": news.tentative, "logprobs": None}
            self._emit(transcription_event("delta", item_id, **told))

        with suppress(SpeachesError):  # the final of this item fails with the same reason, and says it
            self._live = await self._recogniser.open_live(self._settings.decoding, emit_delta)

    def _append_live(self, samples: NDArray[np.int16]) -> None:
        if self._live is not None:
            self._live.append(samples)

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.close()
        self._live = None
        self._following = False

    # --- utterances

    async def _commit(self, _message: dict[str, Any]) -> None:
        if self._buffer.length_ms < MIN_COMMIT_MS:
            raise InputError(
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of audio, "
                f"but buffer only has {self._buffer.length_ms:.2f}ms of audio."
            )
        if self._speech_start is not None:
            self._emit_speech_stopped(self._buffer.length)
        if self._detector is not None:
            self._detector.end_turn()
        await self._end_buffer(self._buffer.length)

    async def _clear(self, _message: dict[str, Any]) -> None:
        self._stop_live()
        self._next_buffer(self._buffer.length)
        self._detector = None  # a new one has forgotten that somebody was speaking
        self._set_detector()
        self._emit(event("input_audio_buffer.cleared"))

    async def _delete(self, message: dict[str, Any]) -> None:
        item_id = message.get("item_id")
        raise InputError(f"Error deleting item: the item with id '{item_id}' does not exist.")

    async def _end_buffer(self, at: int) -> None:
        """Make the buffer up to this sample an item and have it transcribed."""
        await self._free.acquire()
        item_id, previous, speech_start = self._item_id, self._previous_item_id, self._speech_start or 0
        self._stop_live()
        whole = self._next_buffer(at)
        skipped = max(0, speech_start - whole.start)
        speech = Excerpt(whole.start + skipped, whole.samples[skipped:])
        self._emit(event("input_audio_buffer.committed", item_id=item_id, previous_item_id=previous))
        for announced in item_events(item_id, previous, nested=self._settings.nested):
            self._emit(announced)
        self._previous_item_id = item_id
        task = asyncio.create_task(self._transcribe(item_id, speech, at / SESSION_RATE_HZ, self._settings.decoding))
        self._finals.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._finals.discard(task)
        self._free.release()

    def _next_buffer(self, at: int) -> Excerpt:
        ended = self._buffer.split(at)
        self._ended_samples += at
        self._detector_zero -= at
        self._speech_start = None
        self._item_id = new_id("item")
        return ended

    async def _transcribe(self, item_id: str, speech: Excerpt, seconds: float, options: DecodingOptions) -> None:
        """Emit the final text of an item, or that it failed."""
        try:
            segments = [segment async for segment in self._recogniser.transcribe(speech.samples, options)]
        except SpeachesError as exc:
            code = RATE_LIMIT_CODE if isinstance(exc, BusyError) else None
            detail = {"type": "server_error", "code": code, "message": str(exc), "param": None}
            self._emit(transcription_event("failed", item_id, error=detail))
            return
        offset_s = speech.start / SESSION_RATE_HZ
        words = [
            replace(word, start=round(word.start + offset_s, 3), end=round(word.end + offset_s, 3))
            for segment in segments
            for word in segment.words
        ]
        completed = transcription_event(
            "completed",
            item_id,
            transcript="".join(segment.text for segment in segments).strip(),
            usage={"seconds": round(seconds, 6), "type": "duration"},
            logprobs=None,
            # A Speaches server of 2026-03 sends neither of these. Times count from the start of the item's buffer.
            words=words,
            language=segments[0].language if segments else options.language_code,
        )
        self._emit(completed)
