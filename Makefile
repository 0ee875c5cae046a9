# One verb of the harness each. Everything a fresh machine lacks is installed by what needs it.

SCENARIO ?= partition
ARGS ?=
NAME ?= smoke
TESTS ?= tests
NAMES ?=
HARNESS := .venv/bin/harness

.DEFAULT_GOAL := help
.PHONY: help venv engine images chaos check plan judge doctor test test-unit test-cluster lint bench self-chaos docs lock wheel \
	bench-setup control-runs recordings suite twins nightly signoff verify logs status artifacts heal clean up inject down debug

help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

venv: ## The virtual environment, from requirements.lock
	@scripts/venv

engine: venv ## A container engine with compose and buildx, if none is here (needs root)
	@$(HARNESS) engine

images: venv ## The images a run needs, if they are not here
	@$(HARNESS) images

chaos: venv ## Play SCENARIO=partition and judge it (ARGS="--no-faults --seed 9 --keep --json")
	@$(HARNESS) run $(SCENARIO) $(ARGS)

check: venv ## Everything that is wrong with SCENARIO, without starting anything
	@$(HARNESS) check $(SCENARIO)

plan: venv ## The exact timeline of SCENARIO, without starting anything
	@$(HARNESS) plan $(SCENARIO)

suite: images ## Play suite NAME=smoke (nightly, signoff), a scenario after the other; its page is in runs/suites
	@$(HARNESS) suite $(NAME) $(ARGS)

twins: images ## Can each scenario fail? Healthy, on its broken twin, and without the fault: a table (NAMES="partition kill")
	@$(HARNESS) twins $(NAMES) $(ARGS)

nightly: images ## Every scenario of tonight in under an hour; says what became worse since the last that passed
	@$(HARNESS) suite nightly --baseline nightly --save-baseline nightly $(ARGS)

# The shell takes these from its own environment: what is in them is never part of a command.
export RELEASE KEY WAIVERS BUNDLE
signoff: images ## Try RELEASE=v1.2.3 and write signoff/v1.2.3.tar.gz (KEY=private.pem WAIVERS=waivers.yaml)
	@$(HARNESS) signoff "$$RELEASE" $${KEY:+--key "$$KEY"} $${WAIVERS:+--waivers "$$WAIVERS"} $(ARGS)

verify: venv ## Check BUNDLE=signoff/v1.2.3.tar.gz: sums, signature (KEY=public.pem), every run judged again
	@$(HARNESS) verify "$$BUNDLE" $${KEY:+--key "$$KEY"}

debug: images ## Stop SCENARIO at the moment of a fault, until Enter or ten minutes (ARGS="--at FAULT --for 5m --keep")
	@$(HARNESS) debug $(SCENARIO) $(ARGS)

CLUSTER ?= ollama
up: images ## Start CLUSTER=ollama (or a scenario's) and keep it up for half an hour (ARGS="--for 2h --with NODE_COUNT=5")
	@$(HARNESS) up $(CLUSTER) $(ARGS)

FAULT ?= kill n1
inject: venv ## Break the cluster that is up: FAULT="partition n1 from=everyone" ARGS="--for 10s"
	@$(HARNESS) inject $(FAULT) $(ARGS)

down: venv ## Heal and remove the cluster that is up (ARGS=chaos-ollama-... if there are several, or of one that was kept)
	@$(HARNESS) down $(ARGS)

judge: venv ## Judge an old run again: ARGS=runs/partition/...
	@$(HARNESS) judge $(ARGS)

doctor: venv ## What this machine can do, each mechanism tried once
	@$(HARNESS) doctor

# One that needs no engine waits for nobody, so several run at once; real containers come one after the other, since they are
# timed. 5: where TESTS names a part that has none of a kind, pytest found nothing to do.
test: lint images ## Our own tests: unit, property and cluster (real containers)
	@.venv/bin/coverage erase
	@.venv/bin/coverage run -m pytest -n auto --maxprocesses 4 -m "not cluster" $(TESTS) || [ $$? -eq 5 ]
	@.venv/bin/coverage run -m pytest -m cluster $(TESTS) || [ $$? -eq 5 ]
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage report

test-unit: venv ## The tests that need no engine
	@.venv/bin/pytest -n auto --maxprocesses 4 -m "not cluster" $(TESTS)

test-cluster: images ## The tests with real containers
	@.venv/bin/pytest -m cluster $(TESTS)

lint: venv ## Style, types and layers of our own code
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --quiet --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache >/dev/null || .venv/bin/lint-imports --no-cache

bench: images ## What we promise of speed, measured here, beside the peers (ARGS="--rows ready,judge")
	@.venv/bin/python -m bench $(ARGS)

bench-setup: venv ## The image of the peers that `make bench` compares with (wrk, hey, k6, Porcupine, aiohttp, hdrhistogram)
	@.venv/bin/python -m bench.peers

self-chaos: images ## Does anything of ours outlive us? The harness is harmed 200 times (ARGS="--seed 7"); goes on where it was
	@.venv/bin/python -m selfchaos $(ARGS)

RUNS ?= 50
control-runs: images ## Is there a false alarm? RUNS=50 short runs without faults; goes on where it was (ARGS="--workers 1")
	@.venv/bin/python -m selfchaos.controls --runs $(RUNS) $(ARGS)

recordings: venv ## Write the expected verdicts of tests/recordings anew, after JUDGE was raised
	@.venv/bin/python -m tests.recordings

docs: venv ## Write the pages in docs/ that are made from classes and files
	@for page in faults objectives clients scenarios clusters; do \
		$(HARNESS) list $$page --markdown > docs/$$page.md.part && mv docs/$$page.md.part docs/$$page.md || exit 1; done

lock: ## Write requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header pyproject.toml -o requirements.lock

wheel: venv ## The wheel, in dist/
	@.venv/bin/python -m build --wheel --no-isolation --outdir dist

# What the families of tests are called: the tags of scenarios.
CATEGORIES := chaos byzantine fault-tolerance network consensus load-balancing load stress performance scalability e2e security
.PHONY: $(addprefix test-,$(CATEGORIES))
$(addprefix test-,$(CATEGORIES)): test-%: images
	@$(HARNESS) suite $* $(ARGS)

logs: ## The containers' logs of the last run
	@tail -n 20 runs/latest/logs/*.log

artifacts: ## Where the last run's files are
	@find -L runs/latest -type f | sort

status: venv ## Runs that have containers on this engine
	@$(HARNESS) status

heal: venv ## Undo and remove what dead runs left behind
	@$(HARNESS) heal

clean: ## Remove the virtual environment and caches (records in runs/ stay)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* dist build
