#!/bin/sh
# Runs every benchmark and keeps its JSON: tools/bench.sh PYTHON [--quick]
set -eu
cd -- "$(dirname -- "$0")/.."
python=$1
shift
mkdir -p artifacts/bench
for script in benchmarks/*.py; do
    name=$(basename -- "$script" .py)
    # A leading underscore marks what benchmarks share.
    case $name in _*) continue ;; esac
    echo "== $name" >&2
    "$python" "$script" --json "$@" >"artifacts/bench/$name.json"
    cat "artifacts/bench/$name.json"
done
