"""Sound on its way to a server that cuts by itself, and what keeps that server's buffer short.

Such a server gets everything, silence too, and never trims it while nobody speaks: every append copies the whole
buffer, so that a quiet half hour makes each four times as dear. After `QUIET_S` in which neither the server's VAD nor
the detector on this side heard speech, the buffer is cleared. Nothing spoken may be lost by that:

1. A clear while an utterance is on its way into the conversation crashes Speaches. So first comes the barrier of
   `RealtimeProtocol.flush`, and sound is held back until it returns: between the barrier and the clear the server hears
   nothing, and what the barrier says of it is still true when it reads the clear.
2. If the barrier ended something, or the detector on this side hears speech by now, nothing is cleared.
3. Somebody may just have begun to speak, too late for either VAD to be sure. So the last `KEPT_S` are sent once more
   behind the clear. A server's VAD looks at no more than that: it judges as if nothing had been cleared, and what lies
   before has been judged.
4. Then comes what was held back. The timeline knows both pieces, so that the times of what they hold are right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipyspeaches.audio import SESSION_RATE_HZ, AudioStore
from ipyspeaches.protocol import Flushed, ProtocolEvent, ProtocolState, RealtimeProtocol
from ipyspeaches.vad import Send

QUIET_S: Final = 30
KEPT_S: Final = 3

_QUIET: Final = QUIET_S * SESSION_RATE_HZ
_KEPT: Final = KEPT_S * SESSION_RATE_HZ


class ServerBuffer:
    """Appends sound, and empties the server's buffer after long silence.

    Parameters
    ----------
    protocol
        Takes the sound.
    store
        Has it.
    hears_speech
        Whether the detector on this side is inside speech; None leaves the server's buffer alone.
    """

    def __init__(
        self, protocol: RealtimeProtocol, store: AudioStore, hears_speech: Callable[[], bool] | None = None
    ) -> None:
        self._protocol = protocol
        self._store = store
        self._hears_speech = hears_speech
        self._sent = 0  # session sample behind the last one that was appended
        self._quiet_from = 0
        self._held: list[Send] | None = None  # while the barrier is on its way
        self._flush_again = False

    def send(self, action: Send) -> None:
        """Append a stretch of the session, or hold it back until the buffer is empty."""
        if self._held is not None:
            self._held.append(action)
            return
        self._append(action.start, action.end)
        if self._is_long_quiet():
            self._held = []
            self._protocol.flush()

    def flush(self) -> None:
        """End what is being said, with all that was sent before; an emptying under way is given up for that."""
        if self._held is None:
            self._protocol.flush()
            return
        self._release(self._held)
        self._held = None
        self._flush_again = True  # the barrier that is on its way knows nothing of what was held

    def take(self, event: ProtocolEvent) -> None:
        """Take note of an event: the end of a barrier is the moment to clear."""
        if not isinstance(event, Flushed) or self._protocol.state is not ProtocolState.READY:
            return
        if self._flush_again:
            self._flush_again = False
            self._protocol.flush()
        elif self._held is not None:
            held, self._held = self._held, None
            if not event.pending and not self._speech():
                self._protocol.clear()
                self._append(max(0, self._sent - _KEPT), self._sent)
            self._quiet_from = self._sent
            self._release(held)

    def _speech(self) -> bool:
        assert self._hears_speech is not None
        return self._hears_speech() or self._protocol.speaking or bool(self._protocol.pending)

    def _is_long_quiet(self) -> bool:
        protocol = self._protocol
        if self._hears_speech is None or not protocol.buffer_grows or protocol.state is not ProtocolState.READY:
            return False
        if self._speech():
            self._quiet_from = self._sent
        return self._sent - self._quiet_from >= _QUIET

    def _release(self, held: list[Send]) -> None:
        """Append what was held back in as few messages as the server's VAD can see at once: bursts confuse it."""
        if held:
            for begin in range(held[0].start, held[-1].end, _KEPT):
                self._append(begin, min(begin + _KEPT, held[-1].end))

    def _append(self, start: int, end: int) -> None:
        self._protocol.append(self._store.read(start, end), start)
        self._sent = max(self._sent, end)
