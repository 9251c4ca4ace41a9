from __future__ import annotations

import base64
import json
import re

import pytest

from ipyspeaches.errors import ConnectionLostError, ModelNotFoundError, ProtocolError, ServerAuthError, ServerError
from ipyspeaches.protocol.protocol_events import Disconnected, ProtocolEvent, Ready, Reported, Unknown
from ipyspeaches.protocol.realtime.media import Media
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import NEVER, committed, completed, created, error, feed, message, ready, session, started, stopped

FAILED = "conversation.item.input_audio_transcription.failed"
FIRST = [started("a", 100), stopped("a", 3000), committed("a"), created("a")]


def lost(
    *messages: str,
    client_cuts: bool = False,
    code: int | None = None,
    reason: str = "",
    idle_s: float | None = None,
    api_key: str | None = "sk-1",
) -> Disconnected:
    """Return what a connection ends with after these messages."""
    protocol = ready(client_cuts=client_cuts, api_key=api_key)
    feed(protocol, *messages)
    [event] = protocol.connection_lost(code, reason, idle_s=idle_s)
    assert isinstance(event, Disconnected)
    text = str(event.error)
    assert ": " in text, "what happened, and what to do"
    assert text.endswith(".")
    assert "\n" not in text
    return event


@pytest.mark.parametrize("client_cuts", [True, False])
def test_a_cut_right_after_the_first_item_may_be_a_missing_loopback(client_cuts: bool) -> None:
    event = lost(*(FIRST[2:] if client_cuts else FIRST), client_cuts=client_cuts)
    assert isinstance(event.error, ConnectionLostError), "which is tried again like others"
    assert "it may be a Speaches without LOOPBACK_HOST_URL" in str(event.error)


@pytest.mark.parametrize(
    ("messages", "idle_s"),
    [
        pytest.param([*FIRST, completed("a", "text"), stopped("b", 9), committed("b"), created("b")], None, id="later"),
        pytest.param(
            [*FIRST[2:], message(FAILED, item_id="a", error={"message": "no"}), committed("b"), created("b")],
            None,
            id="behind a failure",
        ),
        pytest.param(FIRST, 5.0, id="after a while"),
        pytest.param(FIRST[:3], None, id="before the item"),
        pytest.param([*FIRST[:1], *FIRST[2:]], None, id="without a stop"),
        pytest.param([], None, id="at once"),
    ],
)
def test_other_cuts_are_a_lost_connection(messages: list[str], idle_s: float | None) -> None:
    event = lost(*messages, idle_s=idle_s)
    assert type(event.error) is ConnectionLostError
    assert "connect again" in str(event.error)
    assert "LOOPBACK" not in str(event.error)


@pytest.mark.parametrize(
    "words",
    [
        {"text": "Error code: 404 - {'detail': \"Model 'no/such' is not installed locally. You can …\"}"},
        {"text": "The model 'no/such' does not exist"},
        {"text": "nothing to be found", "code": "model_not_found"},
    ],
)
def test_a_missing_model_is_named_with_the_cure(words: dict[str, str]) -> None:
    text = words.pop("text")
    protocol = ready(client_cuts=True, model="no/such")
    feed(protocol, error(text, **words))
    [event] = protocol.connection_lost(None)
    assert isinstance(event, Disconnected)
    assert isinstance(event.error, ModelNotFoundError)
    assert "'no/such'" in str(event.error)
    assert "GET /v1/models" in str(event.error)


def test_only_the_last_event_is_to_blame() -> None:
    event = lost(error("Internal Server Error", "server_error"), *FIRST, completed("a", "text"))
    assert type(event.error) is ConnectionLostError
    event = lost(*FIRST, error("Internal\n Server Error", "server_error"))
    assert "“Internal Server Error”" in str(event.error)


def test_expected_errors_are_not_to_blame() -> None:
    expected = error("Specifying `session.turn_detection.prefix_padding_ms` is not supported.")
    repeated = error("Error adding item: the item with id 'a' already exists.")
    event = lost(*FIRST, completed("a", "text"), expected, repeated)
    assert type(event.error) is ConnectionLostError


def test_long_words_of_the_server_are_shortened() -> None:
    assert len(str(lost(error("x" * 5000, "server_error")).error)) < 500


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (1000, ConnectionLostError, "closed the session (code 1000, “bye”)"),
        (1001, ConnectionLostError, "closed the session"),
        (1008, ServerAuthError, "api_key"),
        (1009, ProtocolError, "too big"),
        (1011, ConnectionLostError, "code 1011"),
        (1012, ConnectionLostError, "“bye”"),
        (3000, ServerAuthError, "key"),
        (None, ConnectionLostError, "without notice"),
    ],
)
def test_codes_in_words(code: int | None, kind: type[ServerError], words: str) -> None:
    event = lost(*FIRST, completed("a", "text"), code=code, reason="" if code is None else "bye")
    assert type(event.error) is kind
    assert words in str(event.error)


