"""What a recogniser is told about speech, and by which way speech goes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ipyspeaches.errors import InputError

TRANSPORTS: Final = ("realtime", "chunked", "sse", "webrtc")
REQUESTS: Final = frozenset({"chunked", "sse"})
"""Transports that send each utterance as a request of its own."""
TASKS: Final = ("transcribe", "translate")
SHORTEST_CHUNK_S: Final = 1.0
LONGEST_CHUNK_S: Final = 30.0
SHORTEST_INTERIM_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the recogniser is told about the speech.

    Parameters
    ----------
    model
        A model id or a preset (``"realtime"``, ``"accurate"``, ``"fastest"``); None for the server's first
        recognition model.
    language
        Code such as ``"en"`` or ``"zh"``; None lets the server find out.
    task
        ``"transcribe"``, or ``"translate"`` for English text of speech in any language (over HTTP only).
    prompt
        Text that could have come before: names, spellings, style. (Over HTTP only, as the next two; OpenAI's own
        realtime endpoint has this one, too.)
    hotwords
        Words to listen for.
    temperature
        0 for the likeliest words, up to 1 for more variety; None for the server's own.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    model: str | None = None
    language: str | None = None
    task: str = "transcribe"
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.model is not None and not self.model.strip():
            raise InputError("model is empty: give a model id, or None for the server's first recognition model.")
        if self.task not in TASKS:
            raise InputError(f"task is {self.task!r}: use one of {', '.join(map(repr, TASKS))}.")
        if self.temperature is not None and not 0 <= self.temperature <= 1:
            raise InputError(f"temperature is {self.temperature}: give a number from 0 to 1.")


@dataclass(frozen=True, slots=True)
class Route:
    """By which way speech goes to the recogniser and text comes back.

    Parameters
    ----------
    transport
        ``"realtime"``: OpenAI-Realtime events over a WebSocket. ``"chunked"``: a request an utterance. ``"sse"``: the
        same, with text as it is recognised. ``"webrtc"``: sound as a media stream, events over a data channel.
    chunk_s
        For ``"chunked"`` and ``"sse"``: cut every so many seconds instead of where the detector hears an end.
    interim_s
        For servers that send no text of an unfinished utterance: ask for it over HTTP, at most this often. None:
        never.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    transport: str = "realtime"
    chunk_s: float | None = None
    interim_s: float | None = None

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise InputError(f"transport is {self.transport!r}: use one of {', '.join(map(repr, TRANSPORTS))}.")
        if self.chunk_s is not None:
            if not self.by_requests:
                raise InputError('chunk_s cuts requests: give it with transport="chunked" or "sse", or leave it out.')
            if not SHORTEST_CHUNK_S <= self.chunk_s <= LONGEST_CHUNK_S:
                raise InputError(
                    f"chunk_s is {self.chunk_s}: give from {SHORTEST_CHUNK_S:g} to {LONGEST_CHUNK_S:g} seconds."
                )
        if self.interim_s is not None and not self.interim_s >= SHORTEST_INTERIM_S:
            raise InputError(f"interim_s is {self.interim_s}: give {SHORTEST_INTERIM_S:g} seconds or more, or None.")

    @property
    def by_requests(self) -> bool:
        """Whether each utterance is a request of its own, so that nobody but this side can cut."""
        return self.transport in REQUESTS
