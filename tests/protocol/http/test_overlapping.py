"""Two windows that overlap say each word once, with the times of words and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.protocol.http.overlapping import Share, share_of, tokens, unfinished
from ipyspeaches.protocol.http.transcriptions import Answer
from ipyspeaches.words import Word

UNTIL_S = 4.5


def timed(*words: tuple[str, float, float], space: str = " ") -> Answer:
    spoken = tuple(Word(space + word, start, end) for word, start, end in words)
    return Answer("".join(word.word for word in spoken).strip(), "en", spoken)


def shares(one: Answer, two: Answer) -> list[str]:
    first = share_of(one, None, UNTIL_S)
    return [first.text, share_of(two, first, None).text]


ONE = timed(("a", 0.0, 0.2), ("short", 3.6, 4.0), ("test", 4.0, 4.4), ("of", 4.45, 4.7), ("spee", 4.7, 5.0))
TWO = timed(("est", 4.0, 4.3), ("of", 4.46, 4.71), ("speech", 4.7, 5.2), ("recognition", 5.2, 6.0))


def test_the_middle_of_a_word_decides() -> None:
    assert shares(ONE, TWO) == ["a short test", "of speech recognition"]


@pytest.mark.parametrize(
    "odd",
    [
        lambda words: words[::2],
        lambda words: [replace(word, start=0, end=0) for word in words],
        lambda words: words[:2],
    ],
    ids=["some", "without times", "the first"],
)
def test_words_that_do_not_make_up_the_text_decide_nothing(odd: Callable[[Sequence[Word]], Sequence[Word]]) -> None:
    spoken = [(f"word{number}", 3 + 0.5 * number, 3.45 + 0.5 * number) for number in range(7)]
    one, two = timed(*spoken[:4]), timed(*spoken[2:])
    one, two = (replace(answer, words=tuple(odd(answer.words))) for answer in (one, two))
    assert " ".join(shares(one, two)).split() == [word for word, _, _ in spoken]


def test_words_alone_keep_the_text_as_it_was_written() -> None:
    whole = Answer("Good morning, everyone.", "en", timed(("good", 0, 1), ("morning", 1, 2), ("everyone", 2, 3)).words)
    share = share_of(whole, None, None)
    assert (share.text, share.words) == ("Good morning, everyone.", whole.words)


@given(jitter_s=st.floats(-0.24, 0.24), until_s=st.floats(4.1, 4.9))
def test_two_recognitions_that_differ_a_little_neither_lose_nor_double_a_word(jitter_s: float, until_s: float) -> None:
    spoken = [(f"word{number}", 3 + 0.5 * number, 3.45 + 0.5 * number) for number in range(7)]
    one = timed(*[word for word in spoken if word[2] <= 5])
    two = timed(*[(word, start + jitter_s, end + jitter_s) for word, start, end in spoken if start >= 4])
    first = share_of(one, None, until_s)
    second = share_of(two, first, None)
    assert f"{first.text} {second.text}".split() == [word for word, _, _ in spoken]


def test_a_repetition_is_kept_and_an_echo_is_not() -> None:
    one = timed(("very", 4.1, 4.4))
    assert shares(one, timed(("very", 4.2, 4.5), ("very", 4.5, 4.8), ("good", 4.8, 5))) == ["very", "very good"]
    assert shares(one, timed(("very", 4.3, 4.6), ("good", 4.8, 5))) == ["very", "good"]


def test_a_told_word_whose_end_was_stretched_does_not_swallow_what_follows() -> None:
    one = timed(("so", 3.6, 5.3))
    assert shares(one, timed(("so", 3.6, 3.9), ("now", 4.7, 4.9), ("we", 4.9, 5.0))) == ["so", "now we"]


def test_nothing_before_means_that_everything_is_told() -> None:
    assert share_of(TWO, None, None).text == TWO.text
    assert share_of(TWO, share_of(Answer(""), None, UNTIL_S), None).text == TWO.text


def test_words_without_spaces_of_their_own_are_spaced_by_script() -> None:
    one = timed(("good", 4.0, 4.3), ("day", 4.6, 5.0), space="")
    assert share_of(one, None, UNTIL_S).text == "good"
    chinese = timed(("今天", 4.0, 4.2), ("天气", 4.2, 4.45), ("很", 4.5, 4.7), space="")
    assert share_of(chinese, None, UNTIL_S).text == "今天天气"


ONE_TO_TYPO = "in passing that as an example of fine"


def texts(one: str, two: str) -> list[str]:
    first = share_of(Answer(one), None, UNTIL_S)
    return [first.text, share_of(Answer(two), first, None).text]


@pytest.mark.parametrize(
    ("one", "two", "told"),
    [
        # What both have, whole.
        ("the quick brown fox", "brown fox jumps over", ["the quick brown", "fox jumps over"]),
        # The cut has damaged a word on either side.
        ("a short test of stuff", "protest of speech recognition", ["a short test of", "stuff speech recognition"]),
        (
            "in the same operations they",
            "moderation swim well",
            ["in the same operations", "they moderation swim well"],
        ),
        # Case and punctuation do not matter.
        ("and then, he said", "He said: hello.", ["and then, he", "said: hello."]),
        # A short word far from the cut is no evidence, so nothing is dropped but what is like the damaged word.
        ("of the printed boo", "book is the best thing", ["of the printed", "book is the best thing"]),
        # What was left untold and is not said again is not lost.
        ("he was never there", "a new sentence", ["he was never", "there a new sentence"]),
        ("", "everything is new", ["", "everything is new"]),
        ("everything was old", "", ["everything was", "old"]),
        # Of numbers and of words that are alike, neither is the other, damaged.
        ("w0 w1", "w2 w3", ["w0", "w1 w2 w3"]),
        ("window 3", "window 4", ["window", "3 4"]),
        ("thirteen fourteen", "fifteen sixteen", ["thirteen", "fourteen fifteen sixteen"]),
        ("he went to the nation", "station of the king", ["he went to the", "nation station of the king"]),
        ("one of the boys", "one of the girls", ["one of the", "boys girls"]),
        ("w0 w1 the", "w2 the w3", ["w0 w1", "w2 the w3"]),
        ("w0 w1", "w4 w5 w0 w1 w2", ["w0", "w1 w4 w5 w0 w1 w2"]),
        # Where there are more words than an overlap holds, what both have tells that it holds some.
        (
            "in passing that as an example of fine typo",
            "Example, a fine typography has",
            [ONE_TO_TYPO, "typography has"],
        ),
        (
            "one and one of the true books. you.",
            "of the true books and it",
            ["one and one of the true books.", "and it"],
        ),
        # Scripts without spaces are compared by character.
        ("今天天气很好我们去公", "好我们去公园散步吧。", ["今天天气很好我们去", "公园散步吧。"]),
        ("我说的是北京大学", "北京大学的学生", ["我说的是北京大", "学的学生"]),
        # How much of what repeats itself was heard twice, text does not tell: it is kept.
        ("no no no no", "no no no no", ["no no no", "no no no no"]),
        ("哈哈哈哈哈", "哈哈哈哈哈", ["哈哈哈哈", "哈哈哈哈哈"]),
        ("one by one by one by", "one by one by one by", ["one by one by one", "by one by one by"]),
        ("he said ha ha ha", "ha ha ha and left", ["he said ha ha", "ha ha ha and left"]),
        # But what is said again in between does not.
        ("the cat and the", "the cat and the dog", ["the cat and", "the dog"]),
        # An echo of one character is nothing to go by.
        ("他是我的", "中国是大的", ["他是我", "的中国是大的"]),
        ("我用 Python 写程", "Python 写程序", ["我用 Python 写", "程序"]),
    ],
)
def test_texts_without_times(one: str, two: str, told: list[str]) -> None:
    assert texts(one, two) == told


@given(
    words=st.lists(st.from_regex(r"[a-z]{4,9}", fullmatch=True), min_size=12, max_size=20, unique=True),
    shared=st.integers(2, 5),
    at=st.integers(5, 7),
)
def test_windows_that_agree_are_joined_without_a_trace(words: list[str], shared: int, at: int) -> None:
    assert " ".join(texts(" ".join(words[: at + shared]), " ".join(words[at:]))).split() == words


@given(
    words=st.sampled_from([["no"], ["哈"], ["no", "yes"], ["one", "by"]]),
    shared=st.integers(1, 6),
    at=st.integers(6, 9),
)
def test_nothing_that_is_repeated_is_lost(words: list[str], shared: int, at: int) -> None:
    spoken = (words * 20)[: at + 10]
    one, two = texts(" ".join(spoken[: at + shared]), " ".join(spoken[at:]))
    assert len(tokens(one)) + len(tokens(two)) >= len(spoken)


@given(
    text=st.lists(st.sampled_from("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"), min_size=14, unique=True),
    shared=st.integers(2, 8),
)
def test_chinese_windows_that_agree_are_joined_without_a_trace(text: list[str], shared: int) -> None:
    joined = "".join(text)
    assert "".join(texts(joined[: 5 + shared], joined[5:])) == joined


@given(
    words=st.lists(st.sampled_from([f"word{number}" for number in range(40)]), min_size=4, max_size=30, unique=True),
    edges=st.lists(st.integers(0, 30), min_size=1, max_size=5).map(sorted),
    shared=st.integers(0, 2),
)
def test_nothing_is_lost_of_windows_of_any_number_of_words(words: list[str], edges: list[int], shared: int) -> None:
    ends = [*edges, len(words)]
    before, told = None, ""
    for number, (start, end) in enumerate(zip([0, *edges], ends, strict=True)):
        heard = " ".join(words[max(0, start - shared) if number else 0 : end])
        before = share_of(Answer(heard), before, UNTIL_S if number < len(edges) else None)
        told += " " + before.text
    assert set(told.split()) == set(words)


@pytest.mark.parametrize("words", [True, False])
def test_a_window_without_words_tells_what_was_left_to_it_and_that_it_heard_none(words: bool) -> None:
    first = share_of(ONE if words else Answer(ONE.text), None, UNTIL_S)
    second = share_of(Answer(""), first, UNTIL_S)
    assert f"{first.text} {second.text}" == ONE.text
    assert (first.heard, second.heard) == (True, False)
    assert [word.word for word in second.words] == ([" of", " spee"] if words else [])
    again = share_of(Answer("spee") if not words else replace(ONE, words=ONE.words[-2:], text="of spee"), first, None)
    assert again.heard
    assert not share_of(Answer("a short"), share_of(Answer("well a short thing"), None, None), None).heard


def test_a_growing_text_leaves_out_what_was_told() -> None:
    first = share_of(Answer("the quick brown fox"), None, UNTIL_S)
    assert unfinished(" brown fox jumps", first) == "fox jumps"
    assert unfinished(" alone", None) == "alone"


@pytest.mark.parametrize("filling", ["we go on and on ", "我们今天去公园散步", "x"])
def test_of_a_long_text_only_the_ends_are_compared(filling: str) -> None:
    first = share_of(Answer("the quick brown fox"), None, UNTIL_S)
    long = "brown fox jumps " + (filling * 5_000).strip() + " and sleeps"
    second = share_of(Answer(long), first, UNTIL_S)
    assert second.text == "fox jumps " + (filling * 5_000).strip() + " and"
    assert (second.untold_text, second.tail[-1].key) == ("sleeps", "sleeps")


def test_words_meet_a_text_without_times() -> None:
    first = share_of(ONE, None, UNTIL_S)
    assert share_of(Answer("test of speech recognition"), first, None).text == "of speech recognition"


@given(st.text())
def test_any_text_has_tokens_in_order(text: str) -> None:
    found = tokens(text)
    edges = [edge for token in found for edge in (token.start, token.end)]
    assert edges == sorted(edges)
    kept = "".join(text[token.start : token.end] for token in found)
    assert "".join(kept.split()) == "".join(text.split())


@given(one=st.text(), two=st.text(), cut=st.booleans())
def test_any_two_texts_can_be_joined(one: str, two: str, cut: bool) -> None:
    first = share_of(Answer(one), None, UNTIL_S)
    assert isinstance(share_of(Answer(two), first, UNTIL_S if cut else None), Share)
