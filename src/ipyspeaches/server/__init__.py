"""Clients of a server's endpoints besides the live session: is it there, what has it, load that."""
