"""Names for models that suit a purpose, so that nobody has to remember ids."""

from __future__ import annotations

from typing import Final

presets: Final[dict[str, str]] = {
    "realtime": "Systran/faster-distil-whisper-large-v3",
    "accurate": "Systran/faster-whisper-large-v3",
    "fastest": "Systran/faster-whisper-small",
}
"""Preset names and the ids of their models."""


def model_id(name: str) -> str:
    """Return the model that a preset name stands for; any other name is a model id already."""
    return presets.get(name, name)
