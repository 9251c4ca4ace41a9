"""Which samples go to the server, and where an utterance ends.

With client cuts only speech is sent: from `pre_roll_ms` before its onset to `hangover_ms` behind its end, then a
commit. The gate decides about sample ranges only; the session reads them from its store. It never sends a sample
twice and never goes back before what it has sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipyspeaches.errors import InputError
from ipyspeaches.vad.segmenter import Closed, Opened, SegmenterEvent


@dataclass(frozen=True, slots=True)
class Send:
    """Send the samples from ``start`` to ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Commit:
    """End utterance number ``utterance``: speech from ``start`` to ``end``, all of it sent before.

    ``seam`` is where its words end to count, if the next utterance repeats the sound around it.
    """

    utterance: int
    start: int
    end: int
    seam: int | None = None


GateAction = Send | Commit


@dataclass(frozen=True, slots=True)
class GateOptions:
    """How much is sent around speech.

    Parameters
    ----------
    pre_roll_ms
        Sound before the onset: recognisers lose words that begin abruptly.
    hangover_ms
        Sound behind the end, as far as it was heard when the end was certain.
    """

    pre_roll_ms: float = 300
    hangover_ms: float = 300

    def __post_init__(self) -> None:
        for name in ("pre_roll_ms", "hangover_ms"):
            value = getattr(self, name)
            if not 0 <= value <= 10_000:
                raise InputError(f"{name} is {value}: give from 0 to 10000 milliseconds.")


class Gate:
    """Turn a segmenter's decisions into sends and commits.

    Parameters
    ----------
    options
        What to send around speech.
    rate
        Samples per second.
    """

    def __init__(self, options: GateOptions, rate: int) -> None:
        self._pre_roll = round(options.pre_roll_ms * rate / 1000)
        self._hangover = round(options.hangover_ms * rate / 1000)
        self._sent = 0
        self._open = False
        self._utterance = 0

    @property
    def sent(self) -> int:
        """Up to where samples were sent or passed over for good."""
        return self._sent

    def advance(
        self, events: Iterable[SegmenterEvent], position: int, silence_start: int | None, append: int
    ) -> list[GateAction]:
        """Take what the segmenter decided and return what to do.

        Parameters
        ----------
        events
            The segmenter's decisions since the last call.
        position
            Samples judged so far.
        silence_start
            Where the silence began that may end the open segment, if there is one.
        append
            Samples to gather before they are sent; what is left goes with the commit.
        """
        actions: list[GateAction] = []
        for event in events:
            if isinstance(event, Opened):
                self._open = True
                self._sent = max(self._sent, event.start - self._pre_roll)
            else:
                self._close(event, position, actions)
        if self._open:
            # Silence that may end the utterance is held back beyond the hangover: if speech goes on, it follows.
            limit = position if silence_start is None else min(position, silence_start + self._hangover)
            while limit - self._sent >= append:
                self._send(self._sent + append, actions)
        return actions

    def _close(self, event: Closed, position: int, actions: list[GateAction]) -> None:
        end = max(self._sent, min(position, event.end + self._hangover))
        self._send(end, actions)
        actions.append(Commit(self._utterance, event.start, event.end))
        self._utterance += 1
        self._open = False

    def _send(self, end: int, actions: list[GateAction]) -> None:
        if end > self._sent:
            actions.append(Send(self._sent, end))
            self._sent = end


class OpenGate:
    """Send everything, in appends of equal length: for servers that cut by themselves."""

    def __init__(self) -> None:
        self._sent = 0

    @property
    def sent(self) -> int:
        """Up to where samples were sent."""
        return self._sent

    def advance(self, position: int, append: int, *, last: bool = False) -> list[GateAction]:
        """Return the appends that ``position`` samples allow; ``last`` sends the rest as well."""
        actions: list[GateAction] = []
        while position - self._sent >= append or (last and position > self._sent):
            end = min(position, self._sent + append)
            actions.append(Send(self._sent, end))
            self._sent = end
        return actions
