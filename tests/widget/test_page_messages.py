"""Session events as the page reads them."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.results.segment import Segment
from ipyspeaches.session import events
from ipyspeaches.widget.page_messages import event_message, segment_message
from ipyspeaches.words import Word


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


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (
            "has an, an example",
            [("has", 0.9), ("an,", 0.2), ("an", 0.499), ("example", 0.5)],
            [(4, 7, 20), (8, 10, 50)],
        ),
        ("𠮷野家在", [("𠮷", 0.9), ("野家", 0.1)], [(2, 4, 10)]),  # as JavaScript counts
        ("twenty", [("20", 0.1), ("", 0.1), ("twenty", None)], []),
    ],
)
def test_words_that_the_engine_is_not_sure_of_are_told(
    text: str, words: list[tuple[str, float | None]], expected: list[tuple[int, int, int]]
) -> None:
    said = tuple(Word(word, 0.0, 1.0, probability) for word, probability in words)
    assert segment_message(Segment(0.0, 1.0, text, words=said))["unsure"] == expected
