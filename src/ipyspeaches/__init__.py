"""Live speech recognition for notebooks.

The public names are in ``__init__.pyi``; each is imported when it is first used, so that ``import ipyspeaches as sp``
costs nothing that it does not need.
"""

from __future__ import annotations

from ipyspeaches._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__)
