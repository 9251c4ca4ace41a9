"""``ipyspeaches recordings``: list what sessions have left on disk, recover one, remove some."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipyspeaches.checks import as_path
from ipyspeaches.cli.arguments import Commands, add_server_arguments, api_key, server_url
from ipyspeaches.cli.transcribe_files import tell_missing
from ipyspeaches.terminal import printable

if TYPE_CHECKING:
    from ipyspeaches.session.options import SessionKeywords
    from ipyspeaches.session.recovery import KeptRecording, KeptRecordings, RecoveredSession

_SOUND: Final = frozenset({".wav", ".flac", ".ogg"})


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "recordings",
        help="list, recover and remove recordings that sessions left on disk",
        description="list: the recordings, the oldest first. recover: the text of one, of a dead kernel's too; "
        "--retry transcribes what has none. remove: delete them, for good. An ID may be shortened.",
    )
    parser.add_argument("action", nargs="?", choices=("list", "recover", "remove"), default="list")
    parser.add_argument("ids", nargs="*", metavar="ID", help="recordings to recover (one) or to remove")
    parser.add_argument(
        "--folder", type=as_path, metavar="PATH", help="where they are (default: where sessions put them)"
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects (list)")
    parser.add_argument(
        "--output",
        action="append",
        type=as_path,
        default=[],
        metavar="PATH",
        help="where the recovered text goes (.srt, .vtt, .txt, .json, .csv), or the audio (.wav, .flac, .ogg); may be "
        "given more than once (default: the text to stdout)",
    )
    parser.add_argument("--retry", action="store_true", help="transcribe what has no text first (recover)")
    add_server_arguments(parser)
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Do what is asked for; return 1 where a recovered recording misses text."""
    if args.action == "list" and args.ids:
        args.parser.error(f"list takes no recording: leave out {' '.join(args.ids)}")
    if args.action == "recover" and len(args.ids) != 1:
        args.parser.error("recover needs the ID of one recording: `ipyspeaches recordings` lists them")
    if args.action == "remove" and not args.ids:
        args.parser.error("remove needs the ID of a recording: `ipyspeaches recordings` lists them")
    if args.action != "recover" and (args.output or args.retry):
        args.parser.error(f"--output and --retry are for recover, not for {args.action}")
    from ipyspeaches.session.recovery import recordings

    rows = recordings(args.folder)
    if args.action == "recover":
        return _recover(rows.find(args.ids[0]), args)
    if args.action == "remove":
        _remove(rows, args.ids)
    else:
        _print(rows, as_json=args.json)
    return 0


def _recover(row: KeptRecording, args: argparse.Namespace) -> int:
    import ipyspeaches

    session = ipyspeaches.recover(row)
    if args.retry:
        ipyspeaches.run(session.retry(**_asked(args)))
    tell_missing(session.transcript, row.id)
    if not args.output:
        print(session.transcript.to_txt(), end="", flush=True)
    for path in args.output:
        _save(session, path)
    return int(bool(len(session.transcript.missing)))


def _asked(args: argparse.Namespace) -> SessionKeywords:
    """Return what the recording was not made with: it knows its own server and model."""
    asked: SessionKeywords = {"api_key": api_key(args)}
    if args.server:
        asked["server"] = server_url(args)
    if args.model:
        asked["model"] = args.model
    return asked


def _save(session: RecoveredSession, path: Path) -> None:
    if path.suffix.lower() in _SOUND:
        session.recording.save(path)
    else:
        session.transcript.save(path)


def _remove(rows: KeptRecordings, ids: list[str]) -> None:
    for row in [rows.find(one) for one in ids]:  # all names are known before anything goes
        rows.remove(row)
        print(f"{row.id}: removed", flush=True)


def _print(rows: KeptRecordings, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([{**row._asdict(), "started": row.started.isoformat()} for row in rows], indent=2))
        return
    for row in rows:
        minutes, seconds = divmod(round(row.duration_s), 60)
        started = f"{row.started.astimezone():%Y-%m-%d %H:%M}"
        without = f", {row.without_text} without text" if row.without_text else ""
        line = f"{row.id}  {started}  {minutes:>4}:{seconds:02}  {row.size_mb:>8.1f} MB  {row.state}{without}"
        print(printable(f"{line}  {row.name}".rstrip()))
    if not len(rows):
        print("none")
