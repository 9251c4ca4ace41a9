"""A tuned detector to take away: as Python, as a server's ``turn_detection``, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from ipyspeaches.errors import InputError
from ipyspeaches.protocol import ServerTurnDetection
from ipyspeaches.vad import Detector

_WIDTH: Final = 44


def code(detector: Detector) -> str:
    """Return a statement that makes the detector, in lines that fit beside the widget."""
    call = f"vad = {detector.to_code()}"
    if len(call) <= _WIDTH:
        return call
    head, _, given = call.removesuffix(")").partition("(")
    lines = [f"{head}("]
    for argument in given.split(", "):
        if len(lines) > 1 and len(lines[-1]) + len(argument) + 2 <= _WIDTH:
            lines[-1] += f" {argument},"
        else:
            lines.append(f"    {argument},")
    return "\n".join(lines)[:-1] + ")"


def turn_detection(detector: Detector) -> str:
    """Return the whole ``turn_detection`` object for a server's ``session.update``.

    Raises
    ------
    InputError
        If the detector is not Silero, which is all that servers cut with.
    """
    if detector.name != "silero":
        raise InputError(
            "Servers cut with Silero only: make Silero the active detector, or cut here with these settings."
        )
    wire = ServerTurnDetection(detector.threshold, round(detector.min_silence_duration_ms)).to_wire()
    return json.dumps(wire, indent=2)


def as_json(detector: Detector) -> str:
    """Return all settings as a JSON object."""
    return json.dumps(detector.describe(), indent=2)


FORMS: Final[dict[str, Callable[[Detector], str]]] = {
    "code": code,
    "turn_detection": turn_detection,
    "json": as_json,
}


def export(detector: Detector, form: str) -> str:
    """Return a detector in a form.

    Raises
    ------
    InputError
        If there is no such form, or this detector cannot be written so.
    """
    if form not in FORMS:
        raise InputError(f"There is no form {form!r}: choose one of {', '.join(FORMS)}.")
    return FORMS[form](detector)
