"""Each utterance has one entry, whoever cut it, and knows how far it has come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.results.records import Latency
from ipyspeaches.session.ledger import Entry, Ledger, Stage
from ipyspeaches.vad.gate import Cut, Send, Utterance
from realtime_wire import cut, server_cut

ONE, TWO, THREE = cut(0, 10, 20), cut(1, 30, 40), cut(2, 50, 60)


def stages(ledger: Ledger) -> list[tuple[int, Stage]]:
    return [(entry.utterance.number, entry.stage) for entry in ledger.entries]


def test_an_utterance_that_this_side_cut_is_followed_to_its_text() -> None:
    ledger = Ledger(Latency())
    ledger.cut(ONE)
    (entry,) = ledger.entries
    assert (entry.utterance, entry.stage, entry.item_id) == (ONE, Stage.CUT, None)
    ledger.sent(ONE)
    assert entry.stage is Stage.SENT
    assert ledger.committed("a", ONE) is entry
    assert (entry.stage, entry.item_id, entry.order) == (Stage.COMMITTED, "a", 0)
    assert ledger.find("a") is entry
    assert ledger.settled("a", ONE, Stage.FINAL) is entry
    assert (entry.stage, entry.order) == (Stage.FINAL, 0)
    assert ledger.find("a") is entry
    assert ledger.entries == [entry]


def test_it_waits_from_the_cut_to_its_text_and_again_over_another_connection() -> None:
    ledger = Ledger(Latency())

    def told() -> list[tuple[float, Stage, str | None, bool]]:
        return [(one.start_s, one.stage, one.item_id, one.taken_at_s is not None) for one in ledger.waiting]

    for utterance in (ONE, TWO):
        ledger.cut(utterance, Send(utterance.start, utterance.end))
    one_s, two_s = ONE.start_s, TWO.start_s
    assert told() == [(one_s, Stage.CUT, None, False), (two_s, Stage.CUT, None, False)]
    ledger.sent(TWO)
    ledger.committed("a", ONE)
    assert told() == [(one_s, Stage.COMMITTED, "a", True), (two_s, Stage.SENT, None, False)]
    ledger.settled("a", ONE, Stage.FINAL)
    assert told() == [(two_s, Stage.SENT, None, False)]
    ledger.lose_connection()
    assert told() == [(two_s, Stage.CUT, None, False)]
    ledger.heard_by_server("c", 80, 90)  # not cut yet
    assert len(told()) == 1


def test_an_utterance_whose_commit_was_answered_first_was_sent_long_ago() -> None:
    ledger = Ledger(Latency())
    ledger.cut(ONE)
    ledger.committed("a", ONE)
    ledger.sent(ONE)  # the answer came while the connection was still at it
    assert stages(ledger) == [(0, Stage.COMMITTED)]


def test_a_text_may_come_without_the_commit_before_it() -> None:
    ledger = Ledger(Latency())
    ledger.cut(ONE)
    entry = ledger.settled("a", ONE, Stage.FINAL)
    assert ledger.entries == [entry]
    assert (entry.item_id, entry.stage, entry.order) == ("a", Stage.FINAL, 0)


def test_an_utterance_that_fails_before_its_commit_has_no_place_in_the_order() -> None:
    ledger = Ledger(Latency())
    for utterance in (ONE, TWO):
        ledger.cut(utterance)
    failed = ledger.settled("", ONE, Stage.FAILED)
    assert (failed.stage, failed.order) == (Stage.FAILED, -1)
    assert ledger.committed("b", TWO).order == 0


def test_the_order_is_that_of_the_commits_however_the_texts_come() -> None:
    ledger = Ledger(Latency())
    for utterance in (ONE, TWO, THREE):
        ledger.cut(utterance)
    for item_id, utterance in zip("abc", (ONE, TWO, THREE), strict=True):
        ledger.committed(item_id, utterance)
    ledger.settled("c", THREE, Stage.FINAL)
    ledger.settled("a", ONE, Stage.FAILED)
    ledger.settled("b", TWO, Stage.FINAL)
    assert [entry.order for entry in ledger.entries] == [0, 1, 2]
    assert stages(ledger) == [(0, Stage.FAILED), (1, Stage.FINAL), (2, Stage.FINAL)]


def test_utterances_that_were_joined_become_the_entry_of_the_last_one() -> None:
    ledger = Ledger(Latency())
    for utterance in (ONE, TWO, THREE):
        ledger.cut(utterance)
    second = ledger.entries[1]
    both = ONE.joined_with(TWO)
    entry = ledger.committed("a", both)
    assert stages(ledger) == [(1, Stage.COMMITTED), (2, Stage.CUT)]
    assert (entry.utterance, entry.utterance.start, entry.utterance.end) == (both, 10, 40)
    assert entry is second
    ledger.settled("a", both, Stage.FINAL)
    assert ledger.committed("b", THREE).order == 1


def test_joined_utterances_that_fail_unsent_leave_one_entry() -> None:
    ledger = Ledger(Latency())
    for utterance in (ONE, TWO, THREE):
        ledger.cut(utterance)
    ledger.settled("utterance_1", ONE.joined_with(TWO), Stage.FAILED)
    assert stages(ledger) == [(1, Stage.FAILED), (2, Stage.CUT)]


def test_an_utterance_that_the_server_cuts_is_known_by_its_item() -> None:
    ledger = Ledger(Latency())
    entry = ledger.heard_by_server("a", 100, 100)
    assert (entry.stage, entry.utterance) == (Stage.OPEN, Utterance(-1, 100, 100, Cut.SERVER))
    assert ledger.heard_by_server("a", 700, 700) is entry
    assert (entry.utterance.start, entry.utterance.end) == (100, 700)
    assert ledger.find("a") is entry
    whole = Utterance(0, 100, 720, Cut.SERVER)
    assert ledger.committed("a", whole) is entry
    assert ledger.settled("a", whole, Stage.FINAL) is entry
    assert (entry.utterance, entry.order, ledger.entries) == (whole, 0, [entry])


def test_numbers_of_the_server_are_no_numbers_of_ours() -> None:
    ledger = Ledger(Latency())
    ledger.cut(ONE)
    entry = ledger.committed("a", server_cut(0, 1, 2))
    assert stages(ledger) == [(0, Stage.CUT), (0, Stage.COMMITTED)]
    assert entry is ledger.entries[1]


def test_the_connection_is_kept_with_each_utterance() -> None:
    ledger = Ledger(Latency())
    ledger.cut(ONE)
    ledger.connection = 2
    ledger.cut(TWO)
    ledger.heard_by_server("a", 100, 100)
    assert [entry.connection for entry in ledger.entries] == [1, 2, 2]


@given(
    ends=st.lists(st.sampled_from([Stage.FINAL, Stage.FAILED]), min_size=1, max_size=12),
    joins=st.sets(st.integers(1, 11)),
    data=st.data(),
)
def test_every_utterance_is_settled_once(ends: list[Stage], joins: set[int], data: st.DataObject) -> None:
    ledger = Ledger(Latency())
    items: list[Utterance] = []
    for number in range(len(ends)):
        utterance = cut(number, 100 * number, 100 * number + 50)
        ledger.cut(utterance)
        ledger.sent(utterance)
        if items and number in joins:
            items[-1] = items[-1].joined_with(utterance)
        else:
            items.append(utterance)
    entries: dict[str, Entry] = {f"{each.number}": ledger.committed(f"{each.number}", each) for each in items}
    assert ledger.entries == list(entries.values())
    for each in data.draw(st.permutations(items)):
        item_id = f"{each.number}"
        assert ledger.find(item_id) is entries[item_id]
        ledger.settled(item_id, each, ends[each.number])
        # A server that has failed may try once more.
        assert ledger.find(item_id) is entries[item_id]
    assert stages(ledger) == [(each.number, ends[each.number]) for each in items]
    assert [entry.order for entry in ledger.entries] == list(range(len(items)))
