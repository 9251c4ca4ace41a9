"""The end of what is being said, on servers that cut by themselves: a barrier that tells what is still to come.

Messages are handled in the order they were sent. On servers of the older shape a threshold that nothing passes, and
100 ms of zeros to make the VAD look, end an utterance; a commit would crash Speaches. On GA servers the VAD is turned
off; when that is answered, this side knows whether somebody is being heard, and commits what the server can no longer
end. In silence nothing is committed there: recognisers invent words for it.
"""

from __future__ import annotations

from ipyspeaches.protocol import requests
from ipyspeaches.protocol.asked import Barrier
from ipyspeaches.protocol.configuration import Configuration
from ipyspeaches.protocol.ledger import Ledger
from ipyspeaches.protocol.outbox import MIN_COMMIT_SAMPLES, Outbox
from ipyspeaches.protocol.shapes import FlatShape


class Flush:
    """Sends the messages of a barrier.

    Parameters
    ----------
    configuration, ledger, outbox
        Of the session.
    """

    def __init__(self, configuration: Configuration, ledger: Ledger, outbox: Outbox) -> None:
        self._configuration = configuration
        self._ledger = ledger
        self._outbox = outbox

    def begin(self) -> None:
        """Open the barrier, and close it where nothing has to be known for that."""
        self._outbox.put(self._configuration.barrier(Barrier.OPENS))
        if isinstance(self._configuration.shape, FlatShape):
            self._outbox.pad(MIN_COMMIT_SAMPLES)
            self._outbox.put(self._configuration.barrier(Barrier.CLOSES))

    def opened(self) -> None:
        """Take the answer to the opening update."""
        if isinstance(self._configuration.shape, FlatShape):
            return
        if self._ledger.speaking:
            self._outbox.pad(0)
            self._outbox.put(requests.COMMIT)
            self._ledger.ending_sent()
        self._outbox.put(self._configuration.barrier(Barrier.CLOSES))
