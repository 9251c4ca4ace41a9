"""A scripted server and a recording for it."""

from __future__ import annotations

from openai_server import openai_server
from scripted_server import bursts, scripted

__all__ = ["bursts", "openai_server", "scripted"]
