# make tour    the main job before your eyes, in a temporary home (needs a Rust toolchain and git)
# make test    everything that CI runs; installs what it needs first
# make bench   beside the peers, in one run
# make fuzz    minutes of fuzzing (FUZZ_SECONDS a target)
# make lint    format, clippy, shell linters, licences
# make generate completions/ and man/ from the commands
# make install programs, completions and manual pages (PREFIX, DESTDIR)

CARGO ?= cargo
FUZZ_SECONDS ?= 120
PREFIX ?= /usr/local
BIN = $(PREFIX)/bin
SHARE = $(PREFIX)/share

# `shfmt -f` knows a shell script by its name or its first line. Those in shell/ have a test of their own, since
# each is of another dialect.
SCRIPTS = $$(shfmt -f .ci tests benches)

.PHONY: build tour test tools lint bench fuzz install generate

build:
	$(CARGO) build --release --locked

tour:
	@command -v git >/dev/null || { echo 'The tour needs git: apt-get install git'; exit 1; }
	$(CARGO) build --quiet --locked --bins --example tour
	@target/debug/examples/tour

test: tools lint build
	$(MAKE) fuzz FUZZ_SECONDS=5
	$(CARGO) test --locked --features fault-points

tools:
	tests/tools/install.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	shellcheck $(SCRIPTS)
	shfmt -d $(SCRIPTS)
	$(CARGO) deny --log-level error --offline check bans licenses sources

bench: build
	$(CARGO) build --locked --example platform
	benches/run.sh
	benches/hook.sh
	BENCH=1 $(CARGO) test --quiet --locked --features fault-points --test capabilities -- \
	    --exact refresh::crowd::a_crowd_that_waits_for_a_slow_server_is_answered_right_after_it --nocapture

# What is found goes to fuzz/artifacts; new inputs go to target/corpus, not into the tree.
fuzz: export CARGO_BUILD_TARGET = $(shell rustc -vV | sed -n 's/^host: //p')
fuzz:
	cd fuzz && $(CARGO) build --profile fuzz --locked
	cd fuzz && for target in git docker; do \
	    mkdir -p ../target/corpus/$$target artifacts/$$target && \
	    $(CARGO) run --quiet --profile fuzz --locked --bin $$target -- -max_total_time=$(FUZZ_SECONDS) \
	        -verbosity=0 -print_final_stats=1 -artifact_prefix=artifacts/$$target/ \
	        ../target/corpus/$$target corpus/$$target || exit 1; \
	done

install: build
	install -d $(DESTDIR)$(BIN) $(DESTDIR)$(SHARE)/man/man1 $(DESTDIR)$(SHARE)/bash-completion/completions \
	    $(DESTDIR)$(SHARE)/zsh/site-functions $(DESTDIR)$(SHARE)/fish/vendor_completions.d \
	    $(DESTDIR)$(SHARE)/elvish/lib $(DESTDIR)$(SHARE)/nushell/vendor/autoload \
	    $(DESTDIR)$(SHARE)/seqera-credential-helper/shell
	install target/release/seqera target/release/seqera-credential-helper $(DESTDIR)$(BIN)
	for name in git-credential-seqera docker-credential-seqera; do \
	    ln -sf seqera-credential-helper $(DESTDIR)$(BIN)/$$name; done
	ln -sf seqera $(DESTDIR)$(BIN)/sekuire
	install -m 644 man/*.1 $(DESTDIR)$(SHARE)/man/man1
	install -m 644 completions/seqera.bash $(DESTDIR)$(SHARE)/bash-completion/completions/seqera
	install -m 644 completions/_seqera $(DESTDIR)$(SHARE)/zsh/site-functions/_seqera
	install -m 644 completions/seqera.fish $(DESTDIR)$(SHARE)/fish/vendor_completions.d/seqera.fish
	install -m 644 completions/seqera.elv $(DESTDIR)$(SHARE)/elvish/lib/seqera.elv
	install -m 644 completions/seqera.nu $(DESTDIR)$(SHARE)/nushell/vendor/autoload/seqera.nu
	install -m 644 shell/* completions/_seqera.ps1 $(DESTDIR)$(SHARE)/seqera-credential-helper/shell

# completions/ and man/ come from the one definition of the commands; a test fails when they are stale.
generate:
	$(CARGO) run --quiet --locked --bin seqera -- generate .
