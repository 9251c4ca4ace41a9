"""What a session leaves on disk while it runs, so that a kernel that dies loses nothing.

A folder a session, for its owner only::

    20261128-120305-4f2a91/
      audio.wav       all audio, at 24 kHz: a valid file at any moment
      frames.bin      level, energy, score and decision of each frame, as `FRAME` has them
      journal.jsonl   what happened, a JSON object a line: options without any key, utterances, texts, marks, gaps
      lock            held while the session runs

Nothing is flushed to the disk itself: what a process has written outlives it, and only a machine that loses its power
loses the last half minute.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
import platformdirs

from ipyspeaches.checks import as_path, number
from ipyspeaches.errors import InputError, StateError
from ipyspeaches.protocol.address import EMBEDDED, normalise_base_url
from ipyspeaches.results.segment import Gap
from ipyspeaches.session import events
from ipyspeaches.session.options import SessionOptions, TurnDetection
from ipyspeaches.session.pipeline import Pipeline, Processed
from ipyspeaches.session.recorder import Listener, Recorder
from ipyspeaches.session.state import ENDED
from ipyspeaches.sources.source import Source
from ipyspeaches.vad.gate import Utterance

PLACE_VARIABLE: Final = "IPYSPEACHES_JOURNAL"
"""Where journals are, or ``off``."""
DAYS_VARIABLE: Final = "IPYSPEACHES_JOURNAL_DAYS"
GB_VARIABLE: Final = "IPYSPEACHES_JOURNAL_GB"
KEPT_DAYS: Final = 7.0
KEPT_GB: Final = 5.0
"""A day of audio and then some."""

AUDIO: Final = "audio.wav"
FRAMES: Final = "frames.bin"
LINES: Final = "journal.jsonl"
_LOCK: Final = "lock"
FRAME: Final = np.dtype([("time", "<f8"), ("level_db", "<f4"), ("energy", "<f4"), ("score", "<f4"), ("is_speech", "?")])

_UNWRITTEN: Final = (events.Sent, events.Partial)
"""What comes often, and is of no use afterwards."""


class Journal(Listener):
    """Writes down a session as it happens: its audio through the pipeline's store, the rest itself.

    It begins with the first audio. What cannot be written is told once, and the session goes on in memory.
    """

    def __init__(self, options: SessionOptions, source: Source, pipeline: Pipeline, recorder: Recorder) -> None:
        self._wanted = _place(options, source)
        self._options = options
        self._source = source
        self._pipeline = pipeline
        self._recorder = recorder
        self.folder: Path | None = None
        self._lock: Any = None
        self._frames: BinaryIO | None = None
        self._rows = 0  # written so far: frames,
        self._tracks = 0  # tracks of detectors,
        self._lost = 0  # stretches that never came,
        self._gaps: tuple[Gap, ...] = ()  # and stretches without text
        self._turn_detection: TurnDetection | None = None  # as it was written last
        self._failure: OSError | None = None

    def receive_audio(self, processed: Processed) -> None:
        """Begin, if it has not; write the utterances that were cut, and the frames."""
        if self._wanted is not None and len(self._pipeline.store):
            wanted, self._wanted = self._wanted, None
            self._begin(wanted)
        if self.folder is None:
            return
        for action in processed.actions:
            if isinstance(action, Utterance):
                self._write("Utterance", number=action.number, start=action.start_s, end=action.end_s)
        self._keep_up()
        failure = self._pipeline.store.failure or self._failure
        if failure is not None:
            self._warn(failure)

    def rename(self, name: str) -> None:
        """Write down what the recording is called now, also after its end."""
        if self.folder is not None:
            self._write("Renamed", name=name)

    def _begin(self, place: Path) -> None:
        folder = place / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        try:
            _make_private(place)
            folder.mkdir(mode=0o700)
            self._lock = _lock_of(folder)
            self._lock.acquire()
            self._frames = _open_private(folder / FRAMES)
            # Before the audio: what has no such line is no journal to anybody, and would never be removed.
            about = {"version": 1, "process": os.getpid(), "source": self._source.label}
            write_line(folder, "Begin", **about, options=plain_options(self._options))
            self._pipeline.store.keep_in(folder / AUDIO)
        except (OSError, NotImplementedError) as exc:  # the other where a file system knows no locks
            self._warn(exc)
            self._let_go()
            shutil.rmtree(folder, ignore_errors=True)
            return
        self.folder = folder
        self._recorder.subscribe(self._on_event, replay=True)
        if self._options.journal is True:
            try:
                limits = retention()
            except InputError as exc:
                self._recorder.warn("journal_retention", f"No old recordings are removed: {exc}")
            else:
                threading.Thread(target=prune, args=(place, *limits), name="ipyspeaches-prune", daemon=True).start()

    def _on_event(self, event: events.SessionEvent) -> None:
        if isinstance(event, _UNWRITTEN) or self.folder is None:
            return
        if isinstance(event, events.Marked):  # from any thread, so that nothing else may be touched
            self._write("Marked", **msgspec.to_builtins(event))
            return
        self._keep_up()
        if isinstance(event, events.ErrorOccurred):
            self._write("ErrorOccurred", time_s=event.time_s, kind=type(event.error).__name__, text=str(event.error))
        else:
            self._write(type(event).__name__, **msgspec.to_builtins(event, enc_hook=str))
        if isinstance(event, events.StateChanged) and event.state in ENDED:
            self._let_go()

    def _keep_up(self) -> None:
        """Write what has come since the last time."""
        pipeline = self._pipeline
        if pipeline.turn_detection is not self._turn_detection:
            self._turn_detection = pipeline.turn_detection
            detector, server_vad = self._turn_detection.detector.describe(), self._turn_detection.server_vad
            self._write("TurnDetection", detector=detector, server_vad=msgspec.to_builtins(server_vad))
        for track in pipeline.tracks[self._tracks :]:
            self._write("Track", **msgspec.to_builtins(track))
        for start, end in pipeline.lost[self._lost :]:
            self._write("Lost", start=start, end=end)
        self._tracks, self._lost = len(pipeline.tracks), len(pipeline.lost)
        gaps = tuple(self._recorder.transcript.missing)
        if gaps != self._gaps:
            added, gone = set(gaps) - set(self._gaps), set(self._gaps) - set(gaps)
            self._gaps = gaps
            self._write("Missing", added=list(map(plain_gap, added)), gone=list(map(plain_gap, gone)))
        self._write_frames()

    def _write_frames(self) -> None:
        columns = self._pipeline.frames.columns()
        rows = np.empty(len(columns["time"]) - self._rows, FRAME)
        if len(rows) and self._frames is not None:
            for name in FRAME.names or ():
                rows[name] = columns[name][self._rows :]
            self._rows += len(rows)
            try:
                self._frames.write(rows.tobytes())
            except OSError as exc:  # what follows would stand in the wrong place: they are scored again
                self._failure, self._frames = exc, None

    def _write(self, event: str, /, **fields: object) -> None:
        assert self.folder is not None
        try:
            write_line(self.folder, event, **fields)
        except OSError as exc:
            self._failure = exc

    def _warn(self, failure: Exception) -> None:
        reason = getattr(failure, "strerror", None) or failure
        self._recorder.warn(
            "journal",
            f"The recording is kept in memory only, it cannot be written to disk ({reason}): save it when it is over.",
            once=True,
        )

    def _let_go(self) -> None:
        self._pipeline.store.close()
        if self._frames is not None:
            self._frames.close()
            self._frames = None
        if self._lock is not None:
            self._lock.release()


def default_place() -> Path | None:
    """Return the folder of all journals: ``$IPYSPEACHES_JOURNAL``, else the user's state; None if they are off."""
    named = os.getenv(PLACE_VARIABLE, "").strip()
    if named.lower() == "off":
        return None
    return as_path(named) if named else platformdirs.user_state_path("ipyspeaches") / "recordings"


