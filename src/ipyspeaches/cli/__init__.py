"""The ``ipyspeaches`` command: one module a subcommand, `main` around them all."""

from ipyspeaches.cli.app import main

__all__ = ["main"]
