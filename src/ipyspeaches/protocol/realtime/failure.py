"""Why a connection ended, in words: the server itself rarely says.

A crash anywhere in a Speaches session cuts the connection without a close frame and mostly without an error
event. What came last tells the cases apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ipyspeaches.errors import (
    ConnectionLostError,
    ModelNotFoundError,
    NotSpeachesError,
    ProtocolError,
    ServerAuthError,
    ServerError,
    ServerUnreachableError,
    Severity,
)
from ipyspeaches.protocol.api_key import API_KEY_VARIABLE
from ipyspeaches.protocol.protocol_events import Disconnected
from ipyspeaches.protocol.realtime import wire
from ipyspeaches.terminal import quote

_TOO_BIG: Final = 1009
_REFUSED_KEY: Final = frozenset({1008, 3000, 4401, 4403})
_OTHER_CAUSE: Final = re.compile(
    r"quota|limit|billing|credit|payment|balance|exceed|exhaust|too \w+|model|language|audio|time|idle|capacity|busy",
    re.IGNORECASE,
)
# An item is transcribed at once; a server that cannot reach itself fails within milliseconds of creating it.
_LOOPBACK_WITHIN_S: Final = 0.5
_MISSING_MODEL: Final = re.compile(
    r"[Mm]odel '(?P<model>[^']*)' (is not installed|does not exist|was not found|not found)"
)
_MAX_BEGINNING: Final = 80
_RATE_LIMIT: Final = "rate_limit_exceeded"
NO_QUOTA: Final = "insufficient_quota"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known at the end of a connection, which explains it."""

    # What the server began with: its session, or what it said first in place of one.
    first: wire.KnownEvent | wire.Unrecognised | None
    last: wire.KnownEvent | wire.Unrecognised | None
    model: str | None
    client_cuts: bool
    chat: bool  # whether the server means to answer with a language model
    answering: bool  # whether it has begun to
    answered: bool  # whether anything was ever said of an utterance but that it is there
    key_given: bool
    stopped: bool  # whether the server's VAD had ended the item that it created last

    def explain(self, code: int | None, reason: str, *, idle_s: float | None) -> Disconnected:
        """Return the failure for a connection that was not closed by this side."""
        error = self.last.error if isinstance(self.last, wire.ErrorEvent) else None
        return Disconnected(
            self._wrong_model(error)
            or self._wrong_key(error, code, reason)
            or self._chat(error)
            or self._server_error(error, code)
            or self._too_big(code)
            or self._no_loopback(code, idle_s=idle_s)
            or self._just_lost(code, reason)
        )

    def explain_silence(self) -> Disconnected:
        """Return the failure for a session that answers nothing any more while its connection is up."""
        error = self.last.error if isinstance(self.last, wire.ErrorEvent) else None
        return Disconnected(
            self._wrong_model(error)
            or self._chat(error)
            or self._server_error(error, None)
            or self._no_loopback(None, idle_s=None)
            or ConnectionLostError(
                "The connection is up, but the session behind it answers nothing any more: connect again and send "
                "once more what has no text yet, and see the server's log for what ended it."
            )
        )

    def explain_beginning(self) -> Disconnected | None:
        """Return the failure if what was said before the session is ready shows that it never will be."""
        first, last = self.first, self.last
        told = isinstance(first, wire.SessionCreated) and first.session != wire.UNTOLD
        if isinstance(last, wire.Unrecognised) and not last.type and not told:
            return Disconnected(_unlike(last))
        if not isinstance(last, wire.ErrorEvent):
            return None
        known = denied(last.error) or (self._wrong_model(last.error) if told or first is last else None)
        known = known or self._wrong_key(last.error, None, "")
        if known is None and not told:
            known = ProtocolError(
                f"The server refused to open a session ({quote(last.error.message)}): correct what it names, or use "
                'transport="chunked" if it speaks another protocol than OpenAI\'s Realtime API.'
            )
        return None if known is None else Disconnected(known)  # some complain of a part of an update and confirm it

    def explain_unready(self, waited_s: float) -> ServerError:
        """Return the error for a session that is not ready in time, by what the server began with."""
        if self.first is None:
            return ServerUnreachableError(
                f"The server accepted the connection but did not answer within {waited_s:.0f} s: check that it is a "
                "Speaches server and not overloaded, then start again."
            )
        if not isinstance(self.first, wire.SessionCreated):
            return _unlike(self.first)
        if isinstance(self.last, wire.ErrorEvent):
            return ProtocolError(
                f"The server refused the settings of the session ({quote(self.last.error.message)}): change what it "
                "names, or see its log."
            )
        untold = " that it says nothing about" if self.first.session == wire.UNTOLD else ""
        return ProtocolError(
            f"The server opened a session{untold} and did not confirm its settings within {waited_s:.0f} s: see its "
            'log, or use transport="chunked" if it speaks another protocol than OpenAI\'s Realtime API.'
        )

    def _wrong_model(self, error: wire.ErrorDetail | None) -> ServerError | None:
        if error is None:
            return None
        found = _MISSING_MODEL.search(error.message or "")
        model = (found and found["model"]) or self.model
        if found is None and error.code == "invalid_model":
            return ModelNotFoundError(
                f"The server does not transcribe with the model {model!r} ({quote(error.message)}): choose "
                "one that its documentation names for realtime transcription."
            )
        if found is None and error.code != "model_not_found":
            return None
        return ModelNotFoundError(
            f"The server does not have the model {model!r}: install it there (POST /v1/models/{model}) "
            "or choose one of those that GET /v1/models lists."
        )

    def _wrong_key(self, error: wire.ErrorDetail | None, code: int | None, reason: str) -> ServerError | None:
        if error is not None and error.code != "invalid_api_key":
            return None  # it has said what it refuses
        if error is None and (code not in _REFUSED_KEY or _OTHER_CAUSE.search(reason)):
            return None
        if error is None and self.answered and not self.key_given:
            return None  # it has worked without one
        return ServerAuthError(
            f"The server ended the session for want of a valid key{_because(code, reason)}: "
            f"check api_key or {API_KEY_VARIABLE}."
        )

    def _chat(self, error: wire.ErrorDetail | None) -> ServerError | None:
        if not self.answering or error is None:
            return None
        if self.chat:
            return ProtocolError(
                "The server opened a chat session and failed to answer with a language model, because "
                "intent=transcription did not reach it: let the proxy in front of it pass the query on."
            )
        return ProtocolError(
            "The server tried to answer with a language model and dropped the session: "
            "connect again, and send no response.create."
        )

    def _server_error(self, error: wire.ErrorDetail | None, code: int | None) -> ServerError | None:
        if error is None:
            return None
        if (denial := denied(error)) is not None:
            return denial
        if code in _REFUSED_KEY:
            return ProtocolError(
                f"The server refused the session{_because(code, '')}: {quote(error.message)} "
                "Change what it names, then start again."
            )
        return ProtocolError(
            f"The server reported {quote(error.message)} and dropped the session{_because(code, '')}: "
            "connect again, and if that repeats itself, check the language and the server's log."
        )

    def _too_big(self, code: int | None) -> ServerError | None:
        if code != _TOO_BIG:
            return None
        return ProtocolError(
            "The server refused a message as too big (code 1009): send the audio in shorter appends, "
            "or raise the limit of the proxy in front of it."
        )

    def _no_loopback(self, code: int | None, *, idle_s: float | None) -> ServerError | None:
        # Anything may cut there: the missing setting is named as a possible cause, and no more.
        late = idle_s is not None and idle_s > _LOOPBACK_WITHIN_S
        if not isinstance(self.last, wire.ItemCreated) or code is not None or late or self.answered:
            return None
        # Without a stop before it, the item came from a commit in mid-speech, which crashes a server in another way.
        if not self.client_cuts and not self.stopped:
            return None
        return ConnectionLostError(
            "The server dropped the session at the first utterance: connect again and send it once more; if that "
            "repeats itself, it may be a Speaches without LOOPBACK_HOST_URL: start it with "
            "LOOPBACK_HOST_URL=http://localhost:8000 (its own address)."
        )

    def _just_lost(self, code: int | None, reason: str) -> ServerError:
        if self.last is None:
            what = "The server closed the connection before it opened a session"
            cure = "check that the address is a Speaches server and see its log"
        elif code in _REFUSED_KEY:
            what = "The server refused the session"
            cure = "change what it names, then start again"
        elif code is not None:
            what = "The server closed the session"
            cure = "connect again and send once more what has no text yet"
        else:
            what = "The connection was cut without notice"
            cure = "connect again and send once more what has no text yet (Speaches does this after 30 minutes)"
        return ConnectionLostError(f"{what}{_because(code, reason)}: {cure}.")


