"""What the page of a `VadLab` may ask for, by name. Everything runs on the engine's loop, one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ipyspeaches.audio import Pyramid
from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.session import ENGINE
from ipyspeaches.vad import Labels
from ipyspeaches.widget.answers import MAX_PLAYED_S, Answer, Command, obey
from ipyspeaches.widget.lab_compare import Stretch, compare, said
from ipyspeaches.widget.lab_curves import curve, grid
from ipyspeaches.widget.lab_export import export
from ipyspeaches.widget.lab_messages import scores_message, waveform, window_message
from ipyspeaches.widget.lab_server import ask_server
from ipyspeaches.widget.lab_state import LabState
from ipyspeaches.widget.lab_truth import edited
from ipyspeaches.widget.settings import NUMBERS

if TYPE_CHECKING:
    from ipyspeaches.widget.vadlab import VadLab

WHOLE_NUMBERS: Final = frozenset({"aggressiveness", "frame_ms"})


class LabCommands:
    """Receives a page's messages.

    Parameters
    ----------
    lab
        Whose page it is.
    state
        What is shown and changed.
    """

    def __init__(self, lab: VadLab, state: LabState) -> None:
        self._lab = lab
        self._state = state
        self._scoring = asyncio.Lock()
        self._by_name: dict[str, Command] = {
            "set_detector": self._set_detector,
            "set_active": self._set_active,
            "set_collar": self._set_collar,
            "edit": self._edit,
            "truth_from": self._truth_from,
            "pin": self._pin,
            "evaluate": self._evaluate,
            "curve": self._curve,
            "sweep": self._sweep,
            "errors": self._errors,
            "window": self._window,
            "audio": self._audio,
            "export": self._export,
            "export_truth": self._export_truth,
            "use_live": self._use_live,
            "transcribe_compare": self._compare,
            "ask_server": self._ask_server,
        }

    def receive(self, content: dict[str, Any], _buffers: list[Any]) -> None:
        """Take a message, on whatever thread it comes."""
        kind = content.get("type")
        if kind == "command":
            ENGINE.submit(obey(content, self._by_name, self._lab.post))
        elif kind == "hello":
            ENGINE.submit(self._greet())

    async def use_labels(self, labels: Labels) -> None:
        """Take other labels: saved beside the recording, then shown."""
        if labels == self._state.labels:
            return
        self._state.labels = labels
        await asyncio.to_thread(self._lab.save, labels.segments)
        self.show()

    def show(self) -> None:
        """Send the state to every page."""
        self._lab.show_state()

    @cached_property
    def _drawn(self) -> Pyramid:
        return waveform(self._state.recording)

    async def _greet(self) -> None:
        """Show what is there at once, then each detector's scores as they are ready."""
        self.show()
        for index in range(len(self._state.detectors)):
            await self._send_scores(index)
        self.show()

    async def _send_scores(self, index: int) -> None:
        try:
            await self._score(index)
        except SpeachesError as exc:
            self._lab.post({"type": "unscored", "index": index, "text": str(exc)}, [])
            return
        self._lab.post(*scores_message(self._state, index))

    async def _score(self, index: int) -> None:
        async with self._scoring:
            await asyncio.to_thread(self._state.scores, index)

    async def _set_detector(self, args: dict[str, Any]) -> None:
        """Change numbers of a detector; scores that depend on them are sent anew."""
        index = self._state.index(args.get("index", self._state.active))
        now = self._state.detectors[index]
        numbers: dict[str, Any] = {name: _number(value) for name, value in args.items() if name in NUMBERS}
        numbers |= {name: int(args[name]) for name in WHOLE_NUMBERS if name in args and hasattr(now, name)}
        detector = replace(now, **numbers)
        self._state.detectors[index] = detector
        if detector.scorer_options() != now.scorer_options():
            await self._send_scores(index)
        self.show()

    async def _set_active(self, args: dict[str, Any]) -> None:
        self._state.active = self._state.index(args.get("index"))
        self.show()

    async def _set_collar(self, args: dict[str, Any]) -> None:
        collar_ms = float(args["collar_ms"])
        if not 0 <= collar_ms <= 60_000:
            raise InputError(f"collar is {collar_ms:g} ms: give milliseconds from 0 to 60,000.")
        self._state.collar_s = collar_ms / 1000
        self.show()

    async def _edit(self, args: dict[str, Any]) -> None:
        await self.use_labels(edited(self._state.labels, args))

    async def _truth_from(self, args: dict[str, Any]) -> None:
        """Begin again from what a detector found."""
        index = self._state.index(args.get("index", self._state.active))
        await self._score(index)
        await self.use_labels(self._state.labels.replace_all(self._state.segments(index)))

    async def _pin(self, _args: dict[str, Any]) -> None:
        self._state.pinned = self._state.vad
        self.show()

    async def _evaluate(self, _args: dict[str, Any]) -> Answer:
        """Return every detector's metrics, after its scores were computed if they were not there."""
        for index in range(len(self._state.detectors)):
            await self._score(index)
        self.show()
        rows = self._state.metrics().evaluations
        return Answer({"metrics": [None if one is None else dict(one.to_dict()) for one in rows]})

    async def _curve(self, args: dict[str, Any]) -> Answer:
        index = self._state.index(args.get("index", self._state.active))
        await self._score(index)
        points = await asyncio.to_thread(curve, self._state, index)
        return Answer({"index": index, "points": len(points)}, [points.astype("<f4").tobytes()])

    async def _sweep(self, args: dict[str, Any]) -> Answer:
        index = self._state.index(args.get("index", self._state.active))
        await self._score(index)
        across, silences_ms, f1 = await asyncio.to_thread(grid, self._state, index)
        return Answer({"index": index, "threshold": across, "silence_ms": silences_ms}, [f1.astype("<f4").tobytes()])

    async def _errors(self, args: dict[str, Any]) -> Answer:
        """Return what a detector missed and its false alarms, pairs of seconds."""
        index = self._state.index(args.get("index", self._state.active))
        await self._score(index)
        missed, false_alarms = self._state.errors(index)
        return Answer(
            {
                "index": index,
                "missed": [[one.start, one.end] for one in missed],
                "false_alarms": [[one.start, one.end] for one in false_alarms],
            }
        )

    async def _window(self, args: dict[str, Any]) -> Answer:
        return Answer(*window_message(self._drawn, args))

    async def _audio(self, args: dict[str, Any]) -> Answer:
        """Return int16 sound from ``start_s`` to ``end_s``, for playing it."""
        start_s, end_s = float(args["start_s"]), float(args["end_s"])
        part = self._state.recording.slice(start_s, min(end_s, start_s + MAX_PLAYED_S))
        return Answer({"start_s": start_s, "rate": part.rate}, [part.samples.astype("<i2").tobytes()])

    async def _export(self, args: dict[str, Any]) -> Answer:
        return Answer({"text": export(self._state.vad, str(args.get("format")))})

    async def _export_truth(self, args: dict[str, Any]) -> Answer:
        """Return the truth as a label file."""
        truth, form = self._state.truth, str(args.get("format"))
        texts = {
            "rttm": truth.to_rttm,
            "txt": truth.to_audacity,
            "csv": truth.to_csv,
            "TextGrid": lambda: truth.to_textgrid(duration=self._state.recording.duration),
        }
        if form not in texts:
            raise InputError(f"There is no format {form!r}: choose one of {', '.join(texts)}.")
        return Answer({"name": f"{self._lab.stem}.{form}"}, [(texts[form]() or "").encode()])

    async def _use_live(self, _args: dict[str, Any]) -> Answer:
        """Hand the active detector to the live session, where there is one."""
        transcriber = self._lab.transcriber
        if transcriber is not None:
            # It waits for this loop, so it must not be called on it.
            await asyncio.to_thread(transcriber.set_detector, self._state.vad)
        return Answer({"used": transcriber is not None})

    async def _compare(self, args: dict[str, Any]) -> Answer:
        state, lab = self._state, self._lab
        start_s, end_s = float(args["start_s"]), float(args["end_s"])
        reference = args.get("reference") or said(lab.reference, start_s, end_s)
        stretch = Stretch(state.recording, start_s, end_s, reference)
        found = await compare(stretch, {"now": state.vad, "pinned": state.compared}, lab.session_keywords)
        return Answer({"start_s": start_s, "end_s": end_s, "reference": reference, **found})

    async def _ask_server(self, _args: dict[str, Any]) -> None:
        """Show what the server hears, with the active detector's numbers where they fit."""
        state = self._state
        state.verdict = await ask_server(state.recording, state.vad, self._lab.session_keywords)
        self.show()


def _number(value: Any) -> float | int:  # noqa: ANN401 - whatever a page sent
    """Return a number as one would write it in code: 300, not 300.0."""
    number = float(value)
    return int(number) if number.is_integer() else number
