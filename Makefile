# The two commands of the README are `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help env demo test up down lint messages clean

help: ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/'

env: $(STAMP) ## make the environment (.venv)

demo: $(STAMP) ## rehearse the whole year 1403
	@$(BIN)/payesh demo

test: $(STAMP) ## run the tests
	@$(BIN)/python -m pytest

up: $(STAMP) ## start PostgreSQL, the Prefect server and a worker
	@$(BIN)/payesh up

down: $(STAMP) ## stop them
	@$(BIN)/payesh down

lint: $(STAMP) ## style, types, import rules, SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint sql --disable-progress-bar

messages: $(STAMP) ## bring the list of messages to translate up to date (locale/)
	@mkdir -p var
	$(BIN)/pybabel -q extract -F babel.cfg -k N_ --ignore-dirs=".* _* var" --no-wrap --sort-by-file --add-location=file -o var/payesh.pot .
	$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap -i var/payesh.pot -d locale -D payesh -l en

clean: ## remove the environment (data in var/ stay)
	rm -rf $(VENV)

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "payesh: found no $(PYTHON); wanted Python 3.11 or newer. Install it, or: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "payesh: found $$($(PYTHON) --version); wanted Python 3.11 or newer. Try: make PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "payesh: found no module venv; wanted it to make .venv. On Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "making $(VENV) (about a minute with a warm package cache)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
