from __future__ import annotations

import math
import re
from collections.abc import Callable
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyspeaches.results.subtitles import LINE_COLUMNS, Span, split, to_srt, to_vtt, wrap
from ipyspeaches.terminal import columns
from ipyspeaches.words import Word

TIMES = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)[,.](\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)[,.](\d{3})")


def parse(blocks: list[str]) -> list[tuple[int, int, str]]:
    """Read cues as a player does: a line of times, then text up to the blank line."""
    cues = []
    for block in blocks:
        times, *text = block.split("\n")
        match = TIMES.fullmatch(times)
        assert match, times
        h, m, s, ms, h2, m2, s2, ms2 = map(int, match.groups())
        cues.append((((h * 60 + m) * 60 + s) * 1000 + ms, ((h2 * 60 + m2) * 60 + s2) * 1000 + ms2, "\n".join(text)))
    return cues


def parse_srt(text: str) -> list[tuple[int, int, str]]:
    blocks = text.rstrip("\n").split("\n\n") if text else []
    assert [block.split("\n")[0] for block in blocks] == [str(n) for n in range(1, len(blocks) + 1)]
    return parse([block.split("\n", 1)[1] for block in blocks])


def parse_vtt(text: str) -> list[tuple[int, int, str]]:
    header, *blocks = text.rstrip("\n").split("\n\n")
    assert header == "WEBVTT"
    return [(start, end, unescape(shown)) for start, end, shown in parse(blocks)]


def test_srt_has_numbers_times_and_texts() -> None:
    spans = [(0.5, 1.25, "Good morning."), (3725.0014, 3726.9996, "你好")]
    assert to_srt(spans) == (
        "1\n00:00:00,500 --> 00:00:01,250\nGood morning.\n\n2\n01:02:05,001 --> 01:02:07,000\n你好\n"
    )


def test_vtt_escapes_what_is_markup_there() -> None:
    assert to_vtt([(0, 1, "a < b && c --> d")]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &lt; b &amp;&amp; c --&gt; d\n"
    )


def test_srt_has_no_time_and_no_markup_in_its_texts() -> None:
    assert to_srt([(0, 1, "go --> there & <b>")]).endswith("\ngo → there & ‹b›\n")
    assert to_srt([(0, 1, "{\\an8}<i>top</i>")]).endswith("\n(\\an8)‹i›top‹/i›\n")


def test_a_blank_line_in_a_text_does_not_end_the_cue() -> None:
    assert parse_srt(to_srt([(0, 1, "one\r\n\r\n2\n\n three ")])) == [(0, 1000, "one 2 three")]


def test_empty_texts_are_left_out_and_numbers_go_on() -> None:
    spans = [(0, 1, "one"), (1, 2, " \n"), (2, 3, "three")]
    assert [text for *_, text in parse_srt(to_srt(spans))] == ["one", "three"]
    assert to_srt([]) == ""
    assert to_vtt([]) == "WEBVTT\n"


def test_a_hundred_hours_fit() -> None:
    assert to_srt([(360_000, 360_001, "late")]).startswith("1\n100:00:00,000 --> 100:00:01,000\n")


SPANS = st.lists(
    st.tuples(
        st.floats(-1, 4e5),
        st.floats(-1, 4e5),
        st.text(st.characters(exclude_categories=["Cs"])) | st.text("ab->&<;\r\n \u2028\0", max_size=12),
    )
)


@given(SPANS)
def test_what_is_written_can_be_read_back(spans: list[Span]) -> None:
    spoken = [(start, " ".join(text.replace("\0", "").split())) for start, _, text in spans]
    kept = [(start, text) for start, text in spoken if text]
    unmarked = [text.replace("-->", "→").translate(str.maketrans("<>{}", "‹›()")) for _, text in kept]
    for cues, texts in ((parse_srt(to_srt(spans)), unmarked), (parse_vtt(to_vtt(spans)), [text for _, text in kept])):
        assert [" ".join(text.split()) for *_, text in cues] == texts
        for (start_ms, end_ms, _), (start, _) in zip(cues, kept, strict=True):
            assert end_ms > start_ms
            assert abs(start_ms - max(0, start) * 1000) <= 0.501


LECTURE = "It was a bright cold day in April, and the clocks were striking thirteen. " * 5


def test_a_long_text_is_split_after_sentences_into_two_lines_of_42() -> None:
    pieces = list(split(0.0, 30.0, LECTURE))
    assert [text for *_, text in pieces] == [LECTURE[:73]] * 5
    assert pieces[0][:2] == (0.0, 6.0)
    assert pieces[-1][1] == 30.0
    assert wrap(pieces[0][2]) == "It was a bright cold day in April,\nand the clocks were striking thirteen."


