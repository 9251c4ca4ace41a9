"""Every recorded exchange with a real server ends as it should; what each shows is said in its first line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipyspeaches import languages
from ipyspeaches.errors import ConnectionLostError, ModelNotFoundError, ProtocolError
from ipyspeaches.protocol.protocol_events import (
    ClockMismatch,
    Disconnected,
    Flushed,
    ItemCommitted,
    ItemCompleted,
    Mismatch,
    ProtocolEvent,
    Ready,
    Reported,
    ServerSpeechStarted,
    ServerSpeechStopped,
)
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import server_cut
from replay import CLIENT_CUTS, EXCHANGES, SERVER_CUTS, Replay, lines, shape

MODEL = "Systran/faster-whisper-tiny"
ONE = "and in the same operations without really wants"


def times(events: list[ProtocolEvent]) -> list[tuple[float, float]]:
    """Return the utterances of events in milliseconds."""
    cut = [event.utterance for event in events if isinstance(event, ItemCommitted | ItemCompleted)]
    return [(round(utterance.start_s * 1000), round(utterance.end_s * 1000)) for utterance in cut]


def sent_in(name: str) -> list[dict[str, object]]:
    """Return what the recorded client sent, appends by their length."""
    sent = [line["data"] for line in lines(name)[1:] if line["dir"] == "send"]
    return [{k: v for k, v in message.items() if k != "audio_start_sample"} for message in sent]


def failure(replay: Replay) -> Disconnected:
    """Return the one failure that ends an exchange."""
    [lost] = replay.of(Disconnected)
    assert isinstance(lost, Disconnected)
    assert replay.events[-1] is lost
    assert replay.protocol.state is ProtocolState.FAILED
    return lost


def test_every_exchange_is_tested() -> None:
    recorded = {path.stem for path in EXCHANGES.glob("*.jsonl")}
    source = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in recorded if f'"{name}"' not in source} == set()


@pytest.mark.parametrize("name", sorted(path.stem for path in EXCHANGES.glob("*.jsonl")))
@pytest.mark.parametrize("options", [SERVER_CUTS, CLIENT_CUTS], ids=["server cuts", "client cuts"])
def test_whatever_a_server_says_results_come_once_and_in_an_order(name: str, options: RecognitionOptions) -> None:
    replay = Replay(name, options).run()
    for kind in (ItemCommitted, ItemCompleted, ServerSpeechStarted, ServerSpeechStopped):
        ids = [event.item_id for event in replay.of(kind)]
        assert len(ids) == len(set(ids))
    orders = [event.utterance.number for event in replay.of(ItemCommitted)]
    assert orders == sorted(orders)
    assert all(message != {"type": "input_audio_buffer.append", "audio_samples": 0} for message in replay.sent)


def test_server_vad_gives_one_final_per_item_on_the_session_clock() -> None:
    replay = Replay("ws-server-vad").run()
    assert [type(event).__name__ for event in replay.events] == [
        "Ready",
        *["ServerSpeechStarted", "ServerSpeechStopped", "ItemCommitted", "ItemCompleted"] * 3,
    ]
    assert [event.text for event in replay.of(ItemCompleted)] == [
        "in the comparatively mater",
        ONE,
        "it's never been surpassed",
    ]
    # 3,100 and 4,000 ms are the lengths of the first two buffers.
    assert times(replay.of(ItemCompleted)) == [(608, 3100), (3100 + 928, 7100), (7100 + 992, 10400)]
    assert replay.sent == sent_in("ws-server-vad")
    assert replay.protocol.pending == 0
    assert replay.protocol.state is ProtocolState.CLOSED


def test_finals_out_of_order_keep_the_order_of_their_commits() -> None:
    replay = Replay("ws-client-cuts", CLIENT_CUTS, lambda recorded, _sent: recorded or 0).run()
    assert [event.utterance.number for event in replay.of(ItemCommitted)] == [0, 1, 2, 3, 4]
    assert [event.utterance.number for event in replay.of(ItemCompleted)] == [1, 0, 2, 3, 4]
    first = next(event for event in replay.of(ItemCompleted) if event.utterance.number == 0)
    assert first.text.startswith("and it is worth mentioning")
    assert replay.sent == sent_in("ws-client-cuts")
    assert not replay.of(Mismatch, Reported, ClockMismatch, ServerSpeechStarted, ServerSpeechStopped)


def test_the_barrier_ends_an_utterance_and_the_session_goes_on() -> None:
    replay = Replay("ws-flush-barrier").run()
    names = [type(event).__name__ for event in replay.events[:6]]
    assert names == ["Ready", "ServerSpeechStarted", "ServerSpeechStopped", "Flushed", "ItemCommitted", "ItemCompleted"]
    [flushed] = replay.of(Flushed)
    first, second, third = replay.of(ItemCompleted)
    assert flushed.pending == (first.item_id,)
    # The zeros of the barrier belong to the server's buffer, but to no session time.
    assert times([first, second, third]) == [(608, 2100), (2100, 5200), (5200 + 128, 8400)]
    assert replay.sent == sent_in("ws-flush-barrier")
    assert not replay.of(Reported, Mismatch)


def test_a_barrier_in_silence_leaves_nothing_to_wait_for() -> None:
    replay = Replay("ws-flush-barrier-silent").run()
    assert replay.events[1:] == [Flushed(())]
    assert replay.protocol.pending == 0
    assert replay.sent == sent_in("ws-flush-barrier-silent")


def test_a_commit_behind_the_barrier_is_refused_and_its_echo_counts_once() -> None:
    replay = Replay("ws-flush-then-commit").run()
    [refusal] = replay.refused
    assert "use send_flush() instead" in refusal
    [final] = replay.of(ItemCompleted)
    assert final.text == "and in the same operations with"
    assert not replay.of(Reported)


def test_no_clear_while_an_item_is_on_its_way() -> None:
    replay = Replay("ws-clear-crash").run()
    [refusal] = replay.refused
    assert "Cannot clear" in refusal
    lost = failure(replay)
    assert isinstance(lost.error, ConnectionLostError)


def test_no_commit_while_the_server_cuts_and_what_was_lost_is_known() -> None:
    replay = Replay("ws-commit-crash").run()
    assert replay.refused
    lost = failure(replay)
    assert isinstance(lost.error, ConnectionLostError)
    assert replay.protocol.pending == 1


def test_closing_in_mid_speech_gives_nothing() -> None:
    replay = Replay("ws-close-pending").run()
    assert [type(event) for event in replay.events] == [Ready, ServerSpeechStarted]
    assert replay.protocol.speaking
    assert replay.protocol.state is ProtocolState.CLOSED


def test_the_session_limit_is_a_loss_that_a_reconnect_repairs() -> None:
    replay = Replay("ws-session-limit").run()
    lost = failure(replay)
    assert isinstance(lost.error, ConnectionLostError)
    assert "connect again" in str(lost.error)


def test_repetitions_count_once() -> None:
    replay = Replay("ws-duplicates").run()
    assert [type(event).__name__ for event in replay.events] == [
        *("Ready", "ServerSpeechStarted", "ServerSpeechStopped", "ItemCommitted", "ItemCompleted")
    ]
    assert times(replay.of(ItemCompleted)) == [(608, 3700)]
    # The late repetitions say that the buffer took 4.7 s: the next one begins there.
    assert replay.protocol._timeline.current.begin == round(4.7 * 24000)


def test_a_long_append_loses_its_start_on_the_server() -> None:
    replay = Replay("ws-long-append").run()
    assert times(replay.of(ItemCompleted)) == [(1700, 4800)]
    assert replay.of(ItemCompleted)[0].text == "just when badly wants"


def test_sound_at_the_wrong_rate_is_noticed() -> None:
    # The samples run at 16 kHz, the session clock at 24 kHz.
    replay = Replay("ws-16k-wrong", session_sample=lambda _recorded, sent: sent * 3 // 2).run()
    first, second = replay.of(ClockMismatch)
    assert (round(first.sent_s, 1), first.counted_s) == (7.5, 4.996875)
    assert second.sent_s / second.counted_s == pytest.approx(1.5, abs=0.05)
    assert len(replay.of(ItemCompleted)) == 2


def test_a_cleared_buffer_starts_the_servers_clock_again() -> None:
    replay = Replay("ws-clear").run()
    assert times(replay.of(ItemCompleted))[0] == (6000 + 608, 9800)
    assert [event.text for event in replay.of(ItemCompleted)] == [ONE, "", "i'm"]
    # Commits of 0 and 50 ms, which the protocol neither sends nor takes for failures of an utterance of its own.
    refused = [event.message for event in replay.of(Reported)]
    assert len(refused) == 2
    assert all("buffer too small" in message for message in refused)
    assert replay.refused.count("Cannot commit while the server cuts the utterances: use send_flush() instead.") == 4
    assert replay.sent.count({"type": "input_audio_buffer.clear"}) == 2


def test_an_error_alone_ends_nothing() -> None:
    replay = Replay("ws-bad-input").run()
    assert len(replay.of(Reported)) == 9
    assert not replay.of(Disconnected)
    assert replay.protocol.state is ProtocolState.CLOSED


@pytest.mark.parametrize("name", ["ws-bad-base64", "ws-empty-audio", "ws-one-byte", "ws-binary"])
def test_what_kills_a_session_is_never_sent(name: str) -> None:
    replay = Replay(name).run()
    assert replay.refused
    assert replay.sent == []
    failure(replay)


def test_a_response_is_never_asked_for() -> None:
    replay = Replay("ws-response-create").run()
    assert replay.refused == ["response.create"]
    lost = failure(replay)
    assert "language model" in str(lost.error)


def test_a_message_that_is_too_big_must_not_be_sent_again() -> None:
    lost = failure(Replay("ws-too-big").run())
    assert isinstance(lost.error, ProtocolError)
    assert "too big" in str(lost.error)


def test_an_unknown_model_is_named() -> None:
    replay = Replay("ws-unknown-model", RecognitionOptions(model="no/such", server_vad=ServerTurnDetection())).run()
    lost = failure(replay)
    assert isinstance(lost.error, ModelNotFoundError)
    assert "'no/such'" in str(lost.error)


def test_a_failing_engine_is_quoted_and_tried_again() -> None:
    options = RecognitionOptions(model=MODEL, language="ja", server_vad=ServerTurnDetection())
    lost = failure(Replay("ws-bad-language", options).run())
    assert isinstance(lost.error, ProtocolError)
    assert "Internal Server Error" in str(lost.error)
    assert "language" in str(lost.error)


def test_a_server_without_loopback_is_a_lost_connection_with_its_possible_cause() -> None:
    replay = Replay("ws-no-loopback").run()
    lost = failure(replay)
    assert isinstance(lost.error, ConnectionLostError)
    assert "LOOPBACK_HOST_URL=" in str(lost.error)
    [cut] = replay.of(ItemCommitted)
    assert cut.utterance == server_cut(0, 0.608, 3.7)


def test_a_chat_session_is_recognised() -> None:
    # The protocol would ask for no answers; this one is told to want what the recorded client got.
    chat = ServerTurnDetection(create_response=True)
    options = RecognitionOptions(model="Systran/faster-distil-whisper-small.en", server_vad=chat)
    replay = Replay("ws-no-intent", options).run()
    assert [event.text for event in replay.of(ItemCompleted)] == [ONE]
    lost = failure(replay)
    assert "intent=transcription" in str(lost.error)


def test_a_language_in_the_address_comes_back() -> None:
    replay = Replay(
        "ws-language", RecognitionOptions(model=MODEL, language="en", server_vad=ServerTurnDetection())
    ).run()
    [ready] = replay.of(Ready)
    assert ready.language == "en"
    assert replay.sent == []


def test_an_empty_language_unsets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(languages._CODE, "xx", "xx")  # the recorded client sent whatever was typed
    replay = Replay(
        "ws-language-unset", RecognitionOptions(model=MODEL, language="xx", server_vad=ServerTurnDetection())
    ).run()
    asked = {"model": MODEL, "language": ""}
    assert replay.sent[0] == {"type": "session.update", "session": {"input_audio_transcription": asked}}
    assert [event.text for event in replay.of(ItemCompleted)] == [ONE]
    assert replay.protocol.options.language is None
    # The recorded client had asked with null first, which changed nothing: the first answer still says xx.
    assert replay.of(Mismatch) == []


def test_updates_are_complete_and_their_echo_is_compared() -> None:
    replay = Replay("ws-updates").run()
    updates = [message["session"] for message in replay.sent]
    complete = {"type", "threshold", "silence_duration_ms", "prefix_padding_ms", "create_response"}
    assert updates
    assert all(set(update.get("turn_detection", complete)) == complete for update in updates)
    assert all(
        set(update.get("input_audio_transcription", {"model": 0, "language": 0})) == {"model", "language"}
        for update in updates
    )
    assert any("threshold is 1.5" in refusal for refusal in replay.refused)
    padding = [event for event in replay.of(Mismatch) if event.field == "turn_detection.prefix_padding_ms"]
    assert (padding[0].asked, padding[0].confirmed) == (300, 0)
    assert not any("prefix_padding_ms` is not supported" in event.message for event in replay.of(Reported))
    assert replay.protocol.state is ProtocolState.CLOSED


def test_a_recorded_error_never_names_its_message() -> None:
    """So an update's refusal has to be known by its words; the recorded client did name some of its messages."""
    everything = [line for path in EXCHANGES.glob("*.jsonl") for line in lines(path.stem)[1:]]
    assert any("event_id" in line["data"] for line in everything if line["dir"] == "send")
    errors = [line["data"]["error"] for line in everything if line["data"].get("type") == "error"]
    assert len(errors) > 20
    assert all(error["event_id"] is None and error["param"] is None for error in errors)


def test_recorded_appends_are_whole_triples() -> None:
    replay = Replay("ws-flush-barrier").run()
    counts = [message["audio_samples"] for message in replay.sent if "audio_samples" in message]
    assert counts
    assert all(count % 3 == 0 for count in counts)
    assert shape({"type": "session.update"}) == {"type": "session.update"}
