"""Plays a recorded exchange with a real server against the realtime protocol.

What the server sent goes in verbatim; what the recorded client did is done through the protocol's own methods, so
far as the protocol can be made to do it. Silence stands for the sound, because only its length matters here.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ipyspeaches.errors import InputError, StateError
from ipyspeaches.protocol.protocol_events import ProtocolEvent
from ipyspeaches.protocol.realtime.realtime_protocol import ProtocolState, RealtimeProtocol
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection
from realtime_wire import cut

EXCHANGES = Path(__file__).parents[1] / "data" / "exchanges"

SERVER_CUTS = RecognitionOptions(model="Systran/faster-whisper-tiny", server_vad=ServerTurnDetection())
CLIENT_CUTS = RecognitionOptions(model="Systran/faster-whisper-tiny")

Line = dict[str, Any]


def lines(name: str) -> list[Line]:
    """Return the lines of an exchange, the first of which describes it."""
    text = (EXCHANGES / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def shape(message: Line) -> Line:
    """Return a message as the recordings write it: an append by its number of samples, a commit without a name."""
    if message["type"] != "input_audio_buffer.append":
        return {name: value for name, value in message.items() if name != "event_id"}
    size = len(binascii.a2b_base64(message["audio"]))
    assert size
    assert size % 2 == 0
    return {"type": message["type"], "audio_samples": size // 2}


@dataclass
class Replay:
    """A protocol on its way through an exchange.

    Parameters
    ----------
    name
        File of the exchange, without its ending.
    options
        Of the protocol.
    session_sample
        Gives the session sample for a recorded append from its recorded sample and the samples sent so far.
    """

    name: str
    options: RecognitionOptions = SERVER_CUTS
    session_sample: Callable[[int | None, int], int] = lambda _recorded, sent: sent
    events: list[ProtocolEvent] = field(default_factory=list)
    sent: list[Line] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.protocol = RealtimeProtocol(self.options)
        self._samples = 0
        self._commits = 0

    def run(self) -> Replay:
        """Play the whole exchange."""
        for line in lines(self.name)[1:]:
            getattr(self, f"_{line['dir']}")(line["data"])
            for message in map(json.loads, self.protocol.messages_to_send()):
                if message["type"] != "session.update" or message not in self.sent or not self.options.client_cuts:
                    self.sent.append(shape(message))  # without fences, which no recorded client has sent
        return self

    def of(self, *kinds: type) -> list[Any]:
        """Return the events of some kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    def _open(self, _: Line) -> None:
        self.protocol.connection_opened()

    def _recv(self, data: Line) -> None:
        self.events += self.protocol.receive_message(json.dumps(data))

    def _close(self, data: Line) -> None:
        if data["by"] == "client":
            self.protocol.close()
        code = data["code"] if data["close_frame"] else None
        lost = self.protocol.connection_lost(code, data["reason"])
        self.events += lost

    def _send(self, data: Line) -> None:
        kind = data.get("type", "")
        action = {
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "session.update": self._update,
        }.get(kind)
        if action is None:
            self.refused.append(kind)
            return
        try:
            action(data)
        except (InputError, StateError) as exc:
            self.refused.append(str(exc))

    def _append(self, data: Line) -> None:
        if "audio_samples" not in data:
            self.refused.append("append of what is no sound")
            return
        # The zeros of a barrier come from the protocol itself.
        if self.protocol.state is ProtocolState.FLUSHING:
            return
        count = data["audio_samples"]
        start = self.session_sample(data["audio_start_sample"], self._samples)
        self.protocol.send_append(np.zeros(count, np.int16), start)
        self._samples += count

    def _commit(self, _: Line) -> None:
        self.protocol.send_commit(cut(self._commits))
        self._commits += 1
        self.events += self.protocol.events_received()

    def _clear(self, _: Line) -> None:
        self.protocol.send_clear()

    def _update(self, data: Line) -> None:
        turn_detection = data.get("session", {}).get("turn_detection") or {}
        transcription = data.get("session", {}).get("input_audio_transcription") or {}
        if turn_detection.get("threshold") == 1.0:
            # With client cuts this is the protocol's own configuration.
            if not self.options.client_cuts:
                self.protocol.send_flush()
        elif self.protocol.state is ProtocolState.FLUSHING:
            return
        elif len(turn_detection) >= 5:
            known = ("threshold", "silence_duration_ms", "prefix_padding_ms", "create_response")
            server_vad = ServerTurnDetection(**{name: turn_detection[name] for name in known})
            self.protocol.reconfigure({"server_vad": server_vad})
        elif transcription.get("language") == "":
            self.protocol.reconfigure({"language": None})
        elif "language" in transcription and "model" in transcription and transcription["language"]:
            self.protocol.reconfigure({name: transcription[name] for name in ("model", "language")})
        else:
            self.refused.append(json.dumps(data))
