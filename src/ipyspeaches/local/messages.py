"""What the server and its worker processes say to each other: MessagePack, each message behind its length.

Sound is int16 mono PCM at the session clock's 24 kHz, little-endian.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from ipyspeaches.local.engine import NO_ADVICE, Advice
from ipyspeaches.words import Word

HEADER: Final = struct.Struct("<I")


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of all messages; ``job`` numbers the utterance, file or live text that it is about."""


class Transcribe(Message, frozen=True):
    """Find the speech in this sound and transcribe it, stretch by stretch."""

    job: int
    audio: bytes
    language: str | None
    advice: Advice = NO_ADVICE


class OpenLive(Message, frozen=True):
    """Follow an utterance that begins now."""

    job: int


class FeedLive(Message, frozen=True):
    """More of an utterance that is followed."""

    job: int
    audio: bytes


class Forget(Message, frozen=True):
    """Nobody waits for this job any more; sent for every job that is not finished by itself."""

    job: int


class WorkerReady(Message, frozen=True):
    """The engine is loaded."""


class WorkerFailed(Message, frozen=True):
    """The engine could not be loaded; the worker ends."""

    error: str


class StretchText(Message, frozen=True):
    """The text of one stretch of speech, ``start_s`` to ``end_s`` in seconds from the start of the sound."""

    job: int
    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    language: str


class JobDone(Message, frozen=True):
    """All stretches of a job have been sent."""

    job: int


class JobFailed(Message, frozen=True):
    """The engine failed on a job."""

    job: int
    error: str


class LiveText(Message, frozen=True):
    """Text to add to what was said before about an utterance that is followed."""

    job: int
    text: str


ToWorker = Transcribe | OpenLive | FeedLive | Forget
FromWorker = WorkerReady | WorkerFailed | StretchText | JobDone | JobFailed | LiveText


def pack(message: ToWorker | FromWorker) -> bytes:
    """Return a message as it goes over the pipe."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body
