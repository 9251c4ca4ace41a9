"""What a server says about its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from ipyspeaches.protocol.media import EMBEDDED_MEDIA, SPEACHES_MEDIA, Media

EMBEDDED_TITLE: Final = "ipyspeaches"
"""What the embedded server calls itself in its interface."""
RECOGNITION_TASK: Final = "automatic-speech-recognition"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is installed on a server.

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
        """How this server takes sound as a media stream."""
        return EMBEDDED_MEDIA if self.title == EMBEDDED_TITLE else SPEACHES_MEDIA


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


class RunningList(msgspec.Struct):
    """The answer to ``GET /api/ps``."""

    models: list[str]


class SpanEntry(msgspec.Struct):
    """One stretch of speech on the wire, in milliseconds."""

    start: int
    end: int


class InterfaceInfo(msgspec.Struct):
    """The ``info`` of an OpenAPI document."""

    version: str
    title: str | None = None


class InterfaceDocument(msgspec.Struct):
    """As much of ``GET /openapi.json`` as is used."""

    info: InterfaceInfo
