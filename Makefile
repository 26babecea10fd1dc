# autocut: `make demo` and `make test` do everything on a fresh machine with
# Rust, system packages included. `make help` lists the rest.

CARGO ?= cargo
PREFIX ?= /usr/local
# One profile for the demo, the tests and the programs that are installed:
# tract takes minutes to compile, and two profiles would compile it twice.
PROFILE := --release --locked
TARGET := $(or $(CARGO_TARGET_DIR),target)
AUTOCUT := $(TARGET)/release/autocut
RIDE := $(TARGET)/ride

DEBIAN := clang libclang-dev pkg-config ffmpeg libavcodec-dev libavformat-dev \
          libavutil-dev libswscale-dev libswresample-dev
LIBRARIES := libavcodec libavformat libavutil libswscale libswresample

# Tests whose rounds `make soak` multiplies.
SOAKED := crash mutated property watch

# Targets of tests/fuzz, and how long each runs.
FUZZED ?= csv fit gpx tcx nmea srt gpmf log columns manifest
FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help deps build demo test soak bench fuzz lint fmt docs install uninstall clean

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

deps: ## Install the system's libraries where they are missing
	@if pkg-config --exists $(LIBRARIES) 2>/dev/null && command -v ffmpeg >/dev/null \
	    && command -v clang >/dev/null; then exit 0; fi; \
	if command -v apt-get >/dev/null; then \
	    if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	    echo "installing $(DEBIAN)"; \
	    $$sudo apt-get update -qq && \
	    $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN) >/dev/null; \
	elif command -v brew >/dev/null; then \
	    brew install ffmpeg pkg-config llvm; \
	else \
	    echo "install FFmpeg's libraries and headers (4.4 or newer), its ffmpeg program, clang and pkg-config," >&2; \
	    echo "then run make again" >&2; exit 2; \
	fi

build: deps ## Build both programs
	@$(CARGO) build $(PROFILE)

demo: build ## Make the example ride and render its reel
	@$(CARGO) build $(PROFILE) --example ride
	@$(TARGET)/release/examples/ride $(RIDE)
	@$(AUTOCUT) -C $(RIDE) make
	@echo "look at $(RIDE)/out/reel.mp4"

test: deps ## Run the tests
	@$(CARGO) test $(PROFILE) --no-fail-fast

bench: build ## Compare speed and memory with ffmpeg, as ratios
	@$(CARGO) build $(PROFILE) --example ride
	@$(CARGO) test $(PROFILE) --test bench

# Seeds and rounds: tests/common/soak.rs.
soak: deps ## Run the long proofs: kills, random edits, mutated files, a thousand rebuilds (SOAK_SEED=N repeats a run)
	@seed=$${SOAK_SEED:-$$(date +%s)}; started=$$(date +%s); echo "soak: seed $$seed"; \
	SOAK=1 SOAK_SEED=$$seed $(CARGO) test $(PROFILE) $(addprefix --test ,$(SOAKED)) -- --nocapture --test-threads 1; \
	code=$$?; echo "soak: seed $$seed, $$(( $$(date +%s) - started )) s"; exit $$code

# Each target has its seeds in tests/fuzz/seeds; what is found on the way stays in
# tests/fuzz/corpus, what goes wrong in tests/fuzz/artifacts. No sanitizer: the
# library has no unsafe code, and so the stable toolchain will do.
fuzz: deps ## Fuzz every parser of the library, a minute each (needs cargo-fuzz; FUZZ_SECONDS=N, FUZZED="fit gpx")
	@command -v cargo-fuzz >/dev/null || { echo "install it first: cargo install cargo-fuzz" >&2; exit 2; }
	@for target in $(FUZZED); do \
	    echo "fuzz: $$target"; mkdir -p tests/fuzz/corpus/$$target; \
	    seeds=tests/fuzz/seeds/$$target; [ $$target != log ] || seeds=$$(echo tests/fuzz/seeds/*); \
	    $(CARGO) fuzz run --fuzz-dir tests/fuzz --release --sanitizer none $$target \
	        tests/fuzz/corpus/$$target $$seeds -- -max_total_time=$(FUZZ_SECONDS) \
	        -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 || exit 1; \
	done

lint: deps ## Check formatting and lints
	@$(CARGO) fmt --all -- --check
	@$(CARGO) clippy $(PROFILE) --all-targets -- -D warnings

fmt: ## Format the source
	@$(CARGO) fmt --all

docs: build ## Remake docs/reference.md from the schema
	@$(AUTOCUT) reference > docs/reference.md

install: build ## Install both programs to PREFIX (default /usr/local)
	@install -d $(DESTDIR)$(PREFIX)/bin
	@install -m 755 $(AUTOCUT) $(TARGET)/release/autocut-media $(DESTDIR)$(PREFIX)/bin
	@echo "installed autocut and autocut-media to $(DESTDIR)$(PREFIX)/bin"

uninstall: ## Remove them
	@rm -f $(DESTDIR)$(PREFIX)/bin/autocut $(DESTDIR)$(PREFIX)/bin/autocut-media

clean: ## Remove everything that was built
	@$(CARGO) clean
