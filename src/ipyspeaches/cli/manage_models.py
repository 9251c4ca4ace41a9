"""``ipyspeaches models``: list a server's models, those in memory and those it could have; load and unload them."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipyspeaches.cli.arguments import Commands, add_address_arguments, api_key, server_url
from ipyspeaches.errors import ServerAuthError, ServerUnreachableError, SpeachesError
from ipyspeaches.server.models import named_model
from ipyspeaches.terminal import one_line, printable

if TYPE_CHECKING:
    from ipyspeaches.server.client import Server
    from ipyspeaches.server.models import Models, Overview
    from ipyspeaches.session.opening import Place

LISTING = ("list", "registry")
SHOWING = (*LISTING, "running")
DOING = ("download", "load", "unload")


def add_command(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "models",
        help="list, download, load and unload a server's models",
        description="list: the installed models, and which of them are in memory. running: those in memory, and how "
        "much of it they take, where the server says. registry: the models that the server could download. A preset "
        "(realtime, accurate, fastest) may stand for its model.",
    )
    parser.add_argument("action", nargs="?", choices=(*SHOWING, *DOING), default="list", help="default: %(default)s")
    parser.add_argument("ids", nargs="*", metavar="ID", help="models to download, load or unload")
    add_address_arguments(parser)
    parser.add_argument("--task", metavar="NAME", help="only models for this task, e.g. automatic-speech-recognition")
    parser.add_argument("--json", action="store_true", help="print a list of objects (list, running, registry)")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Do what is asked for; return 1 where a model failed, which does not stop the others."""
    doing = args.action in DOING
    if doing and not args.ids:
        args.parser.error(f"{args.action} needs the ID of a model: `ipyspeaches models registry` lists them")
    if (doing and args.json) or (args.action not in LISTING and args.task):
        args.parser.error(f"--json is for {', '.join(SHOWING)}, --task for {', '.join(LISTING)}: not for {args.action}")
    if not doing and args.ids:
        args.parser.error(f"{args.action} takes no model: leave out {' '.join(args.ids)}")
    import ipyspeaches

    return ipyspeaches.run(_act(args))


async def _act(args: argparse.Namespace) -> int:
    from ipyspeaches.server.client import Server
    from ipyspeaches.session.opening import locate
    from ipyspeaches.session.options import SessionOptions

    place = await locate(SessionOptions(server=server_url(args), api_key=api_key(args)))
    server = Server(place.url, place.api_key)
    if args.action == "list":
        overview = await server.overview()
        _print(_rows(overview.models, args.task, overview), as_json=args.json)
    elif args.action == "running":
        _print_running(await server.memory(), as_json=args.json)
    elif args.action == "registry":
        models, overview = await asyncio.gather(server.registry(args.task), server.overview())
        _print(_rows(models, args.task, overview), as_json=args.json)
    else:
        done = [await _try(args.action, place, name) for name in args.ids]
        return 0 if all(done) else 1
    return 0


def _rows(models: Models, task: str | None, overview: Overview) -> Iterator[dict[str, object]]:
    installed = set(overview.models.ids)
    for model in models:
        if task in (None, model.task):
            yield {
                "id": model.id,
                "preset": model.preset,
                "task": model.task,
                "languages": list(model.languages),
                "installed": model.id in installed,
                "in_memory": None if overview.running is None else model.id in overview.running,
            }


def _print(rows: Iterator[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(list(rows), indent=2, ensure_ascii=False))
        return
    empty = True
    for row in rows:
        empty = False
        notes = [
            str(row["task"] or "task unknown"),
            *([f"preset {row['preset']}"] if row["preset"] else []),
            *([] if row["installed"] else ["not installed"]),
            *(["in memory"] if row["in_memory"] else []),
        ]
        print(printable(f"{one_line(str(row['id'])):<48} {', '.join(map(one_line, notes))}"))
    if empty:
        print("none")


def _print_running(memory: dict[str, int | None], *, as_json: bool) -> None:
    if as_json:
        rows = [{"id": model, "memory_bytes": held} for model, held in memory.items()]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for model, held in memory.items():
        print(printable(f"{model:<48} {'' if held is None else f'{held / 1e6:.0f} MB'}".rstrip()))
    if not memory:
        print("none")


async def _try(action: str, place: Place, name: str) -> bool:
    """Do something with a model, say what became of it, and return whether it was done."""
    try:
        installs = place.embedded and action == "download"
        print(await (_install(name) if installs else _do(action, place.server, name)), flush=True)
    except (ServerUnreachableError, ServerAuthError):
        raise  # it is not about the model
    except SpeachesError as exc:
        print(f"ipyspeaches: {printable(str(exc))}", file=sys.stderr)
        return False
    return True


async def _install(name: str) -> str:
    """Download a model for the embedded server, and say what became of it."""
    from ipyspeaches.local.downloads import bring
    from ipyspeaches.local.engines import engine_named, model_to_install

    spec = engine_named(named_model(name))
    missing = model_to_install(spec)
    if missing is not None:
        await bring(missing)
    return f"{spec.model}: {'already installed' if missing is None else 'downloaded'}"


async def _do(action: str, server: Server, name: str) -> str:
    """Have the server download, load or unload a model, and say what became of it."""
    if action == "download":
        done = "downloaded" if await server.download(name) else "already installed"
    elif action == "load":
        await server.load(name)
        done = "in memory"
    else:
        await server.unload(name)
        done = "not in memory"
    return f"{named_model(name)}: {done}"
