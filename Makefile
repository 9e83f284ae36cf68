# `make` alone teaches. Needs make and Python 3.11 or newer; everything else is installed into .venv.

PYTHON ?= python3 python3.13 python3.12 python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest
# For all the tests; a selection is quicker without workers that have to start first. Files in their order: by
# default those with few tests come last, which are random days that take a minute, with one core idle meanwhile.
WORKERS ?= -n 2 --dist loadfile --no-loadscope-reorder
ARGS ?=
# Images of Python like to set it. Without bytecode pytest rewrites each file of tests in each worker and at every start,
# and each of the some hundred processes that the tests start compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check format bench browser containers chaos lock clean install

help: ## this list
	@printf 'Lobby: the services that run a bank branch'"'"'s lobby.\n\n'
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\nARGS go to pytest, to bench, or to `lobby up`:  make test ARGS="-k journal -x"\n'

run: $(READY) ## everything in one process, with a branch that lives; Ctrl-C ends it
	@exec $(BIN)/lobby up --demo $(ARGS)

test: $(READY) ## unit and integration tests, with a real RabbitMQ and PostgreSQL
	$(PYTEST) $(if $(ARGS),,$(WORKERS)) $(ARGS)

check: $(READY) ## layers, lint, format, types
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## rates, delays and sizes beside their baselines and aims: hop, calls, latency, growth, streams, turns, state, cost
	$(BIN)/python -m bench $(ARGS)

browser: $(READY) ## the pages in a real Chromium
	$(PYTEST) -m browser $(ARGS)

containers: $(READY) ## builds the image and runs docker-compose.yml; needs a Docker engine
	$(PYTEST) -m containers $(ARGS)

chaos: $(READY) ## kills and freezes services, broker and database in the middle of work
	$(PYTEST) -m chaos $(ARGS)

COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --quiet --custom-compile-command "make lock" pyproject.toml

lock: $(READY) ## renew the locked versions from pyproject.toml (ARGS=--upgrade for newer ones)
	$(COMPILE) $(ARGS) --all-extras --output-file requirements.lock
	$(COMPILE) --constraints requirements.lock --output-file requirements-run.lock

clean: ## remove the environment and every cache; data/ is kept
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find services shared tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(READY) ## only the environment

# Made again only when what is locked, or the project's own metadata, has changed. The first Python of
# the list that is new enough is taken (a version manager's shim may be there and not work).
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || { \
	  for python in $(PYTHON); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && found=$$python && break; \
	  done; \
	  test -n "$$found" || { echo "Lobby needs Python 3.11 or newer; tried: $(PYTHON). Install one, or say make PYTHON=/path/to/python3" >&2; exit 1; }; \
	  "$$found" -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$$found cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	  echo "Installing into $(VENV) with $$("$$found" -V); the first time takes a minute."; \
	  "$$found" -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
