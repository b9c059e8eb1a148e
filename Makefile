# make demo | test | up | lint: each sets up what it needs. Only Python >= 3.11 and a package registry are assumed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo up test compose-demo bench-router bench-worker lint lock clean

help: ## what can be made here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# pip rather than a faster installer: it is what every Python brings along.
$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed (set PYTHON=...)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

setup: $(READY) ## the virtual environment with every locked dependency

demo: $(READY) ## 1,000 executions on the embedded stack, then a report
	@$(BIN)/mfh demo

up: $(READY) ## the embedded stack, until Ctrl-C
	@$(BIN)/mfh up

test: $(READY) ## the whole test suite
	@$(BIN)/python -m pytest

compose-demo: ## the same demo against docker compose with LocalStack
	@docker compose up -d --build --wait
	@docker compose --profile demo run --rm --use-aliases demo

bench-router: $(READY) ## records/s, CPU, memory and latency of the router against a bare loop
	@$(BIN)/python -m pytest -n 0 -m benchmark tests/benchmarks/test_router.py -s

bench-worker: $(READY) requirements/bench.txt ## the worker against a bare loop, Powertools and Celery
	@test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@BENCH_PYTHON=$(BENCH)/bin/python $(BIN)/python -m pytest -n 0 -m benchmark tests/benchmarks/test_worker.py -s
# The rivals' packages stay out of our lock and our environment.
BENCH := $(CURDIR)/.cache/bench-venv

lint: $(READY) ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

lock: ## renew requirements/*.txt (needs uv: pip install uv)
	uv pip compile pyproject.toml --all-extras $(LOCK) -o requirements/dev.txt
	uv pip compile pyproject.toml --extra cli -c requirements/dev.txt $(LOCK) -o requirements/runtime.txt
	uv pip compile pyproject.toml --extra api --extra cli -c requirements/dev.txt $(LOCK) -o requirements/api.txt
	echo hatchling | uv pip compile - -c requirements/dev.txt $(LOCK) -o requirements/build.txt
# Extras stay in the lock: older pips (23.2) take `coverage[toml]` of a dependency for unpinned otherwise.
LOCK := --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
