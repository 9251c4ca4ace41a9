"""Another model or language, from the next utterance on.

A server reads them when it handles a commit, not when it gets one, so a change right behind a commit could still reach
that utterance. Changes wait until the utterance that is under way has become an item of the conversation.
"""

from __future__ import annotations

from ipyspeaches.protocol.configuration import Configuration, Unset
from ipyspeaches.protocol.ledger import Ledger
from ipyspeaches.protocol.outbox import Outbox
from ipyspeaches.protocol.timeline import Buffer, Timeline


class Postponed:
    """Keeps changes for as long as they have to wait.

    Parameters
    ----------
    configuration, ledger, timeline, outbox
        Of the session.
    """

    def __init__(self, configuration: Configuration, ledger: Ledger, timeline: Timeline, outbox: Outbox) -> None:
        self._configuration = configuration
        self._ledger = ledger
        self._timeline = timeline
        self._outbox = outbox
        self._changes: list[tuple[str | Unset | None, str | None]] = []
        self._behind: Buffer | None = None

    def add(self, language: str | Unset | None, model: str | None) -> None:
        """Take a change; see `RealtimeProtocol.update`."""
        if isinstance(language, Unset) and model is None:
            return
        self._configuration.model_for(model)
        self._changes.append((language, model))
        buffer = self._timeline.current
        filled = self._timeline.position > buffer.begin
        self._behind = buffer if filled and self._configuration.options.client_cuts else None
        self.release()

    def release(self) -> None:
        """Send what waits, if it need not wait any more."""
        if not self._changes or self._timeline.current is self._behind or not self._ledger.nothing_on_its_way:
            return
        for language, model in self._changes:
            message = self._configuration.change(None, language, model)
            if message is not None:
                self._outbox.put(message)
        self._changes.clear()
        self._behind = None
