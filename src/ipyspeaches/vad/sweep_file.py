"""The file from which a sweep goes on after an interruption: one JSON object a line, as results come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, Final

from ipyspeaches.errors import InputError
from ipyspeaches.vad.detector import Detector
from ipyspeaches.vad.evaluation import Boundaries, Durations, Evaluation

_FORMAT: Final = 1


def detector_key(vad: Detector) -> str:
    """Return a text that is equal for equal detectors, in every process."""
    return json.dumps([vad.name, {one.name: getattr(vad, one.name) for one in fields(vad) if one.init}])


class SweepFile:
    """Results by recording and detector, read when the file is opened and added to as they come.

    Parameters
    ----------
    path
        File; it is made if there is none.
    subject
        What is swept over: recordings, truth, collar. Results about something else are not mixed in.

    Raises
    ------
    InputError
        If the file is about something else, a line of it cannot be read, or it cannot be written.
    """

    def __init__(self, path: str | Path, subject: list[str]) -> None:
        self._path = Path(path)
        self._results: dict[tuple[int, str], Evaluation] = {}
        try:
            content = self._path.read_bytes() if self._path.exists() else b""
        except OSError as exc:
            raise self._unusable(exc) from exc
        # An interruption may have left half a line behind.
        whole = content[: content.rfind(b"\n") + 1]
        self._read(whole.decode("utf-8", "replace").splitlines(), subject)
        try:
            self._stream = self._path.open("r+b" if content else "wb")
            self._stream.truncate(len(whole))
            self._stream.seek(len(whole))
            if not whole:
                self._write([{"sweep": _FORMAT, "subject": subject}])
        except OSError as exc:
            raise self._unusable(exc) from exc

    def _read(self, lines: list[str], subject: list[str]) -> None:
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                if number == 1:
                    known = entry["sweep"] == _FORMAT and entry["subject"] == subject
                else:
                    durations, boundaries = entry["result"]
                    result = Evaluation(Durations(*durations), Boundaries(*boundaries))
                    self._results[entry["recording"], entry["vad"]] = result
            except (ValueError, KeyError, TypeError) as exc:
                raise InputError(
                    f"{self._path}, line {number}: this is no result of a sweep. "
                    "Give another file to resume=, or delete it."
                ) from exc
            if number == 1 and not known:
                raise InputError(
                    f"{self._path} is of a sweep over other recordings, another truth or another collar: "
                    "give another file to resume=, or delete it."
                )

    def get(self, recording: int, vad: Detector) -> Evaluation | None:
        """Return the result of a detector on a recording, if it is known."""
        return self._results.get((recording, detector_key(vad)))

    def add(self, recording: int, results: Iterable[tuple[Detector, Evaluation]]) -> None:
        """Keep results.

        Raises
        ------
        InputError
            If they cannot be written.
        """
        try:
            self._write(
                {
                    "recording": recording,
                    "vad": detector_key(vad),
                    "result": [astuple(result.durations), astuple(result.boundaries)],
                }
                for vad, result in results
            )
        except OSError as exc:
            raise self._unusable(exc) from exc

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._stream.close()

    def _write(self, entries: Iterable[dict[str, Any]]) -> None:
        text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        self._stream.write(text.encode())
        self._stream.flush()

    def _unusable(self, exc: OSError) -> InputError:
        reason = exc.strerror or type(exc).__name__
        return InputError(
            f"{self._path} cannot be used to resume ({reason}): choose another file or create its folder."
        )
