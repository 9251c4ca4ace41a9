"""Audio over real connections: what goes in comes out, undamaged and before what is said about it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from aiortc.codecs.opus import OpusDecoder
from aiortc.jitterbuffer import JitterFrame
from av import AudioFrame, Packet
from numpy.typing import NDArray

from human_speech import load
from ipyspeaches import samples
from ipyspeaches.audio.clock import SESSION_RATE_HZ
from ipyspeaches.local.rtc_peer import TrackAudio
from ipyspeaches.protocol.realtime.media import LOSSY_CLOCK, PADDING_MS, SHORT_PADDING_MS, StreamAudio
from ipyspeaches.transports.rtc_connection import AudioTrack
from rtc_wire import LossySound, connected, new_peer, silence

# What Opus looks ahead, at 24 kHz: its output is that much late.
OPUS_DELAY = 156


@pytest.fixture(scope="module")
def speech() -> NDArray[np.int16]:
    """Three seconds of speech."""
    return load(samples.path("quickstart"))[SESSION_RATE_HZ // 2 : SESSION_RATE_HZ * 7 // 2]


def decoded(packets: list[Packet[Any]]) -> NDArray[np.int16]:
    """Return what Opus makes of a track's packets, on the session's clock, without any connection."""
    decoder, heard = OpusDecoder(), TrackAudio()
    pieces = []
    for packet in packets:
        frames = decoder.decode(JitterFrame(bytes(packet), packet.pts or 0))
        pieces += [heard.append(frame) for frame in frames if isinstance(frame, AudioFrame)]
    pieces.append(heard.flush())
    return np.concatenate([piece for piece in pieces if piece is not None])


def lag(late: NDArray[np.int16], early: NDArray[np.int16]) -> int:
    """Return by how many samples one is late, as their correlation has it."""
    size = 2 * len(late)
    spectrum = np.fft.rfft(late.astype(float), size) * np.fft.rfft(early.astype(float), size).conj()
    best = int(np.argmax(np.fft.irfft(spectrum)))
    return best if best < len(late) else best - size


@pytest.mark.realtime
async def test_audio_arrives_as_the_codec_gives_it_and_messages_stay_behind_it(
    speech: NDArray[np.int16], monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[Packet[Any]] = []
    take_packet = AudioTrack._packet

    def noted(track: AudioTrack) -> Packet[Any]:
        played.append(take_packet(track))
        return played[-1]

    monkeypatch.setattr(AudioTrack, "_packet", noted)
    thirds = np.array_split(speech, 3)
    async with connected() as (transport, _, heard):
        positions, at = [], 0
        for number, third in enumerate(thirds):
            transport.send_audio(StreamAudio(third))
            transport.send_audio(silence(SHORT_PADDING_MS))
            await transport.send(f"commit {number}".encode())
            at += len(third)
            positions.append(at)
            at += len(silence(SHORT_PADDING_MS).samples)
            await asyncio.sleep(0.5)  # a pause sends nothing and takes no time of the stream
        await heard.until(messages=3)
        arrived = heard.audio
    whole = np.concatenate([part for third in thirds for part in (third, silence(SHORT_PADDING_MS).samples)])
    assert [text for text, _ in heard.messages] == ["commit 0", "commit 1", "commit 2"]
    for (_, there), position in zip(heard.messages, positions, strict=True):
        assert there >= position + OPUS_DELAY, "a message came before the audio that it is about"
    expected = decoded(played)
    length = min(len(arrived), len(expected))
    assert len(whole) - length < SESSION_RATE_HZ * SHORT_PADDING_MS // 1000
    # The connection adds nothing and loses nothing; only the last bits are dithered by the resampler.
    assert np.abs(arrived[:length].astype(int) - expected[:length]).max() <= 3
    # Opus leaves it nearly as it is: the noise is less than a hundredth of the speech.
    spoken = whole[: length - OPUS_DELAY].astype(float)
    assert np.mean((arrived[OPUS_DELAY:length] - spoken) ** 2) < 0.01 * np.mean(spoken**2)
    # It is late by what Opus looks ahead, at the end as at the beginning.
    for start in range(0, length - 2 * SESSION_RATE_HZ, SESSION_RATE_HZ):
        assert lag(arrived[start : start + SESSION_RATE_HZ], whole[start : start + SESSION_RATE_HZ]) == pytest.approx(
            OPUS_DELAY, abs=2
        )


@pytest.mark.realtime
async def test_padding_gets_an_utterance_through_a_receiver_like_that_of_speaches(speech: NDArray[np.int16]) -> None:
    peer = new_peer()
    peer._audio = LossySound()  # type: ignore[assignment]
    async with connected(peer) as (transport, _, heard):
        at, positions = 0, []
        for number in range(3):
            part = speech[: SESSION_RATE_HZ + number * 777]
            transport.send_audio(StreamAudio(part))
            transport.send_audio(silence(PADDING_MS))
            await transport.send(b"commit")
            at += len(part)
            positions.append(at)
            at += len(silence(PADDING_MS).samples)
        await heard.until(messages=3)
    for (_, counted), position in zip(heard.messages, positions, strict=True):
        assert position <= counted * LOSSY_CLOCK <= position + PADDING_MS * SESSION_RATE_HZ / 1000


async def test_nothing_to_say_sends_nothing() -> None:
    async with connected() as (transport, _, heard):
        await asyncio.sleep(0.5)
        assert len(heard.audio) == 0
        transport.send_audio(silence(400))
        await transport.drain(0)
        await asyncio.sleep(0.3)
        count = len(heard.audio)
        await asyncio.sleep(0.5)
        assert len(heard.audio) == count <= 400 * SESSION_RATE_HZ // 1000


async def test_a_recording_waits_for_its_time_in_the_stream(speech: NDArray[np.int16]) -> None:
    async with connected() as (transport, _, _heard):
        transport.send_audio(StreamAudio(speech))
        await transport.drain(5)  # it is three seconds long
        waiting = asyncio.create_task(transport.drain(1))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await transport.close()
        await asyncio.wait_for(waiting, 5)  # the end of the connection ends the wait
