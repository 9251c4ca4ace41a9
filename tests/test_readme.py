"""The README in both languages: what it links to is there, and both show the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

READMES = ("README.md", "README.zh-CN.md")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("name", READMES)
def test_every_link_into_the_repository_leads_somewhere(root: Path, name: str) -> None:
    linked = LINK.findall((root / name).read_text(encoding="utf-8"))
    assert {"DEVELOP.md", *READMES} - {name} <= set(linked)
    assert [link for link in linked if not (root / link).exists()] == []


def test_both_languages_have_the_same_sections_pictures_and_tables(root: Path) -> None:
    # Pictures show words in their language.
    english, chinese = ((root / name).read_text(encoding="utf-8").replace(".zh-CN.png", ".png") for name in READMES)
    for shape in (r"^(#+) ", r"!\[.*\]\((.*)\)", r"^\| (`[^|]*`)", r"^```(\w+)$"):
        found = re.findall(shape, english, re.MULTILINE)
        assert found
        assert re.findall(shape, chinese, re.MULTILINE) == found
