"""What a `VadLab` and its page say to each other; the twin of `js/src/lab/wire.ts`."""

from __future__ import annotations

import asyncio
import json
import math
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import numpy as np

from ipyspeaches.audio.extremes import Pyramid
from ipyspeaches.errors import InputError, SpeachesError, StateError
from ipyspeaches.protocol.recognition import ServerTurnDetection
from ipyspeaches.results.accuracy import alignment, cer, wer
from ipyspeaches.results.transcript import Transcript
from ipyspeaches.session import events
from ipyspeaches.session.engine import ENGINE
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection
from ipyspeaches.session.session import transcribe
from ipyspeaches.vad.detectors import Detector
from ipyspeaches.vad.evaluation import Evaluation, check_span
from ipyspeaches.vad.handins import SUFFIX, Setup
from ipyspeaches.vad.segments import Segments
from ipyspeaches.widget.bridge import Bridge, Command, Reply, audio_reply
from ipyspeaches.widget.controller import Controller
from ipyspeaches.widget.drawing import COLUMN_S, Message, waveform, waveform_window
from ipyspeaches.widget.kept import Kept, metrics_table, picture_of_lab
from ipyspeaches.widget.lab_state import LabState
from ipyspeaches.widget.lab_truth import TruthFile, edited, read_labels
from ipyspeaches.widget.local_model import INTERVAL_S
from ipyspeaches.widget.page_messages import kind_of
from ipyspeaches.widget.settings import NUMBERS
from ipyspeaches.words import join_text, spaceless_script

Reference: TypeAlias = str | Transcript | None

SCORING: Final = ("aggressiveness", "frame_ms")
"""Whole numbers of some detectors that change their scores."""
_CODE_WIDTH: Final = 44
SESSION_CELL: Final = """import ipyspeaches as sp

w = sp.Transcriber(turn_detection=sp.TurnDetection.client({}))
w"""
KEPT_S: Final = 2.0
"""How long a cell that shows a lab waits for the figures that it keeps; what comes later is kept later."""


