# Everything is installed into .venv; of the machine only a Python >= 3.10 with venv is asked. PYTHON=... names one.

BIN := .venv/bin
PYTHONS := $(if $(PYTHON),"$(PYTHON)",$(BIN)/python python3 python3.13 python3.12 python3.11 python3.10)
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.10 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format fuzz pages soak talks chaos rollout closed-loop bench site production classifier database clients compat lock release clean
# Another environment's packages are none of ours, and LiteLLM compiled anew in each process costs twice its import.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## .venv with everything that the other targets need, in the versions of the lock; does nothing when it is there
	@for name in $(PYTHONS); do \
	    "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || continue; \
	    python=$$name; \
	    "$$name" -c 'import ensurepip, venv' 2>/dev/null && usable=yes && break; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "make: Python 3.10 or newer is needed; none found as:" $(PYTHONS)". " \
	        "Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	elif [ -z "$$usable" ]; then \
	    echo "make: $$python cannot make a virtual environment with pip (venv, ensurepip)." \
	        "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	exec "$$python" -I .ci/install.py

demo: install ## a governed LiteLLM proxy over fake providers: no key, no server, no file of yours; PORT=... for another
	@exec $(BIN)/governance demo $(if $(PORT),--port $(PORT))

test: install ## all checks and tests; provides redis-server, Chromium and PostgreSQL where they are missing
	@sh tests/provide.sh
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest --numprocesses 4 --dist loadfile

lint: install ## ruff, mypy, the import contracts and the rules of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.house_rules

format: install ## sort the imports, fix what can be fixed, lay out the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

fuzz: install ## every route and field of LiteLLM, with hostile values, before a provider that records; SEED=... draws anew
	GOVERNANCE_FUZZ=full $(if $(SEED),GOVERNANCE_FUZZ_SEED=$(SEED)) $(BIN)/pytest -q -s tests/hostile

pages: install ## every page for every role, light and dark, wide and narrow, in Chromium; and the pictures of docs/pages.md
	@sh tests/provide.sh
	GOVERNANCE_PAGES=full GOVERNANCE_PICTURES=docs/images $(BIN)/pytest -q tests/pages tests/e2e/test_pages.py

soak: install ## 20,000 mixed requests through two workers and a real Redis; REQUESTS=... for more or fewer
	@sh tests/provide.sh
	GOVERNANCE_SOAK_REQUESTS=$(or $(REQUESTS),20000) $(BIN)/pytest -q tests/e2e/test_soak.py

chaos: install ## what goes wrong around Redis, in every mode: promises and figures, which it puts into docs/chaos.md
	@sh tests/provide.sh
	$(BIN)/python -m tests.chaos --write
	GOVERNANCE_OUTAGE=full $(BIN)/pytest -q -s tests/e2e/test_outage.py

rollout: install ## 200 changes of a policy under load, with kills and a database that stands still; CHANGES=... for others
	@sh tests/provide.sh
	GOVERNANCE_ROLLOUT_CHANGES=$(or $(CHANGES),200) $(BIN)/pytest -q -s tests/e2e/test_rollout.py

talks: install ## 200 conversations of 20 turns over three targets, one of them ill for a minute; SIZE=... for another size
	@sh tests/provide.sh
	GOVERNANCE_CONVERSATIONS=$(or $(SIZE),200x20) $(BIN)/pytest -q -s tests/e2e/test_staying.py

closed-loop: install ## 100 pairs of policies, each tried on a record and live; PAIRS=... for more or fewer, SEED=... anew
	@sh tests/provide.sh
	GOVERNANCE_CLOSED_LOOP=$(or $(PAIRS),100) $(if $(SEED),GOVERNANCE_CLOSED_LOOP_SEED=$(SEED)) \
		$(BIN)/pytest -q -s tests/e2e/test_closed_loop.py

