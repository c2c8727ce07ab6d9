# The doors of the house. All work is done by `python -m workbench ...`, so it can be done where make does not exist.
#   make PYTHON=python3.12 run     use another Python (3.11 to 3.13)
#   make VENV=elsewhere run        keep the environment in another folder

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV ?= .venv
OUT ?= out
python := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help run lab test check clean install install-test

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: install  ## the quick edition of the course: executed notebooks, figures and the table of claims, in out/
	@$(python) -m workbench course run --edition quick --into $(OUT)

lab: install  ## JupyterLab, opened on the course
	@$(python) -m workbench lab

test: check  ## everything: the checks, then all tests, all notebooks and the browser
	@$(python) scripts/chromium.py
	@$(python) -m pytest

check: install-test  ## the quick checks: ruff, pyright, import-linter
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m pyright
	@$(VENV)/bin/lint-imports

clean:  ## remove what was made (the environment too)
	rm -rf $(VENV) $(OUT) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# scripts/install.py does nothing, in a tenth of a second, when the environment already fits the lock
install:
	@$(PYTHON) scripts/install.py --venv $(VENV) --extras lab,studio,batch

install-test:
	@$(PYTHON) scripts/install.py --venv $(VENV) --extras lab,studio,batch,test
