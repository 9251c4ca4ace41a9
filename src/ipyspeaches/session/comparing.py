"""The same words by several ways: one recording, a session for each, and their results side by side."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Unpack, cast
from urllib.parse import urlsplit

from ipyspeaches.audio.recording import Recording
from ipyspeaches.checks import instance, shown
from ipyspeaches.chinese import Script
from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.results.comparison import ComparedRun, Comparison
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE, leave
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection, hide_key
from ipyspeaches.session.session import Session

REFERENCE: Final = instance((str, Transcript), "what was said, as text or as a Transcript")
Runs = Mapping[str, SessionKeywords] | Sequence[SessionKeywords]
"""The options of each run: by name, or without names, which are then made from the options."""


async def compare(
    recording: Recording | str | os.PathLike[str],
    runs: Runs,
    *,
    reference: str | Transcript | None = None,
    at_once: bool = False,
    **common: Unpack[SessionKeywords],
) -> Comparison:
    """Send the same words by several ways, models, servers or detectors, and compare what comes back.

    A run that fails has its error in the result and leaves the others alone.

    Parameters
    ----------
    recording
        The words: a `Recording`, or a path.
    runs
        What each run does differently: ``{"sse": {"transport": "sse"}, "energy": {"turn_detection": …}}``. A list of
        options does as well; the runs are then named after them.
    reference
        What was said, for word and character error rates. It and all texts are compared in the characters of
        ``script``, if that is one of the common options.
    at_once
        Whether all runs go side by side, which is quicker; they then share the machine, and their latencies are longer
        for it. Otherwise one follows the other.
    **common
        Options of all runs that do not have their own; see `SessionOptions`. ``pace`` is 1 (real time) unless given:
        a latency means little where speech comes faster than it is spoken. A run with a ``server`` of its own does not
        get the ``api_key`` of the others.

    Returns
    -------
    Comparison
        One row a run. What interrupts or cancels it has what came until then as ``.comparison``.

    Raises
    ------
    InputError
        If there is nothing to compare, or an option cannot be used.
    AudioError
        If the recording cannot be read.
    """
    hide_key(common)
    if reference is not None:
        REFERENCE("reference", reference)
    runs = named(runs)
    wanted = {name: with_defaults(options, common) for name, options in runs.items()}
    for name, options in wanted.items():
        check_options(name, options)
    audio = recording if isinstance(recording, Recording) else Recording.load(recording)
    sessions = {name: Session(audio, **options) for name, options in wanted.items()}

    def comparison() -> Comparison:
        found = [compared_run(name, session) for name, session in sessions.items()]
        return Comparison(found, reference, cast("Script | None", common.get("script")))

    try:
        await ENGINE.call(_live_through_all(sessions.values(), at_once=at_once))
    except BaseException as exc:
        leave(exc, comparison=comparison())
        raise
    return comparison()


async def _live_through_all(sessions: Iterable[Session], *, at_once: bool) -> None:
    if at_once:
        await asyncio.gather(*map(live_through, sessions))
    else:
        for session in sessions:
            await live_through(session)


async def live_through(session: Session) -> None:
    """Run a session to its end; what goes wrong is its `Session.error`, and cancelling ends it at once."""
    try:
        async with session:
            await session.wait()
    except SpeachesError:
        # Kept by the session; an error of the options at hand is not, but those were checked before.
        if session.error is None:
            raise


def compared_run(name: str, session: Session) -> ComparedRun:
    """Return what a session gave so far, under a name."""
    turn = session.turn_detection
    return ComparedRun(
        name,
        session.transcript,
        session.latency,
        transport=session.options.route.transport,
        model=session.options.recognition.model if session.destination is None else session.destination.model,
        cuts=turn.detector.name if turn.client_cuts else "server",
        warnings=tuple(event.text for event in session.events if event.type == events.Warning.__name__),
        error=None if session.failure is None else str(session.failure),
    )


def named(runs: Runs) -> dict[str, SessionKeywords]:
    """Return the options of each run by its name, which is made from them where there is none.

    It is an `InputError` if there are no runs, or they are not options.
    """
    listed = runs if isinstance(runs, Sequence) and not isinstance(runs, str) else ()
    pairs = list(runs.items()) if isinstance(runs, Mapping) else [("", options) for options in listed]
    if not pairs:
        raise InputError('There is nothing to compare: give options, such as {"energy": {"turn_detection": …}}.')
    found: dict[str, SessionKeywords] = {}
    for number, (given, options) in enumerate(pairs, 1):
        if not isinstance(options, Mapping):
            raise InputError(f"{shown(options)} are no options of a run: give a dict such as {{'language': 'en'}}.")
        name = str(given) or _name(options) or f"run {number}"
        copied = cast("SessionKeywords", dict(options))
        hide_key(copied)
        found[name if name not in found else f"{name} ({number})"] = copied
    return found


def with_defaults(options: SessionKeywords, common: SessionKeywords) -> SessionKeywords:
    """Return a run's options, completed by those of all runs; a key goes to no other server than the one it is for."""
    inherited = dict(common)
    if "server" in options:
        inherited.pop("api_key", None)
    return cast("SessionKeywords", {**inherited, **options})


def check_options(name: str, options: SessionKeywords) -> None:
    """Refuse options that no session takes, before anything runs: an `InputError` with the name of the run."""
    try:
        SessionOptions.of(dict(options))
    except InputError as exc:
        raise InputError(f"The run “{name}”: {exc}") from exc


def _name(options: Mapping[str, Any]) -> str:
    """Return what tells a run from others; never its key."""
    return ", ".join(_value(key, value) for key, value in options.items() if key not in {"api_key", "on_event"})


def _value(key: str, value: object) -> str:
    if isinstance(value, TurnDetection):
        return value.detector.name if value.client_cuts else "server cuts"
    if key == "server" and isinstance(value, str):
        return urlsplit(value).netloc.rpartition("@")[2] or value
    if key in {"model", "transport", "language"} and value is not None:
        return str(value).rpartition("/")[2]
    return f"{key}={value}"
