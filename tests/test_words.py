from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.words import GrowingText, Word, join_text, needs_space, words_within


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (["Hello there.", "How are you?"], "Hello there. How are you?"),
        ([" Hello ", "", "  ", "world"], "Hello world"),
        (["今天天气", "很好"], "今天天气很好"),
        (["今天天气很好。", "我们走吧"], "今天天气很好。我们走吧"),
        (["今日は", "カフェに行く"], "今日はカフェに行く"),
        (["か\u3099", "行く"], "か\u3099行く"),
        (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["ສະບາຍດີ", "ເຈົ້າ"], "ສະບາຍດີເຈົ້າ"),
        (["សួស្តី", "អ្នក"], "សួស្តីអ្នក"),
        (["မင်္ဂလာပါ။", "နေကောင်းလား"], "မင်္ဂလာပါ။နေကောင်းလား"),
        (["안녕하세요", "반갑습니다"], "안녕하세요 반갑습니다"),
        (["सब ठीक", "है"], "सब ठीक है"),
        (["مرحبا", "بك"], "مرحبا بك"),
    ],
)
def test_each_script_is_joined_its_own_way(pieces: list[str], joined: str) -> None:
    assert join_text(pieces) == joined


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (["你好", "Hello"], "你好 Hello"),
        (["Hello", "你好"], "Hello 你好"),
        (["你好。", "Hello"], "你好。Hello"),
        (["我有", "3", "个"], "我有 3 个"),
        (["你好", "สวัสดี"], "你好 สวัสดี"),
        (["你好", "안녕"], "你好 안녕"),
        (["她说“你好”", "然后走了"], "她说“你好”然后走了"),
        (["等等……", "来了"], "等等……来了"),
        (["你好!", "再见"], "你好! 再见"),
        (["Wait…", "what?"], "Wait… what?"),
        (["she said “no”", "and left"], "she said “no” and left"),
        (["「", "你好"], "「你好"),
    ],
)
def test_borders_between_scripts_and_punctuation(pieces: list[str], joined: str) -> None:
    assert join_text(pieces) == joined


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (["Well", ", yes"], "Well, yes"),
        (["Really", "?"], "Really?"),
        (["I use", ".NET daily"], "I use .NET daily"),
        (["about 5", "% more"], "about 5% more"),
        (["so", "...and then"], "so ...and then"),
    ],
)
def test_closing_punctuation_by_itself_continues_the_sentence(pieces: list[str], joined: str) -> None:
    assert join_text(pieces) == joined


@given(st.lists(st.text()))
def test_joining_only_ever_adds_single_spaces(pieces: list[str]) -> None:
    kept = [piece.strip() for piece in pieces if piece.strip()]
    joined = join_text(pieces)
    position = 0
    for count, piece in enumerate(kept):
        if count and needs_space(kept[count - 1], piece):
            assert joined[position] == " "
            position += 1
        assert joined[position : position + len(piece)] == piece
        position += len(piece)
    assert position == len(joined)


def test_a_long_text_is_told_in_steps_that_cost_no_more_than_its_length() -> None:
    text, looked_at = GrowingText(), 0
    for number in range(100_000):
        if text.append("word "):
            assert str(text) == "word " * (number + 1)
            looked_at += len(text)
        else:
            assert number >= 400  # what a person says is told word by word
    assert str(text) == "word " * 100_000
    assert looked_at < 7 * len(text)


@pytest.mark.parametrize(("scale", "kept"), [(1, True), (1.2, True), (1000, False), (1e9, False)])
def test_times_of_another_unit_are_left_out(scale: float, kept: bool) -> None:
    words = [Word("hello", 0, 0.7 * scale), Word("there", 0.7 * scale, 1.7 * scale)]
    assert words_within(words, 1.9) == (tuple(words) if kept else ())


def test_a_last_word_that_was_made_of_silence_costs_no_other_its_time() -> None:
    words = [Word("hello", 0, 0.7), Word("there", 0.7, 1.7), Word("you", 29.0, 29.98)]
    assert words_within(words, 1.9) == tuple(words)
    assert words_within([Word("hello", 0, 700)], 1.9) == ()


def test_a_word_ends_no_earlier_than_it_begins() -> None:
    assert Word("hello", 0.5, 0.2) == Word("hello", 0.5, 0.5)
