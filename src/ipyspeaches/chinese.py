"""Chinese in Simplified or Traditional characters, whichever a recogniser has written.

OpenCC converts, by the extra ``zh``. Characters change and nothing else: no vocabulary (軟體 becomes 软体, not 软件),
because that is what was said, and no length, so that what counts characters goes on counting right. Traditional is
written as in Taiwan.

What is in the wanted script already has to stay: OpenCC takes it for granted that it gets the other one, and would make
萬里長城 into 萬裡長城 and 专著 into 专着. So each run of characters is converted as what most of it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from ipyspeaches.errors import MissingExtraError
from ipyspeaches.words import Word

Script: TypeAlias = Literal["simplified", "traditional"]
SCRIPTS: Final = ("simplified", "traditional")
CHINESE: Final = frozenset({"zh", "yue"})
"""Codes of the languages that are written in these scripts."""

_EITHER: Final = frozenset(
    "㐹万丑丰于云亘仆价伙余佣党准几凶划占厂厘台叶吁吃后咨咸唇夸尸岩岳帘干广征愿挂据斗朴杠杰极柜涂涌淀游熏皂确种筑"
    "胜腊腌膻苹范荐虫蚝蜡蝎跖辟适郁采里雇"
)
"""Characters that OpenCC's ``STCharacters`` changes although they are Traditional ones, too: 后 in 皇后, 里 in 公里."""
_RUN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_OTHERS: Final = frozenset({"ja", "ko"})
"""Codes of languages with Chinese characters of their own, such as 国 and 学, which stay as they are."""
_FOREIGN: Final = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\u1100-\u11ff\uac00-\ud7a3]")
"""Kana and Hangul: their language, too, has characters of its own."""
_TELLING: Final = {
    "simplified": frozenset(
        "这们来时为国会说对还过与产业电话请问么样学习开关无体长门间见点发经进动现实应该从当没两乐车东广"
    ),
    "traditional": frozenset(
        "這們來時為國會說對還過與產業電話請問麼樣學習開關無體長門間見點發經進動現實應該從當沒兩樂車東廣"
    ),
}
"""Frequent characters that are written in one script alone."""
_REACH: Final = 200
"""Characters within which the next word of a text begins."""


def missing_converter() -> MissingExtraError | None:
    """Return why Chinese cannot be converted; None if it can."""
    try:
        _converter("t2s")
    except MissingExtraError as exc:
        return exc
    return None


def converted(text: str, script: str) -> str:
    """Return a text in one of `SCRIPTS`; as long as before. It is a `MissingExtraError` if OpenCC is not installed."""
    _converter("t2s")  # refuses a text without Chinese, too, if it is not there
    convert = _simplified if script == "simplified" else _traditional
    return _RUN.sub(lambda run: convert(run.group()), text)


def written(text: str, script: str | None, language: str | None = None) -> str:
    """Return a recognised text in a script, if it is Chinese, as far as is known, and OpenCC is there.

    ``language`` is the code of the language that was heard, or asked for.
    """
    if script is None or language in _OTHERS or (language not in CHINESE and _FOREIGN.search(text)):
        return text
    try:
        return converted(text, script)
    except MissingExtraError:
        return text  # whoever has asked for the script was told; see `missing_converter`


def is_in_the_other(text: str, script: str) -> bool:
    """Whether a text is plainly written in the other script; short ones may be in both."""
    return any(not chars.isdisjoint(text) for name, chars in _TELLING.items() if name != script)


def words_written(words: Iterable[Word], before: str, after: str, script: str | None) -> Iterator[Word]:
    """Yield the words of a text that was converted from ``before`` to ``after``, spelled as in that, at their times."""
    at = 0
    for word in words:
        core = word.word.strip()
        found = before.find(core, at, at + len(core) + _REACH) if core else -1
        if found < 0:
            # Not in the text, so it has to do without what stands around it there.
            yield word if before == after else replace(word, word=written(word.word, script, "zh"))
            continue
        at = found + len(core)
        yield replace(word, word=word.word.replace(core, after[found:at], 1))


def _simplified(run: str) -> str:
    # The one for Taiwan knows that the particle 著 is 着; in Simplified text, 著 is a word of its own.
    return _convert(run, "tw2s" if _is_traditional(run) else "t2s")


def _traditional(run: str) -> str:
    found = _convert(run, "s2tw")
    if not _is_traditional(run):
        return found
    return "".join(new if _leaning(old) < 0 else old for old, new in zip(run, found, strict=True))


def _is_traditional(run: str) -> bool:
    """Whether more of a text is in Traditional characters alone than in Simplified ones alone."""
    return sum(map(_leaning, run)) > 0


@cache
def _leaning(character: str) -> int:
    """Return 1 for a character that is in Traditional alone, -1 for one that is in Simplified alone, else 0."""
    if _convert(character, "t2s") != character:
        return 1
    return -1 if character not in _EITHER and _convert(character, "s2tw") != character else 0


def _convert(text: str, configuration: str) -> str:
    found: str = _converter(configuration).convert(text)
    if len(found) == len(text):
        return found
    # No entry of these tables changes the length; should one ever do so, the phrase is given up.
    return text if len(text) == 1 else "".join(_convert(character, configuration) for character in text)


@cache
def _converter(configuration: str) -> Any:  # noqa: ANN401  OpenCC's
    try:
        from opencc import OpenCC
    except ImportError as exc:
        raise MissingExtraError("opencc", "zh", "write Chinese in simplified or traditional characters") from exc
    return OpenCC(configuration)
