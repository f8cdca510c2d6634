# make demo | test | check | clean

PYTHON ?= python3
BIN := .venv/bin
ROWS ?= 2000

.PHONY: help demo test check docs prerequisites clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed-local ## Watch the whole workflow run on this machine (ROWS=2000)
	$(BIN)/drugsync demo --rows $(ROWS)

test: .venv/installed-dev ## Run every test, over real MariaDB and real Redis
	$(BIN)/python -m pytest

check: .venv/installed-dev ## Lint, types, import rules, the state machine's definition
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/contract
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs: .venv/installed-dev ## Write the generated pages, and the site into site/
	$(BIN)/python -m cli.diagram
	$(BIN)/python -m cli.reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean: ## Stop the servers; remove their data and the virtual environment
	if [ -x $(BIN)/drugsync ]; then $(BIN)/drugsync down; fi
	rm -rf .venv .local

prerequisites:
	@local/prerequisites.sh $(PYTHON)

# The order-only prerequisite looks at the machine each time, but does not install again.
.venv/installed-local: pyproject.toml constraints.txt | prerequisites
	@echo "installing into .venv (about 200 MB, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local]'
	@touch $@

.venv/installed-dev: .venv/installed-local
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
