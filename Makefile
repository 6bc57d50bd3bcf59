# make demo · make test are all a newcomer needs. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo story test check fix docs dev bench lock clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rowen needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: locks/demo.txt locks/uv.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the demo needs into $(VENV), once."
	@tools/install $(BIN)/python locks/demo.txt
	@touch $@

$(VENV)/.dev: locks/dev.txt locks/uv.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need into $(VENV), once."
	@tools/install $(BIN)/python locks/dev.txt
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## A real model behind keys, limits, cache, fallback, costs and traces (ARGS=--once to stop at the end)
	@$(BIN)/rowen demo $(ARGS)

story: $(VENV)/.dev ## A first release on a real model: refused, rolled back by itself, promoted; told as it happens
	@$(BIN)/rowen models add smollm2
	@ROWEN_TELL=1 ROWEN_TEST_LOCAL=1 $(BIN)/python -m pytest -q -s -p no:randomly tests/docs/test_release.py

test: $(VENV)/.dev ## Everything that must hold: floors, types, style, tests
	@PYTHON=$(BIN)/python tools/test $(ARGS)

check: $(VENV)/.dev ## Floors, types and style alone
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

fix: $(VENV)/.dev ## Mend style
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: $(VENV)/.dev ## Generate the reference pages
	@$(BIN)/python tools/docs.py

dev: $(VENV)/.demo ## Serve the first example and reload it on change
	@$(BIN)/rowen dev examples/01-ask/app.toml

bench: $(VENV)/.dev ## Measure the gateway against its peers (bench/gateway)
	@bench/gateway/run $(ARGS)

lock: ## Pin the dependencies again (needs uv)
	@tools/lock

clean: ## Remove what make made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
