from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipyspeaches.errors import InputError, StateError
from ipyspeaches.protocol.realtime.outbox import MAX_APPEND_SAMPLES, MIN_COMMIT_SAMPLES, Outbox
from ipyspeaches.protocol.realtime.timeline import Timeline
from realtime_wire import cut, kinds, pcm, ready

APPEND = st.tuples(st.just("append"), st.integers(0, 3000), st.integers(0, 2))
ACTIONS = st.lists(st.one_of(APPEND, st.just(("commit", 0, 0)), st.just(("flush", 0, 0))), max_size=40)


def numbered(start: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return samples that can be told apart from each other and from zeros."""
    return ((np.arange(start, start + count) % 32_000) + 1).astype(np.int16)


@settings(deadline=None)
@given(ACTIONS, st.booleans())
def test_no_sample_is_lost_or_doubled_and_appends_are_triples(
    actions: list[tuple[str, int, int]], client_cuts: bool
) -> None:
    protocol = ready(client_cuts=client_cuts)
    appended = np.zeros(0, np.int16)
    utterances: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
    start = 0
    for kind, count, gap in actions:
        if kind == "append":
            start += gap * 1000
            samples = numbered(start, count)
            protocol.send_append(samples, start)
            appended = np.concatenate([appended, samples])
            start += count
        elif kind == "commit" and client_cuts and len(appended):
            protocol.send_commit(cut(len(utterances)))
            utterances.append(appended)
            appended = np.zeros(0, np.int16)
        elif kind == "flush" and not client_cuts:
            protocol.send_flush()
    sent, buffers = np.zeros(0, np.int16), []
    for message in protocol.messages_to_send():
        match kinds([message]):
            case ["append"]:
                samples = pcm(message)
                assert len(samples)
                assert not len(samples) % 3
                sent = np.concatenate([sent, samples])
            case ["commit"]:
                buffers.append(sent)
                sent = np.zeros(0, np.int16)
    assert len(buffers) == len(utterances)
    for buffer, utterance in zip(buffers, utterances, strict=True):
        assert len(buffer) >= MIN_COMMIT_SAMPLES
        assert len(buffer) - len(utterance) < max(MIN_COMMIT_SAMPLES - len(utterance), 0) + 3
        np.testing.assert_array_equal(buffer[: len(utterance)], utterance)
        assert not buffer[len(utterance) :].any()
    # What is behind the last commit is all there, but for two samples that wait, and nothing else but zeros.
    spoken = sent[sent != 0]
    assert len(appended) - 2 <= len(spoken) <= len(appended)
    np.testing.assert_array_equal(spoken, appended[: len(spoken)])


def test_the_usual_append_is_one_message() -> None:
    protocol = ready(client_cuts=True)
    samples = numbered(0, 2400)
    protocol.send_append(samples, 0)
    [message] = protocol.messages_to_send()
    assert json.loads(message)["type"] == "input_audio_buffer.append"
    np.testing.assert_array_equal(pcm(message), samples)


def test_a_view_with_steps_is_sent_as_it_reads() -> None:
    protocol = ready(client_cuts=True)
    samples = numbered(0, 4800)[::2]
    protocol.send_append(samples, 0)
    [message] = protocol.messages_to_send()
    np.testing.assert_array_equal(pcm(message), samples)


def test_nothing_is_no_message() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(np.zeros(0, np.int16), 0)
    assert protocol.messages_to_send() == []
    with pytest.raises(StateError, match="empty buffer"):
        protocol.send_commit(cut(0))
    assert protocol.messages_to_send() == []


def test_a_single_sample_can_be_committed() -> None:
    protocol = ready(client_cuts=True)
    protocol.send_append(numbered(0, 1), 0)
    assert protocol.messages_to_send() == []
    protocol.send_commit(cut(0))
    append, commit = protocol.messages_to_send()
    assert kinds([append, commit]) == ["append", "commit"]
    assert len(pcm(append)) == MIN_COMMIT_SAMPLES


def test_what_is_too_long_for_a_message_goes_in_several() -> None:
    outbox = Outbox(Timeline())
    samples = numbered(0, 2 * MAX_APPEND_SAMPLES + 5)
    outbox.append(samples, 0)
    messages = [message for message in outbox.drain() if isinstance(message, bytes)]
    assert all(len(message) < 16 * 2**20 for message in messages)
    np.testing.assert_array_equal(np.concatenate([pcm(message) for message in messages]), samples[:-2])


@pytest.mark.parametrize(
    "samples",
    [np.zeros(10, np.float32), np.zeros(10, np.int32), np.zeros((2, 10), np.int16), np.zeros(10, ">i2")],
)
def test_other_than_mono_int16_is_refused(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
    protocol = ready(client_cuts=True)
    with pytest.raises(InputError, match="give mono int16 at 24,000 Hz"):
        protocol.send_append(samples, 0)
    assert protocol.messages_to_send() == []
