# make tour    the main job before your eyes, in a temporary home (needs a Rust toolchain and git)
# make test    everything that CI runs; installs what it needs first
# make bench   beside the peers, in one run
# make fuzz    minutes of fuzzing (FUZZ_SECONDS a target)
# make lint    format, clippy, shell linters, licences
# make generate completions/ and man/ from the commands
# make install programs, completions and manual pages (PREFIX, DESTDIR); make uninstall takes them back

CARGO ?= cargo
FUZZ_SECONDS ?= 120
PREFIX ?= /usr/local
BIN = $(PREFIX)/bin
SHARE = $(PREFIX)/share
MAN = $(SHARE)/man/man1
# Where each shell looks by itself. A package of Debian has zsh's in $(SHARE)/zsh/vendor-completions.
BASH_COMPLETIONS = $(SHARE)/bash-completion/completions
ZSH_COMPLETIONS = $(SHARE)/zsh/site-functions
FISH_COMPLETIONS = $(SHARE)/fish/vendor_completions.d
ELVISH_MODULES = $(SHARE)/elvish/lib
NUSHELL_AUTOLOAD = $(SHARE)/nushell/vendor/autoload
SHELL_FILES = $(SHARE)/seqera-credential-helper/shell
# What is installed; whoever has built it already says: make -o build install
PROGRAMS = $(or $(CARGO_TARGET_DIR),target)/release

# `shfmt -f` knows a shell script by its name or its first line. Those in shell/ have a test of their own, since
# each is of another dialect.
SCRIPTS = $$(shfmt -f .ci tests benches)

.PHONY: build tour test tools lint bench fuzz install uninstall others-stay generate

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

install: others-stay build
	install -d "$(DESTDIR)$(BIN)" "$(DESTDIR)$(MAN)" "$(DESTDIR)$(BASH_COMPLETIONS)" "$(DESTDIR)$(ZSH_COMPLETIONS)" \
	    "$(DESTDIR)$(FISH_COMPLETIONS)" "$(DESTDIR)$(ELVISH_MODULES)" "$(DESTDIR)$(NUSHELL_AUTOLOAD)" \
	    "$(DESTDIR)$(SHELL_FILES)"
	install "$(PROGRAMS)/seqera" "$(PROGRAMS)/seqera-credential-helper" "$(DESTDIR)$(BIN)"
	cd "$(DESTDIR)$(BIN)" && ln -sf seqera-credential-helper git-credential-seqera && \
	    ln -sf seqera-credential-helper docker-credential-seqera && ln -sf seqera sekuire
	install -m 644 man/*.1 "$(DESTDIR)$(MAN)"
	cd "$(DESTDIR)$(MAN)" && ln -sf seqera-credential-helper.1 git-credential-seqera.1 && \
	    ln -sf seqera-credential-helper.1 docker-credential-seqera.1 && ln -sf seqera.1 sekuire.1
	install -m 644 completions/seqera.bash "$(DESTDIR)$(BASH_COMPLETIONS)/seqera"
	install -m 644 completions/_seqera "$(DESTDIR)$(ZSH_COMPLETIONS)/_seqera"
	install -m 644 completions/seqera.fish "$(DESTDIR)$(FISH_COMPLETIONS)/seqera.fish"
	install -m 644 completions/seqera.elv "$(DESTDIR)$(ELVISH_MODULES)/seqera.elv"
	install -m 644 completions/seqera.nu "$(DESTDIR)$(NUSHELL_AUTOLOAD)/seqera.nu"
	install -m 644 shell/* completions/_seqera.ps1 "$(DESTDIR)$(SHELL_FILES)"

uninstall: others-stay
	cd "$(DESTDIR)$(BIN)" && rm -f seqera seqera-credential-helper git-credential-seqera docker-credential-seqera sekuire
	cd "$(DESTDIR)$(MAN)" && rm -f $(notdir $(wildcard man/*.1)) git-credential-seqera.1 docker-credential-seqera.1 sekuire.1
	rm -f "$(DESTDIR)$(BASH_COMPLETIONS)/seqera" "$(DESTDIR)$(ZSH_COMPLETIONS)/_seqera" \
	    "$(DESTDIR)$(FISH_COMPLETIONS)/seqera.fish" "$(DESTDIR)$(ELVISH_MODULES)/seqera.elv" \
	    "$(DESTDIR)$(NUSHELL_AUTOLOAD)/seqera.nu"
	rm -rf "$(DESTDIR)$(SHARE)/seqera-credential-helper"

# Seqera's and Sekuire's own programs have these names too: neither replaced nor removed. Ours has this text in it.
others-stay:
	@for name in seqera sekuire; do \
	    program="$(DESTDIR)$(BIN)/$$name"; \
	    if [ -e "$$program" ] && ! grep -q SEQERA_HELPER_HOME "$$program"; then \
	        echo "$$program is another program, which stays: choose another PREFIX, before it on your PATH" >&2; \
	        exit 1; \
	    fi; \
	done

# completions/ and man/ come from the one definition of the commands; a test fails when they are stale.
generate:
	$(CARGO) run --quiet --locked --bin seqera -- generate .