def test_a_refused_key_is_no_lost_connection() -> None:
    event = lost(error("Incorrect API key provided", code="invalid_api_key"), code=1000)
    assert isinstance(event.error, ServerAuthError)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("", ServerAuthError),
        ("invalid token", ServerAuthError),
        ("Unauthorized", ServerAuthError),
        ("quota exhausted", ConnectionLostError),
        ("Rate limit for key number 5", ConnectionLostError),
        ("no such model", ConnectionLostError),
        ("Too many sessions", ConnectionLostError),
    ],
)
def test_a_reason_of_its_own_is_not_the_key(reason: str, kind: type[ServerError]) -> None:
    event = lost(*FIRST, completed("a", "text"), code=1008, reason=reason)
    assert type(event.error) is kind
    assert reason in str(event.error)
    assert ("api_key" in str(event.error)) is (kind is ServerAuthError)


def test_a_server_that_has_worked_without_a_key_ends_for_another_reason() -> None:
    assert type(lost(*FIRST, completed("a", "text"), code=1008, api_key=None).error) is ConnectionLostError
    assert type(lost(code=1008, api_key=None).error) is ServerAuthError


def test_what_a_server_refuses_in_words_is_not_the_key() -> None:
    event = lost(error("The model knows no language 'zh'.", code="invalid_value"), code=1008)
    assert type(event.error) is ProtocolError
    assert "“The model knows no language 'zh'.”" in str(event.error)
    assert "key" not in str(event.error)


def test_an_end_before_the_session_is_another_thing() -> None:
    protocol = RealtimeProtocol(RecognitionOptions())
    protocol.connection_opened()
    [event] = protocol.connection_lost(None)
    assert isinstance(event, Disconnected)
    assert "before it opened a session" in str(event.error)


@pytest.mark.parametrize("answers", [True, False])
def test_a_chat_that_cannot_answer_is_told_from_a_transcription(answers: bool) -> None:
    protocol = RealtimeProtocol(RecognitionOptions(model="some/model", server_vad=ServerTurnDetection()))
    protocol.connection_opened()
    protocol.receive_message(session(vad={"type": "server_vad", "create_response": True}))
    if not answers:
        protocol.receive_message(session("session.updated"))
    feed(protocol, message("response.created"), error("no language model", "server_error"))
    [event] = protocol.connection_lost(None)
    assert isinstance(event, Disconnected)
    assert ("intent=transcription" in str(event.error)) is answers


def wrapped(text: str, pieces: int) -> list[str]:
    """Return a message as it comes over a data channel."""
    whole = base64.b64encode(text.encode()).decode()
    size = -(-len(whole) // pieces)
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    kind = "full_message" if pieces == 1 else "partial_message"
    numbers = [{"fragment_index": at, "total_fragments": len(parts)} if pieces > 1 else {} for at in range(len(parts))]
    return [
        json.dumps({"id": "event_1", "type": kind, "data": part, **number})
        for part, number in zip(parts, numbers, strict=True)
    ]


@pytest.mark.parametrize("pieces", [0, 1, 3])
@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("key", ["sk-very-secret", "1234", "null", "error", "session"])
def test_a_key_that_the_server_quotes_is_in_no_event(pieces: int, as_bytes: bool, key: str) -> None:
    media = Media() if pieces else None
    protocol = RealtimeProtocol(RecognitionOptions(model="some/model"), media=media, api_key=f"{key}\n")
    protocol.connection_opened()
    events: list[ProtocolEvent] = []
    said = [session(vad=NEVER), error(f"The key {key} is over its limit"), message("odd", words=[key])]
    for text in said:
        for piece in wrapped(text, pieces) if pieces else [text]:
            events += protocol.receive_message(piece.encode() if as_bytes else piece)
    events += protocol.connection_lost(1000, f"bye, {key}")
    assert [type(event) for event in events] == [Ready, Reported, Unknown, Disconnected]
    assert "The key … is over its limit" in repr(events)
    assert "bye, …" in repr(events)
    assert not re.search(rf"{key} is over|bye, {key}|words': .{key}", repr(events) + repr(vars(protocol)))
