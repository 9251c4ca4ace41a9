"""Languages as people type them and as servers name them."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import RecognitionOptions
from ipyspeaches.protocol.languages import language_code, language_heard


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        *(
            ("en", "en"),
            ("EN", "en"),
            ("en-US", "en"),
            ("en_US.UTF-8", "en"),
            ("english", "en"),
            ("English (US)", "en"),
        ),
        *(("zh-CN", "zh"), ("zh_Hans_CN", "zh"), ("Chinese", "zh"), ("simplified Chinese", "zh"), ("中文", "zh")),
        *(("zh-yue-HK", "yue"), ("Cantonese", "yue"), ("pt-BR", "pt"), ("Brazilian Portuguese", "pt"), ("deu", "de")),
        *(("nb-NO", "no"), ("iw", "he"), ("jv", "jw"), (" Haitian Creole\n", "ht"), ("Français", "fr"), ("ｅｎ", "en")),
        *((None, None), ("", None), ("auto", None)),
    ],
)
def test_what_people_type_becomes_the_code_that_the_server_knows(typed: str | None, code: str | None) -> None:
    assert language_code(typed) == code
    assert RecognitionOptions(language=typed).language == code
    assert RecognitionOptions().changed({"language": typed}).language == code


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("englsh", r"'en' \(English\)"),
        ("Germn", r"'de' \(German\)"),
        ("xx", "give a code such as 'en'"),
        ("klingon", "do not know"),
        (5, "give a code"),
    ],
)
def test_an_unknown_language_is_refused_here_with_the_nearest(typed: Any, nearest: str) -> None:
    with pytest.raises(InputError, match=nearest):
        RecognitionOptions(language=typed)


@pytest.mark.parametrize(
    ("named", "code"),
    [
        *(("english", "en"), ("Chinese", "zh"), ("en", "en"), ("en-GB", "en"), ("cmn", "zh"), ("GA-IE", "ga-ie")),
        *((None, None), ("", None), ("unknown language", None), ("<b>", None)),
    ],
)
def test_a_language_that_a_server_names_becomes_its_code(named: str | None, code: str | None) -> None:
    assert language_heard(named) == code
