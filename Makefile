# Picward: `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# Which extras: postgres and the like, as files of requirements/ are named.
WITH ?=
# What `make lock` takes the newest of: all, or packages. Without it whatever still answers pyproject.toml stays.
UPGRADE ?=
# Which tests: all of them, or paths and options for pytest. Which parts of the bench: all of them, or words.
TESTS ?=
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help install run demo test test-all test-postgresql matrix lint bench screenshots openapi strings lock clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# Only what the lock knows by its hash is installed, the builder included.
$(VENV)/installed: pyproject.toml requirements/picward.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Picward needs Python 3.11 or newer; name one with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/picward.txt
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/with-%: requirements/%.txt $(VENV)/installed
	$(PIP) --require-hashes -r $<
	@touch $@

install: $(VENV)/installed $(WITH:%=$(VENV)/with-%) ## install, or update; with extras: WITH="postgres"

run: $(VENV)/installed $(wildcard $(VENV)/with-*) ## install, migrate and start Picward on 127.0.0.1:8080
	@$(BIN)/picward serve

demo: $(VENV)/installed ## judge a folder of pictures, hide the flagged one, show why
	@$(BIN)/python $(wildcard plugins/*/demo.py)

test: $(VENV)/with-test ## the suite, or TESTS="tests/unit -x"; asks before it installs what the end-to-end tests need
	@sh tests/support/install.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" $(TESTS)

test-all: test-postgresql ## the suite, what is too long for every landing, and test-postgresql
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

test-postgresql: $(VENV)/with-test ## services and pages on a PostgreSQL of their own, or TESTS="tests/services -x"
	@sh tests/support/install.sh
	$(BIN)/python -m tests.support.postgresql $(BIN)/python -m pytest -n 2 --dist loadgroup $(or $(TESTS),tests/services tests/web)

matrix: ## make test under each Python from 3.11 to 3.14 that is installed
	@bash tests/support/matrix.sh

lint: $(VENV)/with-test ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/with-test ## the figures of docs/performance.md, or those of ONLY="intake idle"
	@$(BIN)/python -m bench $(ONLY)

screenshots: $(VENV)/with-test ## the pictures of the pages in docs/images
	$(BIN)/python -m $(subst /,.,$(basename $(wildcard tests/integrations/*/screenshots.py)))

openapi: $(VENV)/with-test ## write docs/openapi.json, the document of the API
	@$(BIN)/python -c "from app.web.api import document; print(document.text(), end='')" > docs/openapi.json

strings: $(VENV)/with-test ## the catalogue that translations of the pages are made from
	$(BIN)/python -m tests.support.strings

lock: ## renew requirements/ from pyproject.toml; UPGRADE=all, or UPGRADE="pillow flask", takes what is newest
	@PYTHON=$(PYTHON) sh requirements/lock.sh $(UPGRADE)

clean: ## forget the virtual environments; the data in var/ stay
	rm -rf $(VENV) .venv-*
