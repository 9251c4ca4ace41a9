"""The server's verdict in the lab: asked with the right numbers, judged like a detector, and named when it fails."""

from __future__ import annotations

import numpy as np
import pytest

from fake_page import Page
from ipyspeaches import EnergyVad, Recording, Segments, SileroVad, VadLab, evaluate, samples
from ipyspeaches.local import LocalServer

TRUTH = Segments([(1, 2), (3, 4), (5, 6)])
ENERGY = EnergyVad(threshold=500)


def test_the_server_is_asked_for_its_own_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Recording.load(samples.path("quickstart"))
    vad = SileroVad(threshold=0.4, min_silence_duration_ms=250)
    truth = Segments([(one.start, one.end) for one in samples.info("quickstart").sentences])
    with LocalServer() as server:
        lab = VadLab(heard, truth, [vad, ENERGY], server=server.url)
        page = Page(lab, monkeypatch)
        assert lab.server_segments is None
        assert page.command("ask_server") is None
        state = page.of("lab")[-1]
        first = lab.server_segments
        assert page.command("set_active", index=1) is None
        assert page.command("ask_server") is None
    assert first is not None
    assert len(first) == len(truth)
    expected = evaluate(first, truth, 0, heard.duration)
    shown = state["server"]
    assert (shown["threshold"], shown["min_silence_duration_ms"]) == (0.4, 250)
    assert shown["metrics"]["f1"] == expected.f1 > 0.9
    # A threshold in units of sound is none for the server's Silero; the silence is.
    energy, buffers = [pair for pair in page.messages if pair[0]["type"] == "lab"][-1]
    assert (energy["server"]["threshold"], energy["server"]["min_silence_duration_ms"]) == (
        0.75,
        ENERGY.min_silence_duration_ms,
    )
    assert lab.server_segments == Segments.from_arrays(*np.frombuffer(buffers[1], "<f8").reshape(-1, 2).T)
    assert [row.detector for row in lab.metrics] == ["silero", "energy", "server"]


def test_a_server_that_is_not_there_is_named(bursts: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = VadLab(bursts, TRUTH, [ENERGY], server="http://127.0.0.1:9")
    page = Page(lab, monkeypatch)
    refused = page.command("ask_server")
    assert refused is not None
    assert "http://127.0.0.1:9" in refused["text"]
    assert lab.server_segments is None
    lab.truth = TRUTH[:2]
    assert page.of("lab")[-1]["server"] is None