class LabController:
    """Does what a lab's pages ask for. Everything runs on the engine's loop, one after the other.

    Transcriptions are made with ``keywords``, and without any as the live session makes them.
    """

    def __init__(self, bridge: Bridge, state: LabState, file: TruthFile, keywords: SessionKeywords, kept: Kept) -> None:
        self.state = state
        self.kept = kept
        self.reference: Reference = None  # what is said in the recording, where that is known
        self.live: Callable[[], Controller | None] = lambda: None  # the live session to hand the detector to
        self._bridge = bridge
        self._file = file
        self._keywords = keywords
        self._scoring = asyncio.Lock()
        self._stopped = False  # nothing is scored until a page asks for it
        self._comparing: asyncio.Future[Transcript] | None = None  # what a stretch would be transcribed to
        self._told_s = 0.0  # when the pages were told how far it is, on the machine's monotonic clock
        self._commands: dict[str, Command] = {
            "set_detector": self._set_detector,
            "set_active": self._set_active,
            "set_collar": self._set_collar,
            "set_span": self._set_span,
            "set_noise": self._set_noise,
            "edit": self._edit,
            "truth_from": self._truth_from,
            "pin": self._pin,
            "curve": self._curve,
            "sweep": self._sweep,
            "window": self._window,
            "audio": self._audio,
            "export": self._export,
            "export_truth": self._export_truth,
            "load_labels": self._load_labels,
            "save": self._save,
            "use_live": self._use_live,
            "transcribe_compare": self._transcribe_compare,
            "stop_compare": self._stop_compare,
            "ask_server": self._ask_server,
            "stop_scoring": self._stop_scoring,
        }

    def receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        """Receive a message, on whatever thread it comes."""
        kind = kind_of(content)
        if kind == "command":
            ENGINE.submit(self._bridge.obey(content, self._commands))
        elif kind == "hello":
            ENGINE.submit(self._greet())

    async def change(self, **changes: Any) -> None:  # noqa: ANN401  fields of a `Setup`
        """Change the set-up: a step that can be undone."""
        await self._use(self.state.change, replace(self.state.setup, **changes))

    async def _use(self, step: Callable[..., object], *args: Setup) -> None:
        """Take a step in the history: labels that differ are kept in their file, other scores sent, all is shown."""
        before = self.state.setup
        step(*args)
        now = self.state.setup
        if (now.truth, now.span) != (before.truth, before.span):
            await asyncio.to_thread(self._file.save, now.truth, now.span)
        for index, (was, one) in enumerate(zip(before.detectors, now.detectors, strict=True)):
            if was.scorer_options() != one.scorer_options():
                await self._send_scores(index)
        self.show()

    def show(self) -> None:
        """Send the state to every page."""
        self._bridge.send(*state_message(self.state, saved=self._file.saved))
        self._keep()

    def keep(self) -> None:
        """Bring up to date what the saved notebook shows, with all scores where they come soon."""
        self._keep()
        if self.kept.placed:
            with suppress(TimeoutError):
                ENGINE.submit(self._score_all()).result(KEPT_S)

    async def _score_all(self) -> None:
        for index in range(len(self.state.detectors)):
            with suppress(SpeachesError):  # the lane says why
                await self._score(index)
        self._keep()

    def _keep(self) -> None:
        state = self.state
        if not self.kept.placed:
            return
        text = metrics_table(state.metrics()) if all(map(state.scored, range(len(state.detectors)))) else ""
        self.kept.update(partial(picture_of_lab, state, self._drawn, self.kept.words), text)

    @cached_property
    def _drawn(self) -> Pyramid:
        return waveform(self.state.recording)

    def _asked(self, args: Mapping[str, Any]) -> int:
        """Return the detector that a command is about."""
        return self.state.index(args.get("index", self.state.active))

    async def _greet(self) -> None:
        """Show what is there at once, then each detector's scores as they are ready."""
        self._stopped = False
        self.show()
        for index in range(len(self.state.detectors)):
            await self._send_scores(index)
        self.show()

    async def _send_scores(self, index: int) -> None:
        try:
            await self._score(index)
        except SpeachesError as exc:
            self._bridge.send({"type": "unscored", "index": index, "text": str(exc)})
            return
        self._bridge.send(*scores_message(self.state, index))

    async def _score(self, index: int) -> None:
        async with self._scoring:
            await asyncio.to_thread(self.state.scores, index, partial(self._scored, index))

    def _scored(self, index: int, share: float) -> None:
        """Tell the pages how far scoring is, now and then, and end it where one has stopped it; on its thread."""
        if self._stopped:
            raise StateError("Scoring was stopped: run the cell again to go on.")
        if time.monotonic() - self._told_s > INTERVAL_S:
            self._told_s = time.monotonic()
            message = {"type": "scoring", "index": index, "share": share}
            ENGINE.loop.call_soon_threadsafe(self._bridge.send, message)

    async def _stop_scoring(self, _args: dict[str, Any]) -> None:
        self._stopped = True

    async def _set_detector(self, args: dict[str, Any]) -> None:
        """Change numbers of a detector; scores that depend on them are sent anew."""
        index = self._asked(args)
        now = self.state.detectors[index]
        numbers: dict[str, Any] = {name: _number(value) for name, value in args.items() if name in NUMBERS}
        numbers |= {name: int(args[name]) for name in SCORING if name in args and hasattr(now, name)}
        detectors = list(self.state.detectors)
        detectors[index] = replace(now, **numbers)
        await self.change(detectors=tuple(detectors))

    async def _set_active(self, args: dict[str, Any]) -> None:
        self.state.active = self.state.index(args.get("index"))
        self.show()

    async def _set_collar(self, args: dict[str, Any]) -> None:
        collar_ms = float(args["collar_ms"])
        if not 0 <= collar_ms <= 60_000:
            raise InputError(f"collar is {collar_ms:g} ms: give milliseconds from 0 to 60,000.")
        await self.change(collar_s=collar_ms / 1000)

    async def _set_span(self, args: dict[str, Any]) -> None:
        span = float(args["start_s"]), float(args["end_s"])
        await self.change(span=check_span(span, self.state.recording.duration))

    async def _set_noise(self, args: dict[str, Any]) -> None:
        """Have noise of a ``kind`` at ``snr_db``, None for none: everything is drawn and scored anew."""
        snr_db = args["snr_db"]
        async with self._scoring:
            await asyncio.to_thread(self.state.hear, None if snr_db is None else (str(args["kind"]), float(snr_db)))
        self.__dict__.pop("_drawn", None)
        await self._greet()

    async def _edit(self, args: dict[str, Any]) -> None:
        state = self.state
        steps = {"undo": state.undo, "redo": state.redo}
        if args.get("kind") in steps:
            await self._use(steps[args["kind"]])
        else:
            await self._use(state.change, edited(state.setup, args, state.recording.duration))

    async def _truth_from(self, args: dict[str, Any]) -> None:
        """Begin again from what a detector found."""
        index = self._asked(args)
        await self._score(index)
        await self.change(truth=self.state.segments(index), span=self.state.whole)

    async def _pin(self, _args: dict[str, Any]) -> None:
        self.state.pin()
        self.show()

    async def _curve(self, args: dict[str, Any]) -> Reply:
        index = self._asked(args)
        await self._score(index)
        points = await asyncio.to_thread(self.state.curve, index)
        return Reply({"index": index, "points": len(points)}, [points.astype("<f4").tobytes()])

    async def _sweep(self, args: dict[str, Any]) -> Reply:
        index = self._asked(args)
        await self._score(index)
        across, silences_ms, f1 = await asyncio.to_thread(self.state.sweep, index)
        return Reply({"index": index, "threshold": across, "silence_ms": silences_ms}, [f1.astype("<f4").tobytes()])

    async def _window(self, args: dict[str, Any]) -> Reply:
        return Reply(*waveform_window(self._drawn, int(args["level"]), int(args["first_column"]), int(args["columns"])))

    async def _audio(self, args: dict[str, Any]) -> Reply:
        return audio_reply(self.state.recording, args)

    async def _export(self, args: dict[str, Any]) -> Reply:
        return Reply({"text": export_detector(self.state.vad, str(args.get("format")))})

    async def _export_truth(self, args: dict[str, Any]) -> Reply:
        name, content = export_truth(self.state, str(args.get("format")))
        return Reply({"name": name}, [content])

    async def _load_labels(self, args: dict[str, Any]) -> None:
        """Take the labels of a file that a page has read: its ``name``, and its ``content`` in base64."""
        name, state = PurePath(str(args["name"])).name, self.state
        with TemporaryDirectory(prefix="ipyspeaches-") as folder:
            file = Path(folder, f"labels{PurePath(name).suffix[:20]}")
            await asyncio.to_thread(file.write_bytes, b64decode(args["content"]))
            try:
                truth, span = await asyncio.to_thread(read_labels, file, state.recording)
            except InputError as exc:
                raise InputError(str(exc).replace(str(file), name)) from exc
        await self.change(truth=truth, span=span)

    async def _save(self, _args: dict[str, Any]) -> Reply:
        content = await asyncio.to_thread(lambda: self.state.hand_in().to_bytes())
        return Reply({"name": f"{PurePath(self.state.name).stem or 'lab'}{SUFFIX}"}, [content])

    async def _use_live(self, _args: dict[str, Any]) -> Reply:
        """Hand the active detector to the live session; where there is none, reply with a cell that makes one."""
        live, vad = self.live(), self.state.vad
        if live is None:
            return Reply({"code": SESSION_CELL.format(vad.to_code())})
        await live.use_turn_detection(live.settings.turn_detection.with_detector(vad))
        return Reply()

    async def _transcribe_compare(self, args: dict[str, Any]) -> Reply:
        """Transcribe a stretch under the present and the pinned setting, one after the other."""
        start_s, end_s = float(args["start_s"]), float(args["end_s"])
        reference = args.get("reference") or _said(self.reference, start_s, end_s)
        found = {"start_s": start_s, "end_s": end_s, "reference": reference}
        options = self._session_keywords()
        options["pace"] = 0
        recognition = SessionOptions.of(dict(options)).recognition
        stretch = self.state.recording.slice(start_s, end_s)
        for number, (role, detector) in enumerate({"now": self.state.vad, "pinned": self.state.pinned}.items()):
            options["turn_detection"] = TurnDetection.client(detector)
            options["on_event"] = partial(self._compared, number, stretch.duration)
            run = self._comparing = asyncio.ensure_future(transcribe(stretch, **options))
            await asyncio.wait([run])
            if run.cancelled():
                raise StateError("The run was stopped: press Run to begin another one.")
            found[role] = heard_message(run.result().text, recognition.written(reference or ""))
        return Reply(found)

    def _compared(self, number: int, duration_s: float, event: events.SessionEvent) -> None:
        """Tell the pages how far a comparison is, by the last text of the first or the second run."""
        if isinstance(event, events.Final):
            share = (number + min(1.0, event.segment.end / duration_s)) / 2
            ENGINE.loop.call_soon_threadsafe(self._bridge.send, {"type": "comparing", "share": share})

    async def _stop_compare(self, _args: dict[str, Any]) -> None:
        if self._comparing is not None:
            self._comparing.cancel()

    async def _ask_server(self, _args: dict[str, Any]) -> None:
        """Show what the server hears, with the active detector's numbers where they fit."""
        await self.state.ask_server(self._session_keywords())
        self.show()

    def _session_keywords(self) -> SessionKeywords:
        live = None if self._keywords else self.live()
        return self._keywords.copy() if live is None else live.settings.keywords


