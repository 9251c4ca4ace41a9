"""What a recogniser is asked for: one frozen value that travels unchanged from keyword to request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self, TypeAlias

from ipyspeaches.checks import Check, check_fields, instance, number, one_of, text, texts
from ipyspeaches.chinese import CHINESE, SCRIPTS, missing_converter, written
from ipyspeaches.errors import InputError
from ipyspeaches.languages import language_code, script_named

NEVER_CUT: Final = 1.0
"""A threshold that no speech probability exceeds: the server's VAD stays silent and the client may commit."""
TASKS: Final = ("transcribe", "translate")

Changes: TypeAlias = Mapping[str, Any]
"""What is to be different from the next utterance on: fields of `RecognitionOptions` by name, with their new values."""


@dataclass(frozen=True, slots=True)
class ServerTurnDetection:
    """``turn_detection`` as it goes over the wire, always as a whole: servers ignore incomplete objects in silence.

    Parameters
    ----------
    threshold
        Speech probability from 0 to 1.
    silence_duration_ms
        Silence that ends an utterance.
    prefix_padding_ms
        Audio kept before the onset; Speaches keeps it at 0, whatever it is asked. None for what suits the server.
    create_response
        Whether the server answers with a language model; a transcription session never does.

    Raises
    ------
    InputError
        If a value cannot be used.
    """

    threshold: float = 0.9
    silence_duration_ms: int = 550
    prefix_padding_ms: int | None = None
    create_response: bool = False

    def __post_init__(self) -> None:
        # Speaches ignores a threshold out of range without a word, so it must not get that far.
        duration = number(0, cure="whole milliseconds from 0 up", whole=True)
        probability = number(0, 1, "a probability from 0 to 1")
        check_fields(self, threshold=probability, silence_duration_ms=duration, prefix_padding_ms=duration)

    def to_wire(self, *, threshold: float | None = None) -> dict[str, Any]:
        """Return the complete ``turn_detection`` object, with another threshold if one is given."""
        return {
            "type": "server_vad",
            "threshold": self.threshold if threshold is None else threshold,
            "silence_duration_ms": self.silence_duration_ms,
            "prefix_padding_ms": self.prefix_padding_ms or 0,
            "create_response": self.create_response,
        }


def _sent(check: Check) -> Check:
    """Return a check that also refuses text that no request can carry: of a shell or file in another encoding."""

    def check_text(name: str, value: object) -> object:
        checked = check(name, value)
        try:
            checked.encode()
        except UnicodeEncodeError:
            raise InputError(f"{name} has characters that are not UTF-8: give it in UTF-8.") from None
        return checked

    return check_text


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionOptions:
    """What the recogniser is asked for.

    Parameters
    ----------
    model
        A model id or a preset (``"realtime"``, ``"accurate"``, ``"fastest"``); None for the server's first
        recognition model.
    language
        Code or name such as ``"en"``, ``"zh-CN"`` or ``"English"``; becomes Whisper's code, and goes to the server
        as it is where Whisper has none. None lets the server find out.
    task
        ``"transcribe"``, or ``"translate"`` for English text of speech in any language (over HTTP only).
    prompt
        Text that could have come before: names, spellings, style. (Over HTTP only, as the next two; OpenAI's own
        realtime endpoint has this one, too.)
    hotwords
        Words to listen for: a text, or a list of them.
    temperature
        0 for the likeliest words, up to 1 for more variety; None for the server's own.
    script
        Characters in which Chinese is written, whatever the recogniser wrote: ``"simplified"`` or ``"traditional"``.
        None for what the language asks: ``"zh-CN"`` and bare ``"zh"`` for simplified ones, ``"zh-TW"``, ``"zh-HK"`` and
        ``"zh-Hant"`` for traditional ones; without a language, text stays as it comes.
    server_vad
        The server's VAD, if it cuts the utterances; None if this side does.
    implied_script
        Made from the language; it outlives that, which becomes a code.

    Raises
    ------
    InputError
        If a value cannot be used.
    MissingExtraError
        If a script is asked for and OpenCC is not installed.
    """

    model: str | None = None
    language: str | None = None
    task: str = "transcribe"
    prompt: str | None = None
    hotwords: str | None = None
    temperature: float | None = None
    script: str | None = None
    server_vad: ServerTurnDetection | None = None
    implied_script: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_fields(self, model=_sent(text()), task=one_of(TASKS), prompt=_sent(text()), hotwords=_sent(texts()))
        check_fields(self, temperature=number(0, 1))
        check_fields(self, script=one_of(SCRIPTS))
        check_fields(self, server_vad=instance(ServerTurnDetection, "ServerTurnDetection(…), or None"))
        if self.script is not None and (missing := missing_converter()) is not None:
            raise missing
        named, code = script_named(self.language), language_code(self.language)
        # As Unicode's likely subtags have it: bare "zh" is Chinese in simplified characters, as most people read it.
        implied = named or self.implied_script or ("simplified" if code == "zh" else None)
        object.__setattr__(self, "implied_script", implied if code in CHINESE else None)
        # Speaches answers a code that it does not know with HTTP 500, or by dropping the session.
        object.__setattr__(self, "language", code)
        if self.model is not None:
            object.__setattr__(self, "model", self.model.strip())  # as it came from a file or a variable
        if self.model == "":
            raise InputError("model is empty: give a model id, or None for the server's first recognition model.")

    @property
    def client_cuts(self) -> bool:
        """Whether this side cuts the utterances, and commits them."""
        return self.server_vad is None

    @property
    def translates(self) -> bool:
        """Whether the text is wanted in English, whatever is spoken."""
        return self.task == "translate"

    @property
    def wanted_script(self) -> str | None:
        """The characters in which Chinese is to be written, asked for or implied by the language."""
        return None if self.translates else self.script or self.implied_script

    @property
    def language_tag(self) -> str | None:
        """The language with what it implies: ``"zh-Hant"``, ``"en"``."""
        tail = {"simplified": "-Hans", "traditional": "-Hant"}.get(self.implied_script or "", "")
        return None if self.language is None else self.language + tail

    def written(self, text: str, heard: str | None = None) -> str:
        """Return a recognised text with Chinese in the wanted characters; ``heard`` is the code of its language."""
        return written(text, self.wanted_script, heard or self.language)

    def changed(self, changes: Changes) -> Self:
        """Return these options with some changed.

        A language that names a script, such as ``"zh-TW"``, takes the place of one that was asked for before.

        Raises
        ------
        InputError
            If there is no such option, or its value cannot be used.
        """
        known = [one.name for one in fields(self) if one.name != "implied_script"]
        if unknown := sorted(set(changes) - set(known)):
            raise InputError(f"Unknown option {', '.join(unknown)}: what can be changed is {', '.join(known)}.")
        implied: dict[str, Any] = {"implied_script": None} if "language" in changes else {}
        if script_named(changes.get("language")):
            implied["script"] = None
        return replace(self, **{**implied, **changes})

    def given(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of the named options that have a value."""
        return tuple(name for name in names if getattr(self, name) is not None)
