"""A scripted server and a recording for it."""

from __future__ import annotations

from scripted_server import bursts, scripted

__all__ = ["bursts", "scripted"]
