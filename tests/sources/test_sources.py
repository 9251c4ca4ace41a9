"""Sources give their audio whole, and say in words why they cannot."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

import numpy as np
import pytest

from ipyspeaches.audio.audio_blocks import AudioBlock, NumberedBlock
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import InputError, MicrophoneError
from ipyspeaches.sources.microphones import BrowserMicrophone, KernelMicrophone, list_input_devices
from ipyspeaches.sources.source import RecordedSource, Source


async def hear(source: Source) -> list[AudioBlock]:
    return [block async for block in source.blocks()]


def tone(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int16)


async def test_a_recording_comes_whole_and_at_once() -> None:
    recording = Recording(tone(16_123), 16_000)
    blocks = await hear(RecordedSource(recording))
    assert np.array_equal(np.concatenate([block.samples for block in blocks]), recording.samples)
    assert {block.rate for block in blocks} == {16_000}


async def test_pace_is_kept() -> None:
    begun = time.monotonic()
    await hear(RecordedSource(Recording(tone(16_000), 16_000), pace=4))
    assert time.monotonic() - begun >= 0.24


async def test_an_ended_recording_stops() -> None:
    source = RecordedSource(Recording(tone(160_000), 16_000), pace=1)
    asyncio.get_running_loop().call_later(0.15, source.end)
    blocks = await asyncio.wait_for(hear(source), 5)
    assert 0 < len(blocks) < 10


@pytest.mark.parametrize("pace", [-1, float("nan"), float("inf")])
def test_an_impossible_pace_is_refused(pace: float) -> None:
    with pytest.raises(InputError, match="give 1 for real time"):
        RecordedSource(Recording(tone(10), 16_000), pace)


async def test_browser_blocks_from_other_threads_come_in_order() -> None:
    microphone = BrowserMicrophone()
    order = [1, 0, 3, 2, 4, 6, 5, 7]

    def page() -> None:
        for number in order:
            microphone.receive(NumberedBlock(number, number * 10, np.full(10, number, dtype=np.int16), 24_000))
            time.sleep(0.001)
        microphone.end()

    thread = threading.Thread(target=page)
    thread.start()
    blocks = await asyncio.wait_for(hear(microphone), 5)
    thread.join()
    assert [int(block.samples[0]) for block in blocks] == list(range(8))


async def test_a_failure_of_the_page_comes_after_what_it_captured() -> None:
    microphone = BrowserMicrophone()
    microphone.receive(NumberedBlock(1, 10, tone(10), 24_000))
    microphone.end(MicrophoneError("unplugged"))
    heard: list[AudioBlock] = []
    with pytest.raises(MicrophoneError, match="unplugged"):
        async for block in microphone.blocks():
            heard.append(block)
    assert len(heard) == 1
    assert heard[0].lost == 10


async def test_the_time_between_two_captures_is_lost_audio_though_the_first_one_is_still_being_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    microphone = BrowserMicrophone()
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    microphone.receive(NumberedBlock(0, 0, tone(2_400), 24_000))
    microphone.restart(gap=True)  # the page has gone, its last block waits
    now_s = 103.0
    microphone.receive(NumberedBlock(0, 0, tone(2_400), 24_000))
    now_s = 110.0
    microphone.end()
    assert [block.lost for block in await hear(microphone)] == [0, 3 * 24_000 - 2_400]


async def test_without_portaudio_the_sentence_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MicrophoneError, match="apt-get install libportaudio2"):
        await hear(KernelMicrophone())
    with pytest.raises(MicrophoneError, match="libportaudio2"):
        list_input_devices()


async def test_a_microphone_that_gives_nothing_any_more_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    microphone = KernelMicrophone()

    class Stream:
        """It was unplugged behind its first block, and nobody was told."""

        def start(self) -> None:
            microphone._captured.put(AudioBlock(tone(960), 24_000))

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr("ipyspeaches.sources.microphones.SILENT_S", 0.01)
    monkeypatch.setattr(microphone, "_open", Stream)
    blocks = microphone.blocks()
    assert len((await anext(blocks)).samples) == 960
    with pytest.raises(MicrophoneError, match="still plugged in"):
        await anext(blocks)
    assert closed


async def test_an_unknown_device_is_refused_in_words() -> None:
    with pytest.raises(MicrophoneError, match=r"cannot be opened|has no microphone"):
        await hear(KernelMicrophone("no such microphone"))
