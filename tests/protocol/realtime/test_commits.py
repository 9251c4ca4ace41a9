"""Every commit has its own answer, whatever a server tells beside it."""

from __future__ import annotations

import json
import random
from collections import Counter

import numpy as np
import pytest

from ipyspeaches.errors import ConnectionLostError, ProtocolError
from ipyspeaches.protocol.protocol_events import (
    Disconnected,
    ItemCommitted,
    ItemCompleted,
    ItemDelta,
    ItemFailed,
    Noticed,
    ProtocolEvent,
    Reported,
)
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions
from realtime_wire import (
    MODEL,
    NEVER,
    committed,
    completed,
    cut,
    delta,
    error,
    feed,
    message,
    session,
    started,
    stopped,
)

UPDATED = session("session.updated", vad=NEVER)
LENGTHS_S = (1.0, 2.0, 4.0, 8.0)


class Talk:
    """A client that commits some utterances at once, to a server that answers fences, and is told what a test says."""

    def __init__(self, utterances: int = 3, earlier: frozenset[str] = frozenset()) -> None:
        self.protocol = RealtimeProtocol(RecognitionOptions(model=MODEL), earlier=earlier)
        self.protocol.connection_opened()
        self.events: list[ProtocolEvent] = []
        self.tell(session(vad=NEVER), UPDATED)  # to the fence before the first
        for number in range(utterances):
            samples = np.zeros(round(LENGTHS_S[number % 4] * 24_000), np.int16)
            self.protocol.send_append(samples, number * 240_000)
            self.protocol.send_commit(cut(number))
        self.events.clear()

    def tell(self, *messages: str) -> None:
        """Let the server say something."""
        self.events += feed(self.protocol, *messages)

    @property
    def texts(self) -> dict[int, str]:
        """The last text of each utterance."""
        return {e.utterance.number: e.text for e in self.events if isinstance(e, ItemCompleted)}

    @property
    def lost(self) -> Disconnected | None:
        """Why the connection was given up, if it was."""
        return next((event for event in self.events if isinstance(event, Disconnected)), None)


def answer(name: str, text: str) -> list[str]:
    """Return what a server says of a commit, up to its fence."""
    return [committed(name), completed(name, text), UPDATED]


def test_a_fence_stands_before_the_first_commit_and_behind_each() -> None:
    talk = Talk(2)
    sent = [json.loads(data) for data in talk.protocol.messages_to_send()]
    names = [one["type"].rpartition(".")[2] for one in sent]
    assert names == ["update", "append", "commit", "update", "append", "commit", "update"]
    assert {json.dumps(one["session"]) for one in sent if "session" in one} == {json.dumps({"turn_detection": NEVER})}
    assert [one["event_id"] for one in sent if one["type"].endswith("commit")] == ["commit_1", "commit_2"]


@pytest.mark.parametrize("in_place", [[error("Boom", "server_error")], []])
def test_a_commit_without_an_answer_takes_none_from_another(in_place: list[str]) -> None:
    talk = Talk()
    talk.tell(*answer("a", "zero"), *in_place, UPDATED, *answer("c", "two"))
    assert talk.texts == {0: "zero"}
    assert talk.lost is not None
    assert isinstance(talk.lost.error, ProtocolError if in_place else ConnectionLostError)
    assert "“Boom”" in str(talk.lost.error) if in_place else "passed over" in str(talk.lost.error)


def test_an_error_before_an_answer_is_none() -> None:
    talk = Talk(1)
    talk.tell(error("slow down", "server_error"), *answer("a", "zero"))
    assert (talk.texts, talk.lost) == ({0: "zero"}, None)


def test_an_error_that_names_a_commit_is_its_answer() -> None:
    talk = Talk(2)
    talk.tell(*answer("a", "zero"), error("Boom", "server_error", event_id="commit_2"))
    assert talk.lost is not None


