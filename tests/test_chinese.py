"""Chinese in the wanted characters: nothing else changes, and what is right already stays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches import MissingExtraError, Transcript, cer, wer
from ipyspeaches.chinese import SCRIPTS, converted, is_in_the_other, missing_converter, words_written, written
from ipyspeaches.results.comparison import ComparedRun, Comparison
from ipyspeaches.results.records import Latency
from ipyspeaches.results.segment import Segment
from ipyspeaches.words import Word
from without_opencc import without_opencc

__all__ = ["without_opencc"]

SAID = "广州市房地产中介协会分析"
HEARD = "廣州市佛地產中間協會分析"
"""What Whisper makes of a Mainland recording: two characters wrong, and all in the other script."""


@pytest.mark.parametrize(
    ("text", "simplified", "traditional"),
    [
        (HEARD, "广州市佛地产中间协会分析", HEARD),
        (SAID, SAID, "廣州市房地產中介協會分析"),
        ("看著裡面的頭髮，乾杯。", "看着里面的头发，干杯。", "看著裡面的頭髮，乾杯。"),
        ("后面的头发 is dry: 干燥", "后面的头发 is dry: 干燥", "後面的頭髮 is dry: 乾燥"),
        ("萬里長城，皇后在公里外", "万里长城，皇后在公里外", "萬里長城，皇后在公里外"),
        ("他所著的专著", "他所著的专著", "他所著的專著"),
        ("軟體和网络", "软体和网络", "軟體和網絡"),
        ("Hello, 2026!", "Hello, 2026!", "Hello, 2026!"),
        ("", "", ""),
    ],
)
def test_characters_change_and_words_do_not(text: str, simplified: str, traditional: str) -> None:
    assert converted(text, "simplified") == simplified
    assert converted(text, "traditional") == traditional


@given(st.text("广廣发發髮里裡后後干乾著着么麼一 a，𠮷𡨸é\u0301\U0001f600", max_size=30) | st.text(max_size=30))
def test_no_length_changes(text: str) -> None:
    for script in SCRIPTS:
        assert len(converted(text, script)) == len(text)


@pytest.mark.parametrize(
    ("text", "language", "after"),
    [
        ("廣州", "zh", "广州"),
        ("廣州", "yue", "广州"),
        ("廣州", None, "广州"),
        ("國內の學校", None, "國內の學校"),  # kana: Japanese
        ("學校", "ja", "學校"),
        ("大學교", None, "大學교"),
        ("OK 廣州", "en", "OK 广州"),  # the language of a mixed utterance is a guess
    ],
)
def test_only_chinese_is_converted(text: str, language: str | None, after: str) -> None:
    assert written(text, "simplified", language) == after
    assert written(text, None, language) == text


def spelled(before: str, *words: str) -> list[str]:
    timed = [Word(word, at, at + 1) for at, word in enumerate(words)]
    after = converted(before, "traditional")
    found = list(words_written(timed, before, after, "traditional"))
    assert [(word.start, word.end) for word in found] == [(word.start, word.end) for word in timed]
    return [word.word for word in found]


def test_words_are_spelled_as_in_the_text_and_keep_their_times() -> None:
    # By itself, 发 would be 發: the words need what stands around them in the text.
    assert spelled("理发，头发。", "理", "发，", "头", "发。") == ["理", "髮，", "頭", "髮。"]
    assert spelled("say 后面 again", " say", " 后", "面", " again") == [" say", " 後", "面", " again"]
    assert spelled("头发", "头发", "说", "头发") == ["頭髮", "說", "頭髮"]  # what the text does not have


def test_a_text_in_the_other_script_is_known_without_opencc(without_opencc: None) -> None:
    assert is_in_the_other("這是", "simplified")
    assert is_in_the_other("这是", "traditional")
    assert not is_in_the_other("这是", "simplified")
    assert not is_in_the_other("人民 people", "traditional")


def test_without_opencc_what_was_asked_for_is_refused_and_what_was_not_goes_on(without_opencc: None) -> None:
    assert isinstance(missing_converter(), MissingExtraError)
    assert written("這是", "simplified", "zh") == "這是"
    for refused in (lambda: converted("", "simplified"), lambda: cer("a", "a", script="simplified")):
        with pytest.raises(MissingExtraError, match=r"pip install 'ipyspeaches\[zh\]'"):
            refused()


def test_error_rates_compare_across_scripts_when_asked() -> None:
    assert cer(SAID, HEARD).rate == 0.5
    for script in SCRIPTS:
        assert cer(SAID, HEARD, script=script).rate == pytest.approx(1 / 6)
        assert wer(SAID, HEARD, script=script).rate == pytest.approx(1 / 6)
    # Punctuation and full width are as without.
    assert cer("广州，ＡＢＣ。", "廣州 abc", script="simplified").rate == 0
    with pytest.raises(ValueError, match="script is 'hans': give 'simplified' or 'traditional' or None"):
        cer("a", "a", script="hans")  # type: ignore[arg-type]


def compared(runs: Sequence[str], reference: str | None, **options: str) -> Comparison:
    found = [ComparedRun(text, Transcript([Segment(0, 1, text)]), Latency()) for text in runs]
    return Comparison(found, reference, **options)  # type: ignore[arg-type]


def test_a_comparison_counts_and_marks_across_scripts_when_asked() -> None:
    plain = compared(["廣州"], "广州")
    assert plain.to_pandas()["cer"].tolist() == [0.5]
    asked = plain.against("广州", script="simplified")
    assert asked.to_pandas()["cer"].tolist() == [0]
    assert ("<del" in plain._repr_html_(), "<del" in asked._repr_html_()) == (True, False)
    # Without a reference, the first run is what the others are compared with.
    assert "<ins" not in compared(["廣州", "广州"], None, script="traditional")._repr_html_()


def test_a_comparison_that_cannot_be_had_is_refused_at_once(without_opencc: None) -> None:
    with pytest.raises(MissingExtraError):
        compared(["廣州"], "广州", script="simplified")
