"""Sees to it that all that was heard gets its text, over one connection after another.

::

    open ─► follow ───────────────────────────► all is said
              ▲ │ lost, and that can be cured
              │ ▼
            open again, what has no text first ─► given up

A server that ends sessions after a while is not waited for: before that, another connection is opened beside the first
and takes its place.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from ipyspeaches.audio.clock import SESSION_RATE_HZ, to_seconds
from ipyspeaches.errors import ConnectionLostError, ProtocolError, ServerError, Severity, SpeachesError
from ipyspeaches.session.backlog import Backlog, Portion
from ipyspeaches.session.connection import CHECK_S, PATIENCE_S, Connection
from ipyspeaches.session.ledger import SUSPECT, Entry
from ipyspeaches.session.pipeline import Processed
from ipyspeaches.session.recorder import Recorder
from ipyspeaches.vad.gate import Send

SETTLE_S: Final = 120.0
"""How long a server may say nothing while texts are pending, at the most, before the session ends without them."""
REFUSED_S: Final = 15.0
"""The same where it has reported an error since all of them were sent, and where it has no audio in hand."""
LOADING_S: Final = 75.0
"""The same before its first text: it may have to read its model from the disk first, which takes some a minute."""
SLOWEST: Final = 2.0
"""Seconds that a second of audio may take: Speaches takes about one for it on a processor, on a busy one more."""
MAX_PENDING: Final = 8
"""Utterances without text that a recording may run ahead of the server."""

ALONE_S: Final = 5.0
"""How long the first utterance on a connection may wait alone for its answer, where nobody knows yet how those come."""

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 15.0
"""Between two attempts to have a connection again: a server that restarts is back soon, one that is gone is spared."""
AT_WORK: Final = 3
"""Attempts whose wait is long enough where connections can be had: 4 s."""
LONGEST_ASKED_S: Final = 600.0
"""How long to wait where a server has said so."""
GIVE_UP_S: Final = 60.0
"""How long a recording waits for a server that has gone; who speaks goes on as long as it takes."""
STOPPING_S: Final = 5.0
"""The same for a session that somebody has stopped."""
REPLAY_PENDING: Final = 2
"""Utterances that may be with the server while what it had missed is sent: the audio of one is under way to it while it
works on another."""
MOST_SPEED: Final = 4
"""Times real time, for a server that cuts: faster, its voice activity detection is confused and speech is lost."""
REPLAY_SAMPLES: Final = SESSION_RATE_HZ // 5
MOST_LOSSES: Final = 8
"""Connections that may end in a row while the server has the same utterance: more, and that is what ends them."""
MOST_REPORTED: Final = 4
"""The same where the server says that it failed."""

SHORTEST_SESSION_S: Final = 10.0
"""What is shorter was ended by something else."""
ROLL_OVER: Final = 0.85
"""The share of a session after which the next pause is the time for another one, and where there is none, …"""
HURRIED: Final = 0.95
"""… the share after which it is high time."""
PAUSE_S: Final = 0.05
BEHIND_S: Final = 5.0
"""How long a server that cuts may find nothing, at the end of a recording, where this side has heard speech."""

MOST_GIVEN_UP: Final = 3
"""Utterances of a recording that may be given up in a row: more, and the server is at fault and not they. One fewer
where there is no text at all."""


class Delivery:
    """Sends what is heard and waits for the texts; connects again where a connection is lost.

    Hearing waits for nothing here. All on the engine's loop.

    Parameters
    ----------
    connect
        Opens a connection, the first or one after another, which may be in use still, or raises a `ServerError`.
    backlog
        What is to be sent.
    recorder
        Knows what has its text.
    live
        Whether audio goes on whatever the server does.
    give_up_s
        Seconds without a connection after which the session ends; None: never.
    max_session_s
        Seconds after which the server ends a connection; None: never, as there is none.
    on_change
        Called when the connection is lost, and when there is one again.
    """

    def __init__(
        self,
        connect: Callable[[Connection | None, bool], Awaitable[Connection]],
        backlog: Backlog,
        recorder: Recorder,
        *,
        live: bool,
        give_up_s: float | None,
        max_session_s: float | None,
        on_change: Callable[[], None],
    ) -> None:
        self.connection: Connection | None = None  # the one that is open
        self._connect = connect
        self._backlog = backlog
        self._recorder = recorder
        self._live = live
        self._give_up_s = give_up_s
        self._max_session_s = max_session_s
        self._on_change = on_change
        self._client_cuts = recorder.client_cuts
        self._changed = asyncio.Event()  # there is more to do
        self._sent = asyncio.Event()  # there is nothing to send, and the server is near enough
        self._ended = False  # no more audio will come
        self._replaying = False  # what has no text is sent again
        self._texts = 0
        self._losses = 0  # connections that have ended since the last text while the server had something
        self._reported = 0  # such as the server gave an error for, since the last that it did not
        self._given_up = 0  # utterances since the last text
        self._attempts = 0  # to have a connection again, since the last text
        self._lost_at_s: float | None = None  # when the first connection ended since the last text, had it not been
        self._had_at_s = 0.0  # back meanwhile; and when the one in use was had
        self._wanted = asyncio.Event()  # a connection is wanted at once
        self._due = asyncio.Event()  # another connection is wanted in place of the one in use
        self._ended_after_s: float | None = None  # how long the last session was that the server ended
        self._hurried_at_s: float | None = None  # when somebody stopped the session
        self._limit: asyncio.Timeout | None = None
        self._reason = ""  # why there is no connection

    @property
    def pending(self) -> int:
        """How many utterances have no text yet; without a connection, at least one."""
        with_server = 1 if self.connection is None else self.connection.pending
        return self._backlog.utterances + with_server

    def add(self, processed: Processed) -> None:
        """Take what the pipeline wants sent."""
        silence = not processed.actions and not processed.ends
        if silence and not (self.connection is not None and self.connection.hears_silence):
            return  # nobody has to be woken for it
        self._backlog.add(processed.actions, ends=processed.ends)
        self._sent.clear()
        self._changed.set()

    async def room(self) -> None:
        """Wait until all was sent, and the server is near enough for more of a recording."""
        await self._sent.wait()

    def end(self) -> None:
        """Note that no more audio comes."""
        self._ended = True
        self._changed.set()

    def hurry(self) -> None:
        """Note that somebody waits for the end: without a connection, not for long."""
        if self._hurried_at_s is None:
            self._hurried_at_s = asyncio.get_running_loop().time()
        if self._limit is not None:
            self._limit.reschedule(self._deadline_s)

    def try_now(self) -> None:
        """Wait no longer before the next attempt to have a connection again."""
        self._wanted.set()

    def renew(self) -> None:
        """Have another connection take over at the next pause."""
        self._due.set()

    def answered(self) -> None:
        """Note that a text has come: the connection is worth something."""
        self._texts += 1
        self._losses = self._reported = self._attempts = self._given_up = 0
        self._lost_at_s = None

    async def open(self) -> None:
        """Have the first connection, or raise a `ServerError`."""
        self._have(await self._connect(None, False))

    async def run(self) -> None:
        """Send and settle everything, or raise what keeps it from that."""
        while self.connection is not None and (end := await self._follow(self.connection)) is not None:
            if isinstance(end, Connection):
                await self._roll_over(self.connection, end)
            else:
                await self._reconnect(end)

    def _have(self, connection: Connection) -> None:
        self.connection = connection
        self._had_at_s = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """End the connection; what is pending gets no text."""
        if self.connection is not None:
            await self.connection.close()

    # While there is a connection

    async def _follow(self, connection: Connection) -> ServerError | Connection | None:
        """Do all there is to do over a connection; return why it was lost, or what takes over, None at the end."""
        successor = asyncio.create_task(self._succeed(connection))
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._serve(connection)), successor]
        if self._live:
            tasks.append(asyncio.create_task(self._notice_hang(connection)))
        awaited: set[asyncio.Future[Any]] = {*tasks, connection.lost}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            # Sending into a lost connection fails too: the reason that counts is the connection's.
            outcome, found, *hang = await asyncio.gather(*tasks, return_exceptions=True)
        if outcome is None or connection.lost.done() or not isinstance(found, Connection):
            await _discard(found)
        else:
            return found
        if outcome is None:
            return None
        if connection.lost.done():
            return connection.lost.result()
        for reason in (outcome, *hang):
            if isinstance(reason, ServerError) and self._live:
                return reason  # what goes on without the server can do so with another connection
        raise next((reason for reason in (outcome, found, *hang) if isinstance(reason, Exception)), outcome)

    async def _succeed(self, connection: Connection) -> Connection:
        """Return another connection, when nothing is under way over this one: if it is due, or soon to be ended."""
        clock, limit_s = asyncio.get_running_loop().time, self._max_session_s or math.inf
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if math.isinf(limit_s) else connection.begun_at_s + ROLL_OVER * limit_s):
                await self._due.wait()
        self._due.clear()
        found, hurried_at_s = None, connection.begun_at_s + HURRIED * limit_s
        try:
            while found is None or (connection.pending and clock() < hurried_at_s):
                if found is None and (clock() >= hurried_at_s or not (connection.pending or self._recorder.in_speech)):
                    found = await self._open_beside(connection)
                await asyncio.sleep(PAUSE_S)
        except asyncio.CancelledError:
            await _discard(found)
            raise
        return found

    async def _open_beside(self, connection: Connection) -> Connection | None:
        try:
            return await self._connect(connection, True)
        except SpeachesError as exc:
            # It may allow one session at a time: then this one is used to its end, and the next one is had behind it.
            self._recorder.note("NotRolledOver", str(exc))
            await asyncio.sleep(CHECK_S)
            return None

    async def _roll_over(self, connection: Connection, successor: Connection) -> None:
        """Go on over another connection; what has no text yet is sent over that one."""
        self._recorder.rolled_over(asyncio.get_running_loop().time() - connection.begun_at_s)
        self._backlog.start_again(connection.cleared)
        self._replaying = True
        self._have(successor)
        await connection.close()

    def _learn(self, age_s: float) -> None:
        """Note how long a session was that the server has ended: two that are equally long tell where the end is."""
        before_s, self._ended_after_s = self._ended_after_s, age_s
        if self._max_session_s is None or before_s is None or min(age_s, before_s) < SHORTEST_SESSION_S:
            return
        if abs(age_s - before_s) < max(1.0, age_s / 100):
            self._max_session_s = min(self._max_session_s, age_s, before_s)

    async def _notice_hang(self, connection: Connection) -> None:
        """Raise what the connection is worth when no text comes any more, though it is up."""
        while await connection.settle(lambda: self.patience_s(connection)):  # noqa: ASYNC110  others count what pends
            await asyncio.sleep(CHECK_S)
        if not connection.lost.done():
            raise self._silence(connection)

    async def _serve(self, connection: Connection) -> None:
        """Send what there is until no more comes, and wait for the texts that are pending."""
        while (portion := await self._next()) is not None:
            if portion.entry is not None and portion.entry.suspect:
                await self._settle(connection, below=1)
            await connection.send(portion.actions, last=portion.last)
            if portion.entry is not None:
                self._recorder.ledger.sent(portion.entry.utterance)
            if portion.flush:
                await connection.flush()
            await self._keep_pace(connection, portion)
        await connection.flush()
        settled = await connection.settle(lambda: self.patience_s(connection))
        if settled and not self._live:
            await self._hear_out(connection)
            settled = await connection.settle(lambda: self.patience_s(connection))
        # Of a server that cuts and is lost, nobody knows what it would have said.
        if connection.lost.done() and (self._recorder.ledger.unsettled or not self._client_cuts):
            raise connection.lost.result()
        if not settled:
            self._note_unanswered(connection)

    async def _hear_out(self, connection: Connection) -> None:
        """Wait for what a server has not cut yet, as long as it goes on: its settings may be quicker than its ears."""
        clock, known, since_s = asyncio.get_running_loop().time, None, 0.0
        while (uncut := self._recorder.uncut) and not connection.lost.done():
            if (now := (uncut, len(self._recorder.ledger.entries))) != known:
                known, since_s = now, clock()
            elif clock() - since_s > BEHIND_S:
                return
            await asyncio.sleep(BEHIND_S / 20)

    async def _next(self) -> Portion | None:
        """Return what to send next, once there is something; None if there is nothing and no more will come."""
        most = REPLAY_SAMPLES if self._replaying else None
        if (portion := self._backlog.next(most)) is not None:
            return portion
        self._replaying = False
        self._sent.set()
        if self._ended:
            return None
        self._changed.clear()
        await self._changed.wait()
        return self._backlog.next() or Portion([])

    async def _keep_pace(self, connection: Connection, portion: Portion) -> None:
        """Wait until the server is near enough; one that answers nothing is given up."""
        if portion.entry is not None and portion.entry.suspect:
            await self._settle(connection, below=1)
        if self._live and not self._replaying:
            return
        if not self._client_cuts:
            await asyncio.sleep(sum(_length_s(action) for action in portion.actions) / MOST_SPEED)
        if portion.entry is not None and connection.pending == 1:
            alone_s = min(ALONE_S, self.patience_s(connection))
            await connection.settle(lambda: alone_s if connection.one_at_a_time else 0.0)
        await self._settle(connection, below=REPLAY_PENDING if self._replaying else MAX_PENDING)

    async def _settle(self, connection: Connection, *, below: int) -> None:
        """Wait until fewer texts are pending, or raise what the connection is worth."""
        if not await connection.settle(lambda: self.patience_s(connection), below=below) and not connection.lost.done():
            raise self._silence(connection)

    def _silence(self, connection: Connection) -> ProtocolError:
        return ProtocolError(
            f"The server did not answer for {connection.waited_s:.0f} s: when it has recovered, transcribe "
            "again what has no text."
        )

    def patience_s(self, connection: Connection) -> float:
        """Return how long the server may say nothing: the more audio it has in hand, the longer.

        By then, one that is gone has been noticed. One that was silent for so long before gets twice as long.
        """
        waits = self._live or connection.patience_s > PATIENCE_S
        alive_s = CHECK_S + connection.patience_s + 2.0 if waits else 0.0
        longer = 1 << self._reported
        return min(SETTLE_S, max(alive_s, self._work_s() * longer))

    def _work_s(self) -> float:
        recorder = self._recorder
        waiting = recorder.ledger.unsettled
        if waiting and all(entry.reported for entry in waiting):
            return REFUSED_S
        ready_s = REFUSED_S if len(recorder.transcript) else LOADING_S
        latencies_s: list[float] = [segment.latency_s or 0.0 for segment in recorder.transcript.segments[-1:]]
        return max(SLOWEST * max(latencies_s, default=0.0), ready_s + SLOWEST * recorder.unanswered_s)

    def _note_unanswered(self, connection: Connection) -> None:
        waited_s, count = connection.waited_s, connection.pending
        self._recorder.give_up(f"the server did not answer for {waited_s:.0f} s", None)
        self._recorder.warn(
            "unanswered",
            f"The server did not answer for {waited_s:.0f} s: {_have_no_text(count)}. "
            "Their audio is kept in the recording; transcribe it again when the server has recovered.",
        )

    # While there is none

    async def _reconnect(self, error: ServerError) -> None:
        """Have a connection again, and what has no text sent over it first.

        A session that somebody has stopped goes without one in the end; all others raise what ends them.
        """
        connection, self.connection = self.connection, None
        assert connection is not None
        now_s = asyncio.get_running_loop().time()
        self._learn(now_s - connection.begun_at_s)
        # Only the time without a connection counts: a server that can be had, and fails at its work, is there.
        self._lost_at_s = now_s if self._lost_at_s is None else self._lost_at_s + now_s - self._had_at_s
        lost = self._recorder.ledger.with_server
        try:
            self._judge(error, lost)
        finally:
            await connection.close()
        self._recorder.connection_lost()
        self._backlog.start_again(connection.cleared)
        self._on_change()
        try:
            async with asyncio.timeout_at(self._deadline_s) as self._limit:
                self._have(await self._open_again(connection, error))
        except TimeoutError as exc:
            self._give_up(exc)
            return
        finally:
            self._limit = None
        self._replaying = True
        if lost and self._hurried_at_s is None:
            self._lost_at_s = None  # it is had at once, and lost over an utterance: those are counted
        self._recorder.reconnected(self._had_at_s - now_s, to_seconds(self._backlog.unsent))
        self._on_change()

    async def _open_again(self, lost: Connection, error: ServerError) -> Connection:
        while True:
            wait_s = min(FIRST_WAIT_S * 2**self._attempts, LONGEST_WAIT_S) * random.uniform(0.5, 1)  # noqa: S311
            wait_s = max(wait_s, min(error.retry_after_s, LONGEST_ASKED_S))
            self._attempts = min(self._attempts + 1, 10)
            self._reason = str(error)
            self._recorder.reconnecting(self._reason, self._attempts, wait_s)
            self._wanted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), wait_s)
            try:
                connection = await self._connect(lost, False)
            except ServerError as exc:
                if exc.severity is Severity.FATAL:
                    raise
                error = exc
            else:
                self._attempts = min(self._attempts, AT_WORK)
                return connection

    def _judge(self, error: ServerError, lost: list[Entry]) -> None:
        """Raise the error if connecting again cannot cure it; give up an utterance that ends every connection.

        ``lost`` is what the server had when the connection ended.
        """
        self._losses += bool(lost)
        self._reported = self._reported + 1 if isinstance(error, ProtocolError) else 0
        if self._give_up_s == 0 or error.severity is Severity.FATAL:
            raise error
        if self._reported >= MOST_REPORTED and not self._texts:
            raise error
        if not lost:
            return
        for entry in lost:
            entry.losses += 1
            entry.lost_at_text = self._texts if entry.losses == 1 else entry.lost_at_text
            if self._client_cuts and entry.losses >= SUSPECT:
                self._recorder.ledger.place(entry)  # which it keeps, whenever it is sent
        worst = max(lost, key=lambda entry: entry.losses)
        # While somebody speaks, only a server that has given another text since shows that it is not at fault itself.
        speaks = self._live and self._client_cuts and not self._ended
        proven = not speaks or self._texts > worst.lost_at_text
        # Of a recording that has no text at all, each one that is given up makes it likelier that it is the server.
        most_losses = MOST_LOSSES if self._live or self._texts else MOST_LOSSES >> self._given_up
        losses = worst.losses if self._client_cuts else self._losses  # what the server has cut is cut anew each time
        if min(self._reported, losses) >= MOST_REPORTED or (proven and losses >= most_losses):
            self._give_up_utterance(worst, error)

    def _give_up_utterance(self, entry: Entry, error: ServerError) -> None:
        self._given_up += 1
        if self._given_up > MOST_GIVEN_UP - (not self._texts) and not self._live:
            raise error
        self._losses = self._reported = self._attempts = 0
        self._recorder.give_up_utterance(entry, str(error))

    @property
    def _deadline_s(self) -> float | None:
        """Until when to wait for a connection, on the loop's clock; None: for ever."""
        assert self._lost_at_s is not None
        ends_s = [] if self._give_up_s is None else [self._lost_at_s + self._give_up_s]
        if self._hurried_at_s is not None:
            ends_s.append(max(self._lost_at_s, self._hurried_at_s) + STOPPING_S)
        return min(ends_s, default=None)

    def _give_up(self, late: TimeoutError) -> None:
        if self._hurried_at_s is None:
            raise ConnectionLostError(
                f"The connection was lost and could not be had again within {self._give_up_s:g} s: {self._reason}"
            ) from late
        count = len(self._recorder.ledger.unsettled)
        lost = f"the connection was lost, and not back when the session was stopped: {self._reason}"
        self._recorder.give_up(lost, None)
        if count:
            self._recorder.warn(
                "unanswered",
                f"There is no connection, so the session ended without it: {_have_no_text(count)}. "
                "Their audio is kept in the recording; transcribe it again when the server is back.",
            )


async def _discard(found: object) -> None:
    """Close a connection that is not wanted any more, if it is one."""
    if isinstance(found, Connection):
        await found.close()


def _length_s(action: object) -> float:
    return to_seconds(action.end - action.start) if isinstance(action, Send) else 0.0


def _have_no_text(count: int) -> str:
    return "1 utterance has no text" if count == 1 else f"{count} utterances have no text"
