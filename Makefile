# `make help` lists the targets. Needs Python 3.11 or newer and make; the rest goes into .venv.
PYTHON ?= python3
RECIPE ?= recipes/alpaca.yaml
# Labelled data for `make bench`; not part of the repository.
LABELS ?= ../shared/data
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help setup dataset server schedule worker test test-all check fix bench lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# On Linux the index gives torch with gigabytes of CUDA libraries. Where you want the small CPU build:
#   make setup TORCH_INDEX="--index-url https://download.pytorch.org/whl/cpu"
TORCH_INDEX ?=
PIP = $(BIN)/pip install --quiet --disable-pip-version-check

$(VENV)/.ready: requirements.lock requirements-torch.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "expected Python 3.11 or newer, got `$(PYTHON) --version`: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "installing into $(VENV) (two to four minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) $(TORCH_INDEX) -r requirements-torch.lock
	@$(PIP) --no-deps --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready ## make .venv from the lock

dataset: setup ## run RECIPE (default recipes/alpaca.yaml) and publish a version under published/
	$(BIN)/feingold run $(RECIPE)

# Schedules: `make server` in one terminal, `make schedule` once, `make worker` in another.
PORT ?= 4200
NIGHTLY ?= 0 2 * * *
WEEKLY ?= 0 4 * * 0
TIMEZONE ?= UTC
HOME_DIR ?= .feingold
OUT ?= published
# Secrets of teacher, Hub and database come from .env, which is read by a shell, not by make.
WITH_ENV = set -a; if [ -f .env ]; then . ./.env; fi; \
  export PREFECT_HOME="$(CURDIR)/.feingold/prefect" PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1; \
  mkdir -p "$$PREFECT_HOME";
# Who runs what is noted on disk: in memory, a restart would leave a killed run's place taken for good.
LEASES = PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE=prefect.server.concurrency.lease_storage.filesystem
AT_SERVER = $(WITH_ENV) export PREFECT_API_URL="http://127.0.0.1:$(PORT)/api";

server: setup ## Prefect on loopback, PORT (4200); SQLite, or what DATABASE_URL names
	@$(WITH_ENV) unset PREFECT_API_URL; export $(LEASES); \
	  if [ -n "$$DATABASE_URL" ]; then export PREFECT_API_DATABASE_CONNECTION_URL="$$DATABASE_URL"; fi; \
	  exec $(BIN)/prefect server start --host 127.0.0.1 --port $(PORT)

schedule: setup ## RECIPE every NIGHTLY ("0 2 * * *") and WEEKLY, in TIMEZONE; run again after a change
	@$(AT_SERVER) set -e; \
	  name=`$(BIN)/python -m flows.deployments $(RECIPE)`; \
	  $(BIN)/prefect work-pool create feingold --type process --overwrite >/dev/null; \
	  FEINGOLD_ROOT="$(CURDIR)" FEINGOLD_DATASET="$$name" FEINGOLD_RECIPE="$(RECIPE)" \
	  FEINGOLD_HOME="$(HOME_DIR)" FEINGOLD_OUT="$(OUT)" FEINGOLD_TIMEZONE="$(TIMEZONE)" \
	  FEINGOLD_NIGHTLY="$(NIGHTLY)" FEINGOLD_WEEKLY="$(WEEKLY)" \
	  $(BIN)/prefect --no-prompt deploy --all

worker: setup ## runs what is due, until it is stopped
	@$(AT_SERVER) exec $(BIN)/prefect worker start --pool feingold --type process

test: setup ## the tests that take seconds
	$(BIN)/python -m pytest -m 'not slow' -n 3 --dist loadgroup

test-all: setup ## every test, the slow ones too
	$(BIN)/python -m pytest -n 3 --dist loadgroup

check: setup ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: setup ## mend what lint and format can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure beside baselines; results go to benchmarks/
	$(BIN)/python -m benchmarks --labels $(LABELS)

lock: ## write the lock anew from pyproject.toml, in a fresh environment
	$(PYTHON) scripts/lock.py

clean: ## remove .venv and caches; published/ and .feingold/ stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
