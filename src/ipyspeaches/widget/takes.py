"""The takes of a `Transcriber`: everything that was recorded or opened in it, of which none replaces another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

from ipyspeaches.checks import as_path, checked, text
from ipyspeaches.errors import InputError, StateError
from ipyspeaches.results.accuracy import differences
from ipyspeaches.results.comparison import Comparison
from ipyspeaches.session.comparing import compared_run
from ipyspeaches.session.session import Session, pipeline_of
from ipyspeaches.session.state import ACTIVE
from ipyspeaches.tables import Kind, Rows
from ipyspeaches.terminal import one_line
from ipyspeaches.widget.bridge import Command, Reply

if TYPE_CHECKING:
    from ipyspeaches.audio.recording import Recording
    from ipyspeaches.results.records import EventLog, Frames, Latency, Marks
    from ipyspeaches.results.transcript import Transcript

_NAME: Final = text("a name")
_LONGEST_NAME: Final = 200
_AUDIO: Final = frozenset({".wav", ".flac", ".ogg"})
_NO_FILE_NAME: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
"""What some system refuses in the name of a file, and what turns the direction in which one is read."""


@dataclass(eq=False)
class KeptTake:
    """What a widget has of a take: its session, those that listened along, and its name, where it has one."""

    number: int
    session: Session
    kind: str
    given_name: str = ""
    runs: Mapping[str, Session] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """What it is called."""
        return self.given_name or f"Take {self.number}"

    @property
    def file_name(self) -> str:
        """The same as the beginning of a file's name."""
        name = _NO_FILE_NAME.sub("-", self.name)
        return (Path(name).stem if self.kind == "file" else name).strip(" .")[:100] or f"Take {self.number}"

    @property
    def duration_s(self) -> float:
        """How much was heard."""
        return pipeline_of(self.session).store.duration_s


class OfSession:
    """What a session has, under the same names in whatever shows it."""

    @property
    def session(self) -> Session:
        """The session that has all of it."""
        raise NotImplementedError

    @property
    def recording(self) -> Recording:
        """What was heard, at 24 kHz."""
        return self.session.recording

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.session.transcript

    @property
    def frames(self) -> Frames:
        """Level, energy and score of each frame."""
        return self.session.frames

    @property
    def events(self) -> EventLog:
        """What happened, in order."""
        return self.session.events

    @property
    def latency(self) -> Latency:
        """How long each utterance took."""
        return self.session.latency

    @property
    def marks(self) -> Marks:
        """Moments that were marked."""
        return self.session.marks


class _Facts(NamedTuple):
    number: int
    name: str
    started: datetime
    kind: str
    duration: float
    utterances: int
    missing: int


class Take(OfSession, _Facts):
    """One recording, as far as it is.

    Parameters
    ----------
    number
        Which it is, counted from 1.
    name
        What it is called: an opened file by its own name, others ``"Take 1"``, until they are renamed.
    started
        When it began; with a time zone.
    kind
        ``"microphone"`` or ``"file"``.
    duration
        Seconds of audio.
    utterances
        How many texts there are.
    missing
        How many stretches have no text although they should.
    """

    def __new__(cls, kept: KeptTake) -> Self:
        """Return a take as it is now."""
        said = kept.session.transcript
        counts = len(said), len(said.missing)
        return super().__new__(cls, kept.number, kept.name, kept.started, kept.kind, kept.duration_s, *counts)

    def __init__(self, kept: KeptTake) -> None:
        self._session = kept.session

    @property
    def session(self) -> Session:
        """Its session, which has all of it."""
        return self._session

    def save(self, path: str | Path) -> Path:
        """Write its text or its audio, as the suffix says: see `Transcript.save` and `Recording.save`.

        It is an `InputError` or an `AudioError` if the file cannot be written.
        """
        file = as_path(path)
        return self.recording.save(file) if file.suffix.lower() in _AUDIO else self.transcript.save(file)


@checked
class Takes(Rows[Take]):
    """The takes of a widget that something was heard in, the oldest first; columns are the fields of `Take`."""

    _row_type: ClassVar = _Facts
    kinds: ClassVar = {"started": Kind.TIME}

    def find(self, name: str) -> Take:
        """Return a take by its name; an `InputError` if there is none."""
        for take in self:
            if take.name == name:
                return take
        raise InputError(f"There is no take {name!r:.60}: takes lists those that there are.")

    def compare(self, reference: str | Transcript | None = None) -> Comparison:
        """Return the takes beside each other: their texts, how long these took, and what they got wrong.

        Parameters
        ----------
        reference
            What was said, if that is known: then there are word error rates.
        """
        return Comparison([compared_run(take.name, take.session) for take in self], reference)


