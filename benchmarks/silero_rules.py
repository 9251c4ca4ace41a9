"""Silero-vad's post-processing told again as plain loops: an anchor to be as fast as, and an oracle to agree with.

These are the rules of ``get_speech_timestamps`` (snakers4/silero-vad, ``src/silero_vad/utils_vad.py``, 2026-08) with
``use_max_poss_sil_at_max_speech=True``, not its code: that cannot be imported without torch. Two things of it are left
out on purpose. ``return_seconds`` rounds to a tenth of a second; and of other rates than 8 and 16 kHz it takes every
n-th sample, where this package resamples before it scores.
"""

from __future__ import annotations

from typing import Any

from ipyspeaches.vad.segmenter import SegmentOptions

PAUSE_AT_MAX_SPEECH_MS = 98


def speech_stretches(  # noqa: C901 - its own shape
    probs: list[float], o: SegmentOptions, length: int, hop: int = 512, rate: int = 16_000
) -> list[tuple[int, int]]:
    """Return where speech starts and ends, in samples, without padding.

    Parameters
    ----------
    probs
        One score a frame.
    o
        The options.
    length
        Samples of the sound.
    hop
        Samples a frame.
    rate
        Samples per second.
    """
    min_speech, min_silence = rate * o.min_speech_duration_ms / 1000, rate * o.min_silence_duration_ms / 1000
    pad, pause = rate * o.speech_pad_ms / 1000, rate * PAUSE_AT_MAX_SPEECH_MS / 1000
    longest = rate * o.max_speech_duration_s - hop - 2 * pad
    speeches: list[dict[str, Any]] = []
    begun: int | None = None
    quiet: int | None = None
    pauses: list[tuple[int, int]] = []
    for index, prob in enumerate(probs):
        now = index * hop
        if prob >= o.threshold and quiet is not None:
            if now - quiet > pause:
                pauses.append((quiet, now - quiet))
            quiet = None
        if prob >= o.threshold and begun is None:
            begun = now
            continue
        if begun is not None and now - begun > longest:
            if pauses:
                at, took = max(pauses, key=lambda p: p[1])
                speeches.append({"start": begun, "end": at})
                begun, quiet, pauses = at + took, None, []
            else:
                speeches.append({"start": begun, "end": now})
                begun, quiet, pauses = None, None, []
                continue
        if prob < o.neg_threshold and begun is not None:
            quiet = now if quiet is None else quiet
            if now - quiet >= min_silence:
                if quiet - begun > min_speech:
                    speeches.append({"start": begun, "end": quiet})
                begun, quiet, pauses = None, None, []
    if begun is not None and length - begun > min_speech:
        speeches.append({"start": begun, "end": length})
    return [(s["start"], s["end"]) for s in speeches]


def padded(stretches: list[tuple[int, int]], pad: float, length: int) -> list[tuple[int, int]]:
    """Return stretches widened by ``pad`` samples on each side, or by half of what lies between two.

    Parameters
    ----------
    stretches
        In samples, in order.
    pad
        Samples.
    length
        Samples of the sound.
    """
    wide = [list(stretch) for stretch in stretches]
    for index, now in enumerate(wide):
        if index == 0:
            now[0] = int(max(0, now[0] - pad))
        if index == len(wide) - 1:
            now[1] = int(min(length, now[1] + pad))
            continue
        following = wide[index + 1]
        between = following[0] - now[1]
        if between < 2 * pad:
            now[1] += int(between // 2)
            following[0] = int(max(0, following[0] - between // 2))
        else:
            now[1] = int(min(length, now[1] + pad))
            following[0] = int(max(0, following[0] - pad))
    return [(start, end) for start, end in wide]
