"""Padding of segments, as pairs of samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ipyspeaches.vad.segmenter import Closed, pad_edges


def pad_segments(segments: Sequence[Closed], pad: float, length: int) -> list[tuple[int, int]]:
    edges = np.array([(segment.start, segment.end) for segment in segments], dtype=np.int64).reshape(-1, 2)
    start, end = pad_edges(edges[:, 0], edges[:, 1], pad, length)
    return list(zip(start.tolist(), end.tolist(), strict=True))
