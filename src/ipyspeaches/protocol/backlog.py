"""Utterances that wait until they can be sent, and what happens when they become too many.

A recording waits for the server (its session stops reading), so nothing happens here. Live sound goes on:

1. Up to `JOIN_ABOVE` utterances wait as they are.
2. Beyond that, neighbours that wait become one request of at most `LONGEST_REQUEST_S`, with the sound between them:
   one long request costs a server less than several short ones, and recognisers work in windows of 30 s.
3. Where that does not help any more (more than `MOST_WAITING` requests wait), the oldest gets no text. Its sound
   stays in the recording.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds
from ipyspeaches.protocol.transcription_form import TranscriptionOptions

JOIN_ABOVE: Final = 3
"""Waiting utterances that a server of about the right speed works off in the next pause."""

LONGEST_REQUEST_S: Final = 30.0
"""Whisper hears 30 s at a time: a longer request would be cut by the server."""

MOST_WAITING: Final = 8
"""With requests of up to 30 s, a text that comes minutes late: then the newest words matter more."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound that is to become text; sample indices of the session.

    Parameters
    ----------
    number
        The gate's number; of the last one, if several are joined.
    start, end
        The sound to send.
    options
        What is asked about it.
    seam
        Up to where its words count, if the next utterance repeats its end; None if it stands alone.
    follows
        Whether it repeats the end of the one before.
    joined
        How many utterances of the gate it is.
    """

    number: int
    start: int
    end: int
    options: TranscriptionOptions
    seam: int | None = None
    follows: bool = False
    joined: int = 1

    def with_next(self, following: Utterance) -> Utterance | None:
        """Return this utterance and the one that follows as one, None if that would be too long or too mixed."""
        if self.options != following.options or following.end - self.start > LONGEST_REQUEST_S * SESSION_RATE_HZ:
            return None
        joined = self.joined + following.joined
        return replace(following, start=self.start, follows=self.follows, joined=joined)


class Backlog:
    """A queue of utterances; see the policy above.

    Parameters
    ----------
    live
        Whether sound goes on whatever the server does.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._waiting: deque[Utterance] = deque()
        self._told = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, utterance: Utterance) -> tuple[Utterance | None, float | None]:
        """Queue an utterance.

        Returns
        -------
        dropped
            The utterance that gets no text because of this, if there is one.
        behind_s
            How far the server is behind, when that has just become too much; None otherwise.
        """
        self._waiting.append(utterance)
        if not self._live or len(self._waiting) <= JOIN_ABOVE:
            return None, None
        behind_s = None if self._told else to_seconds(utterance.end - self._waiting[0].start)
        self._told = True
        self._join()
        return self._waiting.popleft() if len(self._waiting) > MOST_WAITING else None, behind_s

    def take(self) -> Utterance | None:
        """Return the next utterance to send, None if none waits."""
        if not self._waiting:
            return None
        first = self._waiting.popleft()
        # The server has caught up: should it fall behind again, that is news.
        self._told = self._told and bool(self._waiting)
        return first

    def _join(self) -> None:
        """Join the oldest neighbours that fit, until few enough wait or none fit."""
        at = 0
        while len(self._waiting) > JOIN_ABOVE and at < len(self._waiting) - 1:
            both = self._waiting[at].with_next(self._waiting[at + 1])
            if both is None:
                at += 1
            else:
                self._waiting[at] = both
                del self._waiting[at + 1]
