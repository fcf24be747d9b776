# A thin front to CMake's presets: one word for each thing one does here. `make help` lists them.
# Every target installs what it needs through scripts/setup, which is quick when nothing is missing.

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
SETUP := scripts/setup
SHOWN := src include tool tests bench examples kernel

.DEFAULT_GOAL := all
.PHONY: all run test run-binaries pictures sanitize bench bench-hot-path kernel kernel-test tags format check \
        install clean help

all: ## build/libstrata.so, build/libstrata.a and build/strata (release)
	@$(SETUP) build
	@$(MAKE) --no-print-directory build/.release

# Tests and benchmarks are built only where they are wanted: they need more packages.
.PHONY: build/.release build/.tests
build/.release:
	@cmake --preset release -DSTRATA_TESTS=OFF -DSTRATA_BENCH=OFF >/dev/null
	@cmake --build --preset release --parallel $(JOBS)
build/.tests:
	@cmake --preset release -DSTRATA_TESTS=ON -DSTRATA_BENCH=OFF >/dev/null
	@cmake --build --preset release --parallel $(JOBS)

run: all ## real programs under Strata beside the system's malloc, in about a minute
	@$(SETUP) showcase
	@tests/preload/showcase.py

test: ## every test; closes with ctest's summary
	@$(SETUP) build test programs_quick kernel
	@$(MAKE) --no-print-directory build/.tests
	@ctest --preset release --parallel $(JOBS)

run-binaries: all ## the battery: real programs with and without Strata (BATTERY="--only redis")
	@$(SETUP) build programs_quick programs
	@tests/preload/battery.py $(BATTERY)

sanitize: ## the tests of the parts under ASan, UBSan and TSan
	@$(SETUP) build test
	@for kind in asan ubsan tsan; do \
	  cmake --preset $$kind >/dev/null && cmake --build --preset $$kind --parallel $(JOBS) && \
	  ctest --preset $$kind --parallel $(JOBS) || exit 1; done

bench: ## time and memory against the other allocators (BENCH="--quick")
	@$(SETUP) build bench
	@cmake --preset release -DSTRATA_BENCH=ON >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target bench

bench-hot-path: ## instructions of malloc, free, calloc and realloc, counted exactly
	@$(SETUP) build bench
	@cmake --preset release -DSTRATA_BENCH=ON >/dev/null
	@cmake --build --preset release --parallel $(JOBS) --target bench_hot_path

pictures: all ## draw docs/pictures from programs that run (PICTURES="map top")
	@$(SETUP) pictures
	@scripts/pictures $(PICTURES)

kernel: ## boot the kernel once and show its story (KERNEL="--arch aarch64")
	@$(SETUP) build kernel
	@kernel/run_tests.py --story $(KERNEL)

kernel-test: ## boot the kernels in every configuration (KERNEL="--only DIMM")
	@$(SETUP) build kernel
	@kernel/run_tests.py --jobs $(JOBS) $(KERNEL)

tags: ## an index of the sources for editors
	@$(SETUP) tags
	@ctags -R --languages=C,C++,Asm $(wildcard $(SHOWN))

format: ## rewrite the sources in the house's format
	@$(SETUP) check
	@scripts/sources | xargs -0 clang-format -i

check: ## format, lint and layering, without changing anything
	@$(SETUP) build check
	@scripts/check

install: all ## libraries, headers, the command and pkg-config files under PREFIX (/usr/local)
	@cmake --install build --prefix $(PREFIX)

clean: ## remove everything that was built
	@cmake -E rm -rf build build-dev build-asan build-ubsan build-tsan tags

help: ## this list
	@awk -F ': |## ' '/^[a-z-]+:.*##/ { printf "  make %-15s %s\n", $$1, $$NF }' Makefile
