"""What a recogniser is asked for, and what it is never asked."""

from __future__ import annotations

from typing import Any

import pytest

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.recognition import RecognitionOptions, ServerTurnDetection

HINTS = ("prompt", "hotwords", "temperature")


def test_turn_detection_goes_over_the_wire_as_a_whole() -> None:
    wire = {
        "type": "server_vad",
        "threshold": 0.9,
        "silence_duration_ms": 550,
        "prefix_padding_ms": 0,
        "create_response": False,
    }
    assert ServerTurnDetection().to_wire() == wire
    assert ServerTurnDetection().to_wire(threshold=1.0) == {**wire, "threshold": 1.0}


def test_options_that_are_given_are_named_and_zero_is_given() -> None:
    options = RecognitionOptions(prompt="Names", temperature=0.0)
    assert options.given(HINTS) == ("prompt", "temperature")
    assert options.given(("hotwords", "temperature")) == ("temperature",)
    assert RecognitionOptions().given(HINTS) == ()


def test_hotwords_may_come_as_a_list() -> None:
    assert RecognitionOptions(hotwords=["Concord", "Tents"]).hotwords == "Concord, Tents"  # type: ignore[arg-type]


def test_a_change_leaves_everything_else() -> None:
    options = RecognitionOptions(model="m", language="zh", server_vad=ServerTurnDetection())
    changed = options.changed({"language": None})
    assert changed == RecognitionOptions(model="m", server_vad=ServerTurnDetection())
    assert (options.language, options.client_cuts) == ("zh", False)
    assert changed.changed({"server_vad": None}).client_cuts
    with pytest.raises(InputError, match="Unknown option speed: what can be changed is model"):
        options.changed({"speed": 2})


@pytest.mark.parametrize(
    "values", [{"threshold": 1.5}, {"threshold": -0.1}, {"silence_duration_ms": -1}, {"prefix_padding_ms": -1}]
)
def test_values_that_servers_ignore_in_silence_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(values))} is .*: give "):
        ServerTurnDetection(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"model": " "},
        {"prompt": "Caf\udce9"},
        {"hotwords": ["\ud800"]},
        {"task": "sing"},
        {"temperature": 1.5},
        {"temperature": -0.1},
    ],
)
def test_what_no_recogniser_can_do_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(values))):
        RecognitionOptions(**values)
    with pytest.raises(InputError, match=next(iter(values))):
        RecognitionOptions().changed(values)
