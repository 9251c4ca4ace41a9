"""What the next recording is made of, and what a page's pickers make of it."""

from __future__ import annotations

import asyncio
import dataclasses
import io
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from ipyspeaches.audio.decoding import TellShare
from ipyspeaches.audio.recording import Recording
from ipyspeaches.errors import AudioError, InputError
from ipyspeaches.languages import script_named
from ipyspeaches.protocol.api_key import read_key
from ipyspeaches.session.opening import SourceLike, open_source
from ipyspeaches.session.options import SessionKeywords, SessionOptions, TurnDetection
from ipyspeaches.sources.microphones import BrowserMicrophone, KernelMicrophone
from ipyspeaches.sources.source import RecordedSource, Source
from ipyspeaches.vad.detectors import DETECTORS
from ipyspeaches.vad.segmenter import SegmentOptions
from ipyspeaches.widget.shown import server_traits, source_traits, turn_detection_traits

NUMBERS: Final = frozenset(one.name for one in dataclasses.fields(SegmentOptions))

MAX_UPLOAD_BYTES: Final = 1 << 30


class Settings:
    """The source and the options of the next recording. Each change returns the traits that show it.

    The keywords are those of `SessionOptions`; an `InputError` says which cannot be used.
    """

    def __init__(self, source: SourceLike, keywords: SessionKeywords) -> None:
        self.source = source
        self._label = str(source_traits(source)["_source_label"])
        self._opened: RecordedSource | None = None
        self.turn_detection = SessionOptions.of(dict(keywords)).turn_detection or TurnDetection.client()
        self._keywords = keywords.copy()

    @property
    def keywords(self) -> SessionKeywords:
        """What the next session is made with, besides its source."""
        keywords = self._keywords.copy()
        keywords["turn_detection"] = self.turn_detection
        return keywords

    @property
    def options(self) -> SessionOptions:
        """The same, complete, but for turn detection: which server and how to ask it."""
        return SessionOptions.of({**self._keywords, "turn_detection": None})

    @property
    def file_name(self) -> str:
        """The name of the file that is the source; empty where it has none, or is no file."""
        return self._label if self._opened is not None else ""

    async def open_source(self) -> Source:
        """Return the source of the next session; a file is read aside. Errors as of the session's `open_source`."""
        self._opened = None
        if self.source == "browser":
            return BrowserMicrophone()
        source, pace = self.source, self._keywords.get("pace")
        opened = await asyncio.to_thread(open_source, source, pace)
        if isinstance(opened, RecordedSource):
            opened.label = self._label or opened.label
            self._opened = opened
        return opened

    def traits(self) -> dict[str, Any]:
        """Return the traits that show all of it."""
        options = self.options
        return {
            **_language_traits(options),
            "_model": options.recognition.model or "",
            "_transport": options.route.transport,
            **source_traits(self.source),
            "_pace": self._pace,
            **server_traits(options),
            **turn_detection_traits(self.turn_detection),
        }

    def use_source(self, source: SourceLike, label: str | None = None) -> dict[str, Any]:
        """Record from another source."""
        traits = source_traits(source, label)
        self.source, self._label = source, str(traits["_source_label"])
        return traits

    def use_pace(self, pace: float) -> dict[str, Any]:
        """Let files play at a multiple of real time, 0 for as fast as the server can follow, also one that plays."""
        self._change({"pace": pace})
        if self._opened is not None:
            self._opened.pace = pace
        return {"_pace": pace}

    @property
    def _pace(self) -> float:
        pace = self._keywords.get("pace")
        return 1.0 if pace is None else float(pace)

    def use_server(self, url: str, api_key: str) -> dict[str, Any]:
        """Use another server, of which nothing is known yet; an empty address is the default server."""
        self._change({"server": url or None, "api_key": read_key(api_key)})
        return {**server_traits(self.options), "_models": [], "_loaded_models": [], "_server_version": ""}

    def use_model(self, model: str) -> dict[str, Any]:
        """Use another model; an empty name leaves the choice to the server."""
        self._change({"model": model or None})
        return {"_model": model}

    def use_language(self, language: str) -> dict[str, Any]:
        """Use another language; an empty code lets the server find out.

        One that names a script takes the place of one that was chosen before.
        """
        changes: SessionKeywords = {"language": language or None}
        self._change({**changes, "script": None} if script_named(language) else changes)
        return _language_traits(self.options)

    def use_script(self, script: str) -> dict[str, Any]:
        """Write Chinese in other characters; an empty name leaves it to the language."""
        self._change({"script": script or None})
        return _language_traits(self.options)

    def _change(self, changes: SessionKeywords) -> None:
        changed: SessionKeywords = {**self._keywords, **changes}
        SessionOptions.of({**changed, "turn_detection": None})
        self._keywords = changed

    def use_turn_detection(self, turn_detection: TurnDetection) -> dict[str, Any]:
        """Let the other side find the utterances, or use other numbers."""
        self.turn_detection = turn_detection
        return turn_detection_traits(turn_detection)


