"""What was said in many files, one row a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ipyspeaches.checks import checked, shown_if_made
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.tables import Kind, Table


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file.

    Parameters
    ----------
    path
        The file, as it was named.
    seconds
        How long its audio is; NaN where it could not be read.
    transcript
        What was said in it, as far as that came.
    failed
        Whether it could not be read, or the server failed it or a part of it: another try may give more.
    reason
        Why text is missing; None where none is.
    """

    path: str
    seconds: float
    transcript: Transcript
    failed: bool = False
    reason: str | None = None

    @classmethod
    def failure(cls, path: str, reason: str) -> Self:
        """Return the result of a file of which nothing came."""
        return cls(path, np.nan, Transcript(), failed=True, reason=reason)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values; `from_json` reads them, and `Transcript.from_json` the transcript."""
        seconds = None if np.isnan(self.seconds) else self.seconds
        own = {"path": self.path, "seconds": seconds, "failed": self.failed, "reason": self.reason}
        return {**own, **json.loads(self.transcript.to_json())}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the result that `to_json` told; a `ValueError`, `KeyError` or `TypeError` if it is none."""
        path, seconds, failed, reason = (values[name] for name in ("path", "seconds", "failed", "reason"))
        if not isinstance(path, str) or not isinstance(failed, bool) or not isinstance(reason, str | None):
            raise TypeError(path)
        transcript = Transcript.from_json(json.dumps(values))
        return cls(path, np.nan if seconds is None else float(seconds), transcript, failed, reason)


@checked
class FileResults(Table):
    """Files in the order in which they were named, one row each.

    Columns: ``path``, ``text``, ``words`` (how many), ``seconds`` (of audio), ``missing`` (seconds without text that
    should have some); ``failed`` and ``reason`` as in `FileResult`.
    """

    kinds: ClassVar = {"path": Kind.TEXT, "text": Kind.TEXT, "reason": Kind.TEXT}

    def __init__(self, results: Iterable[FileResult] = ()) -> None:
        self._results = tuple(results)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns: numbers as arrays of shape ``(len(self),)``, texts as lists."""
        every = self._results
        return {
            "path": [one.path for one in every],
            "text": [one.transcript.text for one in every],
            "words": np.array([_count(one.transcript) for one in every], dtype=np.int64),
            "seconds": np.array([one.seconds for one in every], dtype=np.float64),
            "missing": np.array(
                [sum(gap.end - gap.start for gap in one.transcript.missing) for one in every], np.float64
            ),
            "failed": np.array([one.failed for one in every], dtype=np.bool_),
            "reason": [one.reason for one in every],
        }

    @property
    def transcripts(self) -> dict[str, Transcript]:
        """The transcript of each file by its path, with segments, words and their times, to save as subtitles, say."""
        return {one.path: one.transcript for one in self._results}

    @property
    def failed(self) -> FileResults:
        """The files that failed, wholly or in part."""
        return FileResults(one for one in self._results if one.failed)

    @shown_if_made
    def __repr__(self) -> str:
        failed = len(self.failed)
        return f"FileResults({len(self._results):,} files{f', {failed:,} failed' if failed else ''})"


def _count(transcript: Transcript) -> int:
    """Return how many words there are: those with times, or where the recogniser gives none, those between spaces."""
    return len(transcript.words) or len(transcript.text.split())
