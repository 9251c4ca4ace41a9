"""``ipyspeaches transcribe``: files in, text out, live or as fast as the server goes."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TextIO, cast

from ipyspeaches.checks import as_path
from ipyspeaches.chinese import SCRIPTS
from ipyspeaches.cli.arguments import (
    Commands,
    add_download_argument,
    add_server_arguments,
    given_key,
    server_url,
    tell_of_better_model,
)
from ipyspeaches.errors import AudioError, AudioWarning, InputError, SpeachesError
from ipyspeaches.protocol.recognition import TASKS
from ipyspeaches.results.transcript import FORMATS, clock
from ipyspeaches.session.engine import leave
from ipyspeaches.session.options import TRANSPORTS, SessionOptions
from ipyspeaches.terminal import columns, printable, redraw, tail

if TYPE_CHECKING:
    from ipyspeaches import Session, Transcript, TurnDetection
    from ipyspeaches.session.options import SessionKeywords

MAX_PLACES: Final = 10
"""Stretches without text, or files, that stderr lists for one reason; the result has them all."""
DOUBTS: Final = frozenset(
    {
        *("model", "no_effect", "language", "script", "moved"),
        *("server_error", "server_differs", "unasked", "clock", "message_lost"),
    }
)
"""Warnings of a session that a result does not show itself; stretches without text it does."""
_OPTIONS: Final = (
    *("model", "language", "task", "prompt", "hotwords", "temperature", "script"),
    *("transport", "chunk_s", "interim_s", "pace", "auto_download"),
)
"""Options of a session that are the command's, under the same names."""
_TABLE: Final = ".jsonl"
"""What the name of a file ends in that has all results, an input a line."""
_SEPARATORS: Final = tuple(filter(None, (os.sep, os.altsep)))


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "transcribe",
        help="turn audio files into text",
        description="Turn audio files into text. Words appear on the terminal as they come; the result goes to "
        "stdout or to --output.",
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="anything libsndfile reads: wav, flac, mp3, …"
    )
    add_server_arguments(parser, again=True)
    add_download_argument(parser)
    _add_recognition_arguments(parser)
    _add_route_arguments(parser)
    parser.add_argument("--format", choices=FORMATS, help="of the result (default: from --output's ending, else txt)")
    parser.add_argument(
        "--output",
        type=_named,
        metavar="PATH",
        help="a file for one input, a folder (also one that ends in /) for several (default, and -: stdout); a file "
        f"ending in {_TABLE} gets a line of JSON an input as they are done, and what is in it is not done again",
    )
    parser.add_argument(
        "--at-once",
        type=int,
        metavar="N",
        help=f"with --output …{_TABLE}: how many files are under way at a time (default: 4)",
    )
    parser.add_argument(
        "--split",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wrap subtitles to two lines of 42 characters, and split longer ones at words (default: yes)",
    )
    parser.add_argument(
        "--bom", action="store_true", help="begin the result with a byte order mark, as Excel wants it before UTF-8"
    )
    parser.add_argument(
        "--pace",
        type=_number_for("pace"),
        default=0.0,
        metavar="X",
        help="speed in times real time: 1 is that of a live microphone, 0 (default) as fast as the server can",
    )
    parser.set_defaults(run=run, parser=parser)


def _add_recognition_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recognition")
    group.add_argument("--language", metavar="CODE", help="e.g. en, zh-CN, zh-TW (default: the model decides)")
    group.add_argument(
        "--script", choices=SCRIPTS, help="characters in which Chinese is written (default: what --language asks)"
    )
    group.add_argument(
        "--task", choices=TASKS, default="transcribe", help="translate: English text, with --transport chunked"
    )
    group.add_argument("--prompt", metavar="TEXT", help="text that could come before: names, spelling, style")
    group.add_argument("--hotwords", metavar="WORDS", help="words to listen for")
    group.add_argument(
        "--temperature",
        type=_number_for("temperature"),
        metavar="X",
        help="0 for the likeliest words, up to 1 for more variety",
    )


def _add_route_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how the audio is sent")
    group.add_argument(
        "--transport",
        choices=TRANSPORTS,
        default="realtime",
        help="realtime: one WebSocket; chunked: one request per utterance; sse: the same, with text as it is "
        "recognised; webrtc: a media stream (default: %(default)s)",
    )
    group.add_argument(
        "--chunk-s",
        type=_number_for("chunk_s"),
        metavar="S",
        help="with chunked and sse: one request every S seconds, not at pauses",
    )
    group.add_argument(
        "--interim-s",
        type=_number_for("interim_s"),
        metavar="S",
        help="ask for text of unfinished utterances, at most every S seconds",
    )
    group.add_argument(
        "--turn-detection",
        choices=("client", "server"),
        default="client",
        help="who splits the speech into utterances (default: client)",
    )
    group.add_argument("--vad", choices=("silero", "energy"), default="silero", help="which detector the client uses")


