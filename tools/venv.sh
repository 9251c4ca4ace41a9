#!/bin/sh
# Makes .venv, from scratch when it is not one of this folder's own (copied, moved, broken or of another Python).
set -eu
cd -- "$(dirname -- "$0")/.."
case $PWD in
*:*)
    echo "The folder's name holds a colon, which separates paths on PATH, so that no virtual environment can live in it; rename the folder." >&2
    exit 1
    ;;
esac
python=$(tools/python.sh)
"$python" -m venv --clear .venv
