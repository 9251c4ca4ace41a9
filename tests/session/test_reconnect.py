"""A connection that is lost costs nothing: every utterance has its text, once and in order, and all sound is kept."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import simulated
from ipyspeaches.audio.audio_blocks import AudioBlock
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import (
    InputError,
    ModelNotFoundError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    Severity,
    SpeachesError,
)
from ipyspeaches.protocol.http.transcriptions import Refused
from ipyspeaches.server.models import ServerInfo
from ipyspeaches.session import events, opening
from ipyspeaches.session.delivery import MOST_REPORTED
from ipyspeaches.session.interim import MOST_FAILURES
from ipyspeaches.session.options import SessionOptions
from ipyspeaches.session.recovery import recordings, recover
from ipyspeaches.session.session import Session
from ipyspeaches.session.state import SessionState
from ipyspeaches.sources.source import RecordedSource
from ipyspeaches.transports.transport import TransportClosed
from live_recording import LiveRecording
from scripted_server import ScriptedServer, serving
from sessions import ENERGY
from sessions import session as scripted_session


@pytest.mark.parametrize("way", simulated.WAYS)
def test_every_utterance_comes_once_and_in_order_whatever_fails(way: str) -> None:
    outcomes = [simulated.live_through(simulated.session_with_faults(f"suite {seed}", way)) for seed in range(3)]
    assert [one for one in outcomes if not one.whole] == []
    assert sum(len(one.faults) for one in outcomes) > 10


@pytest.mark.parametrize(
    ("times", "given_up"),
    [({"u2": 99}, ["u2"]), (dict.fromkeys(("u1", "u2", "u3", "u4"), MOST_REPORTED - 1), [])],
    ids=["one for ever", "several for a while"],
)
def test_what_a_server_refuses_as_often_as_promised_and_nothing_else_is_given_up_with_its_words(
    times: dict[str, int], given_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(server: simulated.RealtimeServer, item_id: str, samples: Any) -> None:
        said = simulated.text_of(samples)
        refused = server._world.refusals[said] < times.get(said, 0)
        server._answer(item_id, samples, "error" if refused else "")

    monkeypatch.setattr(simulated.RealtimeServer, "_commit", commit)
    outcomes = simulated.live_through(simulated.session_with_faults("refused", "realtime", utterances=6, faults=0))
    assert (outcomes.lost, outcomes.refused, outcomes.whole) == ([], given_up, True)
    assert [simulated.REFUSAL in reason for reason in outcomes.missing] == [True] * len(given_up)


async def test_a_recording_goes_on_over_another_connection(scripted: Any, bursts: Recording) -> None:
    scripted.cut_after = 1  # on every connection
    seen: list[Any] = []
    async with scripted_session(scripted, bursts, on_event=seen.append) as running:
        await running.wait()
    # This server counts anew on each connection, and gives its items the same names.
    assert running.transcript.text == "utterance 1 utterance 1 utterance 1"
    assert [segment.start for segment in running.transcript] == pytest.approx([1, 3, 5], abs=0.03)
    assert len({segment.item_id for segment in running.transcript}) == 3
    assert len(running.transcript.missing) == 0
    assert sum(message["type"] == "input_audio_buffer.commit" for message in scripted.received) >= 4
    told: list[Any] = [event for event in seen if isinstance(event, events.Reconnecting | events.Reconnected)]
    assert [type(event) for event in told] == [events.Reconnecting, events.Reconnected] * 2
    assert "without notice" in told[0].reason
    back = seen.index(told[1])
    late = [[one.late for one in part if isinstance(one, events.Sent)] for part in (seen[:back], seen[back:])]
    assert (any(late[0]), any(late[1])) == (False, True)


# Ends that come all the same


async def live(**options: Any) -> Session:
    """Return a session that has begun to listen."""
    said = simulated.speech(10, random.Random("said"))
    running = Session(simulated.Speaker(said), **{**simulated.session_options("realtime"), **options})
    await running.start()
    return running


def state(running: Session) -> SessionState:
    return running.state


class Lost(simulated.World):
    """Its first connection is cut after 3 s, and there is never another one."""

    def __init__(self) -> None:
        super().__init__(random.Random("lost"), 0)

    def fault(self) -> simulated.Fault:
        return simulated.Fault("abort" if self.connections == 1 else "refuse", 3.0, 10**9)


def test_who_stops_without_a_connection_waits_a_few_seconds_and_is_told_what_is_missing() -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        with Lost().around():
            running = await live()
            await asyncio.sleep(6)
            assert state(running) is SessionState.RECONNECTING
            began_s = loop.time()
            await running.stop()
            assert loop.time() - began_s < 7
            assert state(running) is SessionState.STOPPED
            assert len(running.transcript.missing) > 0
            assert "not back when the session was stopped" in running.transcript.missing[0].reason

    simulated.live_through(check())


def test_a_session_that_gives_up_says_so_and_keeps_the_sound() -> None:
    async def check() -> None:
        with Lost().around():
            running = await live(give_up_s=20)
            with pytest.raises(ServerError, match=r"could not be had again within 20 s: .* does not answer"):
                await running.wait()
            assert state(running) is SessionState.FAILED
            assert running.recording.duration > 3
            assert len(running.transcript.missing) > 0

    simulated.live_through(check())


@pytest.mark.parametrize("live_audio", [True, False])
async def test_a_session_that_gave_up_is_finished_by_another_server(
    scripted: Any, bursts: Recording, tmp_path: Path, live_audio: bool
) -> None:
    dying = ScriptedServer()
    dying.cut_after = 1
    source: Any = LiveRecording(bursts) if live_audio else bursts
    with serving(dying):
        running = Session(source, server=dying.url, turn_detection=ENERGY, journal=tmp_path, give_up_s=0, pace=0)
        await running.start()
        with pytest.raises(ServerError):
            await running.wait()
        assert running.transcript.text == "utterance 1"
        with pytest.raises(ServerError):
            await running.resume(server="http://127.0.0.1:9")
        assert state(running) is SessionState.FAILED
    await running.resume(server=scripted.url)
    heard = 3 if not live_audio else len(running.transcript)
    assert [round(segment.start) for segment in running.transcript] == [1, 3, 5][:heard]
    assert (state(running), running.error) == (SessionState.STOPPED, None)
    assert running.recording.duration > 3
    never_heard = running.transcript.missing
    assert all(gap.start == pytest.approx(running.recording.duration, abs=0.1) for gap in never_heard)
    (row,) = recordings(tmp_path)
    assert (row.state, row.without_text) == ("stopped", len(never_heard))
    assert recover(row).transcript.text == running.transcript.text


class Frozen(simulated.World):
    """Its first connections freeze, each for longer than a session waits for one."""

    def __init__(self) -> None:
        super().__init__(random.Random("frozen"), 0)

    def fault(self) -> simulated.Fault | None:
        return simulated.Fault("freeze", 0.5, 10**9) if self.connections <= 4 else None


def test_only_the_time_without_a_connection_counts() -> None:
    async def check() -> None:
        world = Frozen()
        with world.around():
            running = await live(give_up_s=12)
            await running.wait()
            assert world.connections == 5
            assert asyncio.get_running_loop().time() > 40
            assert state(running) is SessionState.STOPPED
            assert len(running.transcript.missing) == 0

    simulated.live_through(check())


def test_text_while_somebody_speaks_comes_from_the_server_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Asked(simulated.Requests):
        """Another server than the second one fails each time, until nobody asks it any more."""

        def __init__(self, url: str, *_: object) -> None:
            super().__init__(simulated.World(random.Random(1), 0))
            self._url = url

        async def post(self, *request: Any) -> Any:
            asked.append(self._url)
            outcome = await super().post(*request)
            return outcome if self._url == "http://second" else Refused(ServerError("It fails."), Severity.SINGLE)

    class Moving(simulated.World):
        def fault(self) -> simulated.Fault | None:
            return simulated.Fault("abort", 12.0, 10**9) if self.connections == 1 else None

    async def find(options: SessionOptions) -> opening.Destination:
        url = "http://second" if asked else str(options.server)
        return opening.Destination(url, None, False, ServerInfo("1", (), "test/model"))

    async def check() -> None:
        seen: list[events.SessionEvent] = []
        with Moving(random.Random("moving"), 0).around(), monkeypatch.context() as world:
            world.setattr("ipyspeaches.session.connections.RequestTransport", Asked)
            world.setattr("ipyspeaches.session.session.resolve", find)
            running = await live(server="http://first", interim_s=0.3, on_event=seen.append)
            await running.wait()
        assert asked.count("http://first") == MOST_FAILURES
        moved = next(number for number, event in enumerate(seen) if isinstance(event, events.Reconnected))
        assert not any(isinstance(event, events.Partial) for event in seen[:moved])
        assert any(isinstance(event, events.Partial) for event in seen[moved:])

    simulated.live_through(check())


def test_a_server_is_left_alone_for_as_long_as_it_says() -> None:
    async def check() -> None:
        world = Lost()
        with world.around():
            running = await live()
            world.refusal = ServerUnreachableError("It is full: wait.", retry_after_s=100)
            await asyncio.sleep(50)
            world.refusal = ServerAuthError("It is refused: correct it.")
            with pytest.raises(ServerAuthError):
                await running.wait()
            assert 100 < asyncio.get_running_loop().time() < 110

    simulated.live_through(check())


def test_who_wants_a_connection_at_once_does_not_wait_for_the_next_attempt() -> None:
    async def check() -> None:
        world, attempts = Lost(), list[events.SessionEvent]()
        with world.around():
            running = await live()
            running.subscribe(lambda one: attempts.append(one) if isinstance(one, events.Reconnecting) else None)
            world.refusal = ServerUnreachableError("It is full: wait.", retry_after_s=500)
            await asyncio.sleep(20)
            before = len(attempts)
            await asyncio.sleep(20)
            assert len(attempts) == before
            await running.reconnect()
            await asyncio.sleep(5)
            assert len(attempts) == before + 1
            await running.stop()

    simulated.live_through(check())


class Poisoned(simulated.World):
    """Crashes over some utterances."""

    def __init__(self, *fatal: str) -> None:
        super().__init__(random.Random("poisoned"), 0)
        self.fatal = fatal


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("fatal", [("u2", "u9"), ("u0",)], ids=["later", "first"])
@pytest.mark.parametrize("live_audio", [True, False])
def test_an_utterance_that_ends_every_connection_costs_no_other_its_text(
    live_audio: bool, fatal: tuple[str, ...], taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Poisoned(*fatal)

    def commit(server: simulated.RealtimeServer, item_id: str, samples: Any) -> None:
        if simulated.text_of(samples) in world.fatal:
            if taken:
                server._take(item_id)
            wires[-1]._end(TransportClosed(None))
        else:
            committed(server, item_id, samples)

    committed, wires = simulated.RealtimeServer._commit, []
    opened = simulated.Wire.connect

    async def connect(wire: simulated.Wire) -> None:
        wires.append(wire)
        await opened(wire)

    monkeypatch.setattr(simulated.RealtimeServer, "_commit", commit)
    monkeypatch.setattr(simulated.Wire, "connect", connect)

    async def check() -> None:
        with world.around():
            said = simulated.speech(10, random.Random("said"))
            recorded = RecordedSource(Recording(said, simulated.BLOCK * 10), 0)
            source = simulated.Speaker(said) if live_audio else recorded
            running = Session(source, **simulated.session_options("realtime"), give_up_s=30)
            await running.start()
            if live_audio:
                await asyncio.sleep(60)
                await running.stop()
            await running.wait()
        assert running.transcript.text.split() == [f"u{number}" for number in range(10) if f"u{number}" not in fatal]
        assert len(running.transcript.missing) == len(fatal)
        assert all("again and again over it" in gap.reason for gap in running.transcript.missing)
        assert state(running) is SessionState.STOPPED

    simulated.live_through(check())


@pytest.mark.parametrize(("way", "told"), [("realtime", True), ("server cuts", False), ("webrtc", True)])
def test_another_session_takes_over_before_the_server_ends_one(way: str, told: bool) -> None:
    async def check() -> None:
        world = simulated.World(random.Random("limit"), 0, session_s=20)
        with world.around():
            options = {**simulated.session_options(way), **({"max_session_s": 20} if told else {})}
            said = simulated.speech(30, random.Random("said"))
            running = Session(simulated.Speaker(said), **options)
            await running.start()
            await running.wait()
        assert running.transcript.text.split() == [f"u{number}" for number in range(30)]
        assert len(running.transcript.missing) == 0
        assert running.recording.samples.tobytes() == said.tobytes()
        cut = [age_s for age_s in world.ages_s if age_s >= 20]
        assert len(world.ages_s) > 4
        assert len(cut) == (0 if told else 2), "it learns from the first two"
        kinds = list(running.events.columns()["type"])
        assert kinds.count("Reconnecting") == len(cut)
        assert kinds.count("RolledOver") == len(world.ages_s) - 1 - len(cut)

    simulated.live_through(check())


@pytest.mark.parametrize("error", [InputError("It cannot be used."), ServerUnreachableError("It takes one only.")])
def test_a_server_that_takes_no_second_session_is_used_to_its_end(error: SpeachesError) -> None:
    async def check() -> None:
        world = simulated.World(random.Random("limit"), 0, session_s=20)
        with world.around():
            options, said = simulated.session_options("realtime"), simulated.speech(12, random.Random("said"))
            running = Session(simulated.Speaker(said), **options, max_session_s=20)
            await running.start()
            connect = running._connect

            async def refuse(after: Any, beside: bool) -> Any:
                if beside:
                    raise error
                return await connect(after, beside)

            assert running._delivery is not None
            running._delivery._connect = refuse
            await running.wait()
        assert running.transcript.text.split() == [f"u{number}" for number in range(12)]
        assert "Reconnected" in running.events.columns()["type"]

    simulated.live_through(check())


async def test_the_next_server_goes_on_and_hands_back_when_the_first_is_well(
    scripted: Any, bursts: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ipyspeaches.session.session.HEALTH_S", 0.05)
    first, resolve, away = ScriptedServer(), opening.resolve, asyncio.Event()
    seen: list[events.SessionEvent] = []

    async def find(options: SessionOptions) -> opening.Destination:
        if options.server == first.url and away.is_set():
            raise ServerUnreachableError("Nothing is listening there: start it.")
        return await resolve(options)

    def moved() -> list[str]:
        return [event.text for event in seen if isinstance(event, events.Warning) and event.kind == "moved"]

    def listen(event: events.SessionEvent) -> None:
        seen.append(event)
        if isinstance(event, events.Final):
            # The first server goes with its second utterance, and is back with the next one's text.
            first.cut_after = None if first.transcribed[1:] else 1
            (away.set if len(running.transcript) == 1 else away.clear)()

    monkeypatch.setattr("ipyspeaches.session.session.resolve", find)
    scripted.texts = [f"other {number}" for number in range(99)]
    with serving(first):
        source = LiveRecording(Recording(np.tile(bursts.samples, 30), bursts.rate), pace=4)
        running = Session(source, server=[first.url, scripted.url], turn_detection=ENERGY, on_event=listen)
        await running.start()
        async for event in running:
            if isinstance(event, events.Final) and len(moved()) == 2 and "utterance" in event.segment.text:
                break
        await running.stop()
    texts = [segment.text.split()[0] for segment in running.transcript]
    others = texts.count("other")
    assert others > 0
    assert texts == ["utterance", *["other"] * others, *["utterance"] * (len(texts) - 1 - others)]
    starts = [segment.start for segment in running.transcript]
    assert starts == pytest.approx([7 * (number // 3) + 1 + 2 * (number % 3) for number in range(len(texts))], abs=0.03)
    assert len(running.transcript.missing) == 0
    assert moved() == [
        f"The session goes on with {scripted.url}, because of this: Nothing is listening there: start it.",
        f"The session goes on with {first.url}, which is well again.",
    ]


def test_pausing_without_a_connection_is_pausing() -> None:
    async def check() -> None:
        with Lost().around():
            running = await live()
            await asyncio.sleep(6)
            await running.pause()
            assert state(running) is SessionState.PAUSED
            await running.resume()
            assert state(running) is SessionState.RECONNECTING
            await running.stop()

    simulated.live_through(check())


@pytest.mark.parametrize("kind", [ServerAuthError, ModelNotFoundError])
def test_what_no_other_connection_cures_ends_the_session_at_once(kind: type[ServerError]) -> None:
    async def check() -> None:
        world = Lost()
        with world.around():
            running = await live()
            world.refusal = kind("It is refused: correct it.")
            with pytest.raises(kind):
                await running.wait()
            assert asyncio.get_running_loop().time() < 8

    simulated.live_through(check())


async def test_of_the_other_servers_the_one_with_fewest_sessions_goes_on(scripted: Any, bursts: Recording) -> None:
    servers = ["http://127.0.0.1:9", scripted.url, "http://127.0.0.1:10"]
    other = Session(LiveRecording(bursts, pace=4), server=servers, turn_detection=ENERGY)
    running = Session(bursts, server=servers)
    assert running._servers(stay=True) == servers
    async with other:
        assert other._servers(stay=True) == [servers[1], servers[0], servers[2]]
        assert running._servers(stay=True) == [servers[0], servers[2], servers[1]]
    assert running._servers(stay=True) == servers


@pytest.mark.parametrize("asleep", [False, True], ids=["page", "machine"])
@pytest.mark.parametrize("way", [way for way in simulated.WAYS if way != "odd server"])
def test_an_hour_that_never_came_is_a_gap_and_nobody_listens_to_it(way: str, asleep: bool) -> None:
    class Away(simulated.Speaker):
        """It is away for an hour after the third utterance."""

        async def blocks(self) -> AsyncGenerator[AudioBlock]:
            spoken: set[int] = set()
            async for block in super().blocks():
                away = len(spoken) == 4 and not block.samples.any()  # silence is one of them
                if away and asleep:
                    cast("simulated.VirtualLoop", asyncio.get_running_loop()).jump(3600)
                yield replace(block, lost=3600 * block.rate) if away else block
                spoken |= {-1} if away else set(block.samples.tolist())

    async def check() -> None:
        world = simulated.World(random.Random("away"), 0)
        with world.around():
            said = simulated.speech(6, random.Random("said"), 0.7)
            running = Session(Away(said), **simulated.session_options(way))
            await running.start()
            await running.wait()
        assert running.transcript.text.split() == [f"u{number}" for number in range(6)]
        assert running.recording.duration == pytest.approx(3600 + len(said) / SESSION_RATE_HZ)
        assert sum(seconds for _, _, seconds in world.told) < len(said) / SESSION_RATE_HZ + 5
        assert asyncio.get_running_loop().time() < 60 + 3600 * asleep

    simulated.live_through(check())