def run(args: argparse.Namespace) -> int:
    """Transcribe every file; return 1 when one failed or misses text, which does not stop the others."""
    if args.output is not None and args.output.lower().endswith(_TABLE):
        return _run_many(args)
    if args.at_once is not None:
        args.parser.error(f"--at-once needs --output FILE{_TABLE}")
    targets = _targets(args)
    if not (args.model or args.auto_download or server_url(args)):
        tell_of_better_model()
    failed = False
    if args.bom and args.output is None and not sys.stdout.isatty():
        sys.stdout.write("\ufeff")
    for file, target in targets.items():
        try:
            transcript = _transcribe(file, args)
        except AudioError as exc:
            # Other errors would meet the next file too: they end the command.
            print(f"ipyspeaches: {exc}", file=sys.stderr)
            failed = True
            continue
        except BaseException as exc:
            # Ctrl-C, SIGTERM, a closed terminal, a fault in here: what came until then is not thrown away.
            came: Transcript | None = getattr(exc, "transcript", None)
            if came is not None and len(came):
                tell_missing(came, file.name)
                _write(came, file, target, args)
            raise
        failed |= bool(len(transcript.missing))
        tell_missing(transcript, file.name)
        failed |= not _write(transcript, file, target, args)
    return int(failed)


def _transcribe(file: Path, args: argparse.Namespace) -> Transcript:
    """Return what came; where the server failed after its first text, `Transcript.missing` says what did not."""
    import ipyspeaches

    with LiveLine(sys.stderr, file.name) as progress, _warnings_on(progress):
        options = _options(args)
        options["on_event"] = progress.show
        session = ipyspeaches.Session(file, **options)
        try:
            ipyspeaches.run(_live_through(session))
        except SpeachesError:
            if not len(session.transcript):
                raise
        except BaseException as exc:
            leave(exc, transcript=session.transcript)
            raise
        for text in dict.fromkeys(progress.doubts):
            progress.warn(text)
        return session.transcript


def _run_many(args: argparse.Namespace) -> int:
    """Transcribe all files into one, several at a time; return 1 when one failed or misses text."""
    import ipyspeaches

    if args.format:
        args.parser.error(f"--format is for other files than {_TABLE}: leave it out")
    with _warnings_on(LiveLine(sys.stderr, "")):
        many = ipyspeaches.transcribe_many(args.files, resume=args.output, at_once=args.at_once, **_options(args))
        try:
            results = ipyspeaches.run(many)
        except BaseException as exc:
            _tell_failed(getattr(exc, "results", ()))
            raise
    return int(_tell_failed(results))


def _tell_failed(results: Iterable[Any]) -> bool:
    """Say on stderr which files miss text: one line a reason; return whether there are any."""
    files: dict[str, list[str]] = {}
    for row in results:
        if row.reason is not None:
            files.setdefault(row.reason, []).append(printable(row.path))
    for reason, found in files.items():
        print(f"ipyspeaches: {_some(found)}: {reason}", file=sys.stderr)
    return bool(files)


def _options(args: argparse.Namespace) -> SessionKeywords:
    """Return the options of a session that the command has."""
    own: SessionKeywords = {
        "server": args.server,
        "api_key": given_key(args),
        "turn_detection": turn_detection(args.vad, args.turn_detection),
    }
    return cast("SessionKeywords", {**own, **{name: getattr(args, name) for name in _OPTIONS}})


async def _live_through(session: Session) -> None:
    async with session:
        await session.wait()


def tell_missing(transcript: Transcript, name: str) -> None:
    """Say on stderr which stretches have no text: one line a reason."""
    places: dict[str, list[str]] = {}
    for gap in transcript.missing:
        places.setdefault(gap.reason, []).append(f"{clock(gap.start)}-{clock(gap.end)}")
    for reason, found in places.items():
        print(f"ipyspeaches: {name} misses text for {_some(found)}: {reason}", file=sys.stderr)


def _some(found: list[str]) -> str:
    """Return the first of what was found, and how many more there are."""
    more = f" and {len(found) - MAX_PLACES} more" if len(found) > MAX_PLACES else ""
    return ", ".join(found[:MAX_PLACES]) + more


def turn_detection(vad: str, cuts: str = "client") -> TurnDetection:
    """Return who ``cuts``, with the detector of this name."""
    from ipyspeaches import EnergyVad, SileroVad, TurnDetection

    if cuts == "server":
        return TurnDetection.server()
    return TurnDetection.client(EnergyVad() if vad == "energy" else SileroVad())


