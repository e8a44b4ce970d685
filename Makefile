# make lab    the environment if it is missing, then JupyterLab on the notebooks
# make test   the environment if it is missing, then lint, tests and notebooks
# Other settings: PYTHON=python3.12 (at least 3.11), TORCH=cpu|default (overrules the choice of build), JOBS=2.

PYTHON ?= python3
TORCH ?= auto
JOBS ?= 2
BIN := .venv/bin
NOTEBOOKS = $(wildcard notebooks/*.ipynb)
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with nbval_sanitize.cfg --nbval-cell-timeout=300

.PHONY: help lab test setup setup-test lint tests nbval notebooks environment constraints bench clean

help:
	@sed -n '1,3s/^# //p' Makefile

lab: setup
	@$(BIN)/medlab lab

test: setup-test
	@$(BIN)/python scripts/stages.py lint tests nbval

setup:
	@$(PYTHON) scripts/setup.py lab --torch $(TORCH)

setup-test:
	@$(PYTHON) scripts/setup.py lab test --torch $(TORCH)

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/environment.py --check
	$(BIN)/python scripts/methods_table.py --check
	$(BIN)/python scripts/trust_table.py --check
	$(BIN)/python scripts/notebooks.py check

tests:
	$(BIN)/python -m pytest tests -n $(JOBS) --dist loadfile

# a notebook's cells share one kernel: loadfile keeps them on one worker
nbval:
	@test -n "$(NOTEBOOKS)" || { echo "notebooks/ holds no notebook"; exit 1; }
	$(BIN)/python -m pytest $(NBVAL) -n $(JOBS) --dist loadfile $(NOTEBOOKS)

# run every notebooks/*.py and write the .ipynb beside it
notebooks: setup-test
	$(BIN)/python scripts/notebooks.py build

environment:
	$(BIN)/python scripts/environment.py

constraints:
	$(BIN)/python scripts/constraints.py

# those that compare medlab with nothing that would have to be installed; benchmarks/loading.py says what it needs
bench: setup-test
	$(BIN)/python -m benchmarks.import_time
	$(BIN)/python -m benchmarks.index
	$(BIN)/python -m benchmarks.label_integrity

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
