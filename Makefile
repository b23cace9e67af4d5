# make test   what has to pass before anything lands
# make check  formatting, lints and the arrows between the packages

export CARGO_INCREMENTAL ?= 1

.PHONY: test check tools

test: check
	cargo nextest run --workspace

check: tools
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	./arrows.sh

tools:
	@command -v cargo >/dev/null || { echo "cargo is missing; bring it by: https://rustup.rs"; exit 1; }
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