class Shelf:
    """Keeps the takes of a widget, and lets its pages list, show, rename and remove them; on the engine's loop.

    ``show_take`` shows one in place of the one that is shown.
    """

    def __init__(
        self, show: Callable[[Mapping[str, Any]], None], show_take: Callable[[KeptTake], Awaitable[None]]
    ) -> None:
        self._show = show
        self._show_take = show_take
        self._kept: list[KeptTake] = []
        self._removed: list[KeptTake] = []
        self.shown: KeptTake | None = None
        self.commands: dict[str, Command] = {
            "list_takes": self._list,
            "show_take": lambda args: self._show_take(self.find(args.get("number"))),
            "rename_take": self._rename,
            "remove_take": self._remove,
            "restore_take": self._restore,
            "compare_takes": self._compare,
        }

    @property
    def takes(self) -> Takes:
        """Those that something was heard in."""
        return Takes(Take(one) for one in self._heard)

    @property
    def _heard(self) -> list[KeptTake]:
        return [one for one in self._kept if one.duration_s]

    def find(self, number: object) -> KeptTake:
        """Return a take by its number; an `InputError` if there is none."""
        for one in self._kept:
            if one.number == number:
                return one
        raise InputError("This take was removed: takes lists those that there are.")

    def take_of(self, session: Session) -> KeptTake | None:
        """Return the take that a session belongs to."""
        return next((one for one in self._kept if one.session is session), None)

    def add(self, session: Session, kind: str, name: str = "", **more: Any) -> KeptTake:  # noqa: ANN401  its fields
        """Begin another take, which is the one that is shown now."""
        self._kept = self._heard  # what never began is none
        number = 1 + max((one.number for one in (*self._kept, *self._removed)), default=0)
        self.shown = KeptTake(number, session, kind, self._free(name), **more)
        self._kept.append(self.shown)
        session.transcript.name = self.shown.name
        self.tell()
        return self.shown

    def last_heard(self) -> KeptTake | None:
        """Return the newest take that something was heard in."""
        return next(reversed(self._heard), None)

    def rename(self, number: object, name: str) -> None:
        """Call a take something else; an empty name leaves it its number."""
        take = self.find(number)
        take.given_name = ""
        take.given_name = self._free(one_line(_NAME("name", name), _LONGEST_NAME))
        take.session.rename(take.name)
        self.tell()

    async def remove(self, number: object) -> None:
        """Take one away, and show its neighbour; what was recorded of it stays on disk for its time."""
        take = self.find(number)
        if take.session.state in ACTIVE:
            raise StateError("This take is being recorded: stop it first.")
        heard = self._heard
        others = [one for one in heard if one is not take]
        if take is self.shown and not others:
            raise StateError("This is the only take: record another one first.")
        if take is self.shown:
            await self._show_take(others[min(heard.index(take), len(others) - 1)])
        self._kept.remove(take)
        self._removed = [take]
        self.tell()

    def tell(self) -> None:
        """Show which take is shown, and how many there are."""
        take = self.shown
        shown = take and {"number": take.number, "name": take.given_name, "count": len(self._heard)}
        self._show({"_take": shown})

    def _free(self, name: str) -> str:
        """Return a name that no other take has: two files may be called the same."""
        taken = {one.name for one in self._kept}
        names = (f"{name} ({number})" for number in range(2, len(taken) + 3))
        return name if name not in taken else next(one for one in names if one not in taken)

    async def _list(self, _args: dict[str, Any]) -> Reply:
        rows = [
            {
                "number": one.number,
                "name": one.given_name,
                "started_ms": round(one.started.timestamp() * 1000),
                "duration_s": one.duration_s,
            }
            for one in reversed(self._heard)
        ]
        return Reply({"takes": rows})

    async def _rename(self, args: dict[str, Any]) -> None:
        self.rename(args.get("number"), str(args.get("name") or ""))

    async def _remove(self, args: dict[str, Any]) -> None:
        await self.remove(args.get("number"))

    async def _compare(self, args: dict[str, Any]) -> Reply:
        """Return the texts of two takes, in pieces that the other one has (False) or has not (True)."""
        one, other = (self.find(number).session.transcript for number in (args.get("number"), args.get("with")))
        sides = [await asyncio.to_thread(_beside, *pair) for pair in ((one, other), (other, one))]
        return Reply({"sides": sides})

    async def _restore(self, _args: dict[str, Any]) -> None:
        """Put back the take that was removed last, and show it."""
        if not self._removed:
            raise StateError("No take was removed.")
        take = self._removed.pop()
        self._kept = sorted((*self._kept, take), key=lambda one: one.number)
        await self._show_take(take)


def _beside(said: Transcript, other: Transcript) -> list[list[tuple[bool, str]]]:
    texts = [segment.text for segment in said]
    found = differences(" ".join(segment.text for segment in other), texts)
    return [[(kind == "heard", words) for kind, words in pieces if kind != "said"] for pieces in found]