def state_message(state: LabState, *, saved: Mapping[str, str | None]) -> Message:
    """Return everything that changes slowly, with truth and the server's segments as float64 pairs of seconds.

    ``saved`` says where the labels were saved and when, or why not.
    """
    verdict = state.verdict
    content = {
        "type": "lab",
        "name": state.name,
        "duration_s": state.recording.duration,
        "column_s": COLUMN_S,
        "active": state.active,
        "collar_ms": round(state.setup.collar_s * 1000, 3),
        "span": state.setup.span,
        "detectors": [_detector(one, label) for one, label in zip(state.detectors, state.names(), strict=True)],
        "metrics": [
            _metrics(state.evaluation(index)) if state.scored(index) else None for index in range(len(state.detectors))
        ],
        "server": None
        if verdict is None
        else {
            "threshold": verdict.threshold,
            "min_silence_duration_ms": verdict.min_silence_duration_ms,
            "metrics": _metrics(state.server_evaluation()),
        },
        "noise": None if state.noise is None else {"kind": state.noise[0], "snr_db": state.noise[1]},
        "pinned": _detector(state.pinned, state.pinned.name),
        "can_undo": bool(state.past),
        "can_redo": bool(state.future),
        "saved": saved,
    }
    return content, [_pairs(state.truth), *([] if verdict is None else [_pairs(verdict.segments)])]


