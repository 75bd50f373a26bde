# `make help` lists what there is. Packages that are missing are installed first (Debian 12, root or sudo).
SHELL := /bin/bash
JOBS ?= $(shell nproc)
CONFIG ?= examples/quickstart/weir.yaml
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help run build test bench bench-overload limits-table check format tidy headers asan tsan fuzz mutants all-checks fresh-machine install package clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

run: build ## build, then run the quickstart (CONFIG=file for another)
	@mkdir -p data && ./build/release/weir run $(CONFIG)

build: ## build/release/weir
	@scripts/install-packages build
	@scripts/build release weir

test: ## every test: unit, model, matrix, end to end, faults
	@scripts/install-packages test
	@scripts/run-tests dev $(PART)

bench: ## CPU per event beside a floor measured in the same run
	@scripts/install-packages test
	@cmake --preset release -DWEIR_BENCH=ON >/dev/null
	@scripts/build release
	@python3 bench/run.py
	@build/release/bench_limits

bench-overload: ## a gateway at up to 10 times what the service behind it can do, beside HAProxy, nginx and Envoy (ROWS=load_2,stall PROXIES=weir)
	@scripts/install-packages build
	@cmake --preset release -DWEIR_BENCH=ON >/dev/null
	@scripts/build release weir bench_open_load
	@python3 bench/overload.py build/release $(if $(ROWS),--rows $(ROWS)) $(if $(PROXIES),--proxies $(PROXIES))

limits-table: ## concurrency limits against services they are not told of (TABLE="grid 1 2": see sim/README.md)
	@scripts/install-packages build
	@scripts/build release weir_limits_table
	@./build/release/weir_limits_table $(TABLE)

check: headers format tidy ## strata, self-contained headers, format, lint
	@python3 tests/strata.py .

headers:
	@scripts/install-packages check
	@scripts/check-headers $(if $(ALL),--all)

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 --dry-run -Werror && echo "format: clean"

tidy:
	@scripts/build dev >/dev/null && scripts/check-tidy

asan: ## unit tests under the address and undefined-behaviour sanitizers, end-to-end tests of what changed (ALL=1: all)
	@scripts/install-packages check
	@scripts/run-tests asan-ubsan $(if $(ALL),--all)

tsan: ## unit tests of what has threads under the thread sanitizer (ALL=1: all)
	@scripts/install-packages check
	@scripts/run-tests tsan $(if $(ALL),--all)

fuzz: ## every fuzzer for FUZZ_SECONDS (60)
	@scripts/install-packages check
	@scripts/run-fuzzers $(FUZZ_SECONDS)

mutants: ## break the engine on purpose: what changed and a third of the rest (ALL=1: all); every mutant must be caught
	@scripts/install-packages test
	@scripts/build dev $$(python3 -B tests/mutants/run.py --targets)
	@python3 -B tests/mutants/run.py $(if $(ALL),--all)

fresh-machine: ## the README's commands in a Debian that has nothing (root, debootstrap; ALL=1: make test too)
	@scripts/install-packages check
	@scripts/fresh-machine $(if $(ALL),--test)

all-checks: ## what .ci/run looks at in part, whole: about three hours on two cores
	@$(MAKE) test
	@$(MAKE) check asan tsan mutants fuzz fresh-machine ALL=1

install: build ## install binary and library (PREFIX=/usr/local)
	@cmake --install build/release --prefix $(DESTDIR)$(or $(PREFIX),/usr/local) | tail -n 1

package: build ## build/release/weir_*.deb: program, man page, completions, a unit of systemd, a first configuration
	@scripts/install-packages package
	@cd build/release && cpack >package.log 2>&1 || { cat package.log; exit 1; }
	@ls build/release/weir_*.deb

clean: ## remove build/
	@rm -rf build
