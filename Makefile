# The recipes people and CI share.

# cargo-nextest where it is installed, cargo's own runner elsewhere.
TESTS := $(shell cargo nextest --version >/dev/null 2>&1 && echo nextest run || echo test --lib --bins --tests)

.PHONY: run test test-one-node test-two-nodes test-docs lint bench docs screenshots setup release-check
.NOTPARALLEL:

run:
	cargo run --release

# Each of the three runs whatever became of the one before, so that one failure hides no other; any of them fails it all.
test: setup lint
	$(MAKE) --no-print-directory --keep-going test-one-node test-two-nodes test-docs

test-one-node:
	cargo $(TESTS) --no-fail-fast

test-two-nodes:
	VESTIBULE_TEST_NODES=2 cargo test --test api

test-docs:
	cargo test --doc

# Formats, lints, links in the documentation; the compose file by docker's own eyes where docker is.
lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	@if docker compose version >/dev/null 2>&1; then \
	  REDIS_PASSWORD=x VESTIBULE_ADMIN_PASSWORD=x VESTIBULE_SECRET_KEY=x docker compose config --quiet; fi

# The server beside its peers; wrk, node and redis-server from the system's packages. BENCH="--only checks" for a part.
bench:
	@command -v wrk >/dev/null || sudo -n apt-get install -y wrk || apt-get install -y wrk
	cargo build --release
	cargo build --release --manifest-path benches/peers/Cargo.toml --target-dir $${CARGO_TARGET_DIR:-target}/peers
	npm ci --no-audit --no-fund --prefix benches/express
	benches/compare.py $(BENCH)

docs:
	cargo doc --no-deps --open

# The pictures in docs/screenshots, by the tests' own browser.
screenshots: setup
	VESTIBULE_SCREENSHOTS=1 cargo test --test clients -- browser:: --nocapture

# What the tests drive: Redis, PostgreSQL, curl, published clients, a browser.
setup:
	tests/setup.sh

# The release build comes up and signs somebody in.
release-check:
	cargo build --release
	tests/release.sh
