"""The text of a growing utterance: settled text stays, the rest may change, in scripts with and without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.protocol.interim_text import LONG_S, LONGEST_S, InterimText
from ipyspeaches.words import Word

WORD_S = 0.4


def timed(words: list[str], from_s: float = 0.0) -> list[Word]:
    """Return words one after the other, as a recogniser writes them."""
    return [Word(word, from_s + i * WORD_S, from_s + (i + 1) * WORD_S) for i, word in enumerate(words)]


def shown(text: InterimText) -> tuple[str, str]:
    """Return the settled and the tentative part."""
    return text.text[: text.stable], text.text[text.stable :]


def test_english_words_are_settled_with_the_spaces_between_them() -> None:
    text = InterimText(0)
    text.update("good morn", timed([" good", " morn"]), 1)
    assert shown(text) == ("", "good morn")
    text.update("good morning every", timed([" good", " morning", " every"]), 2)
    assert shown(text) == ("good", " morning every")
    text.update("good morning everyone here", timed([" good", " morning", " everyone", " here"]), 3)
    assert shown(text) == ("good morning", " everyone here")


def test_chinese_is_settled_by_characters_however_the_recogniser_divides_it() -> None:
    text = InterimText(0)
    text.update("今天我们", timed(["今天", "我们"]), 1)
    text.update("今天我们看，", timed(["今", "天我", "们", "看，"]), 2)
    assert shown(text) == ("今天我们", "看，")
    text.update("今天我们看Python吧。", timed(["今天", "我们", "看", "Py", "thon", "吧。"]), 3)
    assert shown(text) == ("今天我们看", "Python吧。")


def test_words_without_spaces_of_their_own_get_those_of_the_text() -> None:
    text = InterimText(0)
    text.update("well-known words", timed(["well", "-known", "words"]), 1)
    assert text.text == "well-known words"


def test_a_server_without_times_of_words_is_understood() -> None:
    text = InterimText(0)
    for heard in ("good morning", "good morning everyone", "good morning everyone and welcome"):
        text.update(heard, [], len(heard) / 10)
    assert shown(text) == ("good morning everyone", " and welcome")


def test_nothing_heard_takes_back_what_was_not_settled() -> None:
    text = InterimText(0)
    text.update("hm", timed([" hm"]), 1)
    text.update("", [], 2)
    assert (text.text, text.stable) == ("", 0)


@pytest.mark.parametrize(
    ("spoken", "joined"), [([" well", " yes", " no"], "well yes no"), (["好", "啊", "们"], "好啊们")]
)
def test_of_a_long_utterance_only_the_end_is_recognised_again(spoken: list[str], joined: str) -> None:
    text = InterimText(0)
    words = timed(spoken * 40)  # 48 s
    longest_s = 0.0
    for step in range(1, 49):
        longest_s = max(longest_s, step - text.from_s)
        heard = [word for word in words if word.start >= text.from_s - 0.01 and word.end <= step]
        text.update("".join(word.word for word in heard).strip(), heard, step)
    settled, tentative = shown(text)
    assert longest_s <= LONG_S + 1
    assert (settled + tentative).replace(" ", "") == (joined * 40).replace(" ", "")
    assert len(settled) > 0.9 * len(text.text)
    assert joined in settled


def test_where_nothing_is_agreed_on_the_sound_is_bounded_and_the_words_are_kept() -> None:
    text = InterimText(0)
    stable = ""
    for step in range(1, 100):
        assert step - text.from_s <= LONGEST_S + 1
        word = "odd" if step % 2 else "even"
        text.update(word, [Word(f" {word}", step - 1.0, step - 0.5)], step)
        assert text.text.startswith(stable)
        stable = text.text[: text.stable]
    for step in range(100, 200):
        text.update("", [], step)
    assert text.from_s >= 199 - LONGEST_S


pieces = st.lists(st.sampled_from([" good", " morning", "今天", "我", " Python", "，", " ok."]), max_size=12)


@given(st.lists(pieces, max_size=8), st.floats(0.5, 4))
def test_settled_text_never_shrinks_or_changes(series: list[list[str]], step_s: float) -> None:
    text = InterimText(0)
    stable = ""
    for number, heard in enumerate(series, 1):
        end_s = number * step_s
        text.update("".join(heard).strip(), timed(heard, text.from_s), end_s)
        settled = text.text[: text.stable]
        assert text.text.startswith(stable)
        assert settled.startswith(stable)
        assert text.text == text.text.lstrip()
        stable = settled


@given(st.text(alphabet="今天我们看你好吗世界，。", min_size=2, max_size=90))
def test_chinese_that_only_grows_is_settled_without_a_space_or_a_loss(sentence: str) -> None:
    text = InterimText(0)
    words = timed(list(sentence))
    for length in range(1, len(sentence) + 1):
        # what is recognised is the sound from there on
        heard = [word for word in words[:length] if word.start >= text.from_s]
        text.update("".join(word.word for word in heard), heard, length * WORD_S)
        assert text.text == sentence[:length]
        assert sentence.startswith(text.text[: text.stable])
