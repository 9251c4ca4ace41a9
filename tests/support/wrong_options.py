"""Options that cannot be used, for everything that takes options."""

from __future__ import annotations

import math
from typing import Any

from ipyspeaches.vad.detectors import SileroVad

WRONG: list[tuple[str, Any]] = [
    *(("server", 5), ("server", b"http://host"), ("api_key", 5), ("model", 5), ("model", ["a"]), ("model", " ")),
    *(("language", 5), ("language", math.nan), ("task", None), ("task", ["translate"]), ("prompt", 3), ("hotwords", 3)),
    *(("hotwords", ["one", 2]), ("temperature", "hot"), ("temperature", math.nan), ("temperature", True)),
    *(("transport", None), ("transport", 1), ("chunk_s", "2"), ("chunk_s", math.inf), ("interim_s", -1)),
    *(("interim_s", "x"), ("interim_s", math.nan), ("interim_s", math.inf), ("turn_detection", SileroVad())),
    *(("turn_detection", "client"), ("pace", "x"), ("pace", -1), ("pace", math.nan), ("on_event", "x"), ("speed", 2)),
    *(("journal", 5), ("journal", ""), ("journal", b"here"), ("journal", ["here"])),
]
