PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DEMO := .venv-demo
# Where the system can, the demo runs without a network.
OFFLINE := $(shell unshare -rn true 2>/dev/null && echo unshare -rn)
# Two math threads a process; more do not help networks of this size.
export OMP_NUM_THREADS ?= 2
# Waiting threads sleep, so that other work on the machine does not stop ours.
export OMP_WAIT_POLICY ?= PASSIVE
# glibc keeps what a step frees for the next one (bytes); others ignore this.
export MALLOC_MMAP_THRESHOLD_ ?= 1073741824
export MALLOC_TRIM_THRESHOLD_ ?= 1073741824

.PHONY: demo release test check picture install clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

install: $(VENV)/installed  ## The package and its tools, in .venv

demo: $(VENV)/installed  ## From the sample corpus to an installed en_biobert
	$(BIN)/python -m spacy project run all
	$(MAKE) --no-print-directory $(DEMO)/installed
	$(OFFLINE) $(DEMO)/bin/python demo.py

# An empty environment, into which only the two wheels (and what they need) go.
$(DEMO)/installed: $(wildcard dist/en_biobert-*.whl dist/spacy_biobert-*.whl)
	rm -rf $(DEMO)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet -c constraints.txt --find-links dist en_biobert
	touch $@

release: $(VENV)/installed  ## The released en_biobert, from the corpora in $$SPACY_BIOBERT_DATA
	$(BIN)/python -m spacy project run release . --vars.data "$(SPACY_BIOBERT_DATA)"

test: $(VENV)/installed  ## All tests that need neither a GPU nor a network
	$(BIN)/python -m pytest

check: $(VENV)/installed  ## Lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Needs the system's Chromium; its sandbox does not work in every container.
picture: $(VENV)/installed  ## The picture of `view` in the README, docs/view.png
	$(BIN)/spacy-biobert view corpus/sample/pubtator/test.pubtator.txt work/sample/view.html --force \
	    --title "The sample corpus"
	chromium --headless --no-sandbox --hide-scrollbars --disable-lcd-text \
	    --force-device-scale-factor=0.75 --window-size=1060,1080 --screenshot=docs/view.png file://$(abspath work/sample/view.html)

clean:  ## Remove what `make demo` made
	rm -rf work/sample training/sample metrics/sample.json project.lock $(DEMO)
	rm -f dist/en_biobert-*.whl dist/spacy_biobert-*.whl
