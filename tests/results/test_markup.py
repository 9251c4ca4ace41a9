from __future__ import annotations

from html.parser import HTMLParser

import pytest

from ipyspeaches.results import Segment, Transcript
from ipyspeaches.results.markup import MAX_ROWS, clock, transcript_html


class Cells(HTMLParser):
    """Collects the cells of the body with their attributes, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[tuple[dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag == "td":
            self.cells.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            attributes, text = self.cells[-1]
            self.cells[-1] = (attributes, text + data)


def cells(html: str) -> list[tuple[dict[str, str | None], str]]:
    parser = Cells()
    parser.feed(html)
    assert parser.open == []
    return parser.cells


def test_each_segment_is_a_row_of_time_text_language_and_latency() -> None:
    row = cells(transcript_html([Segment(0.5, 62.04, "مرحبا", language="ar", latency_s=0.318)], ""))
    assert [text for _, text in row] == ["0:00.5 – 1:02.0", "مرحبا", "ar", "0.32 s"]
    assert row[1][0]["lang"] == "ar"
    assert row[1][0]["dir"] == "auto"


def test_what_was_said_cannot_become_markup() -> None:
    html = transcript_html([Segment(0, 1, "<script>alert(1)</script>", language='"><b>')], "<i>so far")
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert cells(html)[1] == (cells(html)[1][0] | {"lang": '"><b>'}, "<script>alert(1)</script>")


def test_text_that_is_not_final_is_set_apart() -> None:
    html = transcript_html([], "good mor")
    assert "<em>good mor</em>" in html
    assert "Nothing has been said yet" not in html


def test_nothing_yet_says_so() -> None:
    assert "Nothing has been said yet" in Transcript()._repr_html_()


def test_a_long_transcript_shows_its_beginning_and_says_how_much_more() -> None:
    html = transcript_html([Segment(i, i + 1, "x") for i in range(MAX_ROWS + 1200)], "")
    assert html.count('dir="auto"') == MAX_ROWS
    assert "1,200 more" in html


@pytest.mark.parametrize(
    ("time_s", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (3599.99, "1:00:00.0"), (-0.2, "0:00.0")]
)
def test_times_are_rounded_once(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown
