"""What a client may change, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.local.engines import POCKETSPHINX, DecodingOptions, engine_spec
from ipyspeaches.local.session_settings import SessionSettings, TurnDetectionSettings, updated
from openai_events import event
from realtime_client import MODEL

MODELS = {spec.model: spec for spec in (POCKETSPHINX, engine_spec("faster-whisper"))}
SETTINGS = SessionSettings(POCKETSPHINX.model)
PCM = {"type": "audio/pcm", "rate": 24_000}


def turn_detection(**values: object) -> TurnDetectionSettings | None:
    return updated(SETTINGS, {"turn_detection": values}, MODELS.get).turn_detection


def test_a_part_of_turn_detection_is_enough() -> None:
    assert turn_detection(threshold=0.7) == TurnDetectionSettings(threshold=0.7)
    assert turn_detection(silence_duration_ms=200, type="server_vad") == TurnDetectionSettings(silence_duration_ms=200)


def test_prefix_padding_is_applied_and_echoed() -> None:
    settings = updated(SETTINGS, {"turn_detection": {"prefix_padding_ms": 120}}, MODELS.get)
    assert settings.as_event("sess_1")["turn_detection"]["prefix_padding_ms"] == 120


def test_null_turns_detection_off_and_an_object_on_again() -> None:
    manual = updated(SETTINGS, {"turn_detection": None}, MODELS.get)
    assert manual.turn_detection is None
    assert not manual.server_cuts
    assert manual.as_event("sess_1")["turn_detection"] is None
    assert updated(manual, {"turn_detection": {"threshold": 0.6}}, MODELS.get).server_cuts


def test_a_threshold_of_one_never_cuts() -> None:
    settings = updated(SETTINGS, {"turn_detection": {"threshold": 1.0}}, MODELS.get)
    assert settings.turn_detection is not None
    assert not settings.server_cuts


@pytest.mark.parametrize(
    "session",
    [
        None,
        [],
        {"turn_detection": {"threshold": 1.5}},
        {"turn_detection": {"threshold": float("nan")}},
        {"turn_detection": {"threshold": "0.5"}},
        {"turn_detection": {"threshold": True}},
        {"turn_detection": {"silence_duration_ms": -1}},
        {"turn_detection": {"type": "semantic_vad"}},
        {"turn_detection": 5},
        {"input_audio_format": "g711_ulaw"},
        {"input_audio_transcription": None},
        {"input_audio_transcription": {"model": "no/such"}},
        {"input_audio_transcription": {"language": "zh"}},
        {"input_audio_transcription": {"language": 5}},
        {"audio": 5},
        {"audio": {"input": "x"}},
        {"audio": {"input": {"format": {"type": "audio/pcmu"}}}},
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
        {"audio": {"input": {"transcription": {"model": "no/such"}}}},
        {"audio": {"input": {"transcription": 5}}},
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
    ],
)
def test_what_cannot_be_is_refused(session: object) -> None:
    with pytest.raises(InputError, match=r"\w"):
        updated(SETTINGS, session, MODELS.get)


def test_the_language_stays_on_null_and_is_unset_by_an_empty_one() -> None:
    english = updated(SETTINGS, {"input_audio_transcription": {"language": "en-GB"}}, MODELS.get)
    assert english.decoding.language == "en-GB"
    assert updated(english, {"input_audio_transcription": {"language": None}}, MODELS.get).decoding.language == "en-GB"
    assert updated(english, {"input_audio_transcription": {"language": ""}}, MODELS.get).decoding.language is None


def test_what_has_nothing_to_do_with_transcription_is_ignored() -> None:
    ignored: dict[str, Any] = {"modalities": ["text"], "temperature": 0.1, "instructions": "…"}
    assert updated(SETTINGS, ignored, MODELS.get) == SETTINGS


def test_whisper_models_understand_any_language_but_the_english_ones() -> None:
    chinese = DecodingOptions("zh-TW")
    assert engine_spec("faster-whisper").language_problem(chinese) is None
    assert "'zh-TW'" in str(engine_spec("faster-whisper", "Systran/faster-whisper-tiny.en").language_problem(chinese))


@pytest.mark.parametrize(("name", "model"), [("sphinx", None), ("pocketsphinx", "no/such")])
def test_unknown_engines_and_models_are_refused(name: str, model: str | None) -> None:
    with pytest.raises(InputError, match="engine"):
        engine_spec(name, model)


def asked(settings: SessionSettings = SETTINGS, **audio_input: object) -> SessionSettings:
    return updated(settings, {"type": "transcription", "audio": {"input": audio_input}}, MODELS.get)


def test_an_update_in_the_newer_shape_is_answered_in_it() -> None:
    cutting = {"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 300, "prefix_padding_ms": 200}
    settings = asked(format=PCM, turn_detection=cutting, transcription={"model": MODEL, "language": "en"})
    assert settings.turn_detection == TurnDetectionSettings(0.4, 300, 200)
    session = settings.as_event("sess_1")
    event("session.updated", session=session)  # valid by the official types
    assert session["audio"]["input"]["transcription"] == {"model": MODEL, "language": "en"}
    assert session["audio"]["input"]["turn_detection"] == cutting


def test_null_turns_detection_off_and_unsets_a_language() -> None:
    settings = asked(transcription={"model": MODEL, "language": "en"}, turn_detection=None)
    assert settings.turn_detection is None
    assert asked(settings).decoding.language == "en"
    assert asked(settings, transcription={"model": MODEL}).decoding.language == "en"
    unset = asked(settings, transcription={"model": MODEL, "language": None})
    assert unset.decoding.language is None
    event("session.updated", session=unset.as_event("sess_1"))


def test_the_older_shape_is_answered_in_the_older_one() -> None:
    settings = updated(SETTINGS, {"type": "realtime", "turn_detection": None}, MODELS.get)
    assert not settings.nested
    assert settings.as_event("sess_1")["turn_detection"] is None


def test_another_model_of_the_server_may_be_chosen_if_it_knows_the_language() -> None:
    whisper = engine_spec("faster-whisper").model
    chosen = updated(SETTINGS, {"input_audio_transcription": {"model": whisper, "language": "zh"}}, MODELS.get)
    assert (chosen.model, chosen.decoding.language) == (whisper, "zh")
    with pytest.raises(InputError, match="does not understand the language 'zh'"):
        updated(chosen, {"input_audio_transcription": {"model": POCKETSPHINX.model}}, MODELS.get)
