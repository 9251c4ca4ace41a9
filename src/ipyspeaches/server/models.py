"""What a server says about its models, and names for those that suit a purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Final, Self, overload

import msgspec

from ipyspeaches.errors import InputError
from ipyspeaches.protocol.realtime.media import EMBEDDED_MEDIA, SPEACHES_MEDIA, Media
from ipyspeaches.tables import Rows

EMBEDDED_TITLE: Final = "ipyspeaches"
"""What the embedded server calls itself in its interface."""
DEFAULT_MODEL_FIELD: Final = "x-default-model"
RECOGNITION_TASK: Final = "automatic-speech-recognition"
DIARIZATION_TASK: Final = "speaker-diarization"

presets: Final[dict[str, str]] = {
    "realtime": "Systran/faster-distil-whisper-large-v3",
    "accurate": "Systran/faster-whisper-large-v3",
    "fastest": "Systran/faster-whisper-small",
}
"""Preset names and the ids of their models."""

_MAX_ROWS: Final = 30
_MAX_LANGUAGES: Final = 6
_CELL: Final = "padding:.2em .6em;text-align:start;vertical-align:top"


def model_id(name: str) -> str:
    """Return the model that a preset name stands for; any other name is a model id already."""
    return presets.get(name, name)


def named_model(name: str) -> str:
    """Return the id of the model that a server is to do something with; an `InputError` if none is named."""
    found = model_id(name.strip())
    if not found or {".", ".."} & set(found.split("/")):  # they would lead to another endpoint
        raise InputError(
            "No model was given that a server could have: name its id, such as Systran/faster-whisper-small."
        )
    return found


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a server has, or could download.

    Parameters
    ----------
    id
        Name by which it is asked for.
    task
        Such as ``automatic-speech-recognition`` or ``voice-activity-detection``; None if the server does not say.
    languages
        ISO 639-1 codes; empty if the server does not say.
    owner
        Who made it; None if the server does not say.
    """

    id: str
    task: str | None = None
    languages: tuple[str, ...] = ()
    owner: str | None = None

    @property
    def preset(self) -> str | None:
        """The preset that stands for this model, if one does."""
        return next((name for name, model in presets.items() if model == self.id), None)

    @property
    def recognises(self) -> bool:
        """Whether it turns speech into text; a server that names no tasks may use all its models for anything."""
        return self.task in (None, RECOGNITION_TASK)


