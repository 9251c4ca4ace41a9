#!/bin/sh
# Runs npm in js/, after a look at Node's version: npm's own message would be a stack trace.
set -eu
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
if ! command -v npm >/dev/null 2>&1 || [ "${major:-0}" -lt 20 ]; then
    echo "Node 20 or newer, with npm, is needed to build the front end (found: ${major:-none}). Install it from https://nodejs.org, then run make again." >&2
    exit 1
fi
cd -- "$(dirname -- "$0")/.."

if [ "$1" = test ]; then
    case $PWD in
    *[!A-Za-z0-9\ /._+@=,-]*)
        # Vite takes `#`, `?`, `%` and brackets in a path for its own syntax: test a copy that has none.
        copy=$(mktemp -d)
        trap 'rm -rf "$copy"' EXIT
        mkdir "$copy/tests"
        cp -R js "$copy/js"
        cp -R tests/data "$copy/tests/data"
        cd "$copy/js"
        npm "$@" </dev/null
        exit
        ;;
    esac
fi
cd js
exec npm "$@" </dev/null
