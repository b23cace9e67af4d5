# make run    builds and starts the server on an embedded store under ./data
# make test   what has to pass before anything lands
# make check  formatting, lints and the arrows between the packages

export CARGO_INCREMENTAL ?= 1

run:
	@command -v cargo >/dev/null || { echo "cargo is missing; bring it by: https://rustup.rs"; exit 1; }
	cargo run --release --bin opilio -- serve

.PHONY: run test check tools

test: check
	cargo nextest run --workspace

check: tools
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	./arrows.sh

tools:
	@command -v cargo >/dev/null || { echo "cargo is missing; bring it by: https://rustup.rs"; exit 1; }
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
