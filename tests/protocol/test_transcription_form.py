"""What is asked becomes the fields that the endpoints have, and no others."""

from __future__ import annotations

import pytest

from ipyspeaches.protocol import TranscriptionOptions

EVERYTHING = {"language": "zh", "prompt": "Anna, Beijing", "hotwords": "Speaches", "temperature": 0.2}


def test_words_are_asked_for_with_their_times() -> None:
    assert TranscriptionOptions(model="m").form() == {
        "model": "m",
        "response_format": "verbose_json",
        "timestamp_granularities[]": "word",
    }


def test_every_option_has_its_field() -> None:
    form = TranscriptionOptions(model="m", **EVERYTHING).form()  # type: ignore[arg-type]
    assert {name: form[name] for name in EVERYTHING} == {**EVERYTHING, "temperature": "0.2"}


def test_a_temperature_of_zero_is_one() -> None:
    assert TranscriptionOptions(model="m", temperature=0).form()["temperature"] == "0"


def test_a_stream_has_no_times() -> None:
    form = TranscriptionOptions(model="m", stream=True).form()
    assert form == {"model": "m", "response_format": "json", "stream": "true"}


def test_translation_has_fewer_fields_and_says_so() -> None:
    options = TranscriptionOptions(model="m", translate=True, **EVERYTHING)  # type: ignore[arg-type]
    assert options.path == "/v1/audio/translations"
    assert options.form() == {
        "model": "m",
        "response_format": "verbose_json",
        "prompt": "Anna, Beijing",
        "temperature": "0.2",
    }
    assert options.unused == ("language", "hotwords")


@pytest.mark.parametrize("stream", [True, False])
def test_transcription_uses_everything(stream: bool) -> None:
    options = TranscriptionOptions(model="m", stream=stream, **EVERYTHING)  # type: ignore[arg-type]
    assert options.path == "/v1/audio/transcriptions"
    assert options.unused == ()
