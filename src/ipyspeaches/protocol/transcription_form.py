"""What a recogniser is asked for over HTTP: options, and the form that they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

TRANSCRIPTIONS: Final = "/v1/audio/transcriptions"
TRANSLATIONS: Final = "/v1/audio/translations"


class _TranslationForm(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The fields of `TRANSLATIONS` besides the file; what has its default is left out."""

    model: str
    response_format: str
    prompt: str | None = None
    temperature: str | None = None


class _TranscriptionForm(_TranslationForm, omit_defaults=True, kw_only=True):
    """The fields of `TRANSCRIPTIONS` besides the file."""

    language: str | None = None
    hotwords: str | None = None
    granularity: str | None = msgspec.field(default=None, name="timestamp_granularities[]")
    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionOptions:
    """What each request asks for.

    Parameters
    ----------
    model
        Model id.
    language
        Code such as ``"en"``; None lets the model find out.
    translate
        Whether the text is wanted in English, whatever is spoken.
    prompt, hotwords, temperature
        As in `Recognition`; None leaves them to the server.
    stream
        Whether the text is wanted piece by piece, as server-sent events; it comes without the times of words then.
    """

    model: str
    language: str | None = None
    translate: bool = False
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None
    stream: bool = False

    @property
    def path(self) -> str:
        """Where the request goes."""
        return TRANSLATIONS if self.translate else TRANSCRIPTIONS

    @property
    def unused(self) -> tuple[str, ...]:
        """Options that are given but that the endpoint does not have."""
        names = ("language", "hotwords") if self.translate else ()
        return tuple(name for name in names if getattr(self, name) is not None)

    def form(self) -> dict[str, str]:
        """Return the fields of the form, without the file."""
        temperature = None if self.temperature is None else f"{self.temperature:g}"
        form: _TranslationForm
        if self.translate:
            form = _TranslationForm(
                model=self.model, response_format="verbose_json", prompt=self.prompt, temperature=temperature
            )
        else:
            form = _TranscriptionForm(
                model=self.model,
                response_format="json" if self.stream else "verbose_json",
                prompt=self.prompt,
                temperature=temperature,
                language=self.language,
                hotwords=self.hotwords,
                granularity=None if self.stream else "word",
                stream="true" if self.stream else None,
            )
        fields: dict[str, str] = msgspec.to_builtins(form)
        return fields
