"""A server and its models as static HTML; what a server says is escaped, and its key is not here."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from ipyspeaches.server.presets import presets

if TYPE_CHECKING:
    from ipyspeaches.server.models import Model, Models, Overview

MAX_ROWS: Final = 30
MAX_LANGUAGES: Final = 6

_CELL: Final = "padding:.2em .6em;text-align:start;vertical-align:top"


def models_html(models: Models, running: tuple[str, ...] | None) -> str:
    """Return models as a table; with a column for those in memory where that is known."""
    names = ["model", "preset", "task", "languages", *([] if running is None else ["in memory"])]
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in names)
    rows = [_row(model, running) for model in models[:MAX_ROWS]]
    more = len(models) - len(rows)
    if more > 0:
        rows.append(
            f'<tr><td style="{_CELL}" colspan="{len(names)}">… and {more:,} more: .to_pandas() has all</td></tr>'
        )
    if not rows:
        rows.append(f'<tr><td style="{_CELL}" colspan="{len(names)}">none</td></tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def overview_html(overview: Overview) -> str:
    """Return what a server has: address, version, installed models, presets that are missing."""
    version = f", version {escape(overview.version)}" if overview.version else ""
    missing = [f"{name} ({presets[name]})" for name, there in overview.presets.items() if not there]
    note = f"<p>Presets that are not installed: {escape(', '.join(missing))}.</p>" if missing else ""
    models = models_html(overview.models, overview.running)
    return f"<p><strong>{escape(overview.url)}</strong>{version}</p>{models}{note}"


def server_html(url: str, *, has_key: bool) -> str:
    """Return a server that was not asked yet, with what it can be asked."""
    key = "with a key" if has_key else "without a key"
    asks = ("overview()", "models()", "registry()", "download(id)", "load(id)", "speech_timestamps(…)", "diarize(…)")
    listed = " ".join(f"<code>await server.{ask}</code>" for ask in asks)
    return f"<p><strong>{escape(url)}</strong>, {key}</p><p>{listed}</p>"


def _row(model: Model, running: tuple[str, ...] | None) -> str:
    cells = [model.id, model.preset or "", model.task or "", _languages(model.languages)]
    if running is not None:
        cells.append("yes" if model.id in running else "")
    return "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells) + "</tr>"


def _languages(codes: tuple[str, ...]) -> str:
    rest = len(codes) - MAX_LANGUAGES
    return ", ".join(codes[:MAX_LANGUAGES]) + (f" and {rest} more" if rest > 0 else "")
