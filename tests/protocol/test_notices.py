"""What users are told is a sentence with the cure."""

from __future__ import annotations

import pytest

from ipyspeaches.protocol import notices


@pytest.mark.parametrize(
    ("names", "begin"),
    [
        (("prompt",), "prompt has no effect"),
        (("prompt", "hotwords"), "prompt and hotwords have no effect"),
        (("prompt", "hotwords", "temperature"), "prompt, hotwords and temperature have no effect"),
    ],
)
def test_options_without_effect_are_a_sentence(names: tuple[str, ...], begin: str) -> None:
    notice = notices.not_in_realtime(names)
    assert notice.kind == "no_effect"
    assert notice.message.startswith(begin)
    assert 'transport="chunked"' in notice.message
