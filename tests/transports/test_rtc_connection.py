"""A track gives out what it was given, in whole frames."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from ipyspeaches.transports.rtc_connection import FRAME_SAMPLES, AudioTrack


async def test_a_track_gives_out_whole_frames_and_waits_for_the_rest() -> None:
    track = AudioTrack()
    for _ in range(4):
        track.append(np.zeros(1000, np.int16))
    packets = [await track.recv() for _ in range(3)]
    assert [packet.pts for packet in packets] == [0, FRAME_SAMPLES, 2 * FRAME_SAMPLES]
    assert {packet.time_base for packet in packets} == {Fraction(1, 48_000)}
    assert track.unsent_s * 48_000 % FRAME_SAMPLES == pytest.approx(0, abs=0.01)
    waiting = asyncio.create_task(track.drain())
    while track.unsent_s:
        await track.recv()
    await asyncio.wait_for(waiting, 5)
    ended = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await asyncio.wait_for(ended, 5)
