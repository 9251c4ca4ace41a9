"""A worker process: one engine, any number of jobs, text back over a pipe.

PocketSphinx keeps Python's interpreter lock while it decodes, so recognition gets processes of its own and the server
stays answerable. Whole utterances and live text take turns, stretch by stretch, so that a long file holds up nobody
for longer than one stretch. The process ends when its standard input does.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ipyspeaches.audio import SESSION_RATE_HZ
from ipyspeaches.errors import SpeachesError
from ipyspeaches.local.engine import Engine, engine_spec, load_engine
from ipyspeaches.local.messages import (
    HEADER,
    FeedLive,
    Forget,
    FromWorker,
    JobDone,
    JobFailed,
    LiveText,
    OpenLive,
    StretchText,
    ToWorker,
    Transcribe,
    WorkerFailed,
    WorkerReady,
    pack,
)
from ipyspeaches.local.recogniser import LiveRecogniser, transcribe

LIVE_PIECE: Final = SESSION_RATE_HZ // 5
LIVE_BACKLOG_LIMIT: Final = 10 * SESSION_RATE_HZ
"""Unheard sound beyond which an utterance is followed no longer: its text will come with the final."""


def _samples(audio: bytes) -> NDArray[np.int16]:
    return np.frombuffer(audio, dtype="<i2").astype(np.int16, copy=False)


class _LiveJob:
    def __init__(self, recogniser: LiveRecogniser) -> None:
        self.recogniser = recogniser
        self.backlog = np.empty(0, dtype=np.int16)


class Worker:
    """The jobs of one process.

    Parameters
    ----------
    engine
        What recognises.
    inbox
        Messages from the server.
    outbox
        Where answers go.
    """

    def __init__(self, engine: Engine, inbox: queue.SimpleQueue[ToWorker], outbox: BinaryIO) -> None:
        self._engine = engine
        self._inbox = inbox
        self._outbox = outbox
        self._jobs: deque[tuple[int, Iterator[StretchText | None]]] = deque()
        self._live: dict[int, _LiveJob] = {}

    def run(self) -> None:
        """Work for ever; the process is ended from outside."""
        while True:
            self.take_messages()
            self.work_on_stretch()
            self.work_on_live()

    def take_messages(self) -> None:
        """Take what has come; wait only if there is nothing to do."""
        busy = bool(self._jobs) or any(len(live.backlog) for live in self._live.values())
        while True:
            try:
                message = self._inbox.get(block=not busy)
            except queue.Empty:
                return
            self._take(message)
            busy = True

    def _take(self, message: ToWorker) -> None:
        if isinstance(message, Transcribe):
            job, audio = message.job, _samples(message.audio)
            self._jobs.append((job, transcribe(self._engine, audio, message.language, job, message.advice)))
        elif isinstance(message, OpenLive):
            decoder = self._engine.live()
            if decoder is not None:
                self._live[message.job] = _LiveJob(LiveRecogniser(decoder))
        elif isinstance(message, FeedLive):
            live = self._live.get(message.job)
            if live is not None:
                live.backlog = np.concatenate((live.backlog, _samples(message.audio)))
                if len(live.backlog) > LIVE_BACKLOG_LIMIT:
                    self._end_live(message.job)
        elif isinstance(message, Forget):
            self._end_live(message.job)
            self._jobs = deque(entry for entry in self._jobs if entry[0] != message.job)

    def _end_live(self, job: int) -> None:
        live = self._live.pop(job, None)
        if live is not None:
            live.recogniser.close()

    def work_on_stretch(self) -> None:
        """Transcribe the next stretch of the job whose turn it is."""
        if not self._jobs:
            return
        job, stretches = self._jobs.popleft()
        try:
            text = next(stretches)
        except StopIteration:
            self._send(JobDone(job))
            return
        except Exception as exc:  # noqa: BLE001 - whatever an engine raises is this job's failure, not the worker's
            self._send(JobFailed(job, f"The recogniser failed ({type(exc).__name__}: {exc})."))
            return
        if text is not None:
            self._send(text)
        self._jobs.append((job, stretches))

    def work_on_live(self) -> None:
        """Follow each utterance for one piece."""
        for job, live in list(self._live.items()):
            if not len(live.backlog):
                continue
            piece, live.backlog = live.backlog[:LIVE_PIECE], live.backlog[LIVE_PIECE:]
            try:
                text = live.recogniser.feed(piece)
            except Exception:  # noqa: BLE001 - live text is a courtesy: the final text does not depend on it
                self._end_live(job)
                continue
            if text:
                self._send(LiveText(job, text))

    def _send(self, message: FromWorker) -> None:
        self._outbox.write(pack(message))
        self._outbox.flush()


def _read_messages(stream: BinaryIO, inbox: queue.SimpleQueue[ToWorker]) -> None:
    """Fill the inbox; end the process with the stream, in the middle of a decode if need be."""
    decoder = msgspec.msgpack.Decoder(ToWorker)
    while len(header := stream.read(HEADER.size)) == HEADER.size:
        inbox.put(decoder.decode(stream.read(HEADER.unpack(header)[0])))
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Run the worker for ``[engine name, model id]`` on standard input and output."""
    stdin = sys.stdin.buffer
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between the messages
    try:
        engine = load_engine(engine_spec(*arguments))
    except SpeachesError as exc:
        outbox.write(pack(WorkerFailed(str(exc))))
        outbox.flush()
        return
    inbox: queue.SimpleQueue[ToWorker] = queue.SimpleQueue()
    threading.Thread(target=_read_messages, args=(stdin, inbox), daemon=True).start()
    outbox.write(pack(WorkerReady()))
    outbox.flush()
    Worker(engine, inbox, outbox).run()


if __name__ == "__main__":
    main(sys.argv[1:])
