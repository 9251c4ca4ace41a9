"""One realtime session: client events in, server events out; knows no socket.

Two ways to cut, which a client may change at any time: server VAD (`TurnDetector`), or the client's own commits where
``turn_detection`` is null or has a threshold of 1.0; no sound is scored then. In both, text comes as deltas while an
utterance is spoken and as a final when it is over. Whatever a client sends, the session lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.local import realtime_events as events
from ipyspeaches.local.audio_buffer import AudioBuffer, Excerpt
from ipyspeaches.local.client_events import decode_audio, parse_event
from ipyspeaches.local.live_text import LiveText
from ipyspeaches.local.realtime_events import Event
from ipyspeaches.local.session_settings import SessionSettings, updated
from ipyspeaches.local.speech_gate import SpeechGate
from ipyspeaches.local.turn_detector import TurnDetector, TurnEvent, TurnStarted
from ipyspeaches.local.worker_pool import WorkerPool

MIN_COMMIT_MS: Final = 100
ONSET_MS: Final = 300
"""Sound before an onset that the engine hears whatever ``prefix_padding_ms`` says: Silero is late, and clipped words
are wrong words."""
SILENCE_KEPT: Final = 10 * SESSION_RATE_HZ
MAX_UNFINISHED: Final = 16
"""Utterances that may wait for their text; a client that commits faster is not read meanwhile."""

_LOG: Final = logging.getLogger(__name__)
_NOT_IMPLEMENTED: Final = frozenset({"conversation.item.truncate", "response.cancel", "response.create"})


class RealtimeSession:
    """The state of one client.

    Parameters
    ----------
    settings
        As asked for in the address.
    pool
        Who recognises.
    emit
        Takes each event, in order.
    """

    def __init__(self, settings: SessionSettings, pool: WorkerPool, emit: Callable[[Event], None]) -> None:
        self.settings = settings
        self._pool = pool
        self._emit = emit
        self._id = events.new_id("sess")
        self._buffer = AudioBuffer()
        self._ended_samples = 0  # of all earlier buffers
        self._item_id = events.new_id("item")
        self._previous_item_id: str | None = None
        self._detector: TurnDetector | None = None
        self._detector_zero = 0  # sample of the buffer at which the detector began to count
        self._speech_start: int | None = None  # where the utterance under way begins in the buffer, for the engine
        self._live = LiveText(pool, emit)
        self._gate: SpeechGate | None = None  # before the live text of a stream
        self._finals: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(MAX_UNFINISHED)
        self._refusing = False  # a stream of sound that does not fit
        self._handlers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.delete": self._delete,
        }

    def start(self) -> None:
        """Greet the client."""
        self._emit(events.event("session.created", session=self.settings.as_event(self._id)))
        self._set_detector()

    async def close(self) -> None:
        """Give up what is unfinished."""
        self._live.stop()
        for task in list(self._finals):
            task.cancel()
        await asyncio.gather(*self._finals, return_exceptions=True)

    async def receive(self, text: str) -> None:
        """Handle one message of the client; what is wrong with it becomes an ``error`` event."""
        about: str | None = None
        kind = ""
        try:
            message = parse_event(text)
            about = message["event_id"] if isinstance(message.get("event_id"), str) else None
            kind = message["type"]
            handler = self._handlers.get(kind)
            if handler is not None:
                await handler(message)
            elif kind in _NOT_IMPLEMENTED:
                text = f"Handling of the '{kind}' event is not implemented."
                self._emit(events.error(text, "server_error", about))
            else:
                raise InputError(f"There is no client event of the type {kind!r}.")
        except InputError as exc:
            # So a client knows that this is the answer to its update, and that no `session.updated` will come.
            param = "session" if kind == "session.update" else None
            self._emit(events.error(str(exc), about=about, param=param))
        except Exception as exc:  # noqa: BLE001 - one event that cannot be handled must not end the session
            _LOG.exception("A client event could not be handled.")
            self._emit(events.error(f"The server failed on this event ({type(exc).__name__}).", "server_error", about))

    async def hear(self, samples: NDArray[np.int16]) -> None:
        """Take sound that comes as a stream (int16, 24 kHz); when it does not fit, the client is told once."""
        self._gate = self._gate or SpeechGate()
        try:
            await self._take_sound(samples)
        except InputError as exc:
            if not self._refusing:
                self._emit(events.error(str(exc)))
            self._refusing = True
        else:
            self._refusing = False

    def refuse_binary(self) -> None:
        """Answer a binary frame."""
        self._emit(events.error("Binary frames are not understood: send each event as JSON in a text frame."))

    # --- settings

    async def _update(self, message: dict[str, Any]) -> None:
        before = self.settings
        self.settings = updated(before, message.get("session"), self._pool.spec)
        self._emit(events.event("session.updated", session=self.settings.as_event(self._id)))
        if before.turn_detection == self.settings.turn_detection:
            return
        if not self.settings.server_cuts and self._speech_start is not None:
            await self._stop_speech(self._buffer.length)  # nobody else would ever end it
        self._set_detector()

    def _set_detector(self) -> None:
        turn_detection = self.settings.turn_detection
        if turn_detection is None or not turn_detection.cuts:
            self._detector = None
        elif self._detector is None:
            self._live.stop()
            self._detector = TurnDetector(turn_detection)
            self._detector_zero = self._buffer.length
        else:
            self._detector.reconfigure(turn_detection)

    # --- sound

    async def _append(self, message: dict[str, Any]) -> None:
        await self._take_sound(decode_audio(message.get("audio")))

    async def _take_sound(self, samples: NDArray[np.int16]) -> None:
        self._buffer.append(samples)
        if self._detector is None:
            await self._follow(samples)
            return
        if self._speech_start is not None:
            self._live.feed(samples)
        for turn in await asyncio.to_thread(self._detector.push, samples):
            await self._take_turn(turn)
        await self._bound_buffer()

    async def _follow(self, samples: NDArray[np.int16]) -> None:
        """Have the text of the buffer recognised while it grows."""
        if self._gate is not None:
            samples = await asyncio.to_thread(self._gate.push, samples)
            if not len(samples):
                return
        if not self._live.item_id:
            await self._live.start(self._item_id)
        self._live.feed(samples)

    async def _take_turn(self, turn: TurnEvent) -> None:
        # A turn's samples count from the detector's start; what was committed since lies before the buffer.
        if isinstance(turn, TurnStarted):
            await self._start_speech(max(0, turn.onset + self._detector_zero))
        else:
            await self._stop_speech(min(self._buffer.length, turn.position + self._detector_zero))

    async def _start_speech(self, onset: int) -> None:
        assert self.settings.turn_detection is not None
        prefix = self.settings.turn_detection.prefix_padding_ms * SESSION_RATE_HZ // 1000
        self._speech_start = max(0, onset - max(prefix, ONSET_MS * SESSION_RATE_HZ // 1000))
        self._emit(events.speech_started(self._item_id, self._vad_ms(max(0, onset - prefix))))
        await self._live.start(self._item_id)
        self._live.feed(self._buffer.excerpt(self._speech_start, self._buffer.length).samples)

    async def _stop_speech(self, at: int) -> None:
        self._emit(events.speech_stopped(self._item_id, self._vad_ms(at)))
        await self._end_buffer(at)

    def _vad_ms(self, sample: int) -> int:
        """Return milliseconds from the buffer's start, or from that of the first one, as the newer interface counts."""
        earlier = self._ended_samples if self.settings.nested else 0
        return (earlier + sample) * 1000 // SESSION_RATE_HZ

    async def _bound_buffer(self) -> None:
        """Keep memory bounded under server VAD: silence is forgotten, endless speech is cut at half the limit."""
        if self._speech_start is None:
            self._buffer.forget(self._buffer.length - SILENCE_KEPT)
        elif 2 * self._buffer.kept > self._buffer.limit:
            await self._stop_speech(self._buffer.length)
            if self._detector is not None:
                self._detector.end_turn()

    # --- utterances

    async def _commit(self, message: dict[str, Any]) -> None:
        del message
        if self._buffer.length_ms < MIN_COMMIT_MS:
            raise InputError(
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of audio, "
                f"but buffer only has {self._buffer.length_ms:.2f}ms of audio."
            )
        if self._speech_start is not None:
            self._emit(events.speech_stopped(self._item_id, self._vad_ms(self._buffer.length)))
        if self._detector is not None:
            self._detector.end_turn()
        await self._end_buffer(self._buffer.length)

    async def _clear(self, message: dict[str, Any]) -> None:
        del message
        self._live.stop()
        self._next_buffer(self._buffer.length)
        self._detector = None  # a new one has forgotten that somebody was speaking
        self._set_detector()
        self._emit(events.event("input_audio_buffer.cleared"))

    async def _delete(self, message: dict[str, Any]) -> None:
        item_id = message.get("item_id")
        raise InputError(f"Error deleting item: the item with id '{item_id}' does not exist.")

    async def _end_buffer(self, at: int) -> None:
        """Make the buffer up to this sample an item and have it transcribed."""
        await self._free.acquire()
        item_id, speech_start = self._item_id, self._speech_start or 0
        self._live.stop()
        whole = self._next_buffer(at)
        skipped = max(0, speech_start - whole.start)
        heard = Excerpt(whole.start + skipped, whole.samples[skipped:])
        self._emit(events.committed(item_id, self._previous_item_id))
        announce = events.item_added if self.settings.nested else events.item_created
        for announced in announce(item_id, self._previous_item_id):
            self._emit(announced)
        self._previous_item_id = item_id
        task = asyncio.create_task(self._transcribe(item_id, heard, at / SESSION_RATE_HZ, self.settings.language))
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
        self._item_id = events.new_id("item")
        return ended

    async def _transcribe(self, item_id: str, heard: Excerpt, seconds: float, language: str | None) -> None:
        """Send the final text of an item, or that it failed."""
        try:
            stretches = [stretch async for stretch in self._pool.transcribe(heard.samples, language)]
        except SpeachesError as exc:
            self._emit(events.transcription_failed(item_id, str(exc)))
            return
        offset_s = heard.start / SESSION_RATE_HZ
        words = [
            replace(word, start=round(word.start + offset_s, 3), end=round(word.end + offset_s, 3))
            for stretch in stretches
            for word in stretch.words
        ]
        text = "".join(stretch.text for stretch in stretches).strip()
        spoken = stretches[0].language if stretches else language
        self._emit(events.transcription_completed(item_id, text, seconds, words, spoken))