class Models(Rows[Model]):
    """Models, sorted by id; columns ``id``, ``preset``, ``task``, ``languages``, ``owner``.

    Parameters
    ----------
    models
        In any order.
    """

    _row_type: ClassVar = Model

    def __init__(self, models: Iterable[Model] = ()) -> None:
        super().__init__(sorted(models, key=lambda model: model.id))

    @property
    def ids(self) -> list[str]:
        """The names by which they are asked for."""
        return [model.id for model in self._rows]

    def for_task(self, task: str) -> Self:
        """Return those for a task."""
        return type(self)(model for model in self._rows if model.task == task)

    def columns(self) -> Mapping[str, Any]:
        """Return the columns as lists; None where a model is no preset or the server does not say."""
        return {
            "id": self.ids,
            "preset": [model.preset for model in self._rows],
            "task": [model.task for model in self._rows],
            "languages": [", ".join(model.languages) or None for model in self._rows],
            "owner": [model.owner for model in self._rows],
        }

    @overload
    def __getitem__(self, index: int) -> Model: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Model | Self:
        return type(self)(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Models) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._rows))

    def __repr__(self) -> str:
        shown = [*self.ids[:5], *(["…"] if len(self) > 5 else [])]
        return f"Models({len(self)}: {', '.join(shown)})" if shown else "Models(none)"

    def _repr_html_(self) -> str:
        return _models_html(self, None)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What `check` found.

    Parameters
    ----------
    version
        Version of the server's interface, if it says.
    models
        All installed models, sorted by id.
    model
        The one to use.
    title
        What the program calls itself, if it says.
    """

    version: str | None
    models: tuple[Model, ...]
    model: str
    title: str | None = None

    @property
    def media(self) -> Media:
        """How this server takes audio as a media stream."""
        return EMBEDDED_MEDIA if self.title == EMBEDDED_TITLE else SPEACHES_MEDIA


@dataclass(frozen=True, slots=True)
class Overview:
    """What a server has, at one moment.

    Parameters
    ----------
    url
        Its base address.
    version
        Version of its interface, if it says.
    models
        Installed models.
    running
        Ids of those in its memory, sorted; None if it does not say.
    """

    url: str
    version: str | None
    models: Models
    running: tuple[str, ...] | None

    @property
    def presets(self) -> dict[str, bool]:
        """Whether the model of each preset is installed."""
        installed = set(self.models.ids)
        return {name: model in installed for name, model in presets.items()}

    def _repr_html_(self) -> str:
        version = f", version {escape(self.version)}" if self.version else ""
        missing = [f"{name} ({presets[name]})" for name, there in self.presets.items() if not there]
        note = f"<p>Presets that are not installed: {escape(', '.join(missing))}.</p>" if missing else ""
        models = _models_html(self.models, self.running)
        return f"<p><strong>{escape(self.url)}</strong>{version}</p>{models}{note}"


class ModelEntry(msgspec.Struct):
    """One model on the wire."""

    id: str
    task: str | None = None
    language: list[str] | None = None
    owned_by: str | None = None

    def to_model(self) -> Model:
        """Return it as a value of this package."""
        return Model(self.id, self.task, tuple(self.language or ()), self.owned_by)


class ModelList(msgspec.Struct):
    """The answer to ``GET /v1/models``."""

    data: list[ModelEntry]

    def to_models(self) -> Models:
        """Return them as values of this package, without those that have no name."""
        return Models(entry.to_model() for entry in self.data if entry.id.strip())


class RunningDetails(msgspec.Struct):
    """What the embedded server says of a model in its memory."""

    id: str
    memory_bytes: int | None = None


class RunningList(msgspec.Struct):
    """The answer to ``GET /api/ps``; a Speaches server gives no details."""

    models: list[str]
    details: list[RunningDetails] = []


class SpanEntry(msgspec.Struct):
    """One stretch of speech on the wire, in milliseconds."""

    start: float
    end: float


class InterfaceInfo(msgspec.Struct):
    """The ``info`` of an OpenAPI document; only the embedded server says which of its models is for who names none."""

    version: str
    title: str | None = None
    default_model: str | None = msgspec.field(default=None, name=DEFAULT_MODEL_FIELD)


class InterfaceDocument(msgspec.Struct):
    """As much of ``GET /openapi.json`` as is used."""

    info: InterfaceInfo


class TurnEntry(msgspec.Struct):
    """One turn of a speaker on the wire, in seconds."""

    start: float
    end: float
    speaker: str | int


class DiarizationAnswer(msgspec.Struct):
    """The answer to ``POST /v1/audio/diarization``; ``duration`` is that of the audio in seconds."""

    segments: list[TurnEntry]
    duration: float | None = None


def _models_html(models: Models, running: tuple[str, ...] | None) -> str:
    """Return models as a table; with a column for those in memory where that is known."""
    names = ["model", "preset", "task", "languages", *([] if running is None else ["in memory"])]
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in names)
    rows = [_row(model, running) for model in models[:_MAX_ROWS]]
    more = len(models) - len(rows)
    if more > 0:
        rows.append(
            f'<tr><td style="{_CELL}" colspan="{len(names)}">… and {more:,} more: .to_pandas() has all</td></tr>'
        )
    if not rows:
        rows.append(f'<tr><td style="{_CELL}" colspan="{len(names)}">none</td></tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _row(model: Model, running: tuple[str, ...] | None) -> str:
    cells = [model.id, model.preset or "", model.task or "", _languages(model.languages)]
    if running is not None:
        cells.append("yes" if model.id in running else "")
    return "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells) + "</tr>"


def _languages(codes: tuple[str, ...]) -> str:
    rest = len(codes) - _MAX_LANGUAGES
    return ", ".join(codes[:_MAX_LANGUAGES]) + (f" and {rest} more" if rest > 0 else "")
