#!/bin/sh
# Renews requirements.lock: what a fresh installation resolves to today. Usage: tools/lock.sh REQUIREMENT
set -eu
cd -- "$(dirname -- "$0")/.."
rm -rf .make/lock
.venv/bin/python -m venv .make/lock
pip() { .make/lock/bin/python -m pip --disable-pip-version-check --no-input "$@"; }
pip install --quiet --upgrade pip hatchling hatch-jupyter-builder editables
pip install --quiet --no-build-isolation --editable "$1" --group dev
{
    echo "# Constraints for a repeatable installation, made by: make lock"
    pip freeze --all --exclude-editable --exclude setuptools
} >.make/requirements.lock
mv .make/requirements.lock requirements.lock
rm -rf .make/lock
