"""Which of the kernel's shells handles a widget's messages."""

from __future__ import annotations

from typing import Any


def keep_subshell_routing(comm: Any) -> None:  # noqa: ANN401  ipykernel's comm has no type
    """Let messages be handled where the front end asked for, even while a cell is busy.

    ipykernel 7.4 sends a comm's messages to the shell from which this comm last sent, which is the main shell as soon
    as a cell sets a trait; then sound waits for the cell. The name is private: without it nothing is changed.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default  # noqa: SLF001
