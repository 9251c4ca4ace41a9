#!/bin/sh
# Prints a Python (3.11 or newer) that can make virtual environments; $PYTHON is tried first. 3.11 is what the lock file is made for.
set -eu
usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
complete() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

bare=
for python in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3; do
    usable "$python" || continue
    if complete "$python"; then
        printf '%s\n' "$python"
        exit 0
    fi
    bare=${bare:-$python}
done
if [ -z "$bare" ]; then
    echo "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
# Debian keeps venv and ensurepip in a package of their own.
"$(dirname -- "$0")/apt.sh" venv >&2
if complete "$bare"; then
    printf '%s\n' "$bare"
else
    echo "$bare cannot make virtual environments (no venv or no ensurepip); name another one: make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
