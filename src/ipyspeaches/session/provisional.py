"""Text of utterances for which the server has no item yet: under which name it is shown, and when it goes.

It lives under a name of its own until the server takes the utterance, then under the item's name until that has its
final text. Whatever comes in between, nothing is left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ipyspeaches.audio import to_samples, to_seconds
from ipyspeaches.protocol import Committed, Completed, Delta, Failed, InterimText, ProtocolEvent, Span, SpeechStarted
from ipyspeaches.results import join_text
from ipyspeaches.session.hearing import Heard, Hearing
from ipyspeaches.session.scribe import Scribe
from ipyspeaches.vad import Closed, Commit, Opened


@dataclass(slots=True, eq=False)
class Spoken:
    """An utterance that is being spoken, or was and waits for its item.

    Parameters
    ----------
    name
        Under which its text is shown.
    start_s
        Where its speech begins, in session seconds.
    text
        What was recognised of it.
    asked
        Sample up to which was asked.
    end_s
        Where its speech ends; None while it goes on.
    first_s
        When its first text came; None if it has none.
    """

    name: str
    start_s: float
    text: InterimText
    asked: int
    end_s: float | None = None
    first_s: float | None = None

    def overlaps(self, span: Span) -> bool:
        """Whether some of its speech is in a stretch of time."""
        return self.start_s < span.end_s and (self.end_s is None or span.start_s < self.end_s)


class Provisional:
    """Follows the local detector and the server, and keeps the provisional text of what they hear.

    Parameters
    ----------
    hearing
        Keeps and cuts the sound.
    scribe
        Writes the texts down.
    """

    def __init__(self, hearing: Hearing, scribe: Scribe) -> None:
        self._hearing = hearing
        self._scribe = scribe
        self._spoken: list[Spoken] = []  # in order; without an item yet
        self._names = 0
        self._heard_until = 0  # where the sound of the last utterance ended
        self._cuts: dict[int, Span] = {}  # by the gate's number
        self._server_hears = False
        self._items: set[str] = set()  # taken by the server, without final text
        self._adopted: set[str] = set()  # those of them that show provisional text

    @property
    def under_way(self) -> Spoken | None:
        """The utterance that is being spoken."""
        return self._spoken[-1] if self._spoken and self._spoken[-1].end_s is None else None

    def has_item(self, item_id: str) -> bool:
        """Whether the server has taken this utterance and not finished it."""
        return item_id in self._items

    def hear(self, heard: Heard) -> None:
        """Take what was decided about new sound."""
        for event in heard.events:
            if isinstance(event, Opened):
                self._open(max(self._heard_until, event.start - self._hearing.pre_roll), to_seconds(event.start))
            elif isinstance(event, Closed):
                self._close(event)
        for action in heard.actions:
            if isinstance(action, Commit):
                self._cuts[action.utterance] = Span(to_seconds(action.start), to_seconds(action.end))

    def show(self, spoken: Spoken) -> None:
        """Show the text that an utterance has now."""
        text = spoken.text
        if not text.text:
            self._scribe.withdraw(spoken.name)
            return
        if spoken.first_s is None:
            spoken.first_s = self._scribe.now_s
        self._scribe.partial(spoken.name, spoken.start_s, text.text, text.stable)

    def take(self, event: ProtocolEvent) -> None:
        """Take an event of the recogniser, before the scribe does."""
        if isinstance(event, SpeechStarted):
            self._server_hears = True
        elif isinstance(event, Committed):
            self._adopt(event.item_id, self._taken(event.utterance, event.span))
        elif isinstance(event, Delta):
            self._adopted.discard(event.item_id)
        elif isinstance(event, Completed | Failed):
            self._adopted.discard(event.item_id)
            if event.item_id in self._items:
                self._items.discard(event.item_id)
            else:
                self._drop(self._taken(event.utterance, event.span if isinstance(event, Completed) else None))

    def drop(self) -> None:
        """Take back the text of everything that has no item yet."""
        self._drop(self._spoken)

    def close(self) -> None:
        """Take back all text that is not final."""
        self.drop()
        for item_id in self._adopted:
            self._scribe.withdraw(item_id)

    def _open(self, begin: int, start_s: float) -> None:
        self._names += 1
        self._spoken.append(Spoken(f"interim_{self._names}", start_s, InterimText(to_seconds(begin)), begin))

    def _close(self, event: Closed) -> None:
        self._heard_until = min(len(self._hearing.store), event.end + self._hearing.hangover)
        spoken = self.under_way
        if spoken is None:
            return
        spoken.end_s = to_seconds(event.end)
        # A server that cuts and has heard nothing of this utterance will have no item for it.
        awaited = self._hearing.turn_detection.client_cuts or self._server_hears
        if spoken.first_s is None or not awaited:
            self._drop([spoken])

    def _taken(self, utterance: int | None, span: Span | None) -> list[Spoken]:
        """Return the utterances that an item holds and forget them; one that goes on begins anew behind it."""
        numbers = [] if utterance is None else [number for number in self._cuts if number <= utterance]
        cuts = [self._cuts.pop(number) for number in numbers]
        if cuts:
            span = Span(cuts[0].start_s, cuts[-1].end_s)
        if span is None:
            return []
        held = [spoken for spoken in self._spoken if spoken.overlaps(span)]
        # Items come in the order of speech: what is older and has none by now will have none.
        self._drop([spoken for spoken in self._spoken if spoken.end_s is not None and spoken.end_s <= span.start_s])
        self._spoken = [spoken for spoken in self._spoken if spoken not in held]
        if held and held[-1].end_s is None:
            self._open(to_samples(span.end_s), span.end_s)
        return held

    def _adopt(self, item_id: str, held: Sequence[Spoken]) -> None:
        """Show under the item's name what was shown under the utterances' own."""
        self._server_hears = False
        self._items.add(item_id)
        shown = [spoken for spoken in held if spoken.text.text]
        self._drop(shown)
        if not shown or shown[0].first_s is None:
            return
        self._scribe.first_text(item_id, shown[0].first_s)
        before, last = [spoken.text.text for spoken in shown[:-1]], shown[-1].text
        stable = len(join_text([*before, last.text[: last.stable]]))
        self._scribe.partial(item_id, shown[0].start_s, join_text([*before, last.text]), stable)
        self._adopted.add(item_id)

    def _drop(self, utterances: Sequence[Spoken]) -> None:
        for spoken in utterances:
            self._scribe.withdraw(spoken.name)
        self._spoken = [spoken for spoken in self._spoken if spoken not in utterances]
