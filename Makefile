# What a newcomer needs is two commands: `make demo` and `make test`. Everything else is a part of one of them.
SHELL := /bin/bash
BIN := .venv/bin
PYTEST := $(BIN)/pytest -q
# What of the drill a test run does, by the day, counted from the epoch: that of a year begins anew; `make drill` does it all.
DAY = $(shell expr $$(date +%s) / 86400)
DRILL_0 := --class O1 --every 400
DRILL_1 := --class O4 --every 100
DRILL_2 := --class O2 --class O3 --class O5 --class O6 --class O7 --every 40

.PHONY: help demo drill test test-fast test-plugins test-integration molecule molecule-mutations test-releases lint bench lock schema setup setup-lab setup-test clean codec-soak fuzz
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: setup setup-lab ## boot the lab, deploy it, rotate a quarter on it, and tell about it
	@scripts/demo.sh

test: setup setup-lab setup-test lint ## everything: lint, unit, plugins, molecule, integration on the lab
	$(PYTEST) -n 2 tests/unit tests/providers tests/test_*.py
	$(PYTEST) -n 2 tests/plugins
	$(BIN)/mycoops drill $(DRILL_$(shell expr $(DAY) % 3)) --offset $(DAY)
	$(MAKE) molecule
	$(PYTEST) tests/integration --faults today

test-fast: setup ## seconds, without containers
	$(PYTEST) -n 2 -m "not slow" tests/unit tests/providers tests/test_*.py

drill: setup setup-lab ## kill the engine at each of its points, and each resume, and try every fault on the lab; takes long
	$(BIN)/mycoops drill --every 3
	$(PYTEST) --hypothesis-profile=long tests/unit/drill/test_machine.py
	$(PYTEST) tests/integration -m fault

test-plugins: setup setup-test ## roles, plugins and kinds against real servers on this machine
	$(PYTEST) -n 2 tests/plugins

codec-soak: setup setup-test ## 100,000 random values through every real parser of env files; takes long
	$(BIN)/python -m tests.codec --soak 100000

fuzz: setup setup-test ## fuzz the parser of env files for ten minutes
	$(BIN)/python -m tests.codec.fuzz -max_total_time=600

test-integration: setup setup-lab setup-test ## a whole quarter, crashes and rollbacks on the lab
	$(PYTEST) tests/integration

molecule: setup setup-lab ## every role on systemd containers over ssh
	molecule/run.sh

molecule-mutations: setup setup-lab ## break a promise of each role, and see its scenario fail
	$(BIN)/python molecule/shared/mutate.py

test-releases: setup setup-lab ## hosts of Debian 11, 12 and 13, from here and from a control node with the newest core
	$(PYTEST) tests/releases

lint: setup ## ruff, mypy, ansible-lint, yamllint, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/ansible-lint --offline -q
	$(BIN)/yamllint -s .
	$(BIN)/shellcheck $$(git ls-files '*.sh' .ci/run)

bench: setup setup-lab ## redeploy and deploy against plain ssh and tuned ansible, as ratios
	$(BIN)/python -m benchmarks

lock: ## pin the dependencies of pyproject.toml anew
	$(BIN)/uv pip compile -q pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" -o requirements.lock
	$(BIN)/uv pip compile -q --group codec -c requirements.lock --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" -o tests/codec/requirements.lock

schema: setup ## write the JSON Schema of the catalogue
	$(BIN)/mycoops check --schema > docs/catalogue.schema.json.new
	mv docs/catalogue.schema.json.new docs/catalogue.schema.json

setup: .venv/ready ## the Python environment

.venv/ready: requirements.lock pyproject.toml
	@scripts/python.sh
	@touch $@

setup-lab: ## podman and what the lab's image is made from
	@lab/install.sh

setup-test: setup ## servers and env file parsers to test against on this machine
	@scripts/test-servers.sh
	@scripts/test-readers.sh

clean: ## remove the lab and the Python environment
	-$(BIN)/mycoops lab down --forget
	rm -rf .venv .cache/codec
