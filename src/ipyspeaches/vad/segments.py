"""Stretches of speech as a table: what a detector found, or what a person says is true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, overload

import numpy as np
from numpy.typing import ArrayLike

from ipyspeaches.checks import checked, number, shown_if_made
from ipyspeaches.errors import InputError
from ipyspeaches.tables import Table, row_position, write_or_return
from ipyspeaches.vad import intervals, label_files
from ipyspeaches.vad.intervals import Spans, Times

OVERLAP_TOLERANCE_S: Final = 1e-6
"""Times in files are rounded: a millionth of a second is no overlap."""
END_TOLERANCE_S: Final = 0.01
"""Annotation tools round the end of the audio to their own steps, of up to 10 ms."""


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """Speech from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    duration: float = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration", self.end - self.start)


@checked
class Segments(Table):
    """Stretches of speech; columns ``start``, ``end``, ``duration`` in seconds. A value: it never changes.

    It is an `InputError` if a time is not a finite number, or an end lies before its start.

    Detectors give them in order and disjoint (two may touch). Labels from a file are kept as they are written:
    `check` says what is wrong with them, `normalised` puts them in order.

    Parameters
    ----------
    spans
        Pairs of start and end in seconds, or anything with ``start`` and ``end``.
    """

    def __init__(self, spans: Iterable[Any] = ()) -> None:
        if isinstance(spans, Segments):
            self._start, self._end = spans.start, spans.end
            return
        try:
            pairs = [(s.start, s.end) if hasattr(s, "start") else (s[0], s[1]) for s in spans]
            times = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        except (TypeError, ValueError, IndexError, KeyError, OverflowError) as exc:
            raise InputError("Segments are pairs of seconds: give [(start, end), …].") from exc
        self._set(times[:, 0].copy(), times[:, 1].copy())

    @classmethod
    def from_arrays(cls, start: ArrayLike, end: ArrayLike) -> Self:
        """Return segments from two arrays of seconds, each of shape ``(n,)``.

        It is an `InputError` if the arrays differ in length, or as in the constructor.
        """
        try:
            starts, ends = np.array(start, dtype=np.float64), np.array(end, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as exc:
            raise InputError("Starts and ends are arrays of seconds: give numbers.") from exc
        if starts.ndim != 1 or starts.shape != ends.shape:
            raise InputError(f"There are {starts.size} starts and {ends.size} ends: give one end for each start.")
        segments = cls()
        segments._set(starts, ends)
        return segments

    def _set(self, start: Times, end: Times) -> None:
        wrong = np.flatnonzero(~(np.isfinite(start) & np.isfinite(end)) | (end < start))
        if len(wrong):
            at = int(wrong[0])
            raise InputError(
                f"Segment {at} goes from {start[at]:g} s to {end[at]:g} s: give seconds, the start before the end."
            )
        for column in (start, end):
            column.flags.writeable = False
        self._start, self._end = start, end

    @property
    def start(self) -> Times:
        """Where each segment begins, in seconds, float64 of shape ``(len(self),)``, read-only."""
        return self._start

    @property
    def end(self) -> Times:
        """Where each segment ends, in seconds, float64 of shape ``(len(self),)``, read-only."""
        return self._end

    @property
    def speech_s(self) -> float:
        """Seconds of speech; what overlaps counts once."""
        return intervals.length_s(self._union())

    def columns(self) -> Mapping[str, Any]:
        """Return the columns as float64 arrays of shape ``(len(self),)``."""
        return {"start": self._start, "end": self._end, "duration": self._end - self._start}

    def check(self, duration: float | None = None, *, what: str = "segment") -> Self:
        """Return the segments if they can be a truth: in order, disjoint, inside the audio.

        Parameters
        ----------
        duration
            Length of the audio in seconds; None if it does not matter.
        what
            What to call a segment in a message.

        Raises
        ------
        InputError
            If one begins before 0, overlaps the one before it, has no length, or ends more than 10 ms behind the
            audio; the message names it and the cure.
        """
        start, end = self._start, self._end
        late = np.inf if duration is None else duration + END_TOLERANCE_S
        reach = np.concatenate(([-np.inf], end[:-1]))
        behind = f"ends after the audio ({duration or 0:g} s)"
        faults = (
            (start < 0, "begins before the audio", "cut it off with .normalised()"),
            (end <= start, "has no length", "drop it with .normalised()"),
            (end > late, behind, "use the labels of this audio, or cut them off with .normalised(duration)"),
            (start < reach - OVERLAP_TOLERANCE_S, "overlaps the one before it", "join them with .normalised()"),
        )
        for wrong, problem, cure in faults:
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                raise InputError(f"{what.capitalize()} {at} ({start[at]:g} to {end[at]:g} s) {problem}: {cure}.")
        return self

    def normalised(self, duration: float | None = None) -> Self:
        """Return them in order, with what overlaps joined, cut off at 0 and at ``duration``; none without length.

        Segments that only touch stay apart.
        """
        top = np.inf if duration is None else duration
        start, end = np.clip(self._start, 0.0, top), np.clip(self._end, 0.0, top)
        return self.from_arrays(*intervals.merged(start, end, touching=False))

    def _union(self) -> Spans:
        return intervals.merged(self._start, self._end, touching=True)

    def union(self, other: Segments) -> Self:
        """Return where either has speech, also written ``a | b``; touching stretches become one."""
        start, end = np.concatenate((self._start, other.start)), np.concatenate((self._end, other.end))
        return self.from_arrays(*intervals.merged(start, end, touching=True))

    def intersection(self, other: Segments) -> Self:
        """Return where both have speech, also written ``a & b``."""
        return self.from_arrays(*intervals.intersected(self._union(), other._union()))

    def difference(self, other: Segments) -> Self:
        """Return where this has speech and the other has none, also written ``a - b``."""
        free = intervals.complement(other._union(), -np.inf, np.inf)
        return self.from_arrays(*intervals.intersected(self._union(), free))

    def complement(self, duration: float, start: float = 0.0) -> Self:
        """Return the silence between second ``start`` and second ``duration``."""
        return self.from_arrays(*intervals.complement(self._union(), start, duration))

    __or__ = union
    __and__ = intersection
    __sub__ = difference

    def at(self, time: float) -> int | None:
        """Return the index of the segment that is spoken at a time (its end not included); None in silence."""
        found = np.flatnonzero((self._start <= time) & (time < self._end))
        return int(found[0]) if len(found) else None

    @classmethod
    def from_rttm(cls, path: str | Path, uri: str | None = None, *, encoding: str | None = None) -> Self:
        """Read the speech of an RTTM file; see `label_files.read_rttm`."""
        return cls(label_files.read_rttm(path, uri, encoding))

    def to_rttm(self, path: str | Path | None = None, uri: str | None = None) -> str | None:
        """Write RTTM ``SPEAKER`` lines, exact to a microsecond; without ``path``, return the text.

        It is an `InputError` if a segment begins before 0, or the file cannot be written.

        Parameters
        ----------
        path
            File to write.
        uri
            Name of the recording in the file, where ``_`` will stand for white space; None for the name of the file.
        """
        return label_files.write_rttm(self, path, uri)

    @classmethod
    def from_audacity(
        cls, path: str | Path, silence: Iterable[str] | None = None, *, encoding: str | None = None
    ) -> Self:
        """Read Audacity's label track; see `label_files.read_audacity`."""
        return cls(label_files.read_audacity(path, silence, encoding))

    def to_audacity(self, path: str | Path | None = None) -> str | None:
        """Write a label track for Audacity's *Import > Labels*; without ``path``, return the text."""
        return write_or_return(label_files.audacity(self), path)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        uri: str | None = None,
        silence: Iterable[str] | None = None,
        *,
        encoding: str | None = None,
    ) -> Self:
        """Read start and end from comma-separated values; see `label_files.read_csv`."""
        return cls(label_files.read_csv(path, uri, silence, encoding))

    @classmethod
    def from_textgrid(
        cls,
        path: str | Path,
        tier: str | int | None = None,
        silence: Iterable[str] | None = None,
        *,
        encoding: str | None = None,
    ) -> Self:
        """Read an interval tier of a Praat TextGrid; see `label_files.read_textgrid`."""
        return cls(label_files.read_textgrid(path, tier, silence, encoding))

    def to_textgrid(
        self, path: str | Path | None = None, *, duration: float | None = None, short: bool = False
    ) -> str | None:
        """Write a Praat TextGrid with one interval tier, ``speech``; without ``path``, return the text.

        It is an `InputError` if the segments overlap or lie outside the audio, which a tier cannot hold.

        Parameters
        ----------
        path
            File to write.
        duration
            Length of the audio in seconds; None for the end of the last segment.
        short
            Whether to write Praat's short text format.
        """
        if duration is not None:
            number(0, cure="the length of the audio in seconds, or None")("duration", duration)
        self.check(duration)
        end = float(self._end[-1]) if len(self) else 0.0
        return write_or_return(label_files.textgrid(self, max(end, duration or 0.0), short=short), path)

    def __len__(self) -> int:
        return len(self._start)

    def __iter__(self) -> Iterator[SpeechSegment]:
        return map(SpeechSegment, self._start.tolist(), self._end.tolist())

    @overload
    def __getitem__(self, index: int) -> SpeechSegment: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> SpeechSegment | Self:
        if isinstance(index, slice):
            return self.from_arrays(self._start[index], self._end[index])
        at = row_position(index, len(self))
        return SpeechSegment(float(self._start[at]), float(self._end[at]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Segments):
            return NotImplemented
        return np.array_equal(self._start, other.start) and np.array_equal(self._end, other.end)

    def __hash__(self) -> int:
        return hash((self._start.tobytes(), self._end.tobytes()))

    @shown_if_made
    def __repr__(self) -> str:
        return f"Segments({len(self)} with {self.speech_s:.2f} s of speech)"