def _place(options: SessionOptions, source: Source) -> Path | None:
    """Return where a session's journal shall be, None if it shall have none."""
    if isinstance(options.journal, Path):
        return options.journal
    # A recording is there already, and can be transcribed again.
    return default_place() if options.journal and source.live else None


def retention() -> tuple[float, float]:
    """Return for how many days journals are kept in the default place, and how many GB of them.

    It is an `InputError` if the environment says something else than numbers.
    """
    days, gigabytes = os.getenv(DAYS_VARIABLE, KEPT_DAYS), os.getenv(GB_VARIABLE, KEPT_GB)
    return _quantity(DAYS_VARIABLE, days), _quantity(GB_VARIABLE, gigabytes)


def _quantity(name: str, value: str | float) -> float:
    with suppress(ValueError):
        value = float(value)
    quantity: float = number(0, cure="a number from 0")(name, value)
    return quantity


def prune(place: Path, days: float, gigabytes: float) -> None:
    """Remove the oldest journals: those last written to more than ``days`` ago, and those beyond ``gigabytes``.

    One that is in use stays.
    """
    found = sorted(journals(place), key=written_at)
    room = gigabytes * 1e9 - sum(map(size_bytes, found))
    for folder in found:
        old = written_at(folder) < time.time() - days * 86_400
        size = size_bytes(folder)
        if old or room < 0:
            with suppress(StateError):
                remove(folder)
                room += size