def scores_message(state: LabState, index: int) -> Message:
    """Return a detector's scores, float32, one a frame of ``hop`` samples at ``rate``."""
    scores = state.scores(index)
    content = {"type": "scores", "index": index, "hop": scores.hop, "rate": scores.rate, "length": scores.length}
    return content, [scores.value.astype("<f4").tobytes()]


def heard_message(text: str, reference: str | None) -> dict[str, Any]:
    """Return what was transcribed, against what was said where that is known.

    ``rate`` is None without a reference, and of ``measure``: ``"CER"`` for scripts without spaces. ``words`` are pairs
    of ``"same"``, ``"said"`` (and not transcribed) or ``"heard"`` (and not said) with the words.
    """
    if not reference:
        return {"text": text, "rate": None, "measure": "", "words": [["same", text]] if text else []}
    words = [[kind, join_text(part)] for kind, part in alignment(reference, text)]
    spaceless = any(map(spaceless_script, reference))
    rate = (cer if spaceless else wer)(reference, text).rate
    return {"text": text, "rate": rate, "measure": "CER" if spaceless else "WER", "words": words}


def export_detector(detector: Detector, form: str) -> str:
    """Return a detector as Python (``"code"``), as a server's ``"turn_detection"``, or as ``"json"``.

    It is an `InputError` if there is no such form, or this detector cannot be written so.
    """
    if form == "code":
        return _code(detector)
    if form == "json":
        return json.dumps(detector.describe(), indent=2)
    if form != "turn_detection":
        raise InputError(f"There is no form {form!r}: choose one of code, turn_detection, json.")
    if detector.name != "silero":
        raise InputError(
            "Servers detect speech with Silero only: make Silero the active detector, or use these settings on this "
            "side."
        )
    wire = ServerTurnDetection(detector.threshold, round(detector.min_silence_duration_ms)).to_wire()
    return json.dumps(wire, indent=2)


