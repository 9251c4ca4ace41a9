"""A worker process: one engine, any number of jobs, text back over a pipe; and the messages on that pipe.

PocketSphinx keeps Python's interpreter lock while it decodes, so recognition gets processes of its own and the server
stays answerable. The server says which job has the next turn. A turn ends with the job; a long file's also behind the
segment that is under way when `TURN_S` is over, so that it holds up nobody for longer. Live text is followed between
turns, once the server has none to give. The process ends when its standard input does.

Messages are MessagePack, each behind its length; audio in them is int16 mono PCM at 24 kHz, little-endian.
"""

from __future__ import annotations

import os
import queue
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engines import DecodingOptions, EngineSpec, LiveEngine, PocketSphinxEngine, engine_spec
from ipyspeaches.local.recogniser import LiveNews, LiveWork, ScoredStarts, SegmentText, open_live, transcribe
from ipyspeaches.local.whisper import WhisperEngine

LIVE_BACKLOG_LIMIT: Final = 10 * SESSION_RATE_HZ
"""Backlog beyond which an utterance is followed no longer: its text will come with the final."""
HEADER: Final = struct.Struct("<I")
TURN_S: Final = 1.0
"""How long a file is worked on before others may have a turn."""
SHORT_S: Final = 20.0
"""Audio up to this length is recognised in one turn: in several, all would have their text when the last one has."""


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of all messages; ``job`` numbers the utterance, file or live text that it is about."""


class Transcribe(Message, frozen=True):
    """Find the speech in this audio and transcribe it, segment by segment, whenever it has a turn."""

    job: int
    audio: bytes
    options: DecodingOptions


class Turn(Message, frozen=True):
    """Work on this job now, perhaps after a moment for live text; it ends with `JobDone` or `JobPaused`."""

    job: int
    live_first: bool = False


class Rest(Message, frozen=True):
    """There is no turn for now: follow live text until there is one."""


class OpenLive(Message, frozen=True):
    """Follow an utterance that begins now."""

    job: int
    options: DecodingOptions


class AppendLive(Message, frozen=True):
    """More of an utterance that is followed."""

    job: int
    audio: bytes


class Forget(Message, frozen=True):
    """Nobody waits for this job any more; sent for every job that is not finished by itself."""

    job: int


class WorkerStarted(Message, frozen=True):
    """The engine is loaded, or could not be, and why; then the worker ends."""

    error: str | None = None


class JobText(Message, frozen=True):
    """The text of one segment of speech."""

    job: int
    segment: SegmentText


class JobDone(Message, frozen=True):
    """All segments of a job have been sent, or the engine failed on it, and how."""

    job: int
    error: str | None = None


class JobPaused(Message, frozen=True):
    """The turn of a job is over, and the job is not."""

    job: int


class LiveText(Message, frozen=True):
    """What is new about an utterance that is followed."""

    job: int
    news: LiveNews


ToWorker = Transcribe | Turn | Rest | OpenLive | AppendLive | Forget
FromWorker = WorkerStarted | JobText | JobDone | JobPaused | LiveText


def pack(message: ToWorker | FromWorker) -> bytes:
    """Return a message as it goes over the pipe."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


def _samples(audio: bytes) -> NDArray[np.int16]:
    return np.frombuffer(audio, dtype="<i2").astype(np.int16, copy=False)