bench: install ## what governance costs, as ratios measured in one run
	@sh tests/provide.sh
	-$(BIN)/python -m tests.bench.ledger
	-$(BIN)/python -m tests.bench.rules
	-$(BIN)/python -m tests.bench.conditions
	-$(BIN)/python -m tests.bench.many
	-$(BIN)/python -m tests.bench.estimate
	-$(BIN)/python -m tests.bench.telemetry
	-$(BIN)/python -m tests.bench.usage
	-$(BIN)/python -m tests.bench.reload
	-$(BIN)/python -m tests.bench.pages
	-$(BIN)/python -m tests.bench.backtest
	-$(BIN)/python -m tests.bench.memory
	-$(BIN)/python -m tests.bench.scale
	-$(BIN)/python -m tests.bench.proxy

site: install ## the documentation as a site, in .site, without a warning; SERVE=1 shows it on loopback, PORT=... elsewhere
	@$(BIN)/python -m tests.site $(if $(SERVE),--serve $(or $(PORT),8000))

production: install ## what compose runs, by its files: HAProxy, 2 proxies, Redis, PostgreSQL, killed and restarted under load; REQUESTS=...
	@sh tests/provide.sh haproxy
	GOVERNANCE_PRODUCTION=$(or $(REQUESTS),150) $(BIN)/pytest -q -s tests/e2e/test_production.py

classifier: install ## the weights of the task classifier anew from the labelled prompts, and what they are worth
	$(BIN)/python -m tests.bench.classifier --write

database: install ## LiteLLM with its own keys, teams and spend in PostgreSQL: its budgets and limits through virtual models
	@sh tests/provide.sh node npm
	GOVERNANCE_LITELLM_DATABASE=1 $(BIN)/pytest -q tests/e2e/litellm_database

clients: install ## the clients of docs/recipes, installed by their hashes, against a real proxy: every block of those pages
	@sh tests/provide.sh node npm
	GOVERNANCE_CLIENTS=1 $(BIN)/pytest -q tests/e2e/clients

compat: install ## the end-to-end tests on each LiteLLM that is supported; VERSION=... for another, TESTS=... for a part
	@sh tests/provide.sh
	TESTS="$(TESTS)" $(BIN)/python -m tests.compat $(VERSION)

lock: install ## pin what pyproject.toml asks for; UPGRADE=1 takes the newest versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) --all-extras --output-file requirements-dev.lock
	$(COMPILE) --extra proxy --constraint requirements-dev.lock --output-file requirements.lock
	$(subst pyproject.toml,tests/deploy/tools.in,$(COMPILE)) $(if $(UPGRADE),--upgrade) --no-deps \
		--output-file tests/deploy/tools.lock
	$(subst pyproject.toml,docs/site/tools.in,$(COMPILE)) $(if $(UPGRADE),--upgrade) --output-file docs/site/tools.lock
	$(subst pyproject.toml,tests/release/tools.in,$(COMPILE)) $(if $(UPGRADE),--upgrade) --output-file tests/release/tools.lock
	$(subst pyproject.toml,tests/e2e/clients/python.in,$(COMPILE)) $(if $(UPGRADE),--upgrade) \
		--output-file tests/e2e/clients/python.lock
	$(subst pyproject.toml,tests/e2e/clients/llama.in,$(COMPILE)) $(if $(UPGRADE),--upgrade) \
		--output-file tests/e2e/clients/llama.lock
	$(subst pyproject.toml,tests/e2e/litellm_database/client.in,$(COMPILE)) $(if $(UPGRADE),--upgrade) --no-deps \
		--output-file tests/e2e/litellm_database/client.lock

release: install ## what is published of a commit, into dist/: sdist, wheel, lock, bill of materials; COMMIT=... for another
	$(BIN)/python -m tests.release $(if $(COMMIT),--commit $(COMMIT))

clean: ## remove what make and the tools have made
	rm -rf .venv .compat .site .litellm-database .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
