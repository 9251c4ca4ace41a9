"""The characters of Chinese: what is asked for or implied, whatever a server writes, by every way text comes."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from between import between
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, MissingExtraError
from ipyspeaches.protocol.recognition import RecognitionOptions
from ipyspeaches.session import events
from ipyspeaches.session.journal import plain_options
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection
from ipyspeaches.session.session import Session
from ipyspeaches.vad.detectors import EnergyVad
from request_sessions import heard
from scripted_http import Reply, deltas, document
from sessions import ENERGY, next_event, session
from without_opencc import without_opencc

__all__ = ["without_opencc"]

HEARD = "這是後面的頭髮"
SIMPLIFIED = "这是后面的头发"


def document_of(text: str) -> Reply:
    timed = [{"word": character, "start": at / 10, "end": at / 10 + 0.1} for at, character in enumerate(text)]
    return document(text=text, language="chinese", words=timed)


@pytest.mark.parametrize(
    ("language", "script", "code", "wanted"),
    [
        ("zh", None, "zh", "simplified"),
        ("zh-CN", None, "zh", "simplified"),
        ("zh-Hans-HK", None, "zh", "simplified"),
        ("zh_TW", None, "zh", "traditional"),
        ("zh-HK", None, "zh", "traditional"),
        ("zh-Hant", None, "zh", "traditional"),
        ("Traditional Chinese", None, "zh", "traditional"),
        ("繁体中文", None, "zh", "traditional"),
        ("yue", None, "yue", None),
        ("yue-Hant", None, "yue", "traditional"),
        ("en-HK", None, "en", None),
        (None, None, None, None),
        (None, "traditional", None, "traditional"),
        ("zh-CN", "traditional", "zh", "traditional"),
        ("ja", "traditional", "ja", "traditional"),
    ],
)
def test_the_language_implies_a_script_unless_one_is_asked_for(
    language: str | None, script: str | None, code: str | None, wanted: str | None
) -> None:
    options = RecognitionOptions(language=language, script=script)
    assert (options.language, options.wanted_script) == (code, wanted)
    assert options.changed({"model": "test/other"}).wanted_script == wanted


def test_the_last_wish_counts() -> None:
    asked = RecognitionOptions(language="zh-TW")
    assert asked.changed({"script": "simplified"}).wanted_script == "simplified"
    assert asked.changed({"script": "simplified"}).changed({"script": None}).wanted_script == "traditional"
    assert asked.changed({"language": "zh"}).wanted_script == "simplified"
    assert asked.changed({"language": None}).wanted_script is None
    own = asked.changed({"script": "simplified"})
    assert own.changed({"language": "zh"}).wanted_script == "simplified"
    assert own.changed({"language": "zh-HK"}).wanted_script == "traditional"
    assert [RecognitionOptions(language=tag).language_tag for tag in ("zh-TW", "zh", "en", None)] == [
        *("zh-Hant", "zh-Hans", "en", None)
    ]
    with pytest.raises(InputError, match="script is 'hant': use one of 'simplified', 'traditional'"):
        RecognitionOptions(script="hant")
    with pytest.raises(InputError, match="Unknown option implied_script"):
        asked.changed({"implied_script": "simplified"})
    with pytest.raises(InputError, match="Unknown option implied_script"):
        SessionOptions.of({"implied_script": "simplified"})


async def test_realtime_text_is_written_in_the_script_and_follows_changes(scripted: Any, bursts: Recording) -> None:
    scripted.texts = [HEARD, SIMPLIFIED, HEARD]
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4, language="zh-CN") as running:
        assert (await next_event(running, events.Final)).segment.text == SIMPLIFIED
        await running.set_language("zh-TW")
        assert running.script == "traditional"
        assert [e.segment.text async for e in running if isinstance(e, events.Final)][:2] == [SIMPLIFIED, HEARD]
    assert running.transcript.segments[2].text == HEARD
    # The server knows one Chinese: it is asked for nothing new.
    updates = [m["session"] for m in scripted.received if m["type"] == "session.update"]
    assert [one["input_audio_transcription"] for one in updates if "input_audio_transcription" in one] == [
        {"model": "test/model", "language": "zh"}
    ]


async def test_a_script_can_be_set_while_the_language_is_found_out(scripted: Any, bursts: Recording) -> None:
    scripted.texts = [SIMPLIFIED, SIMPLIFIED, SIMPLIFIED]
    async with Session(bursts, server=scripted.url, turn_detection=ENERGY, pace=4) as running:
        assert (await next_event(running, events.Final)).segment.text == SIMPLIFIED
        await running.set_script("traditional")
        await running.set_model("test/model")  # changes nothing about it
        await running.wait()
    assert [segment.text for segment in running.transcript] == [SIMPLIFIED, HEARD, HEARD]


@pytest.mark.parametrize("transport", ["chunked", "sse"])
async def test_requests_are_answered_in_the_script_with_words_at_their_times(
    http_script: Any, bursts: Recording, transport: str
) -> None:
    answer = document_of(HEARD) if transport == "chunked" else deltas(HEARD[:3], HEARD[3:])
    http_script.answer = lambda posted: answer
    running, seen = await heard(http_script, bursts, transport, script="simplified")
    assert [segment.text for segment in running.transcript] == [SIMPLIFIED] * 3
    partials = {event.text for event in seen if isinstance(event, events.Partial)}
    assert partials == (set() if transport == "chunked" else {SIMPLIFIED[:3], SIMPLIFIED})
    if transport == "chunked":
        words = running.transcript.segments[0].words
        assert [word.word for word in words] == list(SIMPLIFIED)
        assert words[1].start - words[0].start == pytest.approx(0.1)
        assert running.transcript.segments[0].language == "zh"


async def test_windows_in_two_scripts_are_one_text(http_script: Any, bursts: Recording) -> None:
    """Whisper writes one window so and the next so; what both have heard is told once all the same."""
    replies = iter([deltas("我們在這裡開會說"), deltas("这里开会说话了"), *[deltas("")] * 9])
    http_script.answer = lambda posted: next(replies)
    noise = Recording(bursts.slice(1, 2).samples.repeat(9), bursts.rate)
    running, _ = await heard(http_script, noise, "sse", chunk_s=5, language="zh-CN")
    assert running.transcript.text == "我们在这里开会说话了"


async def test_interim_text_settles_although_the_server_changes_its_script(scripted: Any, bursts: Recording) -> None:
    asked = 0

    async def transcribe(_: FormData) -> Response:
        nonlocal asked
        asked += 1
        return JSONResponse({"text": (HEARD if asked % 2 else SIMPLIFIED)[: 2 * asked]})

    noise = Recording(bursts.slice(1, 2).samples.repeat(3), bursts.rate)
    seen: list[Any] = []
    with between(scripted.url) as front:
        front.transcribe = transcribe
        turn = TurnDetection.client(EnergyVad(threshold=500))
        options: Any = {"turn_detection": turn, "pace": 2, "interim_s": 0.2, "on_event": seen.append}
        async with Session(noise, server=front.url, language="zh-CN", **options) as running:
            await running.wait()
    partials = [event for event in seen if isinstance(event, events.Partial) and event.text]
    assert [event.text for event in partials] == [SIMPLIFIED[: len(event.text)] for event in partials]
    assert max(event.stable or 0 for event in partials) > 1


def test_a_journal_keeps_what_the_language_implied() -> None:
    kept = plain_options(SessionOptions.of({"language": "zh-TW"}))
    again = {name: value for name, value in kept.items() if name in SessionKeywords.__annotations__}
    assert SessionOptions.of(again).recognition.wanted_script == "traditional"


async def test_a_translation_is_no_chinese(http_script: Any, bursts: Recording) -> None:
    http_script.answer = lambda posted: document(text="He wrote 學.")
    running, _ = await heard(http_script, bursts, task="translate", script="simplified")
    assert running.transcript.segments[0].text == "He wrote 學."


async def test_without_opencc_an_implied_script_is_told_once_and_an_asked_one_refused(
    scripted: Any, bursts: Recording, without_opencc: None
) -> None:
    scripted.texts = [SIMPLIFIED, HEARD, HEARD]
    async with session(scripted, bursts, language="zh-CN") as running:
        await running.wait()
        with pytest.raises(MissingExtraError):
            await running.set_script("simplified")
    assert [segment.text for segment in running.transcript] == [SIMPLIFIED, HEARD, HEARD]
    columns = running.events.columns()
    told = [text for text, detail in zip(columns["text"], columns["detail"], strict=True) if detail == "script"]
    assert [text.count("pip install 'ipyspeaches[zh]'") for text in told] == [1]
    with pytest.raises(MissingExtraError, match="opencc is needed to write Chinese in simplified or traditional"):
        session(scripted, bursts, script="simplified")
