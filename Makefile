PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder  # groups: tests/conftest.py
unexport PYTHONDONTWRITEBYTECODE  # TensorFlow's import takes 4 s with byte code and 10 s without

.PHONY: demo test quick soak check clean

demo: .venv/.installed  ## the whole pipeline on scikit-learn's diabetes data
	$(BIN)/python scripts/run_pipeline.py --settings search_spaces/demo.settings.toml

test: check  ## lint, types, all tests: about twelve minutes on two cores
	$(PYTEST)

quick: .venv/.installed-dev  ## the tests without whole runs: about three minutes
	$(PYTEST) -m "not slow"

soak: .venv/.installed-dev  ## the tests of `make test` with many more seeds, kills and combinations: an hour or two
	$(PYTEST) -m soak

check: .venv/.installed-dev  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Use: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@$(BIN)/python -m compileall -q .venv/lib > /dev/null || true  # where pip was told to leave byte code out
	@touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .hypothesis
