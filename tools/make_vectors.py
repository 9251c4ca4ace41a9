"""Write tests/data/vad/segmenter-vectors.json again: scores, options, and the segments that must come out.

The Python and the TypeScript segmenters are held to this one file. Run from the repository:
``python tools/make_vectors.py``. The segments are those of the streaming segmenter; the tests compare them with an
independent telling of silero-vad's rules.
"""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ipyspeaches.vad.segmenter import Closed, Segmenter, SegmentOptions

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from padding import pad_segments

FILE = Path(__file__).parents[1] / "tests/data/vad/segmenter-vectors.json"
SILERO = SegmentOptions(0.5, 0.35, 250, 100, 30, math.inf)
LIVE = SegmentOptions(0.5, 0.35, 250, 550, 100, 30.0)
ENERGY = SegmentOptions(500.0, 500 / math.sqrt(2), 250, 550, 100, 30.0)


def runs(*pairs: tuple[float, int]) -> list[float]:
    """Return scores from pairs of a score and how many frames it lasts."""
    return [score for score, times in pairs for _ in range(times)]


def vector(
    name: str,
    scores: list[float],
    options: SegmentOptions,
    frame: tuple[int, int] = (512, 16_000),
    missing: int = 0,
) -> dict[str, Any]:
    """Return one vector; the last frame lacks ``missing`` samples."""
    hop, rate = frame
    length = max(0, len(scores) * hop - missing)
    exact = np.array(scores, dtype=np.float32).tolist()
    segmenter = Segmenter(options, hop, rate)
    events = segmenter.advance(exact) + segmenter.finish(length)
    closed = [event for event in events if isinstance(event, Closed)]
    longest = options.max_speech_duration_s
    return {
        "name": name,
        "scores": exact,
        "hop": hop,
        "rate": rate,
        "length": length,
        "options": {
            "threshold": options.threshold,
            "neg_threshold": options.neg_threshold,
            "min_speech_duration_ms": options.min_speech_duration_ms,
            "min_silence_duration_ms": options.min_silence_duration_ms,
            "speech_pad_ms": options.speech_pad_ms,
            "max_speech_duration_s": None if math.isinf(longest) else longest,
        },
        "unpadded": [[segment.start, segment.end] for segment in closed],
        "padded": pad_segments(closed, options.speech_pad_ms * rate / 1000, length),
    }


