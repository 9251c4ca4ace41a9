"""What sessions have left on disk: which there are, and each as the session that it was."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, Unpack, cast

import msgspec
import numpy as np

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_samples, to_seconds
from ipyspeaches.audio.recording import Recording
from ipyspeaches.audio.store import AudioStore, counted
from ipyspeaches.checks import as_path, checked
from ipyspeaches.errors import AudioError, InputError, StateError
from ipyspeaches.liberal import parse_json
from ipyspeaches.protocol.recognition import ServerTurnDetection
from ipyspeaches.results.records import EventLog, Frames, Mark
from ipyspeaches.results.segment import Gap, Segment
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session import journal
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection
from ipyspeaches.session.pipeline import Track
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import ENDED, SessionState
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.tables import Kind, Rows
from ipyspeaches.terminal import one_line
from ipyspeaches.vad.detectors import Detector, SileroVad, from_description
from ipyspeaches.vad.intervals import without
from ipyspeaches.vad.label_files import MAX_TIME_S

RUNNING: Final = "recording"
UNFINISHED: Final = "unfinished"
"""What a session is that died without a word."""
_CUT_OFF: Final = "the recording ended before its text came"
_SHORTEST_S: Final = 0.25
"""Less than this between two texts, or behind the last one, is no utterance: edges of speech differ by as much."""
_AFTERWARDS_S: Final = 0.75
"""So long behind its end, frames of an utterance still count as speech."""
_NOT_UNDERSTOOD: Final = (ValueError, LookupError, TypeError, ArithmeticError, AttributeError, msgspec.MsgspecError)
_LOOKED_AT: Final = 6
"""The newest recordings that may be unfinished: nobody asks for older ones."""


class KeptRecording(NamedTuple):
    """A recording on disk.

    Parameters
    ----------
    id
        Its name, that of its folder.
    started
        When it began; with a time zone.
    duration_s
        How much audio there is.
    state
        ``"recording"`` while it runs, ``"stopped"`` or ``"failed"`` as it ended; ``"unfinished"`` if its kernel died.
    without_text
        How many utterances have no text although they should.
    size_mb
        How much room it takes on disk.
    path
        Its folder.
    name
        What it was called as a take; empty if it was given no name.
    """

    id: str
    started: datetime
    duration_s: float
    state: str
    without_text: int
    size_mb: float
    path: str
    name: str = ""


@checked
class KeptRecordings(Rows[KeptRecording]):
    """Recordings on disk, the oldest first."""

    _row_type: ClassVar = KeptRecording
    kinds: ClassVar = {"started": Kind.TIME}

    def find(self, id: str) -> KeptRecording:  # noqa: A002 - the name of the column
        """Return a row by its id, or by the beginning of it; an `InputError` if that is none, or more than one."""
        found = [row for row in self if row.id.startswith(id)] if id else []
        found = [row for row in found if row.id == id] or found
        if len(found) != 1:
            problem = "no recording" if not found else "more than one recording"
            raise InputError(f"There is {problem} {id!r} here: recordings() lists them all.")
        return found[0]

    def remove(self, recording: str | KeptRecording) -> None:
        """Remove one from the disk, for good.

        It is an `InputError` if there is no such recording, a `StateError` if it is under way.
        """
        journal.remove(Path((self.find(recording) if isinstance(recording, str) else recording).path))


@dataclass
class Story:
    """What a journal tells, read line by line."""

    started: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    name: str = ""
    source: str = ""
    process: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    turn_detection: TurnDetection | None = None
    state: str = ""
    opened: bool = False
    begun: bool = False
    unread: bool = False  # whether there are lines that nobody understands
    finals: dict[int, Segment] = field(default_factory=dict)  # by their places
    retried: list[Segment] = field(default_factory=list)
    answered: list[tuple[float, float]] = field(default_factory=list)  # stretches with a text, be it empty
    cut: list[tuple[float, float]] = field(default_factory=list)  # utterances, whoever cut them
    spoken: list[tuple[float, float]] = field(default_factory=list)  # what the detector here held for speech
    open_s: float | None = None  # where that began which is under way
    gaps: dict[Gap, None] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)
    tracks: list[Track] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    events: EventLog = field(default_factory=EventLog)

    @classmethod
    def of(cls, folder: Path) -> Story:
        """Read a journal, as far as it is there."""
        try:
            return cls.told((folder / journal.LINES).read_bytes())
        except OSError:
            return cls()

    @classmethod
    def told(cls, lines: bytes) -> Story:
        """Read the lines of a journal; those that nobody understands, such as a last half one, are passed over."""
        story = cls()
        for line in lines.splitlines():
            try:
                story._read(parse_json(line))
            except _NOT_UNDERSTOOD:
                story.unread = True
        return story

    @property
    def segments(self) -> list[Segment]:
        """The texts that there are."""
        return [*(segment for segment in self.finals.values() if segment.text), *self.retried]

    @property
    def damaged(self) -> bool:
        """Whether something of it is not there, so that it may not tell what has no text."""
        return self.unread or not self.begun

    def _read(self, line: Mapping[str, Any]) -> None:
        kind, wall_time = str(line["type"]), datetime.fromisoformat(line["wall_time"]).astimezone(UTC)
        handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "Begin": self._begin,
            "TurnDetection": self._cuts,
            "Track": self._track,
            "Lost": self._never_came,
            "StateChanged": self._state,
            "SpeechStarted": self._started,
            "SpeechStopped": self._stopped,
            "Utterance": self._utterance,
            "Committed": self._committed,
            "Final": self._final,
            "Missing": self._missing,
            "Marked": self._marked,
            "Retried": self._retried,
            "Opened": self._opened,
            "Renamed": self._renamed,
        }
        if kind in handlers:
            handlers[kind](line)
        if "time_s" in line:
            self._log(kind, wall_time, line)

    def _log(self, kind: str, wall_time: datetime, line: Mapping[str, Any]) -> None:
        segment = line.get("segment") or {}
        text = str(segment.get("text") or line.get("text") or line.get("name") or "")
        detail = str(line.get("state") or line.get("kind") or "")
        item_id = line.get("item_id")
        self.events.append(
            time_s=float(line["time_s"]), wall_time=wall_time, type=kind, item_id=item_id, text=text, detail=detail
        )

    def _begin(self, line: Mapping[str, Any]) -> None:
        self.begun = True
        self.started = datetime.fromisoformat(line["wall_time"]).astimezone(UTC)
        self.source, self.process, self.options = str(line["source"]), line["process"], dict(line["options"])

    def _cuts(self, line: Mapping[str, Any]) -> None:
        server_vad = line["server_vad"] and msgspec.convert(line["server_vad"], ServerTurnDetection)
        turn_detection = TurnDetection(_detector(line["detector"]))
        self.turn_detection = replace(turn_detection, server_vad=server_vad)

    def _track(self, line: Mapping[str, Any]) -> None:
        track = msgspec.convert(line, Track)
        if 0.001 <= track.frame_s <= 1 and 0 <= track.start_s <= MAX_TIME_S:
            self.tracks.append(track)

    def _never_came(self, line: Mapping[str, Any]) -> None:
        self.lost.append((int(line["start"]), int(line["end"])))

    def _state(self, line: Mapping[str, Any]) -> None:
        self.state = str(line["state"])

    def _started(self, line: Mapping[str, Any]) -> None:
        if line["source"] == "client":
            self.open_s, _ = _stretch(line["start_s"], line["start_s"])

    def _stopped(self, line: Mapping[str, Any]) -> None:
        if line["source"] == "client":
            self.open_s = None
            self.spoken.append(_stretch(line["start_s"], line["end_s"]))

    def _utterance(self, line: Mapping[str, Any]) -> None:
        self.cut.append(_stretch(line["start"], line["end"]))

    def _committed(self, line: Mapping[str, Any]) -> None:
        self.cut.append(_stretch(line["start_s"], line["end_s"]))

    def _final(self, line: Mapping[str, Any]) -> None:
        segment = msgspec.convert(line["segment"], Segment)
        self.answered.append(_stretch(segment.start, segment.end))
        self.finals[segment.id] = segment

    def _missing(self, line: Mapping[str, Any]) -> None:
        for gone in line["gone"]:
            self.gaps.pop(msgspec.convert(gone, Gap), None)
        for gap in msgspec.convert(line["added"], list[Gap]):
            self.gaps[Gap(*_stretch(gap.start, gap.end), gap.reason)] = None

    def _marked(self, line: Mapping[str, Any]) -> None:
        number, (at_s, _) = int(line["mark_id"]), _stretch(line["at_s"], line["at_s"])
        self.marks[number] = Mark(number, at_s, str(line["name"]))

    def _retried(self, line: Mapping[str, Any]) -> None:
        segments = msgspec.convert(line["segments"], list[Segment])
        self.answered += [_stretch(segment.start, segment.end) for segment in segments]
        self.retried += segments
        self.answered.append(_stretch(line["start"], line["end"]))
        self._missing(line)

    def _opened(self, _line: Mapping[str, Any]) -> None:
        self.opened = True

    def _renamed(self, line: Mapping[str, Any]) -> None:
        self.name = one_line(str(line["name"]))

    def missing(self, duration_s: float, heard: Iterable[tuple[float, float]]) -> list[Gap]:
        """Return the stretches without text: those that the session told of, and those that it did not live to tell.

        Where lines are damaged, whatever was ``heard`` and has no readable text is one of them.
        """
        told = sorted(self.gaps, key=_edges)
        if self.state in ENDED and not self.damaged:
            return told
        settled = [*self.answered, *((gap.start, gap.end) for gap in told)]
        # An utterance that nobody has cut yet: where a server cuts, only it would know its edges.
        until_s = max((end for _, end in (*settled, *self.cut)), default=0.0)
        spoken = [*self.spoken, *(() if self.open_s is None else [(self.open_s, duration_s)])]
        uncut = [(max(start, until_s), end) for start, end in spoken if end > until_s + _SHORTEST_S]
        if self.damaged:
            widely = ((max(0.0, start - _AFTERWARDS_S), end + _AFTERWARDS_S) for start, end in settled)
            uncut += without(heard, [*widely, (duration_s, math.inf)], _SHORTEST_S)
        settled.append((duration_s, math.inf))
        untold = (Gap(start, end, _CUT_OFF) for start, end in without([*self.cut, *uncut], settled, _SHORTEST_S))
        return sorted((*told, *untold), key=_edges)


class RecoveredSession(Session):
    """A session that has left its journal, as it was: its recording, transcript, frames, marks and events.

    It has ended, and hears nothing more; `retry` asks for what has no text.

    Attributes
    ----------
    folder
        Its journal.
    started
        When it began.
    """

    def __init__(self, folder: Path) -> None:
        store, story = _audio(folder), Story.of(folder)
        recording = Recording(store.read(0, len(store)), SESSION_RATE_HZ)
        super().__init__(RecordedSource(recording, label=story.source), **_keywords(story))
        self.folder = self._journal.folder = folder
        self.started = story.started
        self._pipeline.store = store
        self._pipeline.frames = _frames(folder, len(store))
        if story.tracks and story.tracks[0].first_row == 0:
            self._pipeline.tracks = story.tracks
        self._pipeline.lost = story.lost
        self._recorder.events = story.events
        missing = story.missing(recording.duration, _heard(self.frames, recording.duration))
        self._recorder.rewrite(story.segments, missing)
        self.transcript.name = story.name
        for number in sorted(story.marks):
            self._recorder.marks.add(*story.marks[number][1:])
        self.state = SessionState.STOPPED
        self._ended.set()

    async def retry(self, **options: Unpack[SessionKeywords]) -> Transcript:
        """Transcribe the stretches that have no text, and write that into the journal, too.

        Parameters
        ----------
        **options
            What is to be different from the options that the session had; see `SessionOptions`. Its key is not kept:
            give it again, or set ``$SPEACHES_API_KEY``. Another ``server`` has its own first model unless one is given.

        Returns
        -------
        Transcript
            All of it; ``missing`` has what still has no text, and why.

        Raises
        ------
        StateError
            If the session is still under way in another kernel.
        SpeachesError
            If the server cannot be used.
        """
        await self.resume(**options)
        return self.transcript


@checked
def recordings(folder: str | os.PathLike[str] | None = None) -> KeptRecordings:
    """List the recordings on disk, the oldest first.

    Parameters
    ----------
    folder
        Where to look; None for the default place.
    """
    place = journal.default_place() if folder is None else as_path(folder)
    found = [] if place is None else sorted(journal.journals(place))
    return KeptRecordings(row for one in found if (row := _row(one)) is not None)


@checked
def recover(recording: str | os.PathLike[str] | KeptRecording) -> RecoveredSession:
    """Return a recording on disk as the session that it was.

    Parameters
    ----------
    recording
        Its id, its folder, or a row of `recordings`.

    Returns
    -------
    RecoveredSession
        With ``recording``, ``transcript`` (and its ``missing``), ``frames``, ``marks`` and ``events``; ``retry()`` asks
        for the texts that are missing.

    Raises
    ------
    InputError
        If there is no such recording.
    AudioError
        If it holds no audio.
    """
    if not isinstance(recording, KeptRecording):
        folder = as_path(recording)
        if any((folder / name).is_file() for name in (journal.LINES, journal.AUDIO)):  # one may have got lost
            return RecoveredSession(folder)
    row = recording if isinstance(recording, KeptRecording) else recordings().find(os.fspath(recording))
    return RecoveredSession(Path(row.path))


def unfinished() -> KeptRecording | None:
    """Return the newest recording in the default place that another kernel left before its end; of the last few.

    One that was opened since is none. One that has failed is one, as its kernel was restarted or has gone.
    """
    place = journal.default_place()
    for folder in sorted([] if place is None else journal.journals(place))[:-_LOOKED_AT:-1]:
        story = Story.of(folder)
        if story.state != SessionState.STOPPED and not story.opened and story.process != os.getpid():
            row = _row(folder)
            if row is not None and row.state != RUNNING:
                return row
    return None


def _row(folder: Path) -> KeptRecording | None:
    """Return a recording in a line; None if there is no audio in it."""
    try:
        duration_s = to_seconds(counted(folder / journal.AUDIO))
    except (OSError, AudioError):
        return None
    story = Story.of(folder)
    state = story.state if story.state in ENDED else UNFINISHED
    if state == UNFINISHED:
        try:
            with journal.held(folder):
                pass
        except StateError:
            state = RUNNING
    heard = _heard(_frames(folder, to_samples(duration_s)), duration_s) if story.damaged else ()
    missing, size_mb = story.missing(duration_s, heard), journal.size_bytes(folder) / 1e6
    about = duration_s, state, len(missing), size_mb, str(folder), story.name
    return KeptRecording(folder.name, story.started, *about)


def _audio(folder: Path) -> AudioStore:
    if not (folder / journal.AUDIO).is_file():
        raise InputError(f"There is no recording in {folder}: recordings() lists those that there are.")
    store = AudioStore()
    try:
        store.keep_in(folder / journal.AUDIO)
    except OSError as exc:
        raise AudioError(f"{folder / journal.AUDIO} cannot be read ({exc.strerror}): check its permissions.") from exc
    if not len(store):
        raise AudioError(f"The recording in {folder} holds no audio: its session died before it heard anything.")
    return store


def _frames(folder: Path, samples: int) -> Frames:
    frames = Frames()
    content = b""
    with suppress(OSError):
        content = (folder / journal.FRAMES).read_bytes()
    rows = np.frombuffer(content[: len(content) // journal.FRAME.itemsize * journal.FRAME.itemsize], journal.FRAME)
    rows = rows[rows["time"] < to_seconds(samples)]
    frames.append(**{name: rows[name] for name in journal.FRAME.names or ()})
    return frames


def _heard(frames: Frames, duration_s: float) -> Iterator[tuple[float, float]]:
    """Iterate over the stretches that sounded like speech; what has no frames counts as such."""
    times = np.concatenate((frames.columns()["time"], [duration_s]))
    speech = np.diff(frames.columns()["is_speech"], prepend=False, append=False).nonzero()[0]
    yield from zip(times[speech[::2]].tolist(), times[speech[1::2]].tolist(), strict=True)
    yield float(times[-2]) if len(times) > 1 else 0.0, duration_s


def _keywords(story: Story) -> SessionKeywords:
    """Return the options that a session had, without a journal of its own."""
    own: dict[str, Any] = {"turn_detection": story.turn_detection, "journal": None}
    known = {name: value for name, value in story.options.items() if name in SessionKeywords.__annotations__}
    with suppress(InputError):  # of another version, or of another hand
        SessionOptions.of({**known, **own})
        own = {**known, **own}
    return cast("SessionKeywords", own)


def _detector(plain: Mapping[str, Any]) -> Detector:
    """Return a detector that describes itself like this; somebody's own is drawn as Silero."""
    try:
        return from_description(plain)
    except InputError:
        return SileroVad()


def _stretch(start: Any, end: Any) -> tuple[float, float]:  # noqa: ANN401  what stands in a line
    """Return a stretch of a recording, in seconds; a `ValueError` if it is none."""
    start_s, end_s = float(start), float(end)
    if not 0 <= start_s <= end_s <= MAX_TIME_S:  # nor is NaN
        raise ValueError(f"from {start_s} to {end_s} s is no stretch of a recording")
    return start_s, end_s


def _edges(gap: Gap) -> tuple[float, float]:
    return gap.start, gap.end
