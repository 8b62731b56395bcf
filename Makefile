# One verb a task. Every target sets up what it needs; `make` alone lists them.

PYTHON3 ?= python3
export PYTHON

# Without SUFFIX the environment decides (TF_VAR_environmentSuffix, ENVIRONMENT_SUFFIX), else dev.
ifdef SUFFIX
export TF_VAR_environmentSuffix := $(SUFFIX)
endif

# The environment's commands first, so that cdktf.json's `python3 main.py` finds its packages.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/cdktf-cli:$(PATH)
ENVIRONMENT_PYTHON := $(CURDIR)/.venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup setup-cdktf demo up down status test lint bench prove gate synth deploy destroy clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

setup:  ## make the two Python environments (.venv, .venv-local)
	@$(PYTHON3) local/bootstrap.py

setup-cdktf:  ## the same, and install the cdktf command from npm (.tools)
	@$(PYTHON3) local/bootstrap.py --cdktf-cli

demo: setup  ## run the whole pipeline here: make demo [MESSAGES=file or folder] [SUFFIX=dev]
	@$(ENVIRONMENT_PYTHON) -m local demo $(if $(MESSAGES),--messages "$(MESSAGES)")

up: setup  ## start the embedded AWS and deploy to it
	@$(ENVIRONMENT_PYTHON) -m local up

down: setup  ## destroy what `up` made and stop the embedded AWS
	@$(ENVIRONMENT_PYTHON) -m local down

status: setup  ## what runs here
	@$(ENVIRONMENT_PYTHON) -m local status

test: setup-cdktf lint  ## style, types and all tests; REQUIRE_ALL=1 forbids skipping
	@$(ENVIRONMENT_PYTHON) -m pytest -n auto --maxprocesses 4 $(PYTEST_ARGUMENTS)

lint: setup  ## ruff and mypy --strict
	@$(ENVIRONMENT_PYTHON) -m ruff check .
	@$(ENVIRONMENT_PYTHON) -m ruff format --check .
	@$(ENVIRONMENT_PYTHON) -m mypy

bench: setup  ## measure beside what one would use instead: make bench [BENCH_ARGUMENTS=--quick]
	@$(ENVIRONMENT_PYTHON) -m tests.bench $(BENCH_ARGUMENTS)

prove: setup-cdktf  ## run the proof of all that the README claims; writes docs/evidence.md
	@$(ENVIRONMENT_PYTHON) -m local prove $(if $(ONLY),--only $(ONLY))

gate: setup  ## judge the stack with every view that this machine can show
	@$(ENVIRONMENT_PYTHON) -m policies

synth: setup  ## write cdktf.out, judged
	@$(ENVIRONMENT_PYTHON) main.py

deploy: setup  ## deploy to AWS what the policies judged: make deploy SUFFIX=dev [APPROVE=yes]
	@$(ENVIRONMENT_PYTHON) -m client deploy $(if $(APPROVE),--approve)

destroy: setup  ## remove it from AWS again: make destroy SUFFIX=dev [APPROVE=yes]
	@$(ENVIRONMENT_PYTHON) -m client deploy --destroy $(if $(APPROVE),--approve)

clean:  ## remove what the commands wrote, not the environments
	rm -rf .local .build cdktf.out .pytest_cache .mypy_cache .ruff_cache .hypothesis
