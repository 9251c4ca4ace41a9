"""Live text grows and is never taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.local.stable_text import StableText
from ipyspeaches.words import Word


def hypothesis(text: str) -> list[Word]:
    """Return words of half a second each."""
    return [Word(word, index / 2, (index + 1) / 2) for index, word in enumerate(text.split())]


def said(*texts: str) -> list[str]:
    stable = StableText()
    return [stable.update(hypothesis(text)) for text in texts]


def test_a_word_is_said_when_two_hypotheses_agree_and_another_word_follows() -> None:
    assert said("good", "good morning", "good morning every", "good morning everyone here") == [
        "",
        "good",
        " morning",
        "",
    ]


def test_nothing_is_said_that_only_one_hypothesis_had() -> None:
    assert said("a b c", "x y z", "x y z") == ["", "", "x y"]


def test_a_change_of_mind_about_words_that_are_out_does_not_hold_up_the_rest() -> None:
    assert said("a b c", "a b c d", "q r c d", "q r c d e") == ["", "a b c", "", " d"]


def test_no_words_say_nothing() -> None:
    assert said("", "", "a", "") == ["", "", "", ""]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=6), max_size=8))
def test_what_is_said_never_has_more_words_than_the_longest_hypothesis(series: list[list[str]]) -> None:
    stable = StableText()
    text = ""
    for words in series:
        text += stable.update(hypothesis(" ".join(words)))
        assert len(text.split()) <= max(0, *(len(words) - 1 for words in series), 0)
    assert text == text.strip()
    assert "  " not in text
