"""Session events as the page reads them."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.session import events
from ipyspeaches.widget.page_messages import event_message


@pytest.mark.parametrize(
    ("text", "stable", "expected"),
    [
        ("good morning", None, {}),
        ("good morning", 4, {"stable": 4}),
        ("𠮷野家 and more", 3, {"stable": 4}),  # JavaScript counts the first character twice
        ("", 0, {"stable": 0}),
    ],
)
def test_a_partial_says_how_much_of_it_is_settled(text: str, stable: int | None, expected: dict[str, Any]) -> None:
    message = event_message(events.Partial(2.0, "interim_1", 1.0, text, stable))
    assert message == {"type": "partial", "item_id": "interim_1", "start_s": 1.0, "text": text, **expected}
