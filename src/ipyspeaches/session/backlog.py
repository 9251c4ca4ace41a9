"""What of a session is still to be sent, in order, over the connection that there is. Pure: no I/O, no tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.session.ledger import Entry, Ledger, Stage
from ipyspeaches.vad.gate import GateAction, Send, Utterance

HEARD_OUT: Final = 3 * SESSION_RATE_HZ


@dataclass(frozen=True, slots=True)
class Portion:
    """What to send next."""

    actions: list[GateAction]
    last: bool = False  # whether the audio ends behind it, for now
    flush: bool = False  # whether the server is to end there what is being said
    entry: Entry | None = None  # the utterance that ends there, if this side has cut it


class Backlog:
    """Utterances that wait for a connection, and the audio behind them.

    An utterance that this side has cut keeps what was to be sent of it, so that another connection gets the same. Where
    the server cuts, all audio is to be sent, and what has a text never again; of a stretch that never came (``lost``,
    session samples from, to) no more than it takes to hear an end of speech.
    """

    def __init__(self, ledger: Ledger, lost: Sequence[tuple[int, int]], *, client_cuts: bool) -> None:
        self._ledger = ledger
        self._lost = lost
        self._client_cuts = client_cuts
        self._waiting: deque[Entry] = deque()  # cut, and not sent
        self._between: deque[Send] = deque()  # before a text that is there: to be sent, and ended there
        self._open: Send | None = None  # audio behind the last cut
        self._sent = 0  # session sample up to which this connection has got that, or the utterance that comes first
        self._ends = False

    def add(self, actions: Iterable[GateAction], *, ends: bool) -> None:
        """Take what the gate wants sent; the audio ends behind it, for now, if it ``ends``."""
        for action in actions:
            if isinstance(action, Utterance):
                self._cut(action)
            elif self._open is not None and self._open.end == action.start:
                self._open = Send(self._open.start, action.end)
            else:
                # What waits and does not adjoin it was left over by an utterance, and belongs to none.
                self._open = action
        self._ends |= ends

    def _cut(self, utterance: Utterance) -> None:
        if self._open is None:
            return  # all of its audio went with the one before, as its hangover
        start, heard = self._open.start, self._open.end
        end = heard if utterance.audio_end is None else min(utterance.audio_end, heard)
        self._open = Send(end, heard) if end < heard else None
        if start < end:
            self._waiting.append(self._ledger.cut(utterance, Send(start, end)))

    @property
    def utterances(self) -> int:
        """How many utterances wait."""
        return len(self._waiting)

    @property
    def unsent(self) -> int:
        """How many samples wait."""
        waiting = [entry.audio for entry in self._waiting if entry.audio is not None]
        stretches = [*waiting, *self._between, *([self._open] if self._open is not None else [])]
        return sum(max(one.end - max(one.start, self._sent), 0) for one in stretches)

    def next(self, most: int | None = None) -> Portion | None:
        """Return what to send next, at most so many samples where the server cuts; None if there is nothing."""
        if self._between:
            return self._next_between(self._between.popleft(), most)
        if self._waiting:
            return self._next_utterance(self._take())
        audio = None if self._open is None else self._without_hole(self._rest_of(self._open))
        if audio is None:
            ends, self._ends = self._ends, False
            return Portion([], last=True) if ends else None
        if most is not None:
            audio = Send(audio.start, min(audio.end, audio.start + most))
        self._sent = audio.end
        return Portion([audio])

    def _take(self) -> Entry:
        """Take the first that waits, a suspect one only if there is no other."""
        for entry in self._waiting:
            if not entry.suspect:
                self._waiting.remove(entry)
                return entry
        self._sent = 0  # this connection has got what came behind it
        return self._waiting.popleft()

    def _next_between(self, stretch: Send, most: int | None) -> Portion:
        end = stretch.end if most is None else min(stretch.end, stretch.start + most)
        ends = end == stretch.end
        if not ends:
            self._between.appendleft(Send(end, stretch.end))
        return Portion([Send(stretch.start, end)], last=ends, flush=ends)

    def _next_utterance(self, entry: Entry) -> Portion:
        assert entry.audio is not None
        rest, utterance = self._rest_of(entry.audio), entry.utterance
        # Audio that follows without a gap may be with the server already; else, the next one may repeat some.
        self._sent = max(self._sent, entry.audio.end) if utterance.audio_end is not None else 0
        return Portion([*([rest] if rest is not None else []), utterance], entry=entry)

    def _rest_of(self, audio: Send) -> Send | None:
        start = max(audio.start, self._sent)
        return Send(start, audio.end) if start < audio.end else None

    def _without_hole(self, audio: Send | None) -> Send | None:
        """Return the audio up to the first long stretch that never came, or from its end on."""
        if audio is None or self._client_cuts:
            return audio
        for begin, end in self._lost:
            heard_out = begin + HEARD_OUT
            if audio.start < heard_out < min(end, audio.end):
                return Send(audio.start, heard_out)
            if heard_out <= audio.start < end:
                self._sent = end
                if (rest := self._rest_of(audio)) is None:
                    return None
                audio = rest
        return audio

    def start_again(self, from_: int) -> None:
        """Begin with what has no text, for a new connection; a server that cuts has answered all before ``from_``."""
        self._sent = 0
        if self._client_cuts:
            self._waiting = deque(entry for entry in self._ledger.entries if entry.stage is Stage.CUT)
            return
        self._between = deque(self._ledger.gaps())
        self._sent = max(from_, self._ledger.settled_until)
