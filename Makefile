# make tour    the main job before your eyes, in a temporary home (needs a Rust toolchain and git)
# make test    everything that CI runs; installs what it needs first
# make bench   beside the peers, in one run
# make fuzz    minutes of fuzzing (FUZZ_SECONDS a target)
# make lint    format, clippy, shell linters, licences
# make install programs, completions and manual pages (PREFIX, DESTDIR)

CARGO ?= cargo
FUZZ_SECONDS ?= 120
PREFIX ?= /usr/local

# `shfmt -f` knows a shell script by its name or its first line.
SCRIPTS = $$(shfmt -f $(wildcard .ci tests benches fuzz/*.sh shell))

.PHONY: build tour test tools lint bench fuzz install

build:
	$(CARGO) build --release --locked

tour:
	$(CARGO) run --quiet --locked --example tour

test: tools lint build
	$(MAKE) fuzz FUZZ_SECONDS=5
	$(CARGO) test --locked --features fault-points

tools:
	tests/tools/install.sh

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	shellcheck $(SCRIPTS)
	shfmt -d $(SCRIPTS)
	$(CARGO) deny --log-level error --offline check bans licenses sources

bench: build
	benches/run.sh

# What is found goes to fuzz/artifacts; what is new to fuzz/target/corpus, not into the tree.
fuzz:
	cd fuzz && $(CARGO) build --release --locked
	cd fuzz && for target in git docker; do \
	    mkdir -p target/corpus/$$target artifacts/$$target && \
	    $(CARGO) run --quiet --release --locked --bin $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
	        -print_final_stats=1 -artifact_prefix=artifacts/$$target/ target/corpus/$$target corpus/$$target || exit 1; \
	done

install: build
	install -d $(DESTDIR)$(PREFIX)/bin
	install target/release/seqera target/release/seqera-credential-helper $(DESTDIR)$(PREFIX)/bin
