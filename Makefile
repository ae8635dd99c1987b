# Picward: `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Which tests: all of them, or paths and options for pytest. Which parts of the bench: all of them, or words.
TESTS ?=
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help run demo test test-all matrix lint bench screenshots openapi strings clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Picward needs Python 3.11 or newer; name one with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

run: $(VENV)/installed ## install, migrate and start Picward on 127.0.0.1:8080
	@$(BIN)/picward serve

demo: $(VENV)/installed ## judge a folder of pictures, hide the flagged one, show why
	@$(BIN)/python $(wildcard plugins/*/demo.py)

test: $(VENV)/tested ## the suite, or TESTS="tests/unit -x"; asks before it installs what the end-to-end tests need
	@sh tests/support/install.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" $(TESTS)

test-all: $(VENV)/tested ## the suite and what is too long for every landing
	@sh tests/support/install.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

matrix: ## make test under each Python from 3.11 to 3.14 that is installed
	@bash tests/support/matrix.sh

lint: $(VENV)/tested ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/tested ## the figures of docs/performance.md, or those of ONLY="intake idle"
	@$(BIN)/python -m bench $(ONLY)

screenshots: $(VENV)/tested ## the pictures of the pages in docs/images
	$(BIN)/python -m $(subst /,.,$(basename $(wildcard tests/integrations/*/screenshots.py)))

openapi: $(VENV)/tested ## write docs/openapi.json, the document of the API
	@$(BIN)/python -c "from app.web.api import document; print(document.text(), end='')" > docs/openapi.json

strings: $(VENV)/tested ## the catalogue that translations of the pages are made from
	$(BIN)/python -m tests.support.strings

clean: ## forget the virtual environments; the data in var/ stay
	rm -rf $(VENV) .venv-3.*
