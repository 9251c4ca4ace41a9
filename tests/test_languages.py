"""Languages as people type them and as servers name them."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.languages import is_usual, language_code, language_heard, script_named
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
        *(("UK English", "en"), ("CA French", "fr"), ("Latin American Spanish", "es"), ("zh simplified", "zh")),
        *(("Serbian (Latin, Serbia)", "sr"), ("sr@latin", "sr"), ("Punjabi (Arabic)", "pa"), ("Latin", "la")),
        *(("Chinese (Cantonese)", "yue"), ("Norwegian Nynorsk", "nn"), ("Taiwanese Mandarin", "zh"), ("en US", "en")),
        *(("USA", "en"), ("zh\u2011CN", "zh"), ("\ufeffen\u200e", "en"), ("华语", "zh"), ("香港粵語", "yue")),
        *(("Bahasa Melayu", "ms"), ("Bahasa Malaysia (Malaysia)", "ms"), ("Bahasa Indonesia", "id"), ("Bahasa", "id")),
        *(("en-US,en;q=0.9", "en"), ("English (Chinese accent)", "en"), ("en-DE", "en")),
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
        *(("foo", "no code"), ("zzz", "no code"), ("wav", "no code"), ("enu", "no code")),
        *(("no language", "no code"), ("to be detected", "no code"), ("to-be-detected", "no code"), ("-", "no code")),
        *((one, "name one, or None") for one in ("English, German", "English and German", "en/de", "French & English")),
        *((one, "name one, or None") for one in ("English-Chinese", "English with Hindi words", "not English")),
        *((one, "give a code such as") for one in ("Brazilian", "Taiwanese")),
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
    [
        ("gsw", "gsw"),
        ("GSW_ch", "gsw-CH"),
        ("nan-hant-tw", "nan-Hant-TW"),
        ("ga", "ga"),
        ("zu-ZA", "zu-ZA"),
        ("wuu", "wuu"),
        ("ory-in", "ory-IN"),
    ],
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


@pytest.mark.parametrize(
    ("typed", "script"),
    [
        *(("Chinese (Taiwan)", "traditional"), ("Chinese Hong Kong", "traditional"), ("zh-CHT", "traditional")),
        *(
            ("Taiwanese Mandarin", "traditional"),
            ("Chinese (Simplified, Singapore)", "simplified"),
            ("chs", "simplified"),
        ),
        *(("Chinese", None), ("English (Hong Kong)", None), ("English (香港)", None), ("華語", None)),
        *(
            (one, "traditional")
            for one in ("中文（繁體）", "中文(台灣)", "中文-繁體", "繁中", "國語（台灣）", "香港中文")
        ),
        *((one, "traditional") for one in ("中文（香港特別行政區）", "正體中文", "臺灣華語", "中文 繁體字")),
        *((one, "simplified") for one in ("中文（简体）", "粤语(简体)", "简体", "簡體中文", "普通话（中国大陆）")),
    ],
)
def test_chinese_of_a_place_comes_in_its_characters(typed: str, script: str | None) -> None:
    assert script_named(typed) == script