def told() -> list[dict[str, Any]]:
    """Return the vectors that each show one rule."""
    speech, silence = (0.9, 20), (0.0, 30)
    near = float(np.nextafter(np.float32(0.35), np.float32(0)))
    one_second = SegmentOptions(0.5, 0.35, 0, 550, 0, 1.0)
    no_minimum = SegmentOptions(0.5, 0.35, 0, 0, 0, math.inf)
    return [
        vector("nothing at all", [], LIVE),
        vector("only silence", runs((0.1, 40)), LIVE),
        vector("only speech, to the end", runs((0.9, 40)), LIVE, missing=100),
        vector("speech between silences", runs(silence, speech, silence), LIVE),
        vector("a click is dropped", runs(silence, (0.9, 7), silence), LIVE),
        vector("speech of exactly the minimum is dropped", runs(silence, (0.9, 5), silence),
               SegmentOptions(0.5, 0.35, 160, 100, 0, math.inf)),
        vector("a pause shorter than the minimum joins", runs(silence, speech, (0.0, 17), speech, silence), LIVE),
        vector("a pause of the minimum divides", runs(silence, speech, (0.0, 19), speech, silence), LIVE),
        vector("between the thresholds nothing changes", runs((0.4, 20), speech, (0.4, 40), (0.0, 30)), LIVE),
        vector("silence is judged in quiet frames only", runs(speech, (0.1, 1), (0.4, 30), (0.9, 9), silence), LIVE),
        vector("silence ends in a quiet frame behind others", runs(speech, (0.1, 1), (0.4, 30), (0.1, 1), (0.4, 9)),
               LIVE),
        vector("at the threshold is speech, at neg_threshold is not silence", runs((0.5, 20), (0.375, 30)),
               SegmentOptions(0.5, 0.375, 250, 550, 0, math.inf)),
        vector("float32 next to thresholds that float32 does not have", runs((0.6, 10), (0.35, 20), (near, 20)),
               SegmentOptions(0.6, 0.35, 0, 100, 0, math.inf)),
        vector("padding is shared where it meets", runs(speech, (0.0, 5), speech, (0.0, 4), speech, silence),
               SegmentOptions(0.5, 0.35, 100, 100, 100, math.inf)),
        vector("padding stops at the ends", runs((0.0, 1), speech, (0.0, 4)),
               SegmentOptions(0.5, 0.35, 100, 64, 400, math.inf), missing=200),
        vector("padding of a fraction of a sample", runs(silence, speech, silence, speech),
               SegmentOptions(0.5, 0.35, 100, 100, 33.33, math.inf), (441, 22_050)),
        vector("open speech that is too short at the end", runs(silence, (0.9, 6)), LIVE, missing=500),
        vector("open speech in a pause at the end", runs(silence, speech, (0.0, 5)), LIVE),
        vector("too long without a pause", runs((0.9, 100), silence), one_second),
        vector("too long, cut at the longest pause", runs((0.9, 8), (0.0, 5), (0.9, 6), (0.0, 7), (0.9, 40), silence),
               one_second),
        vector("too long, the first of two equal pauses", runs((0.9, 8), (0.0, 5), (0.9, 4), (0.0, 5), (0.9, 40)),
               one_second),
        vector("too long, pauses up to 98 ms do not count", runs((0.9, 8), (0.0, 3), (0.9, 60), silence), one_second),
        vector("too long in the middle of a pause", runs((0.9, 10), (0.0, 6), (0.9, 13), (0.0, 12), (0.9, 20)),
               one_second),
        vector("too long as soon as it starts", runs((0.9, 9), (0.0, 9), (0.9, 9)),
               SegmentOptions(0.5, 0.35, 0, 100, 400, 0.5)),
        vector("no minimum at all", runs((0.9, 1), (0.0, 1), (0.9, 2), (0.4, 2), (0.0, 1), (0.9, 1)), no_minimum),
        vector("session frames of 24 kHz", runs(silence, speech, silence), LIVE, (768, 24_000)),
        vector("energies", runs((40.0, 30), (900.0, 40), (400.0, 40), (353.5, 30), (499.9, 9), (500.0, 40)), ENERGY,
               (320, 16_000)),
    ]  # fmt: skip


def drawn(count: int) -> list[dict[str, Any]]:
    """Return vectors of random runs under random options."""
    draw = random.Random(20260801)  # noqa: S311 - test data, not secrets
    vectors = []
    for index in range(count):
        pairs = [(draw.choice([0.0, 0.2, 0.375, 0.40625, 0.5, 0.9375]), draw.randint(1, 24)) for _ in range(16)]
        options = SegmentOptions(
            threshold=draw.choice([0.4, 0.5, 0.6]),
            neg_threshold=draw.choice([0.0, 0.25, 0.35, 0.4]),
            min_speech_duration_ms=draw.choice([0, 64, 100, 250]),
            min_silence_duration_ms=draw.choice([0, 64, 98, 100, 550]),
            speech_pad_ms=draw.choice([0, 16, 30, 100, 400]),
            max_speech_duration_s=draw.choice([0.5, 1.0, 1.056, 2.5, math.inf]),
        )
        frame = draw.choice([(512, 16_000), (768, 24_000), (320, 16_000), (441, 22_050)])
        vectors.append(vector(f"drawn {index}", runs(*pairs), options, frame, draw.randint(0, 300)))
    return vectors


def main() -> None:
    """Write the file, one vector a line."""
    lines = [json.dumps(one, separators=(",", ":")) for one in (*told(), *drawn(40))]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
