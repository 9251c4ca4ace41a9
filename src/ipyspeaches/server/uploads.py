"""Sound in the shapes in which it is sent."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from ipyspeaches.audio.decoding import wav
from ipyspeaches.audio.recording import Recording

Sound: TypeAlias = Recording | str | Path

VOICE_RATE_HZ: Final = 16_000
"""Speaches reads known voices without looking at their rate, and takes them for this one."""


def as_file(audio: Sound) -> tuple[str, bytes]:
    """Return the name and the content of a WAV file.

    Raises
    ------
    AudioError
        If a file cannot be read as sound; so that is said before anything is sent.
    """
    if not isinstance(audio, Recording):
        audio = Recording.load(audio)
    return "audio.wav", wav(audio.samples, audio.rate)


def known_voices(voices: Mapping[str, Sound]) -> dict[str, list[str]]:
    """Return the form fields that tell a diarization whose voices are known; none where there are none."""
    if not voices:
        return {}
    urls = [_data_url(_at_voice_rate(voice)) for voice in voices.values()]
    return {"known_speaker_names[]": list(voices), "known_speaker_references[]": urls}


def _data_url(voice: Recording) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(as_file(voice)[1]).decode()}"


def _at_voice_rate(voice: Sound) -> Recording:
    if not isinstance(voice, Recording):
        voice = Recording.load(voice)
    return voice.to_rate(VOICE_RATE_HZ)
