PYTHON ?= python3
BIN := .venv/bin
SPREAD := --numprocesses 2 --dist worksteal  # most tests use one core

.PHONY: demo test clean

demo: .venv/.installed  ## the whole pipeline on scikit-learn's diabetes data
	$(BIN)/python scripts/run_pipeline.py --settings search_spaces/demo.settings.toml

test: .venv/.installed-dev  ## lint, types, quick tests, slow tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(SPREAD) -m "not slow"
	$(BIN)/python -m pytest $(SPREAD) -m slow

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Use: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .hypothesis
