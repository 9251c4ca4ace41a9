"""Scripted servers."""

from __future__ import annotations

from scripted_http import http_script
from scripted_server import scripted

__all__ = ["http_script", "scripted"]
