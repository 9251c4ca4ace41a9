"""The states of a realtime session and every way from one to another.

::

    CONNECTING ──opened──► CONFIGURING ──confirmed──► READY ──flush──► FLUSHING
                                                        ▲                 │
                                                        └────flushed──────┘
    any of these ──close──► CLOSING ──lost──► CLOSED        any of these ──lost──► FAILED

Audio may flow in READY and FLUSHING only. CLOSED and FAILED are final: a reconnect is a new protocol.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ipyspeaches.errors import StateError


class ProtocolState(StrEnum):
    """Where a realtime session stands."""

    CONNECTING = "connecting"
    CONFIGURING = "configuring"
    READY = "ready"
    FLUSHING = "flushing"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


class Trigger(StrEnum):
    """What moves a session from one state to the next, in words that follow "cannot"."""

    OPENED = "open the connection"
    CONFIRMED = "confirm the configuration"
    FLUSH = "flush"
    FLUSHED = "end the flush"
    CLOSE = "close"
    LOST = "lose the connection"


TRANSITIONS: Final[dict[ProtocolState, dict[Trigger, ProtocolState]]] = {
    ProtocolState.CONNECTING: {
        Trigger.OPENED: ProtocolState.CONFIGURING,
        Trigger.CLOSE: ProtocolState.CLOSING,
        Trigger.LOST: ProtocolState.FAILED,
    },
    ProtocolState.CONFIGURING: {
        Trigger.CONFIRMED: ProtocolState.READY,
        Trigger.CLOSE: ProtocolState.CLOSING,
        Trigger.LOST: ProtocolState.FAILED,
    },
    ProtocolState.READY: {
        Trigger.FLUSH: ProtocolState.FLUSHING,
        Trigger.CLOSE: ProtocolState.CLOSING,
        Trigger.LOST: ProtocolState.FAILED,
    },
    ProtocolState.FLUSHING: {
        Trigger.FLUSHED: ProtocolState.READY,
        Trigger.CLOSE: ProtocolState.CLOSING,
        Trigger.LOST: ProtocolState.FAILED,
    },
    ProtocolState.CLOSING: {
        Trigger.CLOSE: ProtocolState.CLOSING,
        Trigger.LOST: ProtocolState.CLOSED,
    },
    ProtocolState.CLOSED: {},
    ProtocolState.FAILED: {},
}

AUDIO_FLOWS: Final = frozenset({ProtocolState.READY, ProtocolState.FLUSHING})
ENDED: Final = frozenset({ProtocolState.CLOSED, ProtocolState.FAILED})

_NEXT_STEP: Final = {
    ProtocolState.CONNECTING: "connect first",
    ProtocolState.CONFIGURING: "wait for Ready",
    ProtocolState.READY: "it is already open",
    ProtocolState.FLUSHING: "wait for Flushed",
    ProtocolState.CLOSING: "open a new connection",
    ProtocolState.CLOSED: "open a new connection",
    ProtocolState.FAILED: "open a new connection",
}


def follow(state: ProtocolState, trigger: Trigger) -> ProtocolState:
    """Return the state that ``trigger`` leads to.

    Raises
    ------
    StateError
        If ``trigger`` has no place in ``state``.
    """
    try:
        return TRANSITIONS[state][trigger]
    except KeyError as exc:
        raise wrong_state(trigger.value, state) from exc


def wrong_state(action: str, state: ProtocolState) -> StateError:
    """Return the error for ``action`` at the wrong moment, with what to do instead."""
    return StateError(f"Cannot {action} while the session is {state.value}: {_NEXT_STEP[state]}.")
