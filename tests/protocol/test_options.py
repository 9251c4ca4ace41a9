from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import RealtimeOptions, ServerTurnDetection


def test_turn_detection_goes_over_the_wire_as_a_whole() -> None:
    assert ServerTurnDetection().to_wire() == {
        "type": "server_vad",
        "threshold": 0.9,
        "silence_duration_ms": 550,
        "prefix_padding_ms": 0,
        "create_response": False,
    }


def test_who_cuts_decides_the_threshold() -> None:
    mine = ServerTurnDetection(threshold=0.4)
    assert RealtimeOptions(turn_detection=mine).wire_turn_detection()["threshold"] == 1.0
    assert RealtimeOptions(turn_detection=mine, client_cuts=False).wire_turn_detection()["threshold"] == 0.4


@pytest.mark.parametrize(
    "values", [{"threshold": 1.5}, {"threshold": -0.1}, {"silence_duration_ms": -1}, {"prefix_padding_ms": -1}]
)
def test_values_that_servers_ignore_in_silence_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(values))} is .*: give "):
        ServerTurnDetection(**values)
