"""The one place that says what a session is doing, and what may follow.

::

    IDLE ─► CONNECTING ─► LISTENING ⇄ PAUSED ⇄ RECONNECTING
                │             │          │
                │             ▼          │
                ├────────► STOPPING ◄────┘
                │             │
                ▼             ▼
              FAILED        STOPPED

RECONNECTING is LISTENING while there is no connection: all steps of the one lead out of the other, and between them.
Every state before the last two may end in FAILED. A session is used once: nothing leads out of STOPPED and FAILED, but
that one which has failed is stopped once what it lacked is transcribed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ipyspeaches.errors import StateError


class SessionState(StrEnum):
    """What a session is doing."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    RECONNECTING = "reconnecting"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


_S = SessionState
FOLLOWERS: Final[dict[SessionState, frozenset[SessionState]]] = {
    _S.IDLE: frozenset({_S.CONNECTING, _S.STOPPED}),
    _S.CONNECTING: frozenset({_S.LISTENING, _S.STOPPING, _S.FAILED}),
    _S.LISTENING: frozenset({_S.RECONNECTING, _S.PAUSED, _S.STOPPING, _S.FAILED}),
    _S.RECONNECTING: frozenset({_S.LISTENING, _S.PAUSED, _S.STOPPING, _S.FAILED}),
    _S.PAUSED: frozenset({_S.LISTENING, _S.RECONNECTING, _S.STOPPING, _S.FAILED}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.FAILED}),
    _S.STOPPED: frozenset(),
    _S.FAILED: frozenset({_S.STOPPED}),
}
ENDED: Final = frozenset({_S.STOPPED, _S.FAILED})
HEARING: Final = frozenset({_S.LISTENING, _S.RECONNECTING})
ACTIVE: Final = frozenset({_S.CONNECTING, *HEARING, _S.PAUSED, _S.STOPPING})


def check_transition(now: SessionState, then: SessionState) -> None:
    """Refuse a step that the picture above does not have: a `StateError` says what can be done instead."""
    if then in FOLLOWERS[now]:
        return
    if then is _S.CONNECTING:
        hint = "has ended: make a new session" if now in ENDED else "is already running: stop it first"
        raise StateError(f"This session {hint}.")
    if now is _S.IDLE:
        raise StateError("This session has not started: start it first.")
    raise StateError(f"This session is {now}, so it cannot become {then}.")
