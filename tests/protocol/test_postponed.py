"""Another model or language reaches the next utterance, never the one under way."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ipyspeaches.errors import StateError
from ipyspeaches.protocol import RealtimeProtocol, Reconfigured, ServerTurnDetection
from realtime_wire import (
    MODEL,
    NEVER,
    committed,
    completed,
    created,
    error,
    feed,
    kinds,
    ready,
    session,
    started,
    stopped,
)

SOUND = np.zeros(24_000, np.int16)


def asked(protocol: RealtimeProtocol) -> list[dict[str, Any]]:
    """Return what the updates that wait to be sent say about transcription."""
    messages = [json.loads(data) for data in protocol.data_to_send()]
    return [m["session"]["input_audio_transcription"] for m in messages if m["type"] == "session.update"]


ZH = {"model": MODEL, "language": "zh"}


def test_in_silence_a_change_goes_out_at_once() -> None:
    for client_cuts in (True, False):
        protocol = ready(client_cuts=client_cuts)
        protocol.update(language="zh")
        assert asked(protocol) == [ZH]


def test_an_utterance_that_was_appended_keeps_its_language() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SOUND, 0)
    protocol.update(language="zh")
    assert kinds(protocol.data_to_send()) == ["append"]
    protocol.append(SOUND, 24_000)
    protocol.commit(0)
    assert kinds(protocol.data_to_send()) == ["append", "commit"]
    # A server reads the language when it handles the commit, which `committed` does not yet say.
    feed(protocol, committed("a"))
    assert asked(protocol) == []
    feed(protocol, created("a"))
    assert asked(protocol) == [ZH]


def test_the_next_utterance_may_have_begun() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SOUND, 0)
    protocol.update(language="zh")
    protocol.commit(0)
    protocol.append(SOUND, 48_000)
    protocol.data_to_send()
    feed(protocol, committed("a"), created("a"))
    assert asked(protocol) == [ZH]


def test_a_server_that_never_speaks_of_items_is_waited_for_until_its_text() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SOUND, 0)
    protocol.update(language="zh")
    protocol.commit(0)
    feed(protocol, committed("a"), completed("a", "text"))
    assert asked(protocol) == [ZH]


def test_what_the_server_hears_keeps_its_language() -> None:
    protocol = ready(client_cuts=False)
    protocol.append(SOUND, 0)
    feed(protocol, started("a", 100))
    protocol.update(language="zh")
    feed(protocol, stopped("a", 900), committed("a"))
    assert asked(protocol) == []
    feed(protocol, created("a"))
    assert asked(protocol) == [ZH]


def test_several_changes_keep_their_order_and_the_servers_numbers_do_not_wait() -> None:
    protocol = ready(client_cuts=False)
    protocol.append(SOUND, 0)
    feed(protocol, started("a", 100))
    protocol.update(language="zh", turn_detection=ServerTurnDetection(0.4))
    protocol.update(model="other/model")
    protocol.update(language=None)
    messages = [json.loads(data) for data in protocol.data_to_send()]
    assert [list(m["session"]) for m in messages if m["type"] == "session.update"] == [["turn_detection"]]
    feed(protocol, stopped("a", 900), committed("a"), created("a"))
    assert asked(protocol) == [
        ZH,
        {"model": "other/model", "language": "zh"},
        {"model": "other/model", "language": ""},
    ]
    assert protocol.options.language is None


def test_a_commit_that_is_refused_holds_nothing_up() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SOUND, 0)
    protocol.update(language="zh")
    protocol.commit(0)
    feed(protocol, error("Error committing input audio buffer: buffer too small."))
    assert asked(protocol) == [ZH]
    confirmed = feed(protocol, session("session.updated", vad=NEVER, language="zh"))
    assert [event for event in confirmed if isinstance(event, Reconfigured)] == [Reconfigured(MODEL, "zh", NEVER)]


def test_what_was_refused_is_not_asked_for_again() -> None:
    protocol = ready(client_cuts=True, language="en")
    protocol.update(language="xx")
    assert asked(protocol) == [{"model": MODEL, "language": "xx"}]
    feed(protocol, error("No such language.", param="session"))
    assert protocol.options.language == "en"
    protocol.update(model="other/model")
    assert asked(protocol) == [{"model": "other/model", "language": "en"}]
    # A later change that is on its way already stands.
    protocol.update(language="yy")
    feed(protocol, error("No such model.", param="session"))
    assert protocol.options.language == "yy"


def test_nothing_is_sent_into_a_session_that_ends() -> None:
    protocol = ready(client_cuts=True)
    protocol.append(SOUND, 0)
    protocol.update(language="zh")
    protocol.commit(0)
    protocol.data_to_send()
    protocol.close()
    feed(protocol, committed("a"), created("a"))
    assert protocol.data_to_send() == []
    with pytest.raises(StateError, match="open a new connection"):
        protocol.update(language="en")
