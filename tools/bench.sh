#!/bin/sh
# Runs every benchmark and keeps its JSON: tools/bench.sh PYTHON [--quick]. Fails at the end when a budget was not kept.
set -eu
cd -- "$(dirname -- "$0")/.."
python=$1
shift
mkdir -p artifacts/bench
code=0
# What prints rows is a benchmark, the other files are their helpers.
for script in $(grep -l '^from rows import' benchmarks/*.py); do
    name=$(basename "$script" .py)
    echo "== $name" >&2
    "$python" "$script" --json "$@" >"artifacts/bench/$name.json" || code=1
    cat "artifacts/bench/$name.json"
done
exit $code
