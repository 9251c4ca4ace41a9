"""Words are settled when two hypotheses agree, and never taken back."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.results.agreement import LocalAgreement, comparable
from ipyspeaches.words import Word


def hypothesis(text: str, *, from_s: float = 0.0, moved_s: float = 0.0) -> list[Word]:
    """Return words of half a second each, all of them ``moved_s`` late."""
    at = [from_s + index / 2 + moved_s for index in range(len(text.split()))]
    return [Word(word, start_s, start_s + 0.5) for word, start_s in zip(text.split(), at, strict=True)]


def settled(*hypotheses: list[Word]) -> list[str]:
    agreement = LocalAgreement()
    return [" ".join(word.word for word in agreement.update(heard)) for heard in hypotheses]


def test_two_hypotheses_settle_what_they_agree_on_but_for_the_last_word() -> None:
    assert settled(hypothesis("a b"), hypothesis("a b c"), hypothesis("a b c d")) == ["", "a b", "c"]


def test_case_and_punctuation_are_no_disagreement_and_the_later_spelling_counts() -> None:
    assert settled(hypothesis("good morning."), hypothesis("Good morning, everyone")) == ["", "Good morning,"]


def test_words_that_moved_a_little_are_neither_lost_nor_said_twice() -> None:
    for moved_s in (-0.2, 0.2):
        late = [hypothesis("x b c d e", moved_s=moved_s), hypothesis("x b c d e f", moved_s=moved_s)]
        assert settled(hypothesis("a b c"), hypothesis("a b c d"), *late) == ["", "a b c", "d", "e"]


def test_a_word_that_is_said_twice_is_kept_twice() -> None:
    assert settled(hypothesis("that"), hypothesis("that that"), hypothesis("that that dog ran")) == ["", "that", "that"]


def test_hypotheses_may_begin_later_once_the_words_before_are_settled() -> None:
    agreement = LocalAgreement()
    agreement.update(hypothesis("a b c d"))
    agreement.update(hypothesis("a b c d e"))
    agreement.forget_before(1.5)
    assert agreement.update(hypothesis("d e f g", from_s=1.5)) == hypothesis("e", from_s=2.0)
    assert [word.word for word in agreement.tentative] == ["f", "g"]


def test_an_old_word_that_recurs_is_not_taken_for_the_settled_one() -> None:
    agreement = LocalAgreement()
    agreement.update(hypothesis("the end of"))
    agreement.update(hypothesis("the end of it"))
    agreement.forget_before(20)
    agreement.update(hypothesis("of course not", from_s=20))
    assert [word.word for word in agreement.update(hypothesis("of course not", from_s=20))] == ["of", "course"]


def test_what_is_not_agreed_on_can_be_settled_by_its_age() -> None:
    agreement = LocalAgreement()
    agreement.update(hypothesis("a b c d"))
    assert [word.word for word in agreement.settle_until(1.2)] == ["a", "b"]
    assert agreement.last == Word("b", 0.5, 1.0)


def test_only_punctuation_sounds_as_it_is_written() -> None:
    assert [comparable(word) for word in (" “Don't!”", "…", "好，", " ")] == ["don't", "…", "好", ""]


words = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8)


@given(st.lists(words, max_size=10))
def test_settled_words_only_grow_and_stand_at_the_start_of_what_is_shown(series: list[list[str]]) -> None:
    agreement = LocalAgreement()
    said: list[Word] = []
    for heard in series:
        said += agreement.update(hypothesis(" ".join(heard)))
        assert all(before.end <= after.end for before, after in itertools.pairwise(said))
    assert agreement.last == (said[-1] if said else None)


@given(
    truth=st.lists(st.sampled_from(["one", "two", "three", "four"]), min_size=1, max_size=20),
    jitters=st.lists(st.floats(-0.12, 0.12), min_size=20, max_size=20),
    tail=st.sampled_from(["", "noise", "one noise"]),
)
def test_a_growing_utterance_is_settled_word_by_word_without_loss(
    truth: list[str], jitters: list[float], tail: str
) -> None:
    agreement = LocalAgreement()
    said: list[str] = []
    for length in range(1, len(truth) + 1):
        text = " ".join([*truth[:length], *tail.split()[: length % 3]])
        said += [word.word for word in agreement.update(hypothesis(text, moved_s=jitters[length - 1]))]
        assert said == truth[: len(said)] or tail
    for _ in range(2):
        said += [word.word for word in agreement.update(hypothesis(" ".join([*truth, "end"])))]
    assert said == truth
