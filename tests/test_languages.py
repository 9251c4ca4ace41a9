"""Languages as people type them and as servers name them."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.languages import is_usual, language_code, language_heard
from ipyspeaches.protocol.recognition import RecognitionOptions


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
        *((None, None), ("", None), ("auto", None), ("cn", "zh"), ("CZ", "cs"), ("yue-Hant-HK", "yue")),
        *(("US", "en"), ("简体中文", "zh"), ("繁体中文", "zh"), ("日语", "ja"), ("und", None), ("multi", None)),
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
        ("zz-Latn", "no code"),
        ("chnese", r"'zh' \(Chinese\)"),
        ("klingon", "no name of a language"),
        ("e", "no code"),
        ("gsw-", "no code"),
        (5, "give a code"),
        (["en", "de"], "give a code"),
    ],
)
def test_an_unknown_language_is_refused_here_with_the_nearest(typed: Any, nearest: str) -> None:
    with pytest.raises(InputError, match=nearest):
        RecognitionOptions(language=typed)


@pytest.mark.parametrize(
    ("typed", "code"),
    [("gsw", "gsw"), ("GSW_ch", "gsw-CH"), ("nan-hant-tw", "nan-Hant-TW"), ("ga", "ga"), ("zu-ZA", "zu-ZA")],
)
def test_a_code_that_only_other_models_know_is_handed_on_as_it_is_written(typed: str, code: str) -> None:
    assert RecognitionOptions(language=typed).language == code == language_heard(code)
    assert not is_usual(code)
    assert is_usual("en")
    assert is_usual(None)


@pytest.mark.parametrize(
    ("named", "code"),
    [
        *(
            ("english", "en"),
            ("Chinese", "zh"),
            ("en", "en"),
            ("en-GB", "en"),
            ("cmn", "zh"),
            ("Mandarin", "zh"),
            ("cantonese", "yue"),
            ("GA-IE", "ga-IE"),
        ),
        *((None, None), ("", None), ("unknown language", None), ("<b>", None)),
    ],
)
def test_a_language_that_a_server_names_becomes_its_code(named: str | None, code: str | None) -> None:
    assert language_heard(named) == code