def journals(place: Path) -> list[Path]:
    """Return the folders of the journals in a place, which need not be there."""
    try:
        return [one for one in place.iterdir() if (one / LINES).is_file()]
    except OSError:
        return []


def written_at(folder: Path) -> float:
    """Return when a journal was last written to, in seconds since 1970; 0 if it is gone."""
    times = [0.0]
    for name in (AUDIO, LINES):
        with suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def size_bytes(folder: Path) -> int:
    """Return how much room a journal takes; what has gone meanwhile takes none."""
    size = 0
    with suppress(OSError):
        for one in folder.iterdir():
            with suppress(OSError):
                size += one.stat().st_size
    return size


def remove(folder: Path) -> None:
    """Remove a journal; a `StateError` if it is in use, or cannot be removed."""
    with held(folder):
        pass  # Windows removes no file that is open, the lock among them
    try:
        for one in folder.iterdir():
            if one.name != LINES:  # what is left when this is interrupted must still be found
                one.unlink()
        shutil.rmtree(folder)
    except OSError as exc:
        raise StateError(f"{folder} cannot be removed ({exc.strerror}): close what has its files open.") from exc


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a journal; a `StateError` if it is in use."""
    import filelock

    lock = _lock_of(folder)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise StateError(f"The recording {folder.name} is under way: stop it first.") from None
    except OSError as exc:
        raise StateError(f"{folder} cannot be used ({exc.strerror or exc}): check its permissions.") from exc
    try:
        yield
    finally:
        lock.release()


def write_line(folder: Path, event: str, /, **fields: object) -> None:
    """Write one thing that happened, now; an `OSError` if the disk is full."""
    text = json.dumps({"type": event, "wall_time": datetime.now(UTC).isoformat(), **fields}, ensure_ascii=False)
    line = text.encode("utf-8", "replace") + b"\n"
    # Opened each time: lines are rare, may come after the end, and from several threads; one write is one line.
    with _open_private(folder / LINES) as file:
        if (written := file.write(line)) < len(line):
            file.truncate(file.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def mark_opened(folder: Path) -> None:
    """Note that somebody has seen a journal whose kernel died; if that cannot be noted, it is offered again."""
    with suppress(OSError):
        write_line(folder, "Opened")


def plain_options(options: SessionOptions) -> dict[str, Any]:
    """Return options as plain keywords, without what is nobody's business: no key, and no address with one in it."""
    plain = {**msgspec.to_builtins(options.recognition), **msgspec.to_builtins(options.route)}
    del plain["server_vad"]  # which may change, see `Journal`
    del plain["implied_script"]
    plain["language"] = options.recognition.language_tag  # with the script that it implies
    servers = [normalise_base_url(one) if one and one != EMBEDDED else one for one in (options.server, *options.others)]
    plain["server"] = servers if options.others else servers[0]
    return plain


def plain_gap(gap: Gap) -> dict[str, Any]:
    """Return a gap in plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(gap)
    return plain


def _lock_of(folder: Path) -> Any:  # noqa: ANN401  of filelock, which is slow to import
    import filelock

    return filelock.FileLock(folder / _LOCK, mode=0o600, thread_local=False, blocking=False)


def _make_private(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _open_private(path: Path) -> BinaryIO:
    """Open a file of the owner's alone for adding to its end, each write at once."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "ab", buffering=0)
