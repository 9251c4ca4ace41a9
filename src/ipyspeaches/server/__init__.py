"""Clients of a server's endpoints besides the live session: is it there, what has it, load that."""

from ipyspeaches.protocol.address import normalise_base_url
from ipyspeaches.server.client import Server, check
from ipyspeaches.server.models import Model, Models, Overview, ServerInfo

__all__ = ["Model", "Models", "Overview", "Server", "ServerInfo", "check", "normalise_base_url"]