def denied(error: wire.ErrorDetail) -> ServerError | None:
    """Return what an error means by which a server takes nothing more, be it for now or for good."""
    if NO_QUOTA in (error.code, error.type):
        return ProtocolError(
            f"The server transcribes no more ({quote(error.message)}), and trying again does not help: see to the "
            "account's plan and billing.",
            severity=Severity.FATAL,
        )
    if _RATE_LIMIT in (error.code, error.type):
        return ServerUnreachableError(
            f"The server takes no more for now ({quote(error.message)}): wait, or use another server.",
            retry_after_s=error.retry_after_s or 0.0,
        )
    return None


def _unlike(first: wire.KnownEvent | wire.Unrecognised) -> NotSpeachesError:
    if isinstance(first, wire.Unrecognised):
        began = first.type or str(first.data.get("text", first.data.get("value", first.data)))
    else:
        began = str(first.__struct_config__.tag)
    return NotSpeachesError(
        f"The server began with {quote(began[:_MAX_BEGINNING])} instead of session.created: give the address of one "
        'that speaks OpenAI\'s Realtime API, as Speaches does, or use transport="chunked".'
    )


def _because(code: int | None, reason: str) -> str:
    parts = [f"code {code}"] if code is not None else []
    parts += [quote(reason)] if reason else []
    return f" ({', '.join(parts)})" if parts else ""