class Worker:
    """The jobs of one process: messages come from the inbox, answers go to the output."""

    def __init__(self, engine: LiveEngine, inbox: queue.SimpleQueue[ToWorker], output: BinaryIO) -> None:
        self._engine = engine
        self._inbox = inbox
        self._output = output
        self._jobs: dict[int, Iterator[SegmentText | None]] = {}
        self._long: set[int] = set()
        self._live: dict[int, LiveWork] = {}
        self._scored = ScoredStarts()
        self._turn: Turn | None = None
        self._resting = True

    def run(self) -> None:
        """Work for ever; the process is ended from outside."""
        while True:
            self.receive_waiting()
            if self._turn is None or self._turn.live_first:
                self.work_on_live()
            if self._turn is not None:
                self.take_turn()

    def receive_waiting(self) -> None:
        """Receive what has come; wait only if there is nothing to do."""
        while True:
            follows = self._resting and any(len(live.backlog) for live in self._live.values())
            try:
                message = self._inbox.get(block=self._turn is None and not follows)
            except queue.Empty:
                return
            self._receive(message)

    def _receive(self, message: ToWorker) -> None:
        if isinstance(message, Transcribe):
            self._begin_job(message)
        elif isinstance(message, Turn):
            self._turn, self._resting = message, False
        elif isinstance(message, Rest):
            self._resting = True
        elif isinstance(message, OpenLive):
            live = open_live(self._engine, message.options, self._scored)
            if live is not None:
                self._live[message.job] = live
        elif isinstance(message, AppendLive):
            live = self._live.get(message.job)
            if live is not None:
                live.append(_samples(message.audio))
                if len(live.backlog) > LIVE_BACKLOG_LIMIT:
                    self._end_live(message.job)
        elif isinstance(message, Forget):
            self._end_live(message.job)
            self._end_job(message.job)

    def _end_live(self, job: int) -> None:
        live = self._live.pop(job, None)
        if live is not None:
            live.close()

    def _begin_job(self, message: Transcribe) -> None:
        samples = _samples(message.audio)
        self._jobs[message.job] = transcribe(self._engine, samples, message.options, self._scored)
        if len(samples) > SHORT_S * SESSION_RATE_HZ:
            self._long.add(message.job)

    def _end_job(self, job: int) -> None:
        self._jobs.pop(job, None)
        self._long.discard(job)

    def take_turn(self) -> None:
        """Transcribe segments of the job whose turn it is, until it is done or the turn is over."""
        assert self._turn is not None
        job, self._turn = self._turn.job, None
        over_s = time.monotonic() + TURN_S
        try:
            for segment in self._jobs.get(job, ()):
                if segment is not None:
                    self._send(JobText(job, segment))
                if job in self._long and time.monotonic() > over_s:
                    self._send(JobPaused(job))
                    return
            self._send(JobDone(job))
        except Exception as exc:  # noqa: BLE001 - whatever an engine raises is this job's failure, not the worker's
            self._send(JobDone(job, f"The recogniser failed ({type(exc).__name__}: {exc})."))
        self._end_job(job)

    def work_on_live(self) -> None:
        """Follow each utterance for one piece, as long as nothing comes that may matter more."""
        for job, live in list(self._live.items()):
            if not len(live.backlog):
                continue
            self._live[job] = self._live.pop(job)  # it is the last one next time
            try:
                news = live.advance()
            except Exception:  # noqa: BLE001 - live text is a courtesy: the final text does not depend on it
                self._end_live(job)
                continue
            if news is not None:
                self._send(LiveText(job, news))
            if not self._inbox.empty():
                return

    def _send(self, message: FromWorker) -> None:
        self._output.write(pack(message))
        self._output.flush()


def _read_messages(stream: BinaryIO, inbox: queue.SimpleQueue[ToWorker]) -> None:
    """Fill the inbox; end the process with the stream, in the middle of a decode if need be."""
    decoder = msgspec.msgpack.Decoder(ToWorker)
    while len(header := stream.read(HEADER.size)) == HEADER.size:
        inbox.put(decoder.decode(stream.read(HEADER.unpack(header)[0])))
    os._exit(0)


def load_engine(spec: EngineSpec) -> LiveEngine:
    """Load an engine with its model; takes from half a second up to a download.

    It is a `MissingExtraError` if its package is not installed, an `InputError` if its model cannot be had or loaded.
    """
    if spec.name == "pocketsphinx":
        return PocketSphinxEngine()
    return WhisperEngine(spec.source or spec.model, english_only=spec.languages == ("en",))


def main(arguments: list[str]) -> None:
    """Run the worker for ``[engine name, model id]`` on standard input and output."""
    stdin = sys.stdin.buffer
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the messages
    try:
        engine = load_engine(engine_spec(*arguments))
    except SpeachesError as exc:
        output.write(pack(WorkerStarted(str(exc))))
        output.flush()
        return
    inbox: queue.SimpleQueue[ToWorker] = queue.SimpleQueue()
    threading.Thread(target=_read_messages, args=(stdin, inbox), daemon=True).start()
    output.write(pack(WorkerStarted()))
    output.flush()
    Worker(engine, inbox, output).run()


if __name__ == "__main__":
    main(sys.argv[1:])
