PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test clean

demo: .venv/.installed  ## the whole pipeline on scikit-learn's diabetes data
	$(BIN)/python scripts/run_pipeline.py --settings search_spaces/demo.settings.toml

test: .venv/.installed-dev  ## lint, types, quick tests, slow tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@echo "The quick tests, and the slow ones beside them: most tests use one core"
	@$(BIN)/python -m pytest -m slow > .slow-tests.log 2>&1 & slow=$$!; \
	  $(BIN)/python -m pytest -m "not slow"; quick=$$?; \
	  wait $$slow; late=$$?; cat .slow-tests.log; [ $$quick -eq 0 ] && [ $$late -eq 0 ]

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
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .hypothesis .slow-tests.log
