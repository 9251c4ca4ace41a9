"""What a newcomer hears from the embedded server, engine by engine: words wrong, and how long they take.

Human recordings (tests/data/speech/en) are spoken to it in real time, one after the other with pauses between, in a
session as the widget runs it. The times are those of `Session.latency`; where no words come while somebody speaks, the
first ones are those of the final text. Ours, of the time from the cut to the final, is what it takes for an utterance
whose text the engine knows already.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from websockets.sync.client import connect

from ipyspeaches import LocalServer, Recording, wer
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.session import Session
from rows import Row, arguments, judged, progress, report

SPEECH = Path(__file__).parents[1] / "tests" / "data" / "speech" / "en"
RATE = 24_000
PAUSE_S = 1.5
ENGINES = (
    ("pocketsphinx/en-us", None, None),
    ("Systran/faster-whisper-tiny.en", 0.7, 1.5),
    ("Systran/faster-whisper-base", 0.7, 2.5),
)
"""Model; budgets in seconds of the median from the cut to the final, and from the onset to the first words."""
P95_S = 1.0
QUICK = 3
COMMITS = 5
TIMEOUT_S = 60


def speech(count: int | None) -> tuple[Recording, str]:
    """Return the recordings in one, and what is said in them."""
    files = sorted(path for path in SPEECH.iterdir() if path.suffix != ".txt")[:count]
    pause = np.zeros(round(PAUSE_S * RATE), np.int16)
    pieces = [piece for path in files for piece in (pause, Recording.load(path).to_rate(RATE).samples)]
    texts = [path.with_suffix(".txt").read_text(encoding="utf-8").strip() for path in files]
    return Recording.from_array(np.concatenate([*pieces, pause]), RATE), " ".join(texts)


def process_tree(pid: int) -> list[int]:
    """Return a process and those below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in process_tree(int(child)))]


def cpu_s(pids: list[int]) -> float:
    """Return the processor time that processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: list[int]) -> float:
    """Return the memory that processes hold."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def known_again_s(server: LocalServer, model: str, utterance: Recording) -> float:
    """Return the median of the seconds from a commit to its final text, where the engine knows the text already."""
    audio = base64.b64encode(utterance.samples.astype("<i2").tobytes()).decode()
    address = f"{server.url.replace('http', 'ws')}/v1/realtime?intent=transcription&language=en&model={model}"
    took_s = []
    with connect(address, max_size=None) as socket:
        socket.send(json.dumps({"type": "session.update", "session": {"turn_detection": None}}))
        for _ in range(1 + COMMITS):
            socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            time.sleep(1)  # for live text, which a microphone's utterance has behind it
            begun_s = time.perf_counter()
            socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
            while not json.loads(socket.recv(TIMEOUT_S))["type"].endswith("transcription.completed"):
                pass
            took_s.append(time.perf_counter() - begun_s)
    return float(np.median(took_s[1:]))


def measure(count: int | None) -> Iterator[Row]:
    """Yield the rows of each engine."""
    audio, said = speech(count)
    for model, final_s, first_s in ENGINES:
        progress(f"{model}, {audio.duration:.0f} s of speech …")
        with LocalServer(model=model) as server:
            yield from _engine(server, model, audio, said, (final_s, first_s))


def _engine(
    server: LocalServer, model: str, audio: Recording, said: str, budgets: tuple[float | None, float | None]
) -> Iterator[Row]:
    assert server._process is not None  # noqa: SLF001
    pids = process_tree(server._process.pid)  # noqa: SLF001
    before_s = cpu_s(pids)
    session = Session(audio, server=server.url, language="en")
    ENGINE.run(session.start())
    ENGINE.run(session.wait())
    used_s = cpu_s(pids) - before_s
    text = " ".join(segment.text for segment in session.transcript)
    yield judged(f"{model}: words wrong", wer(said, text).rate, "", budget=None)
    starts = {segment.item_id: segment.start for segment in session.transcript}
    ways = [way for way in session.latency if way.item_id in starts]
    first = [
        way.speech_end_s - starts[way.item_id] + np.fmin(way.first_partial_ms, way.final_ms) / 1000 for way in ways
    ]
    cut = [(way.final_ms - way.vad_stop_ms) / 1000 for way in ways]
    measures = (
        ("onset to first words", first, budgets[1], None),
        ("cut to final", cut, budgets[0], budgets[0] and P95_S),
        ("end of speech to final", [way.final_ms / 1000 for way in ways], None, None),
    )
    for name, values, median_s, p95_s in measures:
        yield judged(f"{model}: {name}, median", float(np.median(values)), "s", budget=median_s)
        yield judged(f"{model}: {name}, P95", float(np.percentile(values, 95)), "s", budget=p95_s)
    if budgets[0] is not None:
        first_end_s = min(segment.end for segment in session.transcript)
        ours_s = known_again_s(server, model, audio.slice(0, first_end_s + PAUSE_S / 2))
        yield judged(f"{model}: ours, of cut to final", ours_s, "s", anchor=float(np.median(cut)), budget=None)
    yield judged(f"{model}: processor time per minute of audio", used_s * 60 / audio.duration, "s", budget=None)
    yield judged(f"{model}: memory", memory_mb(pids), "MB", budget=None)


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__ or "")
    return report(measure(QUICK if options.quick else None), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
