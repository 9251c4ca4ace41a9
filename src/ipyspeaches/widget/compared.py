"""The sessions that listen along with a widget's recording, so that several ways hear the same words live."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import NoneType
from typing import Any, Final

from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.session import events
from ipyspeaches.session.comparing import Runs, check_options, compared_run, live_through, named, with_defaults
from ipyspeaches.session.opening import SourceLike, open_source
from ipyspeaches.session.options import SessionKeywords, TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import ACTIVE, ENDED, HEARING, SessionState
from ipyspeaches.sources.source import Source
from ipyspeaches.sources.tee import Branch, Tee
from ipyspeaches.widget.page_messages import event_message, failure_message

MAIN: Final = "main"
"""What the widget's own session is called among the compared ones."""

BEHIND_S: Final = 2.0
"""A session that lags by less than this is not said to be behind."""

_SHOWN: Final = (events.Partial, events.Final, events.Warning)


def compared_options(runs: Runs) -> dict[str, SessionKeywords]:
    """Return what a widget's compared sessions do differently, by name.

    It is an `InputError` if an option cannot be used, or a name is the main session's.
    """
    if isinstance(runs, NoneType | Sequence | Mapping) and not runs:
        return {}
    options = named(runs)
    if MAIN in options:
        raise InputError(f"“{MAIN}” is the widget's own session: give the compared one another name.")
    for name, own in options.items():
        check_options(name, own)
    return options


class Compared:
    """Runs the compared sessions of one recording after the other; on the engine's loop.

    None of them can disturb the main session: they are fed by a `Tee`, run in tasks of their own, and their failures
    are shown and kept, not raised. The options say what each does differently from the main session, by name.
    """

    def __init__(
        self,
        options: Mapping[str, SessionKeywords],
        send: Callable[[dict[str, Any]], None],
        show: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._options = options
        self._send = send
        self._show = show
        self._tee: Tee | None = None
        self._branches: Mapping[str, Branch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._shown: list[dict[str, Any]] = []
        self.sessions: Mapping[str, Session] = {}

    def open(self, source: SourceLike, keywords: SessionKeywords) -> SourceLike:
        """Make the sessions of a new recording, and return the source for the main one; errors as of `open_source`.

        ``keywords`` are the main session's options, which count where a compared one has none of its own.
        """
        self.abort()
        if not self._options:
            return source
        opened: Source = open_source(source, keywords.get("pace"))
        self._tee = Tee(opened, len(self._options))
        self._branches = dict(zip(self._options, self._tee.branches, strict=True))
        common = keywords.copy()
        common.pop("on_event", None)
        common["journal"] = None  # the main session's has the same audio
        self.sessions = {
            name: Session(self._branches[name], **with_defaults(own, common)) for name, own in self._options.items()
        }
        return self._tee

    def start(self) -> None:
        """Let every session begin; returns at once."""
        for name, session in self.sessions.items():
            session.subscribe(functools.partial(self._on_event, name, session))
            self._begin(self._live(name, session))
        self.show()

    def main_is(self, state: SessionState) -> None:
        """Follow the main session, from within its change of state: all must pause at the same block."""
        if self._tee is None:
            return
        if state is SessionState.PAUSED:
            self._tee.pause_branches()
            for name, session in self.sessions.items():
                if session.state in HEARING:
                    self._begin(self._end_utterance(name, session))
        elif state in HEARING:
            self._tee.resume_branches()
        elif state in ENDED:
            self._tee.end_branches()

    def follow(self, turn_detection: TurnDetection) -> None:
        """Let the sessions without a turn detection of their own use the main one's from now on."""
        for name, session in self.sessions.items():
            if "turn_detection" not in self._options[name] and session.state in ACTIVE:
                self._begin(_unless_it_fails(session.set_turn_detection(turn_detection)))

    async def wait(self) -> None:
        """Wait until all have ended, one way or another."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def abort(self) -> None:
        """End what still runs of an earlier recording, without waiting for texts."""
        for task in self._tasks:
            task.cancel()
        self._tee, self._branches, self.sessions = None, {}, {}

    def leave_for(self, sessions: Mapping[str, Session]) -> None:
        """Show those of another recording; what has not ended goes on, unseen."""
        self.sessions, self._branches = sessions, {}
        self.show()

    def show(self) -> None:
        """Show the slow state of all of them, where it has changed."""
        shown = [self._state(name) for name in self._options]
        if shown != self._shown:
            self._shown = shown
            self._show({"_compared": shown})

    def _state(self, name: str) -> dict[str, Any]:
        session, branch = self.sessions.get(name), self._branches.get(name)
        if session is None:
            return {"name": name, "state": SessionState.IDLE.value, "about": "", "error": None, "behind_s": 0}
        behind_s = 0.0 if branch is None else branch.behind_s
        run = compared_run(name, session)
        model = (run.model or "").rpartition("/")[2]
        return {
            "name": name,
            "state": session.state.value,
            "about": " · ".join(filter(None, (run.transport, model, run.cuts))),
            "error": None if session.failure is None else failure_message(session.failure),
            "behind_s": math.floor(behind_s) if behind_s >= BEHIND_S else 0,
        }

    def _on_event(self, name: str, session: Session, event: events.SessionEvent) -> None:
        if self.sessions.get(name) is not session:
            return  # the rest of an earlier recording
        if isinstance(event, events.StateChanged):
            self.show()
        elif isinstance(event, _SHOWN) and (message := event_message(event)) is not None:
            self._send({**message, "run": name})

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, name: str, session: Session) -> None:
        branch = self._branches[name]
        try:
            await live_through(session)
        finally:
            branch.abandon()

    async def _end_utterance(self, name: str, session: Session) -> None:
        """End the utterance under way where the main session paused."""
        await self._branches[name].drain()
        if session.state in HEARING:
            await _unless_it_fails(session.pause())
            await _unless_it_fails(session.resume())


async def _unless_it_fails(work: Coroutine[Any, Any, None]) -> None:
    """Do something with a compared session; if it cannot be done, its own state says why."""
    try:
        await work
    except SpeachesError:
        return
