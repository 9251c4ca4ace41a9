"""The ``ipyspeaches`` command: one module a subcommand, `main` around them all."""

from ipyspeaches.cli.command_line import main

__all__ = ["main"]
