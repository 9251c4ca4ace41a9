"""Recorded WebRTC sessions of a real Speaches server, through the joiner and the protocol."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ipyspeaches.protocol.protocol_events import (
    ClockMismatch,
    ItemCommitted,
    ItemCompleted,
    Mismatch,
    ProtocolEvent,
    Ready,
    Reported,
    ServerSpeechStarted,
    ServerSpeechStopped,
)
from ipyspeaches.protocol.realtime.media import LOSSY_CLOCK, Media
from ipyspeaches.protocol.realtime.realtime_protocol import RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import cut
from replay import lines

MODEL = "Systran/faster-whisper-tiny"
RATE_HZ = 24_000
SILENCE_S = 0.55
"""What the server waits for behind speech."""


class MediaReplay:
    """A protocol on its way through an exchange, with the sound handed over as the recorded track played it."""

    def __init__(self, name: str, *, client_cuts: bool) -> None:
        meta, *self._lines = lines(f"rtc/{name}")
        self.truth = [
            (part["start"] / RATE_HZ, (part["start"] + part["samples"]) / RATE_HZ) for part in meta["meta"]["parts"]
        ]
        # The recorded client sent its sound all the time: its zeros are nothing that could be put into it.
        media = Media(LOSSY_CLOCK, padding_ms=0, continuous=True)
        server_vad = None if client_cuts else ServerTurnDetection()
        self.protocol = RealtimeProtocol(RecognitionOptions(model=MODEL, server_vad=server_vad), media=media)
        self.events: list[ProtocolEvent] = []
        self.commits: list[float] = []
        self.buffers: list[tuple[float, float]] = []
        self.pings = 0
        self._track_began_s: float | None = None

    def run(self) -> MediaReplay:
        for line in self._lines:
            self._play_until(line["t"])
            data = line["data"]
            if line["dir"] == "open":
                self._open(data, line["t"])
            elif line["dir"] == "recv":
                self.events += self.protocol.receive_message(json.dumps(data))
            elif line["dir"] == "send":
                self._send(data, line["t"])
        return self

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    def _open(self, data: dict[str, Any], t: float) -> None:
        if "track" in data:
            self._track_began_s = t
        elif "channel" in data:
            self.protocol.connection_opened()

    def _send(self, data: dict[str, Any], t: float) -> None:
        kind = data.get("type")
        if kind == "input_audio_buffer.commit":
            self.protocol.send_commit(cut(len(self.commits)))
            buffer = self.protocol._items._commits[-1].buffer
            self.buffers.append((buffer.begin / RATE_HZ, (buffer.end or 0) / RATE_HZ))
            assert self._track_began_s is not None
            self.commits.append(t - self._track_began_s)
        elif kind == "conversation.item.delete":
            self.pings += 1

    def _play_until(self, t: float) -> None:
        if self._track_began_s is None or not self.of(Ready):
            return
        played = self.protocol._timeline.position
        count = round((t - self._track_began_s) * RATE_HZ) - played
        self.protocol.send_append(np.zeros(count, np.int16), played)


def test_two_utterances_are_where_they_were_spoken() -> None:
    replay = MediaReplay("two-utterances", client_cuts=False).run()
    names = ["Ready", *["ServerSpeechStarted", "ServerSpeechStopped", "ItemCommitted", "ItemCompleted"] * 2]
    assert [type(event).__name__ for event in replay.events] == names
    assert [event.text for event in replay.of(ItemCompleted)] == [
        "and in the same operations but i believe wants",
        "it's never been surpassed",
    ]
    for (start_s, end_s), begun, ended in zip(
        replay.truth, replay.of(ServerSpeechStarted), replay.of(ServerSpeechStopped), strict=True
    ):
        assert begun.at_s == pytest.approx(start_s, abs=0.1)
        # The server is sure when it has heard the silence and an append has come that ends behind it.
        assert SILENCE_S - 0.1 < ended.at_s - end_s < SILENCE_S + 0.22 + 0.1
    for (start_s, _), final, ended in zip(
        replay.truth, replay.of(ItemCompleted), replay.of(ServerSpeechStopped), strict=True
    ):
        assert final.utterance.start_s == pytest.approx(start_s, abs=0.1)
        assert final.utterance.end_s == ended.at_s


def test_client_cuts_are_where_they_were_made() -> None:
    replay = MediaReplay("client-cuts", client_cuts=True).run()
    names = ["Ready", *["ItemCommitted", "ItemCompleted"] * 2]
    assert [type(event).__name__ for event in replay.events] == names
    first, second = replay.buffers
    cut_s, last_s = replay.commits
    assert first == pytest.approx((0, cut_s), abs=0.001)
    assert second == pytest.approx((cut_s, last_s), abs=0.1)
    # Each holds its utterance and no other one.
    for (start_s, end_s), (begin_s, ended_s) in zip(replay.truth, (first, second), strict=True):
        assert begin_s <= start_s
        assert end_s <= ended_s
    # What the server held back at the last commit is known from its own count.
    assert last_s - replay.protocol._timeline.current.begin / RATE_HZ == pytest.approx(0.1, abs=0.1)


@pytest.mark.parametrize(("name", "client_cuts"), [("two-utterances", False), ("client-cuts", True)])
def test_the_lossy_clock_is_no_reason_to_complain(name: str, client_cuts: bool) -> None:
    replay = MediaReplay(name, client_cuts=client_cuts).run()
    assert replay.of(Reported, Mismatch, ClockMismatch) == []
    media = replay.protocol._timeline.media
    assert media is not None
    assert media.clock_factor == LOSSY_CLOCK


@pytest.mark.parametrize(("name", "client_cuts", "pings"), [("zombie", False, 1), ("zombie-commit", True, 2)])
def test_a_dead_session_answers_no_ping(name: str, client_cuts: bool, pings: int) -> None:
    """The recorded client pinged by deleting the item x: once before, in one session, and once behind its death."""
    replay = MediaReplay(name, client_cuts=client_cuts).run()
    assert replay.of(ItemCommitted)
    answered = [event for event in replay.of(Reported) if "deleting item" in event.message]
    assert (replay.pings, len(answered)) == (pings, pings - 1)
    assert replay.protocol.pending or replay.protocol.speaking  # what was under way will never have a text
