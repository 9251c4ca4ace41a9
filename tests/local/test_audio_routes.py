"""Files over HTTP: the shapes of the recorded answers, with our text in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
from jiwer import wer
from numpy.typing import NDArray

from human_speech import words
from ipyspeaches import samples
from ipyspeaches.local import LocalServer
from ipyspeaches.local.audio_routes import _timed_words
from ipyspeaches.local.recogniser import SegmentText
from ipyspeaches.words import Word
from realtime_client import MODEL

INFO = samples.info("quickstart")
TIMEOUT_S = 300


def recorded(root: Path, name: str) -> Any:
    return json.loads((root / f"tests/data/exchanges/http/{name}.json").read_text(encoding="utf-8"))


def wav(audio: NDArray[Any], rate: int = 24_000, **options: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, rate, format=options.get("format", "WAV"), subtype=options.get("subtype"))
    return buffer.getvalue()


def post(
    server: LocalServer,
    data: bytes | None,
    *,
    path: str = "/v1/audio/transcriptions",
    content_type: str = "audio/wav",
    **fields: str,
) -> httpx2.Response:
    files = None if data is None else {"file": ("sound.wav", data, content_type)}
    return httpx2.post(server.url + path, data=fields, files=files, timeout=TIMEOUT_S, trust_env=False)


@pytest.fixture(scope="session")
def two_sentences(quickstart: NDArray[np.int16]) -> bytes:
    return wav(quickstart[: round((INFO.sentences[1].end + 0.6) * 24_000)])


@pytest.fixture(scope="session")
def transcript(local_server: LocalServer, two_sentences: bytes) -> Callable[[str], httpx2.Response]:
    """The answer with the transcript of two sentences, in a format; each is asked for once."""
    return cache(lambda name: post(local_server, two_sentences, model=MODEL, response_format=name))


@pytest.mark.parametrize("name", ["json", "verbose_json", "verbose_json-words"])
def test_json_has_the_recorded_keys(local_server: LocalServer, root: Path, two_sentences: bytes, name: str) -> None:
    real = recorded(root, f"transcription-{name}")
    fields = {**real["request"]["form"], "model": MODEL}
    answer = post(local_server, two_sentences, **fields)
    assert (answer.status_code, answer.headers["content-type"]) == (200, real["headers"]["content-type"])
    ours, theirs = answer.json(), json.loads(real["body"])
    assert ours.keys() == theirs.keys()
    assert wer(words(" ".join(sentence.text for sentence in INFO.sentences[:2])), words(ours["text"])) < 0.3
    if name != "json":
        assert [segment.keys() for segment in ours["segments"]] == [theirs["segments"][0].keys()] * 2
        assert [segment["id"] for segment in ours["segments"]] == [1, 2]
        assert ours["duration"] == pytest.approx(INFO.sentences[1].end + 0.6, abs=0.001)
        for segment, sentence in zip(ours["segments"], INFO.sentences, strict=False):
            assert segment["start"] == pytest.approx(sentence.start, abs=0.25)
            assert segment["end"] == pytest.approx(sentence.end, abs=0.3)
    if name == "verbose_json-words":
        assert ours["words"][0].keys() == {*theirs["words"][0], "probability"}
        assert "".join(word["word"] for word in ours["words"]).strip() == ours["text"]
    elif name == "verbose_json":
        assert ours["words"] is None


def test_plain_formats(root: Path, transcript: Callable[[str], httpx2.Response]) -> None:
    answers = {}
    for name in ("text", "srt", "vtt"):
        answer = transcript(name)
        assert answer.headers["content-type"] == recorded(root, f"transcription-{name}")["headers"]["content-type"]
        answers[name] = answer.text
    srt, vtt = answers["srt"].split("\n\n"), answers["vtt"].split("\n\n")
    assert srt[0].startswith("1\n00:00:00,")
    assert " --> " in srt[1]
    assert vtt[0] == "WEBVTT"
    assert vtt[1].startswith("00:00:00.")
    assert len(srt) == len(vtt) - 1 == 3
    assert " ".join(cue.split("\n")[2].strip() for cue in srt[:2]) == answers["text"]


def test_a_stream_gives_a_delta_a_sentence_and_then_the_whole(
    local_server: LocalServer, root: Path, two_sentences: bytes
) -> None:
    real = recorded(root, "sse-long")
    answer = post(local_server, two_sentences, model=MODEL, stream="true")
    assert answer.headers["content-type"] == real["headers"]["content-type"]
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    *deltas, done = [json.loads(line) for line in lines]
    real_events = [json.loads(chunk["text"].removeprefix("data: ")) for chunk in real["chunks"]]
    assert [delta.keys() for delta in deltas] == [real_events[0].keys()] * 2
    assert done.keys() == real_events[-1].keys()
    assert "".join(delta["delta"] for delta in deltas).strip() == done["text"] != ""


def test_any_rate_format_and_number_of_channels_is_heard(
    local_server: LocalServer, quickstart: NDArray[np.int16]
) -> None:
    sentence = quickstart[: round((INFO.sentences[0].end + 0.4) * 24_000)]
    expected = post(local_server, wav(sentence), model=MODEL).json()["text"]
    stereo = np.stack((sentence, sentence), axis=1)
    assert post(local_server, wav(stereo), model=MODEL).json()["text"] == expected
    assert post(local_server, wav(sentence, format="FLAC"), model=MODEL).json()["text"] == expected
    assert (
        post(local_server, wav(sentence / np.float32(32_768), subtype="FLOAT"), model=MODEL).json()["text"] == expected
    )
    assert post(local_server, wav(np.repeat(sentence, 2), rate=48_000), model=MODEL).json()["text"]


@pytest.mark.parametrize("path", ["transcriptions", "translations", "speech/timestamps"])
def test_what_is_odd_about_a_file_is_told_in_a_header(local_server: LocalServer, path: str) -> None:
    fields = {"path": f"/v1/audio/{path}", **({} if "speech" in path else {"model": MODEL})}
    silence, loud = wav(np.zeros(2400, dtype=np.int16)), wav(np.tile(np.array([900, -900], dtype=np.int16), 1200))
    answer = post(local_server, silence + silence, **fields)
    assert answer.is_success
    told = answer.headers["X-Audio-Notes"]
    assert told.startswith("The audio: 2 recordings are joined in this file")
    assert told.endswith("The audio: It is silent: in 16 bits, every sample is 0.")
    assert "X-Audio-Notes" not in post(local_server, loud, **fields).headers


def test_raw_audio_is_taken_as_16_khz(local_server: LocalServer, quickstart: NDArray[np.int16]) -> None:
    path = "/v1/audio/speech/timestamps"
    (span, *_) = post(local_server, quickstart.tobytes(), path=path, content_type="audio/pcm").json()
    assert span["start"] / 1000 == pytest.approx(INFO.sentences[0].start * 1.5, abs=0.3)


def test_silence_gives_no_words(local_server: LocalServer) -> None:
    answer = post(local_server, wav(np.zeros(48_000, dtype=np.int16)), model=MODEL, response_format="verbose_json")
    assert answer.json()["text"] == ""
    assert answer.json()["segments"] == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("error-404-model", b"audio"),
        ("error-404-model-stream", b"audio"),
        ("error-415-junk", b"x" * 5000),
        ("error-415-empty", b""),
        ("error-422-format", b"audio"),
        ("error-422-no-model", b"audio"),
        ("error-422-no-file", None),
    ],
)
def test_errors_are_those_that_were_recorded(
    local_server: LocalServer, root: Path, name: str, data: bytes | None
) -> None:
    real = recorded(root, name)
    fields = {**real["request"]["form"]}
    if fields.get("model") == "Systran/faster-whisper-tiny":
        fields["model"] = MODEL
    answer = post(local_server, data, **fields)
    assert (answer.status_code, answer.json()) == (real["status"], json.loads(real["body"]))


@pytest.mark.parametrize(
    "fields",
    [{"language": "zh"}, {"stream": "perhaps"}, {"timestamp_granularities[]": "syllable"}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_cannot_be_done_is_named(local_server: LocalServer, fields: dict[str, str]) -> None:
    answer = post(local_server, b"audio", model=MODEL, **fields)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", next(iter(fields))]


def test_audio_that_cannot_be_used_is_refused_with_the_reason(local_server: LocalServer) -> None:
    for audio, reason in ((wav(np.empty(0, dtype=np.int16)), "empty"), (b"<html>Not found</html>", "not supported")):
        answer = post(local_server, audio, model=MODEL)
        assert answer.status_code == 415
        assert reason in answer.json()["detail"]


ADVICE = {"prompt": "Lecture.", "hotwords": "city", "temperature": "0.2", "without_timestamps": "false"}


def test_advice_is_taken_and_changes_nothing_here(
    local_server: LocalServer, two_sentences: bytes, transcript: Callable[[str], httpx2.Response]
) -> None:
    assert post(local_server, two_sentences, model=MODEL, **ADVICE).json() == transcript("json").json()


@pytest.mark.parametrize("path", ["/v1/audio/transcriptions", "/v1/audio/translations"])
@pytest.mark.parametrize("temperature", ["warm", "1.5", "-1"])
def test_a_temperature_that_is_none_is_refused(local_server: LocalServer, path: str, temperature: str) -> None:
    answer = post(local_server, b"audio", path=path, model=MODEL, temperature=temperature)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "temperature"]


def test_the_translation_of_english_is_its_transcript(
    local_server: LocalServer, two_sentences: bytes, transcript: Callable[[str], httpx2.Response]
) -> None:
    def translation(**fields: str) -> httpx2.Response:
        return post(local_server, two_sentences, path="/v1/audio/translations", model=MODEL, **fields)

    verbose = transcript("verbose_json").json()
    expected = {name: verbose[name] for name in ("duration", "language", "text", "segments")}
    assert translation(response_format="verbose_json", prompt="Lecture.").json() == expected
    assert translation().json() == {"text": verbose["text"]}
    for name in ("text", "srt", "vtt"):
        assert translation(response_format=name).text == transcript(name).text


def test_a_translation_is_refused_as_a_transcription_is(local_server: LocalServer, root: Path) -> None:
    for name in ("error-404-model", "error-415-junk", "error-422-no-model"):
        real = recorded(root, name)
        fields = {**real["request"]["form"]}
        if fields.get("model") == "Systran/faster-whisper-tiny":
            fields["model"] = MODEL
        answer = post(local_server, b"x" * 5000, path="/v1/audio/translations", **fields)
        assert (answer.status_code, answer.json()) == (real["status"], json.loads(real["body"])), name


def test_no_model_here_tells_speakers_apart(local_server: LocalServer, root: Path) -> None:
    path = "/v1/audio/diarization"
    answer = post(local_server, b"audio", path=path, model="no/such")
    assert (answer.status_code, answer.json()) == (404, json.loads(recorded(root, "error-404-model")["body"]))
    assert post(local_server, b"audio", path=path).status_code == 422
    assert post(local_server, b"audio", path=path, model="no/such", response_format="srt").status_code == 422


def spans(server: LocalServer, data: bytes, **fields: str) -> list[tuple[int, int]]:
    answer = post(server, data, path="/v1/audio/speech/timestamps", **fields)
    assert answer.status_code == 200
    return [(span["start"], span["end"]) for span in answer.json()]


def test_speech_timestamps_are_where_the_sentences_are(
    local_server: LocalServer, quickstart: NDArray[np.int16]
) -> None:
    found = spans(local_server, wav(quickstart), threshold="0.5", min_silence_duration_ms="300")
    assert len(found) == len(INFO.sentences)
    for (start, end), sentence in zip(found, INFO.sentences, strict=True):
        assert start / 1000 == pytest.approx(sentence.start, abs=0.2)
        assert end / 1000 == pytest.approx(sentence.end, abs=0.3)
    padded = spans(local_server, wav(quickstart), threshold="0.5", min_silence_duration_ms="300", speech_pad_ms="100")
    assert [(start - 100, end + 100) for start, end in found] == padded
    assert spans(local_server, wav(quickstart), threshold="1.0") == []


def test_a_threshold_out_of_range_is_refused_as_recorded(
    local_server: LocalServer, root: Path, two_sentences: bytes
) -> None:
    real = recorded(root, "timestamps-1.5")
    answer = post(local_server, two_sentences, path="/v1/audio/speech/timestamps", threshold="1.5")
    assert (answer.status_code, answer.json()) == (422, json.loads(real["body"]))


@pytest.mark.parametrize("threshold", ["abc", "nan", "-1"])
def test_a_threshold_that_is_no_number_is_refused(
    local_server: LocalServer, two_sentences: bytes, threshold: str
) -> None:
    answer = post(local_server, two_sentences, path="/v1/audio/speech/timestamps", threshold=threshold)
    assert answer.status_code == 422


@pytest.mark.parametrize("field", ["speech_pad_ms", "min_silence_duration_ms", "min_speech_duration_ms"])
@pytest.mark.parametrize("given", ["inf", "1e300", "99999999999"])
def test_a_duration_that_no_clock_holds_is_refused(
    local_server: LocalServer, two_sentences: bytes, field: str, given: str
) -> None:
    answer = post(local_server, two_sentences, path="/v1/audio/speech/timestamps", **{field: given})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])


@pytest.mark.parametrize("longest", ["inf", "1e-300", "0"])
def test_no_limit_of_speech_is_none(local_server: LocalServer, two_sentences: bytes, longest: str) -> None:
    assert spans(local_server, two_sentences, max_speech_duration_s=longest) == spans(local_server, two_sentences)


def test_words_have_the_spaces_of_their_script() -> None:
    words = tuple(Word(text, i, i + 1.0) for i, text in enumerate(("广", "州", "Hello", "world", "市，", "今")))
    listed = _timed_words([SegmentText(0.0, 6.0, "", words, "zh")])
    assert [word["word"] for word in listed] == ["广", "州", " Hello", " world", " 市，", "今"]
    assert _timed_words([SegmentText(0.0, 1.0, "", words[2:3], "en")])[0]["word"] == " Hello"
