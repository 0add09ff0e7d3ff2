# Everything runs in the checkout's own environment, .venv, which the first target that needs it
# makes with Python 3.11 or later from the lock in requirements/. It is made again when that has changed.

.DEFAULT_GOAL := help
BIN := .venv/bin
RUN := .venv/installed
DEV := .venv/installed-dev
LOCK := requirements

# The first of these that is new enough and can make environments. Looked for only when one is made.
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11 python
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,$(PYTHONS),\
	$(shell $(name) -c '$(SUITS)' >/dev/null 2>&1 && echo $(name))))

# A hundred processes are started by the suite; none of them should compile what another has.
unexport PYTHONDONTWRITEBYTECODE

# The tests compute more than they wait, and every worker collects all of them.
WORKERS ?= $(shell echo $$((3 * $$(getconf _NPROCESSORS_ONLN) / 2)))

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-16s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(RUN) ## Show the life of a few entries, in a scratch copy of journals/
	@demo/run

.PHONY: demo-socket
demo-socket: $(RUN) ## The same against `reconciler ledger serve` on a free port
	@demo/run --socket

# A file of tests stays in one worker, so that what its tests share is made once. Files of few tests are
# no quicker than others: in the order of their names, no long one is left for the end.
TESTS := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The checks run beside the suite, mostly on one core. One run tells everything: neither stops the other.
.PHONY: test
test: $(DEV) ## Run every check and the test suite
	@mkdir -p build; $(MAKE) --no-print-directory lint >build/lint.txt 2>&1 & \
	$(TESTS); tests=$$?; wait $$!; checks=$$?; \
	cat build/lint.txt; test $$tests$$checks = 00

.PHONY: test-postgresql
test-postgresql: $(DEV) ## Run all tests of the embedded ledger on PostgreSQL, the vendor's client too
	$(TESTS) tests/ledger --ledger-database postgresql
	$(TESTS) tests/ledger/test_vendor_sdk.py -m vendor

.PHONY: test-long
test-long: $(DEV) ## Run the sweeps that take minutes, with examples drawn at random
	$(TESTS) -m 'long or hypothesis'

# Other versions than those of the lock, in environments of their own. Tests of the repository itself and
# faults below Python do not depend on them.
OTHER_VERSIONS = -m pytest -n $(WORKERS) --dist loadfile tests --ignore tests/faults --ignore tests/project
UV = $(BIN)/uv --quiet
ENVIRONMENT = $(UV) venv --clear --seed --python $(BIN)/python

.PHONY: test-newest
test-newest: $(DEV) ## Run most tests with the newest versions that pyproject.toml allows
	$(ENVIRONMENT) .venv-newest
	$(UV) pip install --python .venv-newest/bin/python --upgrade --editable '.[dev,ledger,postgresql,xlsx]'
	.venv-newest/bin/python $(OTHER_VERSIONS)

# The tools of the tests stay those of the lock.
.PHONY: test-lowest
test-lowest: $(DEV) ## Run most tests with the lowest versions that pyproject.toml allows
	$(ENVIRONMENT) .venv-lowest
	$(LOCK)/install .venv-lowest/bin/python dev --editable
	$(UV) pip compile --resolution lowest-direct --extra ledger --extra postgresql --extra xlsx pyproject.toml \
		| $(UV) pip install --python .venv-lowest/bin/python --no-deps --requirement -
	.venv-lowest/bin/python $(OTHER_VERSIONS)

# The tests share nothing but what is prepared, so any worker may take any of them.
.PHONY: faults
faults: $(DEV) ## Run the whole fault laboratory, and write its table into docs/reliability.md
	time $(BIN)/pytest tests/faults -n $(WORKERS) -m 'faults or not faults' \
		--record-faults docs/reliability.md

# Each of the copies runs its tests in one process; a core for each is what they take.
.PHONY: planted
planted: $(DEV) ## Plant 64 known bugs in copies of the checkout, and show that the suite notices
	$(BIN)/python tests/planted/plant.py --record docs/reliability.md

# The peers live in an environment of their own.
.PHONY: bench
bench: $(DEV) .venv-bench/installed ## Compare with peers, as ratios of one run, and renew docs/performance.md
	$(BIN)/python -m compileall -q reconciler
	$(BIN)/python benchmarks/compare.py --record docs/performance.md

# It posts 100,000 entries first, and keeps them outside the checkout for the next time.
BOOKS ?= $(HOME)/.cache/reconciler-benchmark
.PHONY: bench-growth
bench-growth: $(DEV) .venv-bench/installed ## Measure 1,000 to 100,000 entries in about an hour, and renew the pages and the plot
	$(BIN)/python -m compileall -q reconciler
	$(BIN)/python benchmarks/growth.py $(BOOKS) --record

.venv-bench/installed: benchmarks/requirements.txt
	$(UV) venv --clear --seed --python $(BIN)/python .venv-bench
	$(UV) pip install --python .venv-bench/bin/python --requirement benchmarks/requirements.txt
	@touch $@

# A picture whose text is still the same stays as it is.
.PHONY: pictures
pictures: $(DEV) ## Draw the pictures of the docs whose text has changed
	$(BIN)/python tests/project/pictures.py

