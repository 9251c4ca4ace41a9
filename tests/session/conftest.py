"""Scripted servers and a recording for them."""

from __future__ import annotations

from openai_server import openai_server
from request_sessions import quick_retries
from scripted_http import http_script
from scripted_server import bursts, scripted

__all__ = ["bursts", "http_script", "openai_server", "quick_retries", "scripted"]
