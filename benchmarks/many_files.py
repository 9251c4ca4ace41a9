"""Many files on a cluster that loses a worker, against one process.

Short cuts of the recordings in ``tests/data/speech/en`` are transcribed by PocketSphinx: on a Dask cluster of two
worker processes on this machine, each with an embedded server of its own, one of which is killed when half of the
table is there; and by one process. Both have the same cores to recognise with, so a cluster of one machine wins
nothing: what counts is that nothing is lost or done twice, and that it costs little.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from distributed import Client, LocalCluster

import ipyspeaches as sp
from ipyspeaches.results.files import FileResults
from rows import Row, arguments, judged, progress, report

FILES, FEW = 200, 24
CUT_S = 2.6
SLOWER = 1.5
"""What starting two servers, and one again after the kill, may add: they take a second or two each."""
SPEECH = sorted((Path(__file__).parents[1] / "tests" / "data" / "speech" / "en").glob("*.[fw]*"))


def cut(folder: Path, count: int) -> list[Path]:
    """Write so many short files."""
    recordings = [sp.Recording.load(path) for path in SPEECH]
    cuts = [one.slice(0, min(CUT_S, one.duration)) for one in recordings]
    return [cuts[number % len(cuts)].save(folder / f"{number:03}.wav") for number in range(count)]


async def on_cluster(files: list[Path], kept: Path) -> FileResults:
    """Transcribe on two workers, and kill one when half of the files are done."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
        client.get_executor() as executor,
    ):
        many = asyncio.create_task(sp.transcribe_many(files, executor=executor, resume=kept))
        while not kept.exists() or kept.read_bytes().count(b"\n") < len(files) // 2:  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.05)
        cluster.workers[0].process.process._process.kill()  # noqa: SLF001  there is no public way to be so rude
        progress("one worker is killed")
        return await many


def measure(count: int) -> list[Row]:
    """Transcribe twice, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        files, kept = cut(Path(folder), count), Path(folder) / "cluster.jsonl"
        begin_s = time.perf_counter()
        alone = sp.run(sp.transcribe_many(files))
        alone_s = time.perf_counter() - begin_s
        progress(f"one process: {alone!r} in {alone_s:.1f} s")
        begin_s = time.perf_counter()
        found = asyncio.run(on_cluster(files, kept))
        cluster_s = time.perf_counter() - begin_s
        progress(f"a cluster: {found!r} in {cluster_s:.1f} s")
        lines = Counter(json.loads(line)["path"] for line in kept.read_text(encoding="utf-8").splitlines())
    texts, others = [row.text for row in alone], [row.text for row in found]
    wrong = sum(one != other for one, other in zip(texts, others, strict=True)) + len(found.failed) + len(alone.failed)
    return [
        judged(f"of {count} files, failed or with another text than from one process", wrong, "files", budget=0),
        judged(
            "files not in the results, or twice", count - len(lines) + lines.total() - len(lines), "files", budget=0
        ),
        judged(
            "time of the cluster, a worker killed, against one process", cluster_s, "s", anchor=alone_s, budget=SLOWER
        ),
    ]


def main() -> int:
    """Measure and print."""
    chosen = arguments(__doc__ or "")
    os.environ["IPYSPEACHES_MODEL"] = "pocketsphinx/en-us"
    return report(measure(FEW if chosen.quick else FILES), as_json=chosen.json)


if __name__ == "__main__":
    sys.exit(main())
