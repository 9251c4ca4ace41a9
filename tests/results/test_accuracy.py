from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.results.accuracy import ErrorRate, alignment, cer, differences, normalise, wer
from ipyspeaches.words import join_text


def test_errors_are_counted_by_kind() -> None:
    assert wer("the cat sat on the mat", "the bat sat the mat today") == ErrorRate(1, 1, 1, 6)
    assert wer("the cat sat on the mat", "the bat sat the mat today").rate == pytest.approx(0.5)
    assert float(cer("abcd", "abxd")) == 0.25


TEXT = st.text(st.sampled_from("abAB ,.'-你好，。ｶﾞ́\u200d😀"), max_size=12)


@pytest.mark.parametrize(
    ("said", "recognised"),
    [
        ("Good morning, everyone!", "good morning everyone"),
        ("Don’t stop", "don't stop"),
        ("Ｈｅｌｌｏ　１２", "hello 12"),
        ("a well-known fact", "a well known fact"),
        ("STRASSE", "straße"),
        ("cafe\u0301", "café"),
        ("你好，世界。", "你好世界"),
        ("我用 Python 写", "我用python写"),
    ],
)
def test_case_width_and_punctuation_are_no_errors(said: str, recognised: str) -> None:
    assert wer(said, recognised).rate == 0
    assert cer(said, recognised).rate == 0


def test_chinese_counts_characters() -> None:
    assert cer("今天天气很好", "今天天汽很好") == ErrorRate(1, 0, 0, 6)
    assert wer("今天天气很好", "今天天汽很好") == ErrorRate(1, 0, 0, 6)
    assert wer("我用Python写代码", "我用Java写代码") == ErrorRate(1, 0, 0, 6)


def test_spaces_of_english_are_characters_and_marks_belong_to_their_letter() -> None:
    assert cer("a b", "ab") == ErrorRate(0, 1, 0, 3)
    assert wer("กี่", "กี").length == 1


def test_an_empty_reference_makes_everything_wrong() -> None:
    assert wer("", "").rate == 0
    assert wer("...", "uh huh") == ErrorRate(0, 0, 2, 0)
    assert wer("...", "uh huh").rate == 1
    assert wer("one two", "").rate == 1


@given(st.text(), st.text())
def test_any_text_equals_itself_and_lengths_account_for_every_error(one: str, other: str) -> None:
    assert wer(one, one).rate == 0
    assert cer(one, one).rate == 0
    forth, back = cer(one, other), cer(other, one)
    assert forth.length - forth.deletions + forth.insertions == back.length
    assert forth.substitutions + forth.deletions <= forth.length


@given(st.text())
def test_normalising_again_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_words_are_lined_up() -> None:
    said, heard = "Any questions so far? Then let us look.", "oh, then let us cook look!"
    assert alignment(said, heard) == [
        ("said", ["any", "questions", "so", "far"]),
        ("heard", ["oh"]),
        ("same", ["then", "let", "us"]),
        ("heard", ["cook"]),
        ("same", ["look"]),
    ]
    assert alignment("", "hello") == [("heard", ["hello"])]
    assert alignment("你好", "") == [("said", ["你", "好"])]
    assert alignment("", "") == []


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