def test_what_the_server_cuts_off_belongs_to_the_utterance_that_it_is_cut_from() -> None:
    talk = Talk(2)
    own = [started("own", 0), stopped("own", 500), committed("own")]
    talk.tell(*own, completed("own", "ze"), committed("a"), delta("a", "r"), completed("a", "ro"), UPDATED)
    talk.tell(*own[:0], *answer("b", "one"))
    assert talk.texts == {0: "ze ro", 1: "one"}
    assert [event.item_id for event in talk.events if isinstance(event, ItemCommitted)] == ["a", "b"]
    assert ItemDelta("a", "ze r") in talk.events
    assert talk.protocol.pending == 0


def test_what_it_cuts_off_before_the_commit_waits_for_it() -> None:
    talk = Talk(0)
    talk.protocol.send_append(np.zeros(24_000, np.int16), 0)
    talk.tell(started("own", 0), stopped("own", 500), *answer("own", "ze")[:2])
    assert talk.events == []
    talk.protocol.send_commit(cut(0))
    talk.tell(committed("a"), completed("a", "ro"), UPDATED)
    assert talk.texts == {0: "ze ro"}


@pytest.mark.parametrize("reason", ["Error committing input audio buffer: buffer too small.", None])
def test_what_its_vad_has_cut_may_be_all_there_is(reason: str | None) -> None:
    talk = Talk(1)
    talk.tell(started("own", 0), stopped("own", 500), committed("own"), completed("own", "zero"))
    talk.tell(*([] if reason is None else [error(reason)]), UPDATED)
    assert (talk.texts, talk.lost, talk.protocol.pending) == ({0: "zero"}, None, 0)


def test_what_was_told_before_is_told_to_nobody() -> None:
    old = [committed("old"), completed("old", "theirs")]
    talk = Talk(1, frozenset({"old"}))
    talk.tell(*old, *answer("a", "zero"), *old)
    assert talk.texts == {0: "zero"}
    assert not any(isinstance(event, Noticed) for event in talk.events)
    again = Talk(2, frozenset({"a", "b"}))
    again.tell(*answer("a", "zero"), *answer("b", "one"))
    assert again.texts == {0: "zero", 1: "one"}, "some servers use names again"


def test_what_is_told_twice_counts_once() -> None:
    talk = Talk(0)
    talk.protocol = RealtimeProtocol(RecognitionOptions(model=MODEL))
    talk.protocol.connection_opened()
    told = [session(vad=NEVER), UPDATED, *answer("a", "zero"), *answer("b", "one"), *answer("c", "two")]
    twice = [json.dumps({**json.loads(one), "event_id": f"e{n}"}) for n, one in enumerate(told) for _ in range(2)]
    talk.tell(*twice[:4])
    for number in range(3):
        talk.protocol.send_append(np.zeros(24_000, np.int16), 0)
        talk.protocol.send_commit(cut(number))
    talk.tell(*twice[4:])
    assert (talk.texts, talk.lost) == ({0: "zero", 1: "one", 2: "two"}, None)


def test_a_damaged_message_may_have_been_an_answer() -> None:
    talk = Talk()
    talk.tell(*answer("a", "zero"), *answer("b", "one")[:2], UPDATED[:-5], *answer("c", "two"))
    assert talk.texts == {0: "zero"}
    assert talk.lost is not None
    assert "damaged" in str(talk.lost.error)
    idle = Talk(1)
    idle.tell(*answer("a", "zero"), UPDATED[:-5], "ping")
    assert idle.lost is None


def test_what_nobody_asked_for_is_told() -> None:
    talk = Talk(1)
    talk.tell(*answer("a", "zero"), committed("x"), completed("x", "bogus"))
    assert talk.texts == {0: "zero"}
    [noticed] = [event for event in talk.events if isinstance(event, Noticed)]
    assert "“bogus”" in noticed.message


@pytest.mark.parametrize("other", ["", "zero"])
def test_an_answer_that_is_given_twice_is_one(other: str) -> None:
    talk = Talk(2)
    talk.tell(*answer("x", other)[:2], *answer("a", "zero"), *answer("b", "one"))
    assert talk.texts == {0: "zero", 1: "one"}


