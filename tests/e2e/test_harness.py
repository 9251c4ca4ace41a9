"""The harness itself, on a plain widget: what it says about our widgets can be trusted only when this passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from harness import LabPage, NullSink
from harness.browser import result_of

pytestmark = pytest.mark.e2e

RATE_HZ = 24_000
TONE_HZ = 440.0

WIDGET = '''
import anywidget, traitlets

class Meter(anywidget.AnyWidget):
    peak = traitlets.Float(0).tag(sync=True)
    failure = traitlets.Unicode("").tag(sync=True)
    _esm = """
    export default { render({ model, el }) {
      const button = el.appendChild(document.createElement("button"));
      button.textContent = "Listen";
      const note = el.appendChild(document.createElement("output"));
      button.onclick = async () => {
        try {
          const stream = await navigator.mediaDevices.getUserMedia({ audio: {
            echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
          const context = new AudioContext({ sampleRate: 24000 });
          const analyser = new AnalyserNode(context, { fftSize: 8192 });
          context.createMediaStreamSource(stream).connect(analyser);
          await new Promise((resolve) => setTimeout(resolve, 1500));
          const bins = new Float32Array(analyser.frequencyBinCount);
          analyser.getFloatFrequencyData(bins);
          model.set("peak", bins.indexOf(Math.max(...bins)) * context.sampleRate / analyser.fftSize);
          stream.getTracks().forEach((track) => track.stop());
        } catch (error) { model.set("failure", error.name) }
        model.save_changes();
        note.textContent = "done";
      };
    } };
    """

w = Meter()
w
'''


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Five seconds of a pure tone, as WAV."""
    seconds = np.arange(5 * RATE_HZ) / RATE_HZ
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * TONE_HZ * seconds), RATE_HZ, subtype="PCM_16")
    return path


def listen(page: LabPage) -> dict[str, Any]:
    """Press the plain widget's button and read back what it measured, in the next cell."""
    page.run_cell(0)
    page.page.get_by_role("button", name="Listen").click()
    expect(page.output(0).get_by_text("done")).to_be_visible()
    page.run_cell(1)
    found: dict[str, Any] = page.result(1)
    return found


def test_browser_microphone_plays_the_file(open_notebook: Callable[..., LabPage], tone: Path, artifacts: Path) -> None:
    page = open_notebook([WIDGET, result_of("dict(peak=w.peak, failure=w.failure)")], microphone=tone)
    found = listen(page)
    page.page.screenshot(path=artifacts / "harness.png")
    assert found["failure"] == ""
    assert found["peak"] == pytest.approx(TONE_HZ, abs=2 * RATE_HZ / 8192)
    assert page.errors == []


def test_refused_permission_reaches_the_page(open_notebook: Callable[..., LabPage], tone: Path) -> None:
    page = open_notebook([WIDGET, result_of("dict(peak=w.peak, failure=w.failure)")], microphone=tone, grant=False)
    assert listen(page)["failure"] == "NotAllowedError"


def test_kernel_microphone_hears_the_null_sink(
    open_notebook: Callable[..., LabPage], null_sink: NullSink, tone: Path
) -> None:
    record = (
        "import numpy as np, sounddevice as sd\n"
        "print('list' + 'ening')\n"
        "x = sd.rec(2 * 48000, samplerate=48000, channels=1, dtype='float32', blocking=True)[48000:, 0]\n"
        "peak = float(np.argmax(np.abs(np.fft.rfft(x))) * 48000 / len(x))"
    )
    page = open_notebook([record, result_of("peak")])
    page.run_cell(0)
    expect(page.output(0)).to_contain_text("listening")
    player = null_sink.play(tone)
    page.run_cell(1)
    peak = page.result(1)
    player.wait(120)
    assert peak == pytest.approx(TONE_HZ, abs=3)
