"""``python -m ipyspeaches`` is the ``ipyspeaches`` command."""

from __future__ import annotations

import sys

from ipyspeaches.cli import main

if __name__ == "__main__":
    sys.exit(main())
