# Every target prepares what it needs by itself and ends with a line that says how it went.
STATE ?= state
ADDRESS ?= 127.0.0.1
BENCH ?=
T ?=
ARGS ?=
FUZZ_SECONDS ?= 60

PREPARE = @sh firmware/image/prepare.sh
OFFLINE = @sh firmware/image/offline.sh
PYTHON = .venv/bin/python
.PHONY: help run demo test prove test-arm lint bench fuzz locks clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

run: ## The box: STATE=dir ADDRESS=ip ARGS="..."; Ctrl-C ends it
	$(PREPARE) run
	@if [ -t 0 ]; then set -m; fi; $(PYTHON) -m firmware run --state "$(STATE)" --address "$(ADDRESS)" $(ARGS)

demo: ## Two real softphones talk through the box, and what was heard is measured
	$(PREPARE) test
	$(OFFLINE) $(PYTHON) -m tests demo

test: ## Everything but the long proofs, with no network but loopback; T="-k word" selects
	$(PREPARE) test
	$(OFFLINE) $(PYTHON) -m tests test $(T)

prove: ## The longer proofs: campaigns, soaks, many peers
	$(PREPARE) test
	$(OFFLINE) $(PYTHON) -m tests prove $(T)

test-arm: ## The same box on Debian's arm64 Python, emulated
	$(PREPARE) arm
	@sh firmware/image/arm.sh
	$(OFFLINE) $(PYTHON) -m tests arm $(T)

lint: ## ruff, mypy, the contracts between rooms and floors
	$(PREPARE) lint
	@$(PYTHON) -m tests lint

bench: ## Measurements with the machine they ran on: BENCH=sip|rtp|store|...
	$(PREPARE) bench
	@sh firmware/image/bench.sh
	$(OFFLINE) $(PYTHON) -m tests bench $(BENCH)

fuzz: ## Mutated input, and input guided by coverage, against every parser: FUZZ_SECONDS=n
	$(PREPARE) fuzz
	$(OFFLINE) $(PYTHON) -m tests fuzz $(FUZZ_SECONDS)

locks: ## Renew the hash-locked dependency files from pyproject.toml
	$(PREPARE) lint
	@sh firmware/image/locks.sh

clean: ## Remove what was built here, never the state of a box
	@rm -rf build .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: built things are gone; state directories were not touched"
