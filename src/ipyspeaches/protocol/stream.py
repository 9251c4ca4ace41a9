"""What happens to a continuous media stream without the protocol's doing, as whoever carries it reports it."""

from __future__ import annotations

from ipyspeaches.protocol.ledger import Ledger
from ipyspeaches.protocol.timeline import Timeline


class Stream:
    """Notes what was done to the stream; see `Media.continuous`.

    Parameters
    ----------
    timeline, ledger
        What keeps account.
    """

    def __init__(self, timeline: Timeline, ledger: Ledger) -> None:
        self._timeline = timeline
        self._ledger = ledger

    @property
    def may_be_cleared(self) -> bool:
        """Whether no item is on its way: at a clear, the server would drop the connection."""
        return self._ledger.nothing_on_its_way

    def cleared(self, unheard: int) -> None:
        """Note that a clear has gone out, when the server lacked the last ``unheard`` samples of what was appended."""
        self._ledger.cleared(self._timeline.position - unheard)

    def fell_silent(self, length: int) -> None:
        """Note zeros that were sent in place of sound; they belong to no session time."""
        self._timeline.pad(length)
