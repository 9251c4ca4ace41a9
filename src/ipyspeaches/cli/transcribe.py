"""``ipyspeaches transcribe``: files in, text out, live or as fast as the server goes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ipyspeaches.cli.options import Commands, add_server_arguments, api_key, server_url
from ipyspeaches.cli.progress import Progress
from ipyspeaches.errors import AudioError, InputError

if TYPE_CHECKING:
    from ipyspeaches import Transcript, TurnDetection

FORMATS = ("txt", "json", "srt", "vtt", "csv")
TRANSPORTS = ("realtime",)


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "transcribe",
        help="turn sound files into text",
        description="Turn sound files into text. Words appear on the terminal while they come; the result goes to "
        "stdout or to --output.",
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="anything libsndfile reads: wav, flac, mp3, …"
    )
    add_server_arguments(parser)
    parser.add_argument("--transport", choices=TRANSPORTS, default="realtime", help="how to talk to the server")
    parser.add_argument("--language", metavar="CODE", help="e.g. en, zh (default: the model decides)")
    parser.add_argument("--format", choices=FORMATS, help="of the result (default: from --output's ending, else txt)")
    parser.add_argument(
        "--output", type=Path, metavar="PATH", help="a file for one input, a folder for several (default: stdout)"
    )
    parser.add_argument(
        "--pace",
        type=_pace,
        default=0.0,
        metavar="X",
        help="times real time; 1 sends like a live microphone, 0 (default) as fast as the server takes it",
    )
    parser.add_argument(
        "--turn-detection",
        choices=("client", "server"),
        default="client",
        help="who cuts the speech into utterances (default: client)",
    )
    parser.add_argument("--vad", choices=("silero", "energy"), default="silero", help="what cuts it here")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Transcribe every file; one that fails does not keep the others from their turn.

    Returns
    -------
    int
        0, or 1 when a file failed.
    """
    targets = _targets(args)
    failed = False
    for file, target in targets.items():
        try:
            transcript = _transcribe(file, args)
        except AudioError as exc:
            # Other errors would meet the next file too: they end the command.
            print(f"ipyspeaches: {exc}", file=sys.stderr)
            failed = True
            continue
        _write(transcript, file, target, args)
    return int(failed)


def _transcribe(file: Path, args: argparse.Namespace) -> Transcript:
    import ipyspeaches

    with Progress(sys.stderr, file.name) as progress:
        return ipyspeaches.run(
            ipyspeaches.transcribe(
                file,
                server=server_url(args),
                api_key=api_key(args),
                model=args.model,
                language=args.language,
                transport=args.transport,
                turn_detection=_turn_detection(args),
                pace=args.pace,
                on_event=progress.show,
            )
        )


def _turn_detection(args: argparse.Namespace) -> TurnDetection:
    from ipyspeaches import EnergyVad, SileroVad, TurnDetection

    if args.turn_detection == "server":
        return TurnDetection.server()
    return TurnDetection.client(EnergyVad() if args.vad == "energy" else SileroVad())


def _targets(args: argparse.Namespace) -> dict[Path, Path | None]:
    """Return where each input's result goes, None for stdout; usage errors leave through argparse."""
    args.format = args.format or _format_of(args.output)
    files: list[Path] = list(dict.fromkeys(args.files))
    if args.output is None:
        if len(files) > 1 and args.format != "txt":
            args.parser.error(f"several files as {args.format} need --output FOLDER")
        return dict.fromkeys(files)
    if len(files) == 1 and not args.output.is_dir():
        targets: dict[Path, Path | None] = {files[0]: args.output}
    else:
        if args.output.exists() and not args.output.is_dir():
            args.parser.error(f"--output {args.output} is a file, and there are several inputs: name a folder")
        targets = {file: args.output / f"{file.stem}.{args.format}" for file in files}
    if len(set(targets.values())) < len(targets):
        args.parser.error("several inputs have the same name, so that one result would overwrite another")
    inputs = {file.resolve() for file in files}
    for target in targets.values():
        if target is not None and target.resolve() in inputs:
            args.parser.error(f"{target} is an input and would be overwritten: choose another --output")
    return targets


def _write(transcript: Transcript, file: Path, target: Path | None, args: argparse.Namespace) -> None:
    text = _render(transcript, args.format)
    if target is not None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise InputError(f"{target} cannot be written ({exc.strerror}): choose another --output.") from exc
        return
    if len(args.files) > 1:
        print(f"==> {file} <==")
    sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
    sys.stdout.flush()


def _render(transcript: Transcript, kind: str) -> str:
    renderers: dict[str, Callable[[], str | None]] = {
        "txt": transcript.to_txt,
        "json": transcript.to_json,
        "srt": transcript.to_srt,
        "vtt": transcript.to_vtt,
        "csv": transcript.to_csv,
    }
    return renderers[kind]() or ""


def _format_of(output: Path | None) -> str:
    ending = "" if output is None else output.suffix.lstrip(".").lower()
    return ending if ending in FORMATS else "txt"


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = -1.0
    if not 0 <= pace < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a pace: give 1 for real time, 0 for as fast as possible")
    return pace
