"""Every command of a page gets a reply, errors in words: what all widgets share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ipyspeaches.errors import InputError, SpeachesError
from ipyspeaches.widget.messages import failure_message

MAX_PLAYED_S = 120.0
"""The longest sound that a page gets at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command gives back besides success."""

    data: dict[str, Any] = field(default_factory=dict)
    buffers: list[bytes] = field(default_factory=list)


Command: TypeAlias = Callable[[dict[str, Any]], Awaitable[Answer | None]]
Post: TypeAlias = Callable[[dict[str, Any], list[bytes]], None]


async def obey(content: dict[str, Any], by_name: Mapping[str, Command], post: Post) -> None:
    """Do what a message asks for, and reply.

    Parameters
    ----------
    content
        A message of type ``command``.
    by_name
        All commands.
    post
        Sends the reply.
    """
    failure: dict[str, Any] | None = None
    answer: Answer | None = None
    name = content.get("name")
    args = {**content.get("args", {}), "client_id": content.get("client_id")}
    try:
        command = by_name.get(str(name))
        if command is None:
            raise InputError(f"This kernel does not know the command {name!r}: reload the page.")
        answer = await command(args)
    except SpeachesError as exc:
        failure = failure_message(exc)
    except Exception as exc:  # noqa: BLE001  a command without a reply would leave the page waiting
        failure = failure_message(SpeachesError(f"The kernel failed at {name!r} ({type(exc).__name__}: {exc})."))
    answer = answer or Answer()
    post({"type": "reply", "id": content.get("id"), "error": failure, "data": answer.data}, answer.buffers)