def export_truth(state: LabState, form: str) -> tuple[str, bytes]:
    """Return the truth as a label file: its name and content; `InputError` if there is no such format."""
    truth = state.truth
    texts = {
        "rttm": truth.to_rttm,
        "txt": truth.to_audacity,
        "csv": truth.to_csv,
        "TextGrid": lambda: truth.to_textgrid(duration=state.recording.duration),
    }
    if form not in texts:
        raise InputError(f"There is no format {form!r}: choose one of {', '.join(texts)}.")
    stem = f"{PurePath(state.name).stem}.truth" if state.name else "truth"
    return f"{stem}.{form}", (texts[form]() or "").encode()


def _detector(detector: Detector, label: str) -> dict[str, Any]:
    """Return all settings of a detector, and Python that makes it."""
    return {**detector.describe(), "label": label, "code": _code(detector)}


def _code(detector: Detector) -> str:
    """Return a statement that makes a detector, in lines that fit beside the widget."""
    call = f"vad = {detector.to_code()}"
    if len(call) <= _CODE_WIDTH:
        return call
    head, _, given = call.removesuffix(")").partition("(")
    lines = [f"{head}("]
    for argument in given.split(", "):
        if len(lines) > 1 and len(lines[-1]) + len(argument) + 2 <= _CODE_WIDTH:
            lines[-1] += f" {argument},"
        else:
            lines.append(f"    {argument},")
    return "\n".join(lines)[:-1] + ")"


def _metrics(evaluation: Evaluation | None) -> dict[str, float | None] | None:
    if evaluation is None:
        return None
    return {name: None if math.isnan(value) else float(value) for name, value in evaluation.to_dict().items()}


def _pairs(segments: Segments) -> bytes:
    """Return starts and ends in seconds, interleaved float64."""
    return np.stack((segments.start, segments.end), axis=1).astype("<f8").tobytes()


def _said(reference: Reference, start_s: float, end_s: float) -> str | None:
    """Return what was said in a stretch: of a transcript, what lies in it; a plain text is taken as it is."""
    if not isinstance(reference, Transcript):
        return reference
    words = [word for word in reference.words if start_s <= (word.start + word.end) / 2 <= end_s]
    if words:
        return " ".join(word.word.strip() for word in words)
    return " ".join(one.text for one in reference if start_s <= (one.start + one.end) / 2 <= end_s)


def _number(value: Any) -> float | int:  # noqa: ANN401 - whatever a page sent
    """Return a number as one would write it in code: 300, not 300.0."""
    number = float(value)
    return int(number) if number.is_integer() else number
