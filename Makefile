# Everything a checkout needs, from Python >= 3.11 with its headers, a C compiler and make.
#   make            a virtual environment in .venv and the native core, built in place
#   make demo       the whole story on a synthetic venue              DEMO="--accounts 200 --out DIR"
#   make test       the test suite                                    TESTS="tests/cli -x"
#   make lint       ruff, mypy --strict, clang-format
#   make sanitize   the C tests under address and undefined-behaviour sanitizers
#   make soundness  the probes of docs/soundness.md, as a table        SOUNDNESS="--seed any" FULL=1
#   make fuzz       mutated input for every decoder                    SECONDS=30 a target
#   make faults     kill -9, torn writes, full disk and I/O errors at the calls that change a disk, 50 kills of a solvency run, and 1,900 mutations a format   FAULTS="--sample 12" KILLS=5
#   make disaster   a venue, two mirrors and a key gone, liars among the rest: who served, who lied, RPO and RTO
#   make interop    the tests against npm's snarkjs, circom2 and anvil (needs node), and an S3 server
#   make bench      timings of primitives and user actions
#   make bench-peers  the same beside gnark, arkworks, snarkjs and others, built under build/peers; writes benches/results   BENCH=--quick
#   make portability  the C tests with gcc and clang, under thread sanitizer and valgrind, and on arm64 under qemu
#   make wheel      sdist and wheel into dist/
#   make clean      removes everything the targets above made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
DEMO ?=
PORTABILITY ?=
TESTS ?=
BENCH ?=
SOUNDNESS ?=
FULL ?=
SECONDS ?= 30
FUZZ ?=
FAULTS ?=
MUTATIONS ?= 1900
KILLS ?= 50
SOLVER_VENV ?= .venv-soundness
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
NATIVE_SOURCES := $(wildcard native/*.py native/*/*.h native/*/*.c)
C_FILES := $(wildcard native/*/*.h native/*/*.c \
                      tests/native/*.c tests/native/*.h benches/*.c)
NATIVE := zkstate/_native.abi3.so

.PHONY: all native demo test lint format sanitize soundness fuzz faults disaster interop bench peers bench-peers portability wheel clean
all: native

# Stamps: one environment, filled in steps, so that `make demo` downloads only what the demo runs.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "zkstate: Python 3.11 or newer is needed: make PYTHON=/path/to/python3")'
	@$(PYTHON) -c 'import os, sys, sysconfig; h = os.path.join(sysconfig.get_path("include"), "Python.h"); sys.exit(not os.path.exists(h) and f"zkstate: {h} is missing: install the headers of this Python (Debian: python3-dev)")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.build: pyproject.toml $(VENV)/.created
	$(PIP) install "setuptools>=77" "cffi>=1.17"
	@touch $@

$(VENV)/.runtime: pyproject.toml setup.py $(VENV)/.build
	ZKSTATE_NATIVE=skip $(PIP) install --no-build-isolation --editable '.[chain,backup,audit]'
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	ZKSTATE_NATIVE=skip $(PIP) install --no-build-isolation --editable '.[test]'
	@touch $@

$(VENV)/.interop: $(VENV)/.test
	ZKSTATE_NATIVE=skip $(PIP) install --no-build-isolation --editable '.[interop]'
	@touch $@

$(VENV)/.lint: $(VENV)/.runtime
	ZKSTATE_NATIVE=skip $(PIP) install --no-build-isolation --editable '.[lint]'
	@touch $@

$(NATIVE): $(NATIVE_SOURCES) | $(VENV)/.runtime
	$(PY) native/build.py
	@touch $@

native: $(VENV)/.runtime $(NATIVE)

demo: native
	$(VENV)/bin/zkstate demo $(DEMO)

test: native $(VENV)/.test
	$(PY) -m pytest -q -n $(JOBS) --dist loadfile $(TESTS)

lint: native $(VENV)/.test $(VENV)/.lint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/clang-format --dry-run --Werror $(C_FILES)

format: $(VENV)/.lint
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .
	$(VENV)/bin/clang-format -i $(C_FILES)

sanitize: native
	$(PY) native/build.py --tests --sanitize

portability: native
	PY=$(PY) PORTABILITY="$(PORTABILITY)" bash tests/native/portability

tests/interop/node_modules/.package-lock.json: tests/interop/package.json tests/interop/package-lock.json
	npm ci --prefix tests/interop --no-audit --no-fund --loglevel=error
	@touch $@

$(SOLVER_VENV)/.created:
	$(PYTHON) -m venv $(SOLVER_VENV)
	$(SOLVER_VENV)/bin/python -m pip --disable-pip-version-check --quiet install cvc5-gpl==1.4.2
	@touch $@

soundness: native $(VENV)/.test
	@$(MAKE) --no-print-directory $(SOLVER_VENV)/.created || echo "absent: cvc5-gpl, so no solver is asked"
	$(PY) -m tests.soundness --solver $(SOLVER_VENV)/bin/python $(if $(FULL),--full) $(SOUNDNESS)

fuzz: native $(VENV)/.test
	$(PY) -m tests.fuzz --seconds $(SECONDS) $(FUZZ)

faults: native $(VENV)/.test
	LD_PRELOAD=$$($(PY) -c 'from tests.faults.preload import built; print(built())') $(PY) -m tests.faults.driver $(FAULTS)
	$(PY) -m tests.solvency.kills --kills $(KILLS)
	$(PY) -m tests.fuzz --count $(MUTATIONS)

disaster: native
	$(VENV)/bin/zkstate demo --disaster $(DEMO)

interop: native $(VENV)/.interop tests/interop/node_modules/.package-lock.json
	$(PY) -m pytest -q -m interop $(TESTS)

bench: native $(VENV)/.test
	@for script in benches/bench_*.py; do echo "== $$script"; $(PY) "$$script"; done

comma := ,
PEERS := build/peers
PEER_SOURCES := $(wildcard benches/peers/gnark/* benches/peers/rust/Cargo.* benches/peers/rust/src/*.rs benches/peers/rust/src/bin/*.rs \
                           benches/peers/plonky2/Cargo.* benches/peers/plonky2/src/*.rs)

$(PEERS)/.built: $(PEER_SOURCES) benches/peers/requirements.txt
	@mkdir -p $(PEERS)
	@if command -v go >/dev/null; then cd benches/peers/gnark && go build -mod=readonly -o ../../../$(PEERS)/gnark .; \
	 else echo "absent: go, so gnark is not built"; fi
	@if command -v cargo >/dev/null; then cd benches/peers/rust && \
	     cargo build --quiet --locked --release --target-dir ../../../$(PEERS)/rust; cd ../plonky2 && \
	     cargo build --quiet --locked --release --target-dir ../../../$(PEERS)/plonky2; \
	 else echo "absent: cargo, so arkworks, blst, spartan, ligero and plonky2 are not built"; fi
	$(PYTHON) -m venv $(PEERS)/venv
	$(PEERS)/venv/bin/pip --disable-pip-version-check --quiet install -r benches/peers/requirements.txt
	@touch $@

peers: native $(PEERS)/.built
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory tests/interop/node_modules/.package-lock.json; \
	 else echo "absent: npm, so snarkjs is not installed"; fi

bench-peers: peers
	$(PY) benches/bench_kernels.py --json $(BENCH) > $(PEERS)/kernels.json
	$(PY) benches/bench_proof.py --json $(if $(findstring --quick,$(BENCH)),--powers 12$(comma)14 --threads 1) > $(PEERS)/proof.json
	$(PY) benches/bench_setup.py --json $(if $(findstring --quick,$(BENCH)),--power 8) > $(PEERS)/setup.json
	$(PY) benches/bench_transparent_peers.py --json $(if $(findstring --quick,$(BENCH)),--powers 14 --rounds 3) > $(PEERS)/transparent.json
	$(PY) benches/report.py $(PEERS)/kernels.json $(PEERS)/proof.json $(PEERS)/setup.json
	$(PY) benches/report_transparent.py $(PEERS)/transparent.json

wheel: native $(VENV)/.test
	$(PY) -m build --no-isolation --outdir dist .

clean:
	rm -rf $(VENV) $(SOLVER_VENV) build dist *.egg-info $(NATIVE) zkstate/_native.c tests/interop/node_modules demo-out \
	       .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