@contextlib.contextmanager
def _warnings_on(progress: LiveLine) -> Iterator[None]:
    """Print what is odd about a file as one line on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", AudioWarning)
        shown_elsewhere = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:  # noqa: ANN401
            if issubclass(category, AudioWarning):
                progress.warn(str(message))
            else:
                shown_elsewhere(message, category, *place, **more)

        warnings.showwarning = show
        yield


class LiveLine:
    """A line on the terminal that follows the words as they come; nothing where the stream is no terminal."""

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream = stream
        self._label = label
        self._live = stream.isatty()
        self.doubts: list[str] = []  # what makes the result worth a second look

    def __enter__(self) -> Self:
        self._draw("…")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            redraw(self._stream, "")

    def warn(self, text: str) -> None:
        """Print a line that stays."""
        if self._live:
            redraw(self._stream, "")
        print(f"ipyspeaches: warning: {text}", file=self._stream)

    def show(self, event: object) -> None:
        """Draw the text of a `Partial` or `Final`, and keep the warnings that are about the result."""
        from ipyspeaches.session import events
        from ipyspeaches.session.events import Final, Partial

        if isinstance(event, Partial):
            self._draw(event.text)
        elif isinstance(event, Final):
            self._draw(event.segment.text)
        elif isinstance(event, events.Warning) and event.kind in DOUBTS:
            self.doubts.append(event.text)

    def _draw(self, text: str) -> None:
        if not self._live:
            return
        head = f"{self._label}: "
        room = shutil.get_terminal_size().columns - 1 - columns(head)
        redraw(self._stream, head + tail(" ".join(text.split()), room))


def _targets(args: argparse.Namespace) -> dict[Path, Path | None]:
    """Return where each input's result goes, None for stdout; usage errors leave through argparse."""
    output = None if args.output is None else as_path(args.output)
    given, args.format = args.format, args.format or _format_of(output)
    files: list[Path] = list(dict.fromkeys(args.files))
    if output is None:
        if sys.stdout is None:
            args.parser.error("standard output is closed: name an --output")
        if len(files) > 1 and args.format != "txt":
            args.parser.error(f"several files as {args.format} need --output FOLDER")
        return dict.fromkeys(files)
    is_folder = args.output.endswith(_SEPARATORS) or output.is_dir()
    if len(files) == 1 and not is_folder:
        if not given and output.suffix and output.suffix.lower()[1:] not in FORMATS:
            args.parser.error(
                f"--output {output} names no format: end it with .{', .'.join(FORMATS)}, or give --format"
            )
        targets: dict[Path, Path | None] = {files[0]: output}
    else:
        if (output.exists() and not output.is_dir()) or (not is_folder and output.suffix.lower()[1:] in FORMATS):
            why = "" if len(files) == 1 else ", and there are several inputs"
            args.parser.error(f"--output {output} is a file{why}: name a folder")
        targets = {file: output / f"{file.stem}.{args.format}" for file in files}
    if len(set(targets.values())) < len(targets):
        args.parser.error("several inputs have the same name, so their results would overwrite each other: rename one")
    for target in targets.values():
        if target is not None and any(_is_same(target, file) for file in files):
            args.parser.error(f"{target} is an input and would be overwritten: choose another --output")
    return targets


def _write(transcript: Transcript, file: Path, target: Path | None, args: argparse.Namespace) -> bool:
    """Write a result to where it belongs; what cannot be written there goes to stdout, and False is returned."""
    if target is not None and not len(transcript) and target.exists() and target.stat().st_size:
        print(f"ipyspeaches: {target} is left as it was: there is no text to put in its place.", file=sys.stderr)
        return False
    text = transcript.render(args.format, split=args.split)
    if target is not None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8-sig" if args.bom else "utf-8", newline="\n")
        except OSError as exc:
            print(
                f"ipyspeaches: {target} cannot be written ({exc.strerror}), so the result goes to stdout: "
                "choose another --output.",
                file=sys.stderr,
            )
        else:
            return True
    if len(args.files) > 1:
        print(f"==> {file} <==")
    print(text, end="" if text.endswith("\n") or not text else "\n", flush=True)
    return target is None


def _named(output: str) -> str | None:
    if not output.strip():
        raise argparse.ArgumentTypeError("it is empty: name a file or a folder")
    return None if output == "-" else output


def _is_same(target: Path, file: Path) -> bool:
    """Whether two paths lead to one file, by links of any kind too."""
    return target.resolve() == file.resolve() or (target.exists() and file.exists() and target.samefile(file))


def _format_of(output: Path | None) -> str:
    ending = "" if output is None else output.suffix.lstrip(".").lower()
    return ending if ending in FORMATS else "txt"


def _number_for(option: str) -> Callable[[str], float]:
    """Return what reads the number of an option and leaves through argparse with what is wrong about it."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        try:
            SessionOptions.of({"transport": "chunked", option: number})  # the transport that has all of them
        except InputError as exc:
            raise argparse.ArgumentTypeError(str(exc).removesuffix(".")) from None
        return number

    return read