def _language_traits(options: SessionOptions) -> dict[str, str]:
    recognition = options.recognition
    return {"_language": recognition.language or "", "_script": recognition.wanted_script or ""}


def detector_chosen(now: TurnDetection, args: Mapping[str, Any]) -> TurnDetection:
    """Return the turn detection after a page chose a detector by ``name``, or changed numbers of the one in use.

    It is an `InputError` if there is no such detector, or a number cannot be used.
    """
    detector = now.detector
    numbers: dict[str, Any] = {
        name: float(value) for name, value in args.items() if name in NUMBERS and value is not None
    }
    name = str(args.get("name") or detector.name)
    if name == detector.name:  # a detector of the user's own is on no list, and its lines can be dragged all the same
        return now.with_detector(dataclasses.replace(detector, **numbers))
    if name not in DETECTORS:
        raise InputError(f"There is no detector {name!r}: choose one of {', '.join(DETECTORS)}.")
    return now.with_detector(DETECTORS[name](**numbers))


def side_chosen(now: TurnDetection, args: Mapping[str, Any]) -> TurnDetection:
    """Return the turn detection after a page chose the ``kind``, ``"client"`` or ``"server"``, or the server's numbers.

    It is an `InputError` if it is neither, or a number cannot be used.
    """
    kind = args.get("kind", "client" if now.client_cuts else "server")
    if kind == "client":
        return dataclasses.replace(now, server_vad=None)
    if kind != "server":
        raise InputError(f"There is no turn detection {kind!r}: choose client or server.")
    before = now.server_vad
    threshold = float(args.get("threshold", before.threshold if before else 0.9))
    silence_ms = int(args.get("silence_duration_ms", before.silence_duration_ms if before else 550))
    return TurnDetection.server(threshold, silence_ms, detector=now.detector)


class Uploads:
    """Files that a page sends in pieces; the pieces of one file come in order.

    ``progress`` is told how much of one is read, on the thread that reads it; what it raises ends that.
    """

    def __init__(self, progress: TellShare) -> None:
        self._progress = progress
        self._files: dict[str, tuple[str, bytearray]] = {}

    def append(self, content: Mapping[str, Any], piece: bytes) -> None:
        """Add a piece at its place; `AudioError` if pieces are missing or the file is too large."""
        file_id, name, offset = content["file_id"], content["name"], content["offset"]
        _, whole = self._files.setdefault(file_id, (PurePath(name).name, bytearray()))
        if offset != len(whole) or offset + len(piece) > MAX_UPLOAD_BYTES:
            del self._files[file_id]
            raise AudioError(
                f"{name!r} did not arrive complete: open it again (for a file above 1 GiB, give its path in Python)."
            )
        whole += piece

    async def source(self, args: Mapping[str, Any]) -> tuple[SourceLike, str | None]:
        """Return the source that a page chose, and what to call it: ``kind``, with a ``device`` or a ``file_id``.

        It is an `InputError` if there is no such kind, an `AudioError` if the file never came or is no audio.
        """
        kind, label = args.get("kind"), args.get("label")
        if kind == "browser":
            return "browser", label
        if kind == "kernel":
            device = args.get("device")
            return "kernel" if device is None else KernelMicrophone(device), label
        if kind != "file":
            raise InputError(f"There is no source {kind!r}: choose the browser, the kernel or a file.")
        if args.get("file_id") not in self._files:
            raise AudioError("This file did not arrive: open it again.")
        name, whole = self._files.pop(str(args["file_id"]))
        return await asyncio.to_thread(_loaded, whole, name, self._progress), name


def _loaded(content: bytearray, name: str, progress: TellShare) -> Recording:
    """Return the audio of a file that came in pieces; an `AudioError` with its name if there is none in it."""
    file = io.BytesIO(content)
    file.name = name
    return Recording.load(file, progress)