def test_pieces_have_the_times_of_their_words() -> None:
    words = [Word(word, 0.3 * n, 0.3 * n + 0.2) for n, word in enumerate(LECTURE.split())]
    pieces = list(split(0.0, 30.0, LECTURE, words))
    first = len(pieces[0][2].split())
    assert pieces[0][1] == words[first - 1].end
    assert pieces[1][0] == words[first].start


@pytest.mark.parametrize(
    "times",
    [
        lambda n: (0.0, 30.0),  # each those of its segment
        lambda n: (n // 9 * 5.0, n // 9 * 5.0 + 5.0),  # or of its sentence
        lambda n: (0.0, 0.0),
        lambda n: (30.0 - 0.3 * n, 30.2 - 0.3 * n),
        lambda n: (n * 7 % 30, n * 7 % 30 + 0.5),
        lambda n: (300.0 + 0.3 * n, 300.2 + 0.3 * n),  # on another clock
        lambda n: (0.3 * n, math.inf),
    ],
)
def test_times_of_words_that_leave_no_time_to_read_do_not_count(times: Callable[[int], tuple[float, float]]) -> None:
    words = [Word(word, *times(n)) for n, word in enumerate(LECTURE.split())]
    assert list(split(0.0, 30.0, LECTURE, words)) == list(split(0.0, 30.0, LECTURE))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "我用Python和Jupyter Notebook做实时语音识别，效果很不错，大家都可以试试看这个工具哦。",
            ["我用Python和Jupyter Notebook\n做实时语音识别，效果很不错，", "大家都可以试试看这个工具哦。"],
        ),
        (  # a recogniser that writes no marks puts spaces where somebody paused
            "一二线城市虽然也处于调整中 但因为聚集了过多公共资源 为了规避三四线城市明显过剩的市场风险",
            ["一二线城市虽然也处于调整中\n但因为聚集了过多公共资源", "为了规避三四线城市明显过剩的市场风险"],
        ),
        (
            "他说：“今天天气真的非常不错，我们一起出去走走吧！”她说：“那好，我们到公园里去看看花。”",
            ["他说：“今天天气真的非常不错，\n我们一起出去走走吧！”", "她说：“那好，我们到公园里去看看花。”"],
        ),
    ],
)
def test_chinese_is_split_where_somebody_would_pause(text: str, shown: list[str]) -> None:
    assert [wrap(piece) for *_, piece in split(0.0, 30.0, text)] == shown


def test_chinese_is_split_between_characters_and_not_before_a_mark() -> None:
    text = "今天天气很好，我们去公园散步。" * 6
    pieces = [piece for *_, piece in split(0.0, 30.0, text)]
    assert "".join(pieces) == text
    assert not any(piece.startswith(("，", "。")) for piece in pieces)
    assert all(columns(line) <= LINE_COLUMNS for piece in pieces for line in wrap(piece).split("\n"))


@pytest.mark.parametrize("seen", ["👨\u200d👩\u200d👧\u200d👦", "👍🏽", "🇩🇪", "❤️", "今\u0301", "\u1112\u1161\u11ab"])
@pytest.mark.parametrize("shift", ["", "x"])
def test_what_is_seen_as_one_character_stays_whole(seen: str, shift: str) -> None:
    pieces = [wrap(piece) for *_, piece in split(0.0, 30.0, shift + seen * 120)]
    assert len(pieces) > 1 or seen in {"🇩🇪", "❤️"}  # which are as narrow as letters
    assert not "".join(pieces).replace("\n", "").removeprefix(shift).replace(seen, "")
    assert not any(re.sub(f"^{shift}", "", line).replace(seen, "") for piece in pieces for line in piece.split("\n"))


@given(st.lists(st.text("abcdefgh.,今天，", min_size=1, max_size=20), min_size=1, max_size=40))
def test_no_character_is_lost_and_lines_fit(words: list[str]) -> None:
    text = " ".join(words)
    pieces = list(split(1.0, 31.0, text))
    assert "".join("".join(piece for *_, piece in pieces).split()) == "".join(text.split())
    assert [start for start, *_ in pieces] == sorted(start for start, *_ in pieces)
    for start, end, piece in pieces:
        assert 1.0 <= start <= end <= 31.0
        assert len(wrap(piece).split("\n")) <= 2


def test_a_word_of_any_length_takes_no_longer_than_to_write_it() -> None:
    assert wrap("x" * 3_000_000) == "x" * 3_000_000
