# The few commands of every day. `make` alone lists them; each works on a bare Debian 12 or 13.
PRESET ?= release
BUILD := build/$(PRESET)
# How many tests at once. Most of their time they wait for real servers: four take less than one
# processor. What computes does so nicely, and what measures times of the whole product runs alone
# whatever this says.
TEST_JOBS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup build demo cluster test soak bench format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## installs what is missing to build, by apt (as root or by sudo)
	@tools/setup

# What users run: half of what a build with its tests takes.
build: setup ## compiles the programs into build/release (PRESET=debug, asan, tsan: others)
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --target workerpool-operator workerpool-runner workerpoolctl

demo: build ## a pool on this machine compresses 240 files and checks every result
	@WORKERPOOL_BIN=$(BUILD)/bin demo/run

# Its node is a program of the tests.
cluster: build ## a pool on a Kubernetes control plane of this machine, whose pods are processes
	@tools/setup test
	@cmake --build --preset $(PRESET) --target workerpool-test-node
	@WORKERPOOL_BIN=$(BUILD)/bin demo/cluster

# What only tests need is installed first: cmake looks for some of it. What the tests run against is
# built beside the compiler; tools/test waits for it, and says what went wrong with it. It has a
# process group of its own: what it started ends with it.
test: ## compiles everything and runs every layer of tests; the last line counts them
	@tools/setup test
	@mkdir -p $(BUILD)
	@setsid tools/prepare-tests </dev/null >$(BUILD)/prepare-tests.log 2>&1 & beside=$$!; \
	  trap 'kill -s TERM -- -$$beside 2>/dev/null || true' EXIT; \
	  trap 'exit 130' INT; trap 'exit 143' TERM; \
	  cmake --preset $(PRESET) >/dev/null && cmake --build --preset $(PRESET) && \
	  tools/test $(BUILD) --parallel $(TEST_JOBS)

# The random tests with ten times the work, for nights and for changes of the scripts: a million
# operations beside the model take a quarter of an hour. Outages last as long as in real life, two
# minutes each, a retirement is disturbed at each of its steps, and a node is without its kubelet for
# a minute.
soak: setup ## the queue's random tests, the faults of Redis and of a node, scale-in and recovery, long
	@tools/setup test
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --target test_queue_model test_runner_faults \
	  test_product test_scale_in test_recovery test_e2e_faults
	@WORKERPOOL_MODEL_OPERATIONS=1000000 $(BUILD)/tests/queue/model/test_queue_model
	@WORKERPOOL_SOAK=1 WORKERPOOL_BIN=$(BUILD)/bin $(BUILD)/tests/runner/test_runner_faults
	@tests/product/soak $(BUILD)
	@tests/e2e/soak $(BUILD)

# Figures, not a pass or a fail; kept in files, so that two commits can be compared. The operator's
# are those of 150 pools, which takes minutes; `build/release/bench/operator all`: of a thousand.
# Where no control plane can be had it says so, and measures the rest.
bench: setup ## measures the queue beside this machine's Redis, the runner, and the operator
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --target bench_queue bench_runner bench_operator \
	  workerpool-runner workerpool-operator
	@$(BUILD)/bench/queue all --jobs 40000 --json $(BUILD)/bench.json
	@$(BUILD)/bench/runner all --jobs 40000 --tries 100 --json $(BUILD)/bench-runner.json
	@$(BUILD)/bench/operator all --pools 150 --tries 20 --idle-seconds 10 \
	  --json $(BUILD)/bench-operator.json

format: ## clang-format over every C++ file that git knows
	@git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean: ## removes build/release (PRESET=…: another one)
	@cmake -E rm -rf $(BUILD)
