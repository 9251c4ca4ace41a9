from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.results import differences, join_text

TEXT = st.text(st.sampled_from("abAB ,.'-你好，。ｶﾞ́\u200d😀"), max_size=12)


def test_a_word_keeps_its_capitals_and_punctuation() -> None:
    (pieces,) = differences("good morning, everyone", ["Good morning. Everyone!"])
    assert pieces == [("same", "Good morning. Everyone!")]


def test_what_is_lacking_stands_before_the_next_word_whatever_the_cuts() -> None:
    found = differences("Good morning everyone. Today we will talk.", ["morning everyone", "we walk."])
    assert found == [
        [("said", "good"), ("same", "morning everyone")],
        [("said", "today"), ("same", "we"), ("said", "will talk"), ("heard", "walk.")],
    ]


def test_chinese_is_compared_character_by_character() -> None:
    found = differences("大家好，今天天气很好。", ["大家好，", "今天气很号。"])
    assert found == [
        [("same", "大家好，")],
        [("same", "今天"), ("said", "天"), ("same", "气很"), ("said", "好"), ("heard", "号。")],
    ]


def test_the_end_of_what_was_said_may_be_lacking_and_so_may_all_of_it() -> None:
    assert differences("one two", ["one"]) == [[("same", "one"), ("said", "two")]]
    assert differences("one two", [""]) == [[("said", "one two")]]
    assert differences("one two", []) == []
    assert differences("", ["One, two"]) == [[("heard", "One, two")]]


@given(TEXT, st.lists(TEXT, max_size=4))
def test_whatever_was_recognised_is_shown(reference: str, texts: list[str]) -> None:
    found = differences(reference, texts)
    assert len(found) == len(texts)
    for text, pieces in zip(texts, found, strict=True):
        shown = join_text(piece for kind, piece in pieces if kind != "said")
        # Compatibility characters may be shown in their normal form.
        assert letters(shown) == letters(text)


def letters(text: str) -> list[str]:
    bare = unicodedata.normalize("NFKD", text.casefold())
    return [character for character in bare if character.isalpha() and character.isascii()]
