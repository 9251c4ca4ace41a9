"""The exception tree; every message says what happened and what to do next.

::

    SpeachesError                 anything this package raises on purpose
    ├── InputError (ValueError)   the caller's argument or file cannot be used
    │   └── AudioError            … because of the audio in it (empty, corrupt, NaN, rate of 0)
    ├── StateError                right call, wrong moment (start twice, stop before start)
    ├── MissingExtraError (ImportError)   an optional package is not installed; carries the pip line
    ├── MicrophoneError           no PortAudio, no device, permission denied, device unplugged
    └── ServerError               the other side
        ├── ServerUnreachableError    nothing answers there
        │   └── UdpBlockedError           it answers, but no WebRTC media get through
        ├── ServerAuthError           the key was refused
        ├── NotSpeachesError          something answers, but not a Speaches server
        ├── ModelNotFoundError        the server does not have this model
        ├── ProtocolError             the server broke the protocol, or reported an error
        └── ConnectionLostError       the connection dropped while in use

Keys never appear in a message: errors are built from addresses without their query and user parts.
"""

from __future__ import annotations


class SpeachesError(Exception):
    """Base of every exception that this package raises on purpose."""


class InputError(SpeachesError, ValueError):
    """An argument or a file that cannot be used."""


class AudioError(InputError):
    """Audio that cannot be used: empty, corrupt, not finite, or with an impossible rate."""


class StateError(SpeachesError):
    """A call that is right in itself but not in this state."""


class MissingExtraError(SpeachesError, ImportError):
    """An optional package is missing.

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


class MicrophoneError(SpeachesError):
    """A microphone that cannot be opened or has gone."""


class ServerError(SpeachesError):
    """Something is wrong with the server or on the way to it."""


class ServerUnreachableError(ServerError):
    """Nothing answers at the server's address."""


class UdpBlockedError(ServerUnreachableError):
    """The server answers over HTTP, but no media packets get through."""


class ServerAuthError(ServerError):
    """The server refused the key."""


class NotSpeachesError(ServerError):
    """Something answers, but it is not a Speaches server."""


class ModelNotFoundError(ServerError):
    """The server does not have the model."""


class ProtocolError(ServerError):
    """The server broke the protocol or reported an error."""


class ConnectionLostError(ServerError):
    """The connection dropped while it was in use."""
