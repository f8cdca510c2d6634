# Every task of the project: make help

PYTHON ?= python3
BIN := .venv/bin
QUIETLY := local/servers/quietly.sh
PIP := $(QUIETLY) $(BIN)/pip install --disable-pip-version-check -c constraints.txt
ROWS ?= 2000
EXAMPLES ?= 300
ROUNDS ?= 3
# Recipes take it from the environment, because the shell would run a text that stands in a recipe.
export STAGE ?= dev
PLACE ?= sid
CDK := npx --yes aws-cdk@2.1148.0
# jsii warns of the end of a node release's life with each of its processes.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 1

.PHONY: help demo test coverage test-on test-matrix soak audit check docs bench bench-full bench-scale bench-peers eval install synth
.PHONY: changes drift hashes test-host deploy deploy-check destroy release certificates snapshot prerequisites clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed-local ## Watch the whole workflow run on this machine (ROWS=2000)
	$(BIN)/drugsync demo --rows $(ROWS)

test: .venv/installed-dev ## Run every test, over a real MySQL or MariaDB and a real Redis
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations 20 $(COVERAGE)

coverage: ## The same, and which branches no test takes (shown, and no gate)
	$(MAKE) test COVERAGE="--cov --cov-report=term:skip-covered"

test-on: .venv/installed-dev ## Try install, demo and tests in a place of Debian's packages, as root (PLACE=sid)
	$(BIN)/python -m tools.places $(PLACE)

test-matrix: .venv/installed-dev ## The same in every place, and write the table of docs/support.md
	$(BIN)/python -m tools.places all --record

test-host: .venv/installed-dev ## Try the Redis host's script under systemd, on a volume of its own, as root
	$(BIN)/python -m tools.host

soak: .venv/installed-dev ## Try arbitrary histories of the catalog, new ones each time (EXAMPLES=300)
	SOAK_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q --timeout 0 tests/faults/test_model.py

audit: .venv/installed-dev ## Ask for known vulnerabilities of the pinned dependencies; needs the network
	$(BIN)/python -m tools.audit

check: .venv/installed-dev ## Lint, types, import rules, the state machine's definition
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/contract
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@# 3: nobody could be asked, which is said and stops nobody who is offline.
	$(BIN)/python -m tools.audit || [ $$? -eq 3 ]

docs: .venv/installed-dev ## Write the generated pages, and the site into site/
	$(BIN)/python -m tools.diagram
	$(BIN)/python -m tools.overview
	$(BIN)/python -m tools.architecture
	$(BIN)/python -m tools.row_to_document
	$(BIN)/python -m tools.generations
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.licences
	$(BIN)/python -m tools.capacity
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: install ## Measure speed, memory, costs and index choices (about ten minutes)
	$(BIN)/python -m benchmarks --write

bench-full: install ## The same over the whole catalog of 243,941 rows (an hour)
	$(BIN)/python -m benchmarks --full --write

bench-scale: install ## What the functions that grow take, and where each ends (ROWS="250000 1000000 4000000")
	$(BIN)/python -m benchmarks.any_size $(if $(filter file,$(origin ROWS)),,$(ROWS)) --record

bench-peers: ROWS = 5000
bench-peers: .venv/installed-dev ## Measure beside what a team would pick instead, and write docs/peers.md (ROWS=5000, ROUNDS=3)
	$(BIN)/python -m benchmarks.peers --rows $(ROWS) --rounds $(ROUNDS) --write

eval: .venv/installed-local ## Measure how well searches find, over the FDA's catalog (minutes, once)
	$(BIN)/python -m benchmarks.search_eval
	$(BIN)/python -m benchmarks.search_safety
	$(BIN)/python -m benchmarks.search_frozen
	$(BIN)/python -m benchmarks.search_frozen --set second
	$(BIN)/python -m benchmarks.search_frozen --set third
	$(BIN)/python -m benchmarks.search_frozen --set fourth

install: .venv/installed-dev ## Fetch the functions' libraries, so that synth works offline
	$(BIN)/python -m infra.compute.bundles

hashes: .venv/installed-dev ## Write the hashes of the functions' libraries, after a change of their pins
	$(BIN)/python -m tools.bundle_hashes

synth: install ## Write the templates of STAGE (dev) into cdk.out/, checked by cdk-nag
	CDK_OUTDIR=cdk.out $(BIN)/python -m infra.app

changes: install ## Ask CloudFormation what a deployment of STAGE would change and replace
	$(CDK) diff --method=change-set -c stage="$$STAGE"

drift: install ## What somebody changed of STAGE's stacks by hand
	$(CDK) drift -c stage="$$STAGE"

# Without a terminal nobody can be asked: whoever starts it has approved `make changes`.
deploy: install ## Deploy STAGE's stacks
	$(CDK) deploy --all -c stage="$$STAGE" --require-approval \
	  $(if $(shell test -t 0 && echo terminal),broadening,never)

deploy-check: install ## Does the deployed STAGE work: servers, rights, a search, a dry run
	$(BIN)/drugsync doctor --stage "$$STAGE"
	$(BIN)/drugsync run --dry-run --wait --stage "$$STAGE"

destroy: install ## Remove STAGE's workflow stack, which holds no data
	$(CDK) destroy -c stage="$$STAGE" Workflow

release: .venv/installed-dev ## Build wheel, sdist and list of parts into dist/; try the wheel alone
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m tools.sbom dist/drug-catalog-sync.cdx.json
	.ci/try-wheel dist/*.whl

certificates: ## Take newer roots of RDS's certificates
	curl --fail --output infra/certificates/rds-roots.pem \
	  https://truststore.pki.$(if $(filter us-gov,$(PARTITION)),us-gov-west-1.)rds.amazonaws.com/global/global-bundle.pem

snapshot: .venv/installed-dev ## Accept the workflow stack's template as it is now
	UPDATE_SNAPSHOT=1 $(BIN)/python -m pytest -q tests/infra/test_checks.py -k reviewed

clean: ## Stop the servers; remove their data and the virtual environment
	if [ -x $(BIN)/drugsync ]; then $(BIN)/drugsync down; fi
	rm -rf .venv .local dist

prerequisites:
	@local/servers/prerequisites.sh $(PYTHON)

# The order-only prerequisite looks at the machine each time, but does not install again.
.venv/installed-local: pyproject.toml constraints.txt | prerequisites
	@echo "installing into .venv (about 200 MB, once; what pip prints is in .venv/install.log)"
	@$(QUIETLY) $(PYTHON) -m venv .venv
	@$(PIP) -e .
	@touch $@

.venv/installed-test: .venv/installed-local
	@$(PIP) -e '.[test]'
	@touch $@

.venv/installed-dev: .venv/installed-local
	@$(PIP) -e '.[dev]'
	@touch $@
