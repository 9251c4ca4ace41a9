from __future__ import annotations

import importlib
from typing import Any

import pytest

from ipyspeaches.server.models import Model, Models, Overview

pd: Any = importlib.import_module("pandas")

REALTIME = "Systran/faster-distil-whisper-large-v3"
MODELS = Models(
    [
        Model("silero_vad_v5", "voice-activity-detection"),
        Model(REALTIME, "automatic-speech-recognition", ("en", "zh"), "Systran"),
        Model("other/thing"),
    ]
)


def test_models_are_a_sorted_table() -> None:
    assert MODELS.ids == [REALTIME, "other/thing", "silero_vad_v5"]
    frame = MODELS.to_pandas()
    assert list(frame.columns) == ["id", "preset", "task", "languages", "owner"]
    assert frame.iloc[0].tolist() == [REALTIME, "realtime", "automatic-speech-recognition", "en, zh", "Systran"]
    assert list(pd.DataFrame(MODELS)["id"]) == MODELS.ids
    assert MODELS[:2] == Models([Model("other/thing"), MODELS[0]])
    assert MODELS[-1].id == "silero_vad_v5"
    assert MODELS.for_task("voice-activity-detection").ids == ["silero_vad_v5"]
    assert [model.recognises for model in MODELS] == [True, True, False]


def test_no_models_are_a_table_too() -> None:
    assert len(Models().to_pandas()) == 0
    assert repr(Models()) == "Models(none)"
    assert "none" in Models()._repr_html_()


def test_a_repr_names_a_few() -> None:
    many = Models(Model(f"m{number}") for number in range(9))
    assert repr(many) == "Models(9: m0, m1, m2, m3, m4, …)"


def test_an_overview_knows_which_presets_are_there() -> None:
    overview = Overview("http://x", "0.9", MODELS, (REALTIME,))
    assert overview.presets == {"realtime": True, "accurate": False, "fastest": False}


@pytest.mark.parametrize("running", [None, (), (REALTIME,)])
def test_html_is_escaped_and_says_what_is_in_memory(running: tuple[str, ...] | None) -> None:
    models = Models([*MODELS, Model("<b>bad</b>", languages=tuple("abcdefgh"))])
    html = Overview("http://x", "<i>", models, running)._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;bad" in html
    assert "a, b, c, d, e, f and 2 more" in html
    assert ("in memory" in html) is (running is not None)
    assert html.count(">yes<") == len(running or ())
    assert "accurate (Systran/faster-whisper-large-v3)" in html


def test_a_long_list_is_cut_in_html_only() -> None:
    html = Models(Model(f"m{number:03}") for number in range(100))._repr_html_()
    assert "and 70 more" in html
    assert "m099" not in html
