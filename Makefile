# `make help` lists what there is. Packages that are missing are installed first (Debian 12, root or sudo).
SHELL := /bin/bash
JOBS ?= $(shell nproc)
CONFIG ?= examples/quickstart/weir.yaml
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help run build test bench check format tidy headers asan tsan fuzz mutants install clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

run: build ## build, then run the quickstart (CONFIG=file for another)
	@mkdir -p data && ./build/release/weir run $(CONFIG)

build: ## build/release/weir
	@scripts/install-packages build
	@scripts/build release weir

test: ## every test: unit, model, matrix, end to end, faults
	@scripts/install-packages test
	@scripts/build dev
	@ctest --test-dir build/dev --output-on-failure -j $(JOBS) --progress

bench: ## CPU per event beside a floor measured in the same run
	@scripts/install-packages test
	@scripts/build release
	@python3 bench/run.py

check: headers format tidy ## strata, self-contained headers, format, lint
	@python3 tests/strata.py .

headers:
	@scripts/install-packages check
	@scripts/check-headers

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 --dry-run -Werror && echo "format: clean"

tidy:
	@scripts/build dev >/dev/null && scripts/check-tidy

asan: ## unit tests under the address and undefined-behaviour sanitizers
	@scripts/install-packages check
	@scripts/build asan-ubsan
	@ctest --test-dir build/asan-ubsan --output-on-failure -j $(JOBS) --progress -LE chaos

tsan: ## unit tests under the thread sanitizer
	@scripts/install-packages check
	@scripts/build tsan
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp ctest --test-dir build/tsan --output-on-failure -j $(JOBS) --progress -LE 'chaos|e2e'

fuzz: ## every fuzzer for FUZZ_SECONDS (60)
	@scripts/install-packages check
	@scripts/run-fuzzers $(FUZZ_SECONDS)

mutants: ## break the engine on purpose; every mutant must be caught
	@scripts/install-packages test
	@python3 tests/mutants/run.py

install: build ## install binary and library (PREFIX=/usr/local)
	@cmake --install build/release --prefix $(DESTDIR)$(or $(PREFIX),/usr/local) | tail -n 1

clean: ## remove build/
	@rm -rf build
