"""The embedded server: a Speaches-compatible recogniser in a process of its own, for when there is no other."""

from __future__ import annotations

from ipyspeaches.local.local_server import LocalServer, serve

__all__ = ["LocalServer", "serve"]
