"""The exception tree; every message says what happened and what to do next.

::

    SpeachesError                      anything that this package raises on purpose
    ├── InputError (ValueError)        an argument or a file cannot be used
    │   └── AudioError                 … because of its audio: empty, corrupt, not finite, a rate of 0
    ├── StateError                     the right call at the wrong moment: start twice, stop before start
    ├── MissingExtraError (ImportError)   an optional package is not installed; says how to install it
    ├── DownloadError                  a model cannot be fetched from its hub
    ├── MicrophoneError                no PortAudio, no device, permission denied, unplugged
    └── ServerError                    something is wrong with the server, or on the way to it
        ├── ServerUnreachableError     nothing answers at its address
        │   └── UdpBlockedError        it answers, but no WebRTC media get through
        ├── ServerAuthError            it refused the key, or needs one
        ├── NotSpeachesError           what answers is not a Speaches server
        ├── ModelNotFoundError         it does not have the model
        ├── ProtocolError              it broke the protocol, or reported an error
        └── ConnectionLostError        the connection dropped while it was in use

Keys never appear in a message: errors are built from addresses without their query and user parts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """What a failure of a server means for what else is asked of it."""

    FATAL = "fatal"
    """All else would be refused, too, however long one waits."""
    PASSING = "passing"
    """The same may succeed in a while."""
    SINGLE = "single"
    """It is about what was asked for; something else may succeed."""


class SpeachesError(Exception):
    """Base of every exception that this package raises on purpose."""


class InputError(SpeachesError, ValueError):
    """An argument or a file cannot be used."""


class AudioError(InputError):
    """Audio cannot be used: it is empty, corrupt, not finite, or has an impossible rate."""


class AudioWarning(UserWarning):
    """Audio could be used, but not as it says it is: it is cut off, cancels itself, or is silent."""


class StateError(SpeachesError):
    """The right call at the wrong moment."""


class MissingExtraError(SpeachesError, ImportError):
    """An optional package is not installed.

    Parameters
    ----------
    package
        Name of the package that could not be imported.
    extra
        Extra of ipyspeaches that installs it; None for a package that should have come with ipyspeaches itself.
    purpose
        What it is needed for, as the end of "… is needed to …".
    """

    def __init__(self, package: str, extra: str | None, purpose: str) -> None:
        wanted = package if extra is None else f"'ipyspeaches[{extra}]'"
        super().__init__(f"{package} is needed to {purpose}. Install it with: pip install {wanted}")
        self._given = package, extra, purpose

    def __reduce__(self) -> tuple[type[Self], tuple[str, str | None, str]]:
        # Without it, the error of a worker process breaks the pool that it belongs to.
        return type(self), self._given


class DownloadError(SpeachesError):
    """A model cannot be fetched from its hub; what came of it is kept."""


class MicrophoneError(SpeachesError):
    """A microphone cannot be opened, or was unplugged."""


class ServerError(SpeachesError):
    """Something is wrong with the server, or on the way to it.

    Parameters
    ----------
    message
        What happened, and what to do.
    severity
        What it means for what else is asked of the server; None for what errors of this class mean.
    retry_after_s
        After how many seconds to ask again, if the server has said so.
    """

    severity = Severity.SINGLE

    def __init__(self, message: str, *, severity: Severity | None = None, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.severity = severity or type(self).severity
        self.retry_after_s = retry_after_s


class ServerUnreachableError(ServerError):
    """Nothing answers at the server's address."""

    severity = Severity.PASSING


class UdpBlockedError(ServerUnreachableError):
    """The server answers over HTTP, but no media packets get through."""


class ServerAuthError(ServerError):
    """The server refused the key, or needs one."""

    severity = Severity.FATAL


class NotSpeachesError(ServerError):
    """What answers is not a Speaches server."""


class ModelNotFoundError(ServerError):
    """The server does not have the model."""

    severity = Severity.FATAL


class ProtocolError(ServerError):
    """The server broke the protocol, or reported an error."""


class ConnectionLostError(ServerError):
    """The connection dropped while it was in use."""

    severity = Severity.PASSING
