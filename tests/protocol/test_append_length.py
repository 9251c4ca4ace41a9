from __future__ import annotations

from ipyspeaches.protocol import AppendLength, Completed, Delta, ProtocolEvent, Reported

FINAL = Completed("a", 0, 0, None, "text", None, ())
SHORT, LONG = 4_800, 48_000


def test_appends_grow_long_when_a_text_came_without_deltas() -> None:
    length = AppendLength(client_cuts=True)
    assert length.samples == SHORT
    length.observe(Reported("x", "y", None))
    assert length.samples == SHORT
    length.observe(FINAL)
    assert length.samples == LONG


def test_a_delta_keeps_appends_short_for_good() -> None:
    orders: list[list[ProtocolEvent]] = [[Delta("a", "t"), FINAL], [FINAL, Delta("b", "t"), FINAL]]
    for order in orders:
        length = AppendLength(client_cuts=True)
        for event in order:
            length.observe(event)
        assert length.samples == SHORT


def test_where_the_server_cuts_appends_stay_short() -> None:
    length = AppendLength(client_cuts=False)
    length.observe(FINAL)
    assert length.samples == SHORT
