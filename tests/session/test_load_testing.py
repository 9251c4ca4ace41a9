"""Many sessions at once, against servers that hold them, refuse them, lose them or are not there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection

from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, InputError, ModelNotFoundError, ServerUnreachableError
from ipyspeaches.results.load_report import SessionOutcome, level_of
from ipyspeaches.session import load_testing
from ipyspeaches.session.load_testing import Speech, load_test
from ipyspeaches.session.options import TurnDetection
from ipyspeaches.session.pipeline import Pipeline
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad, RmsVad
from scripted_server import MODEL, ScriptedServer, serving
from sessions import ENERGY

QUICK: Any = {"turn_detection": ENERGY, "pace": 100, "ramp_s": 0.02}
FULL = {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": "all taken", "retry_after_s": 10}


class SmallServer(ScriptedServer):
    """Takes two sessions at a time, and cuts those beyond ``held`` in all at once."""

    def __init__(self, held: int = 1000) -> None:
        super().__init__()
        self.held = held
        self.begun = self.open = 0

    async def session(self, socket: ServerConnection) -> None:
        self.begun += 1
        self.open += 1
        try:
            if self.begun > self.held:
                socket.transport.abort()
            elif self.open > 2:
                await socket.send(json.dumps({"type": "error", "error": FULL}))
            else:
                await super().session(socket)
        finally:
            self.open -= 1


async def test_every_level_has_its_row_and_the_first_is_one_session(scripted: Any, bursts: Recording) -> None:
    report = await load_test(scripted.url, bursts, [3, 2, 3], within_s=60, **QUICK)
    table = report.to_pandas()
    assert table["sessions"].tolist() == [1, 2, 3]
    assert table["utterances"].tolist() == table["final"].tolist() == [3, 6, 9]
    assert table[["failed", "lost", "doubled", "refused", "errors"]].to_numpy().sum() == 0
    assert table["words_wrong"].tolist() == [0, 0, 0]
    assert table["late_p99_ms"].notna().all()
    assert report.knees == {"realtime": 3}


async def test_sessions_hear_as_microphones_do_whatever_the_server_does(scripted: Any, bursts: Recording) -> None:
    kinds = []
    recorded = Session.start

    async def start(session: Session) -> None:
        kinds.append(session.source.live)
        await recorded(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "start", start)
        await load_test(scripted.url, bursts, [1], **QUICK)
        await load_test(scripted.url, bursts, [1], **{**QUICK, "pace": 0})
    assert kinds == [True, False]


async def test_other_words_than_those_of_one_session_are_wrong(scripted: Any, bursts: Recording) -> None:
    said = await load_test(scripted.url, bursts, [1], **QUICK)
    scripted.texts = ["utterance 1", "utterance 2", "utterance 3"]

    def forget(level: Any) -> None:
        scripted.texts = ["utterance 1", "utterance 2", "utterance three"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_testing.LoadTest, "_judge_itself", lambda _self, level: forget(level))
        report = await load_test(scripted.url, bursts, [1, 2], **QUICK)
    assert [level.words_wrong for level in (*said, *report)] == [0, 0, pytest.approx(1 / 6)]


async def test_sessions_that_the_server_does_not_take_are_counted_and_what_they_said(bursts: Recording) -> None:
    with serving(SmallServer()) as small:
        report = await load_test(small.url, bursts, within_s=60, **{**QUICK, "pace": 20})
    assert [level.sessions for level in report] == [1, 2, 4]
    assert report[2][2:8] == (2, 12, 6, 6, 0, 0)
    assert report.knees == {"realtime": 2}
    assert ("realtime", 4, "ServerUnreachableError", 2) in [error[:4] for error in report.errors]
    assert "all taken" in report.errors[0].example


async def test_a_server_that_dies_is_told_and_no_more_is_tried(bursts: Recording) -> None:
    with serving(SmallServer(held=1)) as dying:
        report = await load_test(dying.url, bursts, [1, 2, 4], give_up_s=0, **QUICK)
    assert [(level.sessions, level.final, level.failed, level.lost) for level in report] == [(1, 3, 0, 0), (2, 0, 6, 0)]
    assert "no text came any more" in report.notes[-1]
    assert report[1].errors > 0


async def test_connections_that_are_lost_are_errors_and_their_words_are_not(scripted: Any, bursts: Recording) -> None:
    scripted.cut_after = 2
    report = await load_test(scripted.url, bursts, [1], **{**QUICK, "pace": 10})
    assert report[0][3:8] == (3, 3, 0, 0, 0)
    assert [error.kind for error in report.errors] == ["reconnecting"]


@pytest.mark.parametrize(
    ("server", "options", "error"),
    [
        ("http://127.0.0.1:9", {}, ServerUnreachableError),
        (None, {"model": "no/such"}, ModelNotFoundError),
        (None, {"speed": 3}, InputError),
        (None, {"transport": ["realtime", "pigeon"]}, InputError),
        (None, {"within_s": 0}, InputError),
        (None, {"ramp_s": -1}, InputError),
    ],
)
async def test_what_cannot_be_is_refused(
    scripted: Any, bursts: Recording, server: str | None, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await load_test(server or scripted.url, bursts, [1], **{**QUICK, **options})
    assert not [one for one in scripted.received if one["type"] == "input_audio_buffer.append"]


async def test_no_traceback_has_a_key_or_a_password(bursts: Recording) -> None:
    with pytest.raises(InputError) as refused:
        await load_test("http://me:s3cret@host:8000", bursts, [1], api_key="k3y", **QUICK)
    frames = [frame.frame.f_locals for frame in refused.traceback if "ipyspeaches" in str(frame.path)]
    assert frames
    assert not any("s3cret" in repr(values) or "k3y" in repr(values) for values in frames)


async def test_more_sessions_than_files_may_be_open_are_refused_before_any_begins(
    scripted: Any, bursts: Recording
) -> None:
    with pytest.raises(InputError, match="ulimit -n"):
        await load_test(scripted.url, bursts, [1, 90_000], **QUICK)
    with pytest.raises(InputError, match="numbers of sessions"):
        await load_test(scripted.url, bursts, [0], **QUICK)
    assert scripted.received == []


async def test_silence_and_a_session_alone_without_text_are_told(scripted: Any, bursts: Recording) -> None:
    with pytest.raises(AudioError, match="Nobody speaks"):
        await load_test(scripted.url, Recording(np.zeros(16_000, np.int16), 16_000), **QUICK)
    scripted.texts = ["", "", ""]
    with pytest.raises(Exception, match="no text"):
        await load_test(scripted.url, bursts, [1], **QUICK)


async def test_cancelling_leaves_the_levels_that_are_done(scripted: Any, bursts: Recording) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    judge = load_testing.LoadTest._judge_itself

    def note(test: Any, level: Any) -> None:
        judge(test, level)
        loop.call_soon_threadsafe(done.set)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_testing.LoadTest, "_judge_itself", note)
        task = asyncio.create_task(load_test(scripted.url, bursts, [1, 2], **{**QUICK, "pace": 20}))
        await asyncio.wait_for(done.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
    left: Any = cancelled.value
    assert [level.sessions for level in left.report] == [1]


async def test_models_and_servers_are_taken_in_turn(bursts: Recording) -> None:
    with serving(ScriptedServer()) as one, serving(ScriptedServer()) as other:
        one.models = other.models = [MODEL["id"], "test/other"]
        report = await load_test([one.url, other.url], bursts, [4], model=one.models, **QUICK)
        begun = [
            sum(message["type"] == "input_audio_buffer.commit" for message in server.received) // 3
            for server in (one, other)
        ]
    assert [level.utterances for level in report] == [6, 12]
    assert report[1].final == 12
    assert begun == [3, 3]


@pytest.mark.parametrize("detector", [EnergyVad(threshold=500), RmsVad()])
def test_known_scores_cut_as_the_detector_does(bursts: Recording, detector: Any) -> None:
    turn = TurnDetection.client(detector)
    speech = Speech.of(bursts, {"turn_detection": turn})
    again = Speech.of(bursts, {"turn_detection": speech.turn_detection})
    assert [(one.start, one.end) for one in again.utterances] == [(one.start, one.end) for one in speech.utterances]
    assert len(speech.utterances) == 3
    assert Pipeline(speech.turn_detection).frame_s == Pipeline(turn).frame_s


def test_a_process_that_is_late_itself_says_so(bursts: Recording) -> None:
    test = load_testing.LoadTest(Speech.of(bursts, QUICK), ["x"], [None], {}, within_s=1, ramp_s=None)
    level = level_of("sse", 7, [SessionOutcome(())], [], late_p99_ms=20.0, client_cores=0.4)
    test._judge_itself(level)
    assert list(test.report.notes) == []
    test._judge_itself(level._replace(late_p99_ms=250.0))
    test._judge_itself(level._replace(client_cores=0.95))
    assert ["was late itself" in note for note in test.report.notes] == [True, True]
