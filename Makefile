PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Two math threads a process; more do not help networks of this size.
export OMP_NUM_THREADS ?= 2

.PHONY: demo test check install clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

install: $(VENV)/installed  ## The package and its tools, in .venv

demo: $(VENV)/installed  ## From the sample corpus to an installed en_biobert
	$(BIN)/python -m spacy project run all
	$(BIN)/python -m spacy_biobert.cli.demo dist .venv-demo

test: $(VENV)/installed  ## All tests that need neither a GPU nor a network
	$(BIN)/python -m pytest

check: $(VENV)/installed  ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf work training packages dist metrics project.lock .venv-demo
