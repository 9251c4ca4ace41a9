"""What a session that has ended still lacks: each stretch without text is transcribed by a session of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from ipyspeaches.errors import SpeachesError
from ipyspeaches.results.segment import Gap, Segment
from ipyspeaches.session import journal
from ipyspeaches.session.options import SessionKeywords
from ipyspeaches.session.recorder import Recorder

if TYPE_CHECKING:
    from ipyspeaches.session.session import Session

_SHORTEST_S: Final = 0.25
"""Less than this behind the end of what was heard is nothing to ask for."""
_AROUND_S: Final = 0.3
"""What is heard around a stretch, where there is no text."""


class Remainder:
    """The stretches of a session without text; ``folder`` is its journal, if it has one.

    Sessions that transcribe them are made by ``make``.
    """

    def __init__(self, session: Session, make: type[Session], recorder: Recorder, folder: Path | None) -> None:
        self._session = session
        self._make = make
        self._recorder = recorder
        self._folder = folder

    async def transcribe(self, options: SessionKeywords) -> None:
        """Have them transcribed as the session was, but for the options; write that into the journal, too.

        It raises what all of them would fail of, and why none has a text.
        """
        failure: SpeachesError | None = None
        before, asked = len(self._session.transcript), self._keywords(options)
        with nullcontext() if self._folder is None else journal.held(self._folder):
            for gap in self._session.transcript.missing:
                failure = await self._ask(gap, asked) or failure
        if failure is not None and len(self._session.transcript) == before:
            raise failure

    def _keywords(self, options: Mapping[str, Any]) -> SessionKeywords:
        session = self._session
        asked: dict[str, Any] = {**journal.plain_options(session.options), "turn_detection": session.turn_detection}
        if "server" in options:
            asked["model"] = None
        else:
            asked["api_key"] = session.options.api_key
        return cast("SessionKeywords", {**asked, "pace": 0, "interim_s": None, **options, "journal": None})

    async def _ask(self, gap: Gap, options: SessionKeywords) -> SpeachesError | None:
        """Ask for the text of a stretch; return why it has none, and raise what the others would fail of, too."""
        heard_s = self._session.recording.duration
        if gap.start > heard_s - _SHORTEST_S:
            return None  # of what was never heard there is no audio, and no other text
        start_s, end_s = self._around(gap)
        part = self._make(self._session.recording.slice(start_s, end_s), **options)
        async with part:
            with suppress(SpeachesError):
                await part.wait()
        if part.error is not None and not len(part.transcript):
            raise part.error
        if part.failure is not None:
            return part.failure
        missing = [Gap(one.start + start_s, one.end + start_s, one.reason) for one in part.transcript.missing]
        if gap.end > heard_s + _SHORTEST_S:
            missing.append(replace(gap, start=heard_s))
        self._take(gap, [_later(segment, start_s) for segment in part.transcript], missing)
        return None

    def _take(self, gap: Gap, segments: list[Segment], missing: list[Gap]) -> None:
        """Put what has come of a stretch in its place."""
        known = self._session.transcript
        self._recorder.rewrite([*known, *segments], [*(one for one in known.missing if one != gap), *missing])
        if self._folder is None:
            return
        plain = {"added": list(map(journal.plain_gap, missing)), "gone": [journal.plain_gap(gap)]}
        end_s = min(gap.end, self._session.recording.duration)
        texts = msgspec.to_builtins(segments)
        with suppress(OSError):  # then it is in memory alone, as all results are
            journal.write_line(self._folder, "Retried", start=gap.start, end=end_s, segments=texts, **plain)

    def _around(self, gap: Gap) -> tuple[float, float]:
        """Return a stretch and some audio around it, but none that has a text."""
        known = self._session.transcript
        before = max((one.end for one in known if one.end <= gap.start), default=0.0)
        behind = min((one.start for one in known if one.start >= gap.end), default=self._session.recording.duration)
        return max(before, gap.start - _AROUND_S), min(behind, gap.end + _AROUND_S)


def _later(segment: Segment, by_s: float) -> Segment:
    words = tuple(replace(word, start=word.start + by_s, end=word.end + by_s) for word in segment.words)
    return replace(segment, start=segment.start + by_s, end=segment.end + by_s, words=words)
