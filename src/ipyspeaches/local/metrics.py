"""What the server holds and has done, in the text format that Prometheus reads."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Final

from ipyspeaches.local.dispatcher import LAG_BUCKETS_S, Dispatcher
from ipyspeaches.local.worker_pool import cpu_s, resident_bytes

PROMETHEUS_TYPE: Final = "text/plain; version=0.0.4"

_Labels = Mapping[str, str]
_Values = Iterable[tuple[_Labels, float | None]]


def prometheus_text(dispatcher: Dispatcher) -> str:
    """Return all metrics of a server."""
    return "".join((*_load(dispatcher), *_models(dispatcher), *_done(dispatcher), *_processes(dispatcher)))


def _load(dispatcher: Dispatcher) -> Iterable[str]:
    limits = dispatcher.limits
    yield _metric("sessions", "gauge", "Realtime sessions.", [({}, dispatcher.sessions)])
    yield _metric("sessions_max", "gauge", "Realtime sessions that there may be.", [({}, limits.max_sessions)])
    yield _metric("queue_jobs", "gauge", "Jobs that wait or are under way.", [({}, dispatcher.unfinished)])
    yield _metric("queue_audio_seconds", "gauge", "Audio of these jobs.", [({}, dispatcher.waiting_audio_s)])
    yield _metric(
        "queue_wait_seconds", "gauge", "How long an utterance of somebody new would wait.", [({}, dispatcher.wait_s())]
    )
    yield _metric("queue_wait_max_seconds", "gauge", "Wait beyond which work is refused.", [({}, limits.max_wait_s)])


def _models(dispatcher: Dispatcher) -> Iterable[str]:
    pools = [pool for pool in dispatcher.memory.pools if pool.loaded]
    held = [({"model": pool.spec.model}, pool.memory_bytes) for pool in pools]
    yield _metric("model_memory_bytes", "gauge", "Memory of the processes of each model that is loaded.", held)
    workers = [({"model": pool.spec.model}, len(pool.workers)) for pool in pools]
    yield _metric("model_processes", "gauge", "Processes of each model that is loaded.", workers)


def _done(dispatcher: Dispatcher) -> Iterable[str]:
    tally = dispatcher.tally
    jobs = [({"model": model, "outcome": outcome}, number) for (model, outcome), number in tally.jobs.items()]
    yield _metric("jobs_total", "counter", "Utterances and files, by what became of them.", jobs)
    audio = [({"model": model}, seconds) for model, seconds in tally.audio_s.items()]
    yield _metric("audio_seconds_total", "counter", "Audio that was recognised.", audio)
    refused = [({"what": what}, tally.refused[what]) for what in ("job", "session")]
    yield _metric("refused_total", "counter", "What was refused because the server was busy.", refused)
    yield _metric("sessions_total", "counter", "Realtime sessions since the server began.", [({}, tally.sessions)])
    yield _lag(dispatcher)


def _lag(dispatcher: Dispatcher) -> str:
    """Return the histogram of the time from a commit, or the end of an upload, to the whole text."""
    tally = dispatcher.tally
    below, lines = 0, []
    for limit in LAG_BUCKETS_S:
        below += tally.lag_s[limit]
        lines.append(_line("lag_seconds_bucket", {"le": f"{limit:g}".replace("inf", "+Inf")}, below))
    lines += [_line("lag_seconds_sum", {}, tally.lag_sum_s), _line("lag_seconds_count", {}, below)]
    return _head("lag_seconds", "histogram", "From the end of the audio to the whole text.") + "".join(lines)


def _processes(dispatcher: Dispatcher) -> Iterable[str]:
    pids = [worker.pid for pool in dispatcher.memory.pools for worker in pool.workers]
    ended = os.times()
    workers_s = ended.children_user + ended.children_system + sum(cpu_s(pid) for pid in pids if pid is not None)
    spent = [({"of": "server"}, time.process_time()), ({"of": "models"}, workers_s)]
    yield _metric("cpu_seconds_total", "counter", "Time that cores were busy.", spent)
    yield _metric(
        "memory_bytes", "gauge", "Memory of the server without its models.", [({}, resident_bytes(os.getpid()))]
    )


def _metric(name: str, kind: str, what: str, values: _Values) -> str:
    """Return a metric with its values; those that nobody knows are left out."""
    return _head(name, kind, what) + "".join(_line(name, labels, one) for labels, one in values if one is not None)


def _head(name: str, kind: str, what: str) -> str:
    return f"# HELP ipyspeaches_{name} {what}\n# TYPE ipyspeaches_{name} {kind}\n"


def _line(name: str, labels: _Labels, value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"ipyspeaches_{name}{f'{{{inside}}}' if inside else ''} {value:.12g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