# The pages keep the paths that they have here, so that every link between them stays as it is. Without
# its log at the usual level, mkdocs does not count what --strict refuses.
PAGES := README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md LICENSE docs schemas reconciler/ledger/READINGS.md

.PHONY: docs
docs: $(DEV) ## Build the docs as a site in build/site, and refuse a link that leads nowhere
	rm -rf build/pages && mkdir -p build/pages
	tar -cf - $(PAGES) | tar -xf - -C build/pages
	$(UV) venv --clear --seed --python $(BIN)/python .venv-docs
	$(UV) pip install --python .venv-docs/bin/python --requirement docs/requirements.txt
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

.PHONY: lint
lint: check-lock check-format check-lint check-types check-schemas check-books check-books-format check-workflows ## Run every check, no test

.PHONY: format
format: $(DEV) ## Rewrite code and books in canonical form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/reconciler fmt -w journals

.PHONY: check-lock
check-lock: $(DEV)
	$(BIN)/python tests/project/check_lock.py

.PHONY: check-format
check-format: $(DEV)
	$(BIN)/ruff format --check .

.PHONY: check-lint
check-lint: $(DEV)
	$(BIN)/ruff check .

.PHONY: check-types
check-types: $(DEV)
	$(BIN)/mypy

.PHONY: check-schemas
check-schemas: $(DEV)
	$(BIN)/python tests/project/check_schemas.py

.PHONY: check-books
check-books: $(DEV)
	$(BIN)/reconciler validate journals/

.PHONY: check-books-format
check-books-format: $(DEV)
	$(BIN)/reconciler fmt --check journals/

# What runs here and what users copy, and nothing is asked for over the network. GitLab's own file has a
# schema; the security linter reads those of GitHub, as if each were some repository's.
GITHUB_WORKFLOWS := $(wildcard .github/workflows/*.yml) $(filter-out docs/ci/gitlab-ci.yml,$(wildcard docs/ci/*.yml))
BUILTIN_SCHEMA := $(BIN)/check-jsonschema --builtin-schema

.PHONY: check-workflows
check-workflows: $(DEV)
	$(BUILTIN_SCHEMA) vendor.github-workflows $(GITHUB_WORKFLOWS)
	$(BUILTIN_SCHEMA) vendor.github-actions action.yml
	$(BUILTIN_SCHEMA) vendor.gitlab-ci docs/ci/gitlab-ci.yml
	$(BUILTIN_SCHEMA) vendor.dependabot .github/dependabot.yml
	$(BUILTIN_SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BUILTIN_SCHEMA) vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/zizmor --offline --quiet --no-progress --pedantic --strict-collection $(GITHUB_WORKFLOWS) action.yml

# One resolution, that of development: what users get is a part of what the tests ran with.
COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--annotation-style line --custom-compile-command 'make lock'
PART = $(COMPILE) --constraint $(LOCK)/dev.txt --output-file

.PHONY: lock
lock: $(DEV) ## Renew the lock with the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --all-extras pyproject.toml --output-file $(LOCK)/dev.txt
	$(PART) $(LOCK)/ledger.txt --upgrade --extra ledger --extra postgresql pyproject.toml
	$(PART) $(LOCK)/postgresql.txt --upgrade --extra postgresql pyproject.toml
	$(PART) $(LOCK)/run.txt --upgrade pyproject.toml
	echo 'cyclonedx-bom>=7.2,<8' | $(COMPILE) --upgrade - --output-file $(LOCK)/sbom.txt
	echo hatchling | $(PART) $(LOCK)/build.txt --upgrade -

# The tools of a bill of materials live in an environment of their own, from a lock of their own.
.PHONY: release
release: $(DEV) ## Build the wheel, the source distribution and the bill of materials, into dist/
	rm -rf dist
	$(BIN)/hatchling build --target sdist --target wheel
	$(UV) venv --clear --seed --python $(BIN)/python .venv-sbom
	$(UV) pip install --python .venv-sbom/bin/python --require-hashes --requirement $(LOCK)/sbom.txt
	.venv-sbom/bin/cyclonedx-py requirements $(LOCK)/ledger.txt --pyproject pyproject.toml \
		--output-reproducible --output-format JSON --output-file dist/sbom.cdx.json

.PHONY: setup
setup: $(DEV) ## Make the environment for development

.PHONY: clean
clean: ## Remove the environment and everything that tools leave behind
	rm -rf .venv .venv-newest .venv-lowest .venv-docs .venv-sbom .language-server .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment whose Python has gone, or that was left half made, is made anew.
$(RUN): pyproject.toml $(LOCK)/build.txt $(LOCK)/ledger.txt
	@$(if $(PYTHON),,$(error Python 3.11 or later with venv is needed. Name it: make PYTHON=/path/to/python3))
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo 'Installing reconciler into .venv. This happens once, and takes a minute.'
	@$(LOCK)/install $(BIN)/python ledger --editable
	@touch $@

$(DEV): $(RUN) $(LOCK)/dev.txt
	@echo 'Installing what development needs into .venv. This happens once, too.'
	@$(LOCK)/install $(BIN)/python dev --editable
	@touch $@
