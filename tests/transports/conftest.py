"""A scripted HTTP server."""

from __future__ import annotations

from scripted_http import http_script

__all__ = ["http_script"]
