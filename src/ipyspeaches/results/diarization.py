"""Who speaks when, and who said what."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import ClassVar, NamedTuple

from ipyspeaches.checks import shown_if_made
from ipyspeaches.tables import Rows
from ipyspeaches.words import join_text


class SpeakerTurn(NamedTuple):
    """Somebody speaks from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    speaker: str


class Diarization(Rows[SpeakerTurn]):
    """Turns in order of time; columns ``start``, ``end`` (s) and ``speaker``. Turns of different people may overlap.

    Parameters
    ----------
    turns
        In any order.
    duration
        Length of the recording in seconds; None for the end of the last turn.
    """

    _row_type: ClassVar = SpeakerTurn

    def __init__(self, turns: Iterable[SpeakerTurn] = (), duration: float | None = None) -> None:
        super().__init__(sorted(turns))
        self.duration = max((turn.end for turn in self._rows), default=0.0) if duration is None else duration

    @property
    def speakers(self) -> tuple[str, ...]:
        """Everybody who speaks, in order of their first turns."""
        return tuple(dict.fromkeys(turn.speaker for turn in self._rows))

    def speaker_between(self, start: float, end: float) -> str | None:
        """Return who speaks longest between two times (s), the first of them at a tie; None if nobody does."""
        spoken: dict[str, float] = {}
        for turn in self._rows:
            shared = min(end, turn.end) - max(start, turn.start)
            if shared > 0:
                spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + shared
        return max(spoken, key=spoken.__getitem__, default=None)

    def to_rttm(self, path: str | Path | None = None, uri: str | None = None) -> str | None:
        """Write RTTM ``SPEAKER`` lines; without ``path``, return the text.

        Parameters
        ----------
        path
            File to write.
        uri
            Name of the recording in the file; None for the name of the file.
        """
        from ipyspeaches.vad import label_files

        return label_files.write_rttm(self._rows, path, uri)

    @shown_if_made
    def __repr__(self) -> str:
        return f"Diarization({len(self)} turns of {len(self.speakers)} speakers: {', '.join(self.speakers)})"


class Line(NamedTuple):
    """A segment of a transcript with its speaker, None where nobody is known to speak; times in seconds."""

    start: float
    end: float
    speaker: str | None
    text: str
    language: str | None
    id: int


class Dialogue(Rows[Line]):
    """Who said what, in order of time; columns ``start``, ``end`` (s), ``speaker``, ``text``, ``language``, ``id``."""

    _row_type: ClassVar = Line

    def to_txt(self) -> str:
        """Return a line whenever somebody else speaks: name, colon, words; segments without text are left out."""
        said = (line for line in self._rows if line.text.strip())
        turns = groupby(said, key=lambda line: line.speaker)
        return "".join(f"{speaker or '?'}: {join_text(line.text for line in lines)}\n" for speaker, lines in turns)