@pytest.mark.parametrize("counted_s", [1.0, None])
def test_of_several_answers_the_one_of_the_right_length_counts_or_all_is_asked_again(counted_s: float | None) -> None:
    talk = Talk(2)
    talk.tell(committed("x"), completed("x", "bogus", 3.0), committed("a"), completed("a", "zero", counted_s))
    talk.tell(UPDATED, *answer("b", "one"))
    if counted_s is None:
        assert talk.texts == {}
        assert talk.lost is not None
        assert "“bogus”, “zero”" in str(talk.lost.error)
    else:
        assert (talk.texts, talk.lost) == ({0: "zero", 1: "one"}, None)


def test_parts_make_one_text_and_another_text_replaces_it() -> None:
    talk = Talk(1)
    talk.tell(committed("a"), UPDATED)
    for number, part in ((1, "morning"), (0, "good"), (0, "good"), (0, "Good")):
        talk.tell(completed("a", part, content_index=number))
    said = [event.text for event in talk.events if isinstance(event, ItemCompleted)]
    assert said == ["morning", "good morning", "Good morning"]


def test_a_text_is_taken_back_by_a_failure() -> None:
    talk = Talk(1)
    failed = message("conversation.item.input_audio_transcription.failed", item_id="a", error={"message": "no"})
    talk.tell(*answer("a", "zero"), failed, failed, completed("a", "Zero"), completed("a", ""))
    assert [event for event in talk.events if not isinstance(event, ItemCommitted)] == [
        ItemCompleted("a", cut(0), "zero", None, ()),
        ItemFailed("a", cut(0), "the server took back “zero”: no"),
        ItemCompleted("a", cut(0), "Zero", None, ()),
    ]


def test_a_server_that_is_late_with_its_answers_is_followed_in_their_order() -> None:
    talk = Talk(1)
    assert talk.protocol.one_at_a_time
    talk.tell(UPDATED, *answer("a", "zero")[:2])
    assert not talk.protocol.one_at_a_time
    for number in (1, 2):
        talk.protocol.send_append(np.zeros(24_000, np.int16), 0)
        talk.protocol.send_commit(cut(number))
    talk.tell(*answer("b", "one")[:2], *answer("c", "two")[:2])
    assert (talk.texts, talk.lost) == ({0: "zero", 1: "one", 2: "two"}, None)


def test_without_fences_an_error_before_another_answer_leaves_a_doubt() -> None:
    talk = Talk()
    refused = RealtimeProtocol(RecognitionOptions(model=MODEL))
    refused.connection_opened()
    feed(refused, session(vad=NEVER), error("Once is enough.", param="session"))
    for number in range(2):
        refused.send_append(np.zeros(24_000, np.int16), 0)
        refused.send_commit(cut(number))
    talk.events = feed(refused, error("Boom", "server_error"), committed("b"), completed("b", "one"))
    assert isinstance(talk.events[0], Reported)
    assert talk.lost is not None
    assert talk.texts == {}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_told_no_text_stands_in_the_wrong_place(seed: int) -> None:
    """Each text is its own utterance's, or the connection ends."""
    chance = random.Random(seed)
    for _ in range(100):
        talk = Talk(6, frozenset({f"old{number}" for number in range(6)}))
        for number in range(6):
            talk.tell(*chance.choices(*told_of(number))[0], UPDATED)
        for number, text in talk.texts.items():
            assert text in {f"u{number}", f"part of u{number}: u{number}"}
        told = Counter(event.utterance.number for event in talk.events if isinstance(event, ItemCompleted))
        assert set(told.values()) <= {1}
        assert len(talk.texts) == 6 or talk.lost is not None


def told_of(number: int) -> tuple[list[list[str]], list[int]]:
    """Return what a server may tell when it handles a commit, and how likely each is."""
    own = f"u{number}"
    old = [committed(f"old{number}"), completed(f"old{number}", "old")]
    part = [started(f"s{number}", 0), stopped(f"s{number}", 9), committed(f"s{number}")]
    part.append(completed(f"s{number}", f"part of {own}:"))
    bogus = [committed(f"x{number}"), completed(f"x{number}", "bogus", 99.0)]
    said = [committed(own), completed(own, own, LENGTHS_S[number % 4])]
    likely = [old + said, said + old, [error("odd"), *said], part + said, said + bogus, bogus + said, said + said]
    return [said, *likely, [error("Boom")], []], [9, *[2] * len(likely), 1, 1]
