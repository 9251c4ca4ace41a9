"""What the room offers is there, and what a session does not need is not imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ipyspeaches import vad

SOURCE = Path(__file__).parents[2] / "src"


def test_every_name_is_there() -> None:
    assert [name for name in vad.__all__ if not hasattr(vad, name)] == []
    with pytest.raises(AttributeError, match=r"'ipyspeaches\.vad' has no attribute 'Segmentor'"):
        _ = vad.Segmentor  # type: ignore[attr-defined]


def test_sessions_do_not_wait_for_sweeps() -> None:
    program = "import sys, ipyspeaches.vad; print(*(n for n in sys.modules if n.startswith('ipyspeaches.vad.')))"
    environment = {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    imported = {name.rsplit(".", 1)[1] for name in done.stdout.split()}
    assert {"gate", "segmenter", "detectors"} <= imported
    assert not {"sweeps", "curves", "metrics", "noise", "figures", "labels", "textgrid"} & imported
