"""What was said in a session or a file, utterance by utterance."""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec
import numpy as np

from ipyspeaches.errors import InputError
from ipyspeaches.results import subtitles
from ipyspeaches.results.diarization import Dialogue, Diarization, Line
from ipyspeaches.results.markup import transcript_html
from ipyspeaches.results.segment import Segment, Words, optional_numbers
from ipyspeaches.tables import Kind, Table, write_file
from ipyspeaches.words import join_text


class _Document(msgspec.Struct):
    """The JSON file: as OpenAI's ``verbose_json``, whose other fields are read over."""

    segments: tuple[Segment, ...]
    text: str = ""


class Transcript(Table):
    """Segments in the order in which they were recorded; one row each in data frames.

    One thread may add while others read. Segments are published as a whole new tuple: a reader sees the transcript
    before or after a change, never during it, without a lock (copying the references of 10,000 segments takes
    microseconds).

    Parameters
    ----------
    segments
        Segments to begin with.
    """

    kinds: ClassVar = {
        "words": {"word": Kind.TEXT, "start": Kind.NUMBER, "end": Kind.NUMBER, "probability": Kind.NUMBER}
    }

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self._segments: tuple[Segment, ...] = ()
        self._partials: Mapping[str, str] = {}
        for segment in segments:
            self.append(segment)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The final utterances, ordered by their ``id``."""
        return self._segments

    @property
    def text(self) -> str:
        """All final text as one: without spaces inside Chinese, with spaces inside English (see `join_text`)."""
        return join_text(segment.text for segment in self._segments)

    @property
    def words(self) -> Words:
        """All words with times, as a table; empty where the engine gives none."""
        return Words(word for segment in self._segments for word in segment.words)

    @property
    def partial(self) -> str:
        """Text of utterances that are not final yet; it may still change."""
        return join_text(self._partials.values())

    def append(self, segment: Segment) -> Segment:
        """Put a final segment in its place and forget the partial text of its item.

        Finals may arrive in any order: the ``id`` is the place. Without one (-1) the segment comes last.

        Returns
        -------
        Segment
            The segment as it was added, with its ``id``.

        Raises
        ------
        InputError
            If there is a segment with this ``id`` already.
        """
        segments = self._segments
        if segment.id < 0:
            segment = dataclasses.replace(segment, id=segments[-1].id + 1 if segments else 0)
        at = self._find(segment.id)
        if at < len(segments) and segments[at].id == segment.id:
            raise InputError(f"The transcript has a segment {segment.id} already: use replace() to change its text.")
        self._segments = (*segments[:at], segment, *segments[at:])
        self._forget_partial(segment.item_id)
        return segment

    def replace(self, segment: Segment) -> None:
        """Put a segment in the place of the one with the same ``id``.

        Raises
        ------
        InputError
            If there is none.
        """
        segments = self._segments
        at = self._find(segment.id)
        if at == len(segments) or segments[at].id != segment.id:
            raise InputError(f"The transcript has no segment {segment.id} to replace: use append() to add it.")
        self._segments = (*segments[:at], segment, *segments[at + 1 :])
        self._forget_partial(segment.item_id)

    def with_speakers(self, diarization: Diarization) -> Dialogue:
        """Return who said what: each segment with the speaker who speaks longest in it, None where nobody does.

        Parameters
        ----------
        diarization
            Who speaks when in the session's recording, whose clock is this transcript's.
        """
        return Dialogue(
            Line(one.start, one.end, diarization.speaker_between(one.start, one.end), one.text, one.language, one.id)
            for one in self._segments
        )

    def set_partial(self, item_id: str, text: str) -> None:
        """Set what an unfinished item says so far; an empty text forgets it."""
        if text:
            self._partials = {**self._partials, item_id: text}
        else:
            self._forget_partial(item_id)

    def has_partial(self, item_id: str) -> bool:
        """Whether an unfinished item says something so far."""
        return item_id in self._partials

    def columns(self) -> Mapping[str, Any]:
        """Return the columns: the fields of `Segment`, times in seconds as float64 arrays of shape ``(len(self),)``."""
        segments = self._segments
        return {
            "start": np.array([segment.start for segment in segments], dtype=np.float64),
            "end": np.array([segment.end for segment in segments], dtype=np.float64),
            "text": [segment.text for segment in segments],
            "words": [tuple(dataclasses.asdict(word) for word in segment.words) for segment in segments],
            "language": [segment.language for segment in segments],
            "item_id": [segment.item_id for segment in segments],
            "id": np.array([segment.id for segment in segments], dtype=np.int64),
            "latency_s": optional_numbers(segment.latency_s for segment in segments),
        }

    def __len__(self) -> int:
        return len(self._segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    def __getitem__(self, index: int) -> Segment:
        return self._segments[index]

    def to_srt(self) -> str:
        """Return SubRip subtitles; segments without text are left out."""
        return subtitles.to_srt(self._segments)

    def to_vtt(self) -> str:
        """Return WebVTT subtitles; segments without text are left out."""
        return subtitles.to_vtt(self._segments)

    def to_txt(self) -> str:
        """Return one line of text a segment; segments without text are left out."""
        return "".join(f"{cue.text}\n" for cue in subtitles.cues(self._segments))

    def to_json(self) -> str:
        """Return the whole transcript as JSON, in the shape of OpenAI's ``verbose_json``; `from_json` reads it."""
        encoded = msgspec.json.encode(_Document(self._segments, self.text))
        return msgspec.json.format(encoded, indent=2).decode() + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the transcript that `to_json` wrote.

        Raises
        ------
        InputError
            If the text is no JSON, or not that of a transcript.
        """
        try:
            document = msgspec.json.decode(text, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise InputError(f"This is not a transcript ({exc}): give the text that to_json() returned.") from exc
        return cls(document.segments)

    def save(self, path: str | Path) -> Path:
        """Write the transcript in the format that the file's suffix names.

        Parameters
        ----------
        path
            File ending in ``.srt``, ``.vtt``, ``.txt``, ``.json``, ``.csv`` or ``.parquet``.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        InputError
            If the suffix is none of these, or the file cannot be written.
        MissingExtraError
            For Parquet, if neither pyarrow nor polars is installed.
        """
        file = Path(path)
        texts: dict[str, Callable[[], str | None]] = {
            ".srt": self.to_srt,
            ".vtt": self.to_vtt,
            ".txt": self.to_txt,
            ".json": self.to_json,
            ".csv": self.to_csv,
        }
        suffix = file.suffix.lower()
        if suffix == ".parquet":
            self.to_parquet(file)
        elif suffix in texts:
            write_file(file, (texts[suffix]() or "").encode())
        else:
            known = ", ".join([*texts, ".parquet"])
            raise InputError(f"A transcript cannot be saved as {file.name!r}: end the name with one of {known}.")
        return file

    def __repr__(self) -> str:
        text = self.text
        shown = text if len(text) <= 60 else text[:59] + "…"
        return f"Transcript({len(self)} segments: {shown!r})"

    def _repr_html_(self) -> str:
        return transcript_html(self._segments, self.partial)

    def _find(self, order: int) -> int:
        """Return where a segment with this ``id`` is or belongs."""
        return bisect_left(self._segments, order, key=lambda segment: segment.id)

    def _forget_partial(self, item_id: str | None) -> None:
        self._partials = {item: text for item, text in self._partials.items() if item != item_id}
