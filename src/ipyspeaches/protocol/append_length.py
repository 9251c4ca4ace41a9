"""How much audio one append should carry: long appends are cheap, short ones bring partial text earlier."""

from __future__ import annotations

from typing import Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.protocol.events import Completed, Delta, ProtocolEvent

SHORT_SAMPLES: Final = SESSION_RATE_HZ * 200 // 1000
"""200 ms: half the server's work of 100 ms, and still no audible wait for a partial."""

LONG_SAMPLES: Final = SESSION_RATE_HZ * 2
"""2 s: a seventh of the server's work. The rest of an utterance goes with its commit, so no text comes later."""


class AppendLength:
    """The append length that suits the server, learned from what it sends.

    A server that sends no deltas gains nothing from short appends. Whether it does is known after the first
    utterance. Where the server cuts, appends stay short: its VAD looks at the last 3 s only, and it notices the end
    of speech only when an append comes.

    Parameters
    ----------
    client_cuts
        Whether this side commits the utterances.
    """

    def __init__(self, *, client_cuts: bool) -> None:
        self._client_cuts = client_cuts
        self._deltas_seen = False
        self._completed_without = False

    @property
    def samples(self) -> int:
        """Samples at 24 kHz that the next append should carry."""
        long = self._client_cuts and self._completed_without and not self._deltas_seen
        return LONG_SAMPLES if long else SHORT_SAMPLES

    def observe(self, event: ProtocolEvent) -> None:
        """Learn from an event; once a delta has come, appends stay short for good."""
        if isinstance(event, Delta):
            self._deltas_seen = True
        elif isinstance(event, Completed):
            self._completed_without = True
