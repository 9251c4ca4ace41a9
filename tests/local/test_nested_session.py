"""The newer shape of a session: asked and answered; with OpenAI's own client, too."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import openai
import pytest
from numpy.typing import NDArray

from ipyspeaches import samples
from ipyspeaches.errors import InputError
from ipyspeaches.local import LocalServer
from ipyspeaches.local.engine import POCKETSPHINX
from ipyspeaches.local.session_settings import SessionSettings, TurnDetectionSettings, updated
from openai_events import event
from realtime_client import MODEL

SETTINGS = SessionSettings(POCKETSPHINX.model)
PCM = {"type": "audio/pcm", "rate": 24_000}


def asked(settings: SessionSettings = SETTINGS, **sound: object) -> SessionSettings:
    return updated(settings, {"type": "transcription", "audio": {"input": sound}}, POCKETSPHINX)


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
    assert asked(settings).language == "en"
    assert asked(settings, transcription={"model": MODEL}).language == "en"
    unset = asked(settings, transcription={"model": MODEL, "language": None})
    assert unset.language is None
    event("session.updated", session=unset.as_event("sess_1"))


def test_the_older_shape_is_answered_in_the_older_one() -> None:
    settings = updated(SETTINGS, {"type": "realtime", "turn_detection": None}, POCKETSPHINX)
    assert not settings.nested
    assert settings.as_event("sess_1")["turn_detection"] is None


@pytest.mark.parametrize(
    "session",
    [
        {"audio": 5},
        {"audio": {"input": "x"}},
        {"audio": {"input": {"format": {"type": "audio/pcmu"}}}},
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
        {"audio": {"input": {"transcription": {"model": "no/such"}}}},
        {"audio": {"input": {"transcription": 5}}},
        {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
    ],
)
def test_what_cannot_be_is_refused(session: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        updated(SETTINGS, session, POCKETSPHINX)


async def test_openais_own_client_is_understood(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    """The official client parses what comes by its own types; the sound is real, and so is the engine."""
    seen: list[Any] = []
    sentences = samples.info("quickstart").sentences
    turn = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 500, "prefix_padding_ms": 100}
    sound: Any = {"format": PCM, "transcription": {"model": MODEL, "language": "en"}, "turn_detection": turn}
    async with (
        openai.AsyncOpenAI(api_key="none", base_url=f"{local_server.url}/v1") as client,
        client.realtime.connect(model=MODEL, extra_query={"intent": "transcription"}) as connection,
    ):
        await connection.session.update(session={"type": "transcription", "audio": {"input": sound}})
        for start in range(0, len(quickstart), 4800):
            piece = quickstart[start : start + 4800].astype("<i2").tobytes()
            await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
        async for came in connection:
            seen.append(came)
            if sum(one.type.endswith("transcription.completed") for one in seen) == len(sentences) - 1:
                break
    kinds = [one.type for one in seen]
    assert kinds[:2] == ["session.created", "session.updated"]
    assert json.loads(seen[1].to_json())["session"]["type"] == "transcription"
    assert "conversation.item.created" not in kinds
    assert kinds.count("conversation.item.added") == kinds.count("conversation.item.done") > 0
    # Its clock goes on from one utterance to the next.
    started = [one.audio_start_ms / 1000 for one in seen if one.type == "input_audio_buffer.speech_started"]
    for began, sentence in zip(started, sentences, strict=False):
        assert began == pytest.approx(sentence.start, abs=0.35)
