# make tour    the main job before your eyes, in a temporary home (needs a Rust toolchain and git)
# make test    everything that CI runs; installs what it needs first
# make bench   beside the peers, in one run
# make fuzz    minutes of fuzzing (FUZZ_SECONDS a target)
# make check   format, clippy and unit tests: less than a minute after a build
# make lint    format, clippy, shell linters, licences; with ADVISORY_DB=DIR (a checkout of RustSec's database) advisories too
# make generate completions/ and man/ from the commands
# make static  both programs for any Linux of this processor; for another: make static TARGET=aarch64-unknown-linux-musl
# make dist    everything that is handed out, in target/dist
# make release-check  each of it installed and used on a clean root, other platforms checked (an hour)
# make install programs, completions and manual pages (PREFIX, DESTDIR); make uninstall takes them back

CARGO ?= cargo
FUZZ_SECONDS ?= 120
PREFIX ?= /usr/local
BIN = $(PREFIX)/bin
SHARE = $(PREFIX)/share
MAN = $(SHARE)/man
SECTIONS = 1 5 7
# Where each shell looks by itself. A package of Debian has zsh's in $(SHARE)/zsh/vendor-completions.
BASH_COMPLETIONS = $(SHARE)/bash-completion/completions
ZSH_COMPLETIONS = $(SHARE)/zsh/site-functions
FISH_COMPLETIONS = $(SHARE)/fish/vendor_completions.d
ELVISH_MODULES = $(SHARE)/elvish/lib
NUSHELL_AUTOLOAD = $(SHARE)/nushell/vendor/autoload
SHELL_FILES = $(SHARE)/seqera-credential-helper/shell
# Names under which a client or a person looks for one of the two programs; `make generate` writes them.
NAMES = $(shell cut -d' ' -f1 packaging/names)
# What is installed; whoever has built it already says: make -o build install
PROGRAMS = $(or $(CARGO_TARGET_DIR),target)/release

# The form that the tests run: what cargo builds beside them, or `make test FORM=static`.
FORM ?= built
TARGET ?= $(shell uname -m)-unknown-linux-musl
TARGETS = x86_64-unknown-linux-musl aarch64-unknown-linux-musl
OLD_GLIBC = x86_64-unknown-linux-gnu.2.17

# `shfmt -f` knows a shell script by its name or its first line. Those in shell/ have a test of their own, since
# each is of another dialect.
SCRIPTS = $$(shfmt -f .ci tests benches packaging)

.PHONY: build tour check test tools lint bench fuzz static static-tests packages dist release-check built install uninstall \
    others-stay clients-back generate

build:
	$(CARGO) build --release --locked

tour:
	@command -v git >/dev/null || { echo 'The tour needs git: apt-get install git'; exit 1; }
	$(CARGO) build --quiet --locked --bins --example tour
	@target/debug/examples/tour

test: tools lint $(if $(filter static,$(FORM)),static-tests,build)
	$(MAKE) fuzz FUZZ_SECONDS=5
	$(if $(filter static,$(FORM)),SEQERA_TEST_BIN_DIR="$(CURDIR)/target/forms/tests") \
	    $(CARGO) test --locked --features fault-points

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	$(CARGO) test --locked --quiet --all-features --lib --test floors

tools:
	tests/tools/install.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	shellcheck $(SCRIPTS)
	shfmt -d $(SCRIPTS)
	$(CARGO) fetch --locked --quiet
	$(CARGO) deny --log-level error --offline check bans licenses sources
	$(if $(ADVISORY_DB),packaging/advisories.sh "$(ADVISORY_DB)")

bench: build static target/tools/hyperfine/bin/hyperfine
	$(CARGO) build --locked --example platform
	benches/run.sh
	benches/hook.sh
	benches/relay.sh
	BENCH=1 $(CARGO) test --quiet --locked --features fault-points --test capabilities -- \
	    --exact refresh::crowd::a_crowd_that_waits_for_a_slow_server_is_answered_right_after_it --nocapture

static:
	packaging/build.sh $(TARGET)
	packaging/check-form.sh $(TARGET)

# With the points at which a test can stop them.
static-tests:
	OUT=target/forms/tests packaging/build.sh $(TARGET) --features fault-points

# The cheap part of `make release-check`: what is made of the static programs, and the wheel in an empty venv.
packages:
	$(CARGO) build --quiet --locked --example tour
	packaging/dist.sh $(shell uname -m)
	packaging/clean-roots.sh wheel

dist:
	for target in $(TARGETS); do packaging/build.sh $$target || exit 1; done
	packaging/dist.sh

release-check: dist
	packaging/build.sh $(OLD_GLIBC)
	for target in $(TARGETS) $(OLD_GLIBC); do packaging/check-form.sh $$target && packaging/reproduce.sh $$target || exit 1; done
	packaging/clean-roots.sh
	packaging/platforms.sh

target/tools/hyperfine/bin/hyperfine:
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install hyperfine --version '~1.20' --locked --debug --quiet --root target/tools/hyperfine

# What is found goes to fuzz/artifacts; new inputs go to target/corpus, not into the tree.
fuzz: export CARGO_BUILD_TARGET = $(shell rustc -vV | sed -n 's/^host: //p')
fuzz:
	cd fuzz && $(CARGO) build --profile fuzz --locked
	cd fuzz && for target in $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs))); do \
	    mkdir -p ../target/corpus/$$target artifacts/$$target && \
	    $(CARGO) run --quiet --profile fuzz --locked --bin $$target -- -max_total_time=$(FUZZ_SECONDS) \
	        -verbosity=0 -print_final_stats=1 -artifact_prefix=artifacts/$$target/ \
	        ../target/corpus/$$target corpus/$$target || exit 1; \
	done

# Each file is replaced in one step, so that whoever starts a program meanwhile gets the old one or the new one.
# sudo builds nothing: the build would belong to root.
install: others-stay $(if $(SUDO_USER),built,build)
	install -d "$(DESTDIR)$(BIN)" $(foreach section,$(SECTIONS),"$(DESTDIR)$(MAN)/man$(section)") "$(DESTDIR)$(BASH_COMPLETIONS)" "$(DESTDIR)$(ZSH_COMPLETIONS)" \
	    "$(DESTDIR)$(FISH_COMPLETIONS)" "$(DESTDIR)$(ELVISH_MODULES)" "$(DESTDIR)$(NUSHELL_AUTOLOAD)" \
	    "$(DESTDIR)$(SHELL_FILES)"
	cd "$(DESTDIR)$(BIN)" && rm -rf .seqera.new && mkdir .seqera.new
	install "$(PROGRAMS)/seqera" "$(PROGRAMS)/seqera-credential-helper" "$(DESTDIR)$(BIN)/.seqera.new"
	while read -r name program; do ln -s "$$program" "$(DESTDIR)$(BIN)/.seqera.new/$$name" || exit 1; done <packaging/names
	cd "$(DESTDIR)$(BIN)/.seqera.new" && mv -f * .. && rmdir ../.seqera.new
	for section in $(SECTIONS); do install -m 644 man/*.$$section "$(DESTDIR)$(MAN)/man$$section" || exit 1; done
	while read -r name program; do ln -sf "$$program.1" "$(DESTDIR)$(MAN)/man1/$$name.1" || exit 1; done <packaging/names
	install -m 644 completions/seqera.bash "$(DESTDIR)$(BASH_COMPLETIONS)/seqera"
	while read -r name program; do [ "$$program" != seqera ] || { ln -sf seqera "$(DESTDIR)$(BASH_COMPLETIONS)/$$name" && \
	    ln -sf seqera.fish "$(DESTDIR)$(FISH_COMPLETIONS)/$$name.fish"; } || exit 1; done <packaging/names
	install -m 644 completions/_seqera "$(DESTDIR)$(ZSH_COMPLETIONS)/_seqera"
	install -m 644 completions/seqera.fish "$(DESTDIR)$(FISH_COMPLETIONS)/seqera.fish"
	install -m 644 completions/seqera.elv "$(DESTDIR)$(ELVISH_MODULES)/seqera.elv"
	install -m 644 completions/seqera.nu "$(DESTDIR)$(NUSHELL_AUTOLOAD)/seqera.nu"
	install -m 644 shell/* completions/_seqera.ps1 "$(DESTDIR)$(SHELL_FILES)"

uninstall: others-stay clients-back
	cd "$(DESTDIR)$(BIN)" && rm -f seqera seqera-credential-helper $(NAMES)
	cd "$(DESTDIR)$(MAN)/man1" && rm -f $(notdir $(wildcard man/*.1)) $(NAMES:=.1)
	cd "$(DESTDIR)$(MAN)" && rm -f $(foreach page,$(notdir $(wildcard man/*.[57])),man$(subst .,,$(suffix $(page)))/$(page))
	cd "$(DESTDIR)$(BASH_COMPLETIONS)" && rm -f $(NAMES)
	cd "$(DESTDIR)$(FISH_COMPLETIONS)" && rm -f $(NAMES:=.fish)
	rm -f "$(DESTDIR)$(BASH_COMPLETIONS)/seqera" "$(DESTDIR)$(ZSH_COMPLETIONS)/_seqera" \
	    "$(DESTDIR)$(FISH_COMPLETIONS)/seqera.fish" "$(DESTDIR)$(ELVISH_MODULES)/seqera.elv" \
	    "$(DESTDIR)$(NUSHELL_AUTOLOAD)/seqera.nu"
	rm -rf "$(DESTDIR)$(SHARE)/seqera-credential-helper"

built:
	@[ -x "$(PROGRAMS)/seqera" ] || { echo 'First, as yourself: make build' >&2; exit 1; }

# Clients of the one who uninstalls would ask for a program that is gone.
clients-back:
	@[ -n "$(DESTDIR)" ] || [ ! -x "$(BIN)/seqera" ] || "$(BIN)/seqera" configure --undo-all 2>/dev/null || \
	    { echo 'Still configured; take each back with: seqera configure CLIENT --undo' && "$(BIN)/seqera" configure --list; }

# Seqera's and Sekuire's own programs have these names too: neither replaced nor removed. Ours has this text in it.
others-stay:
	@for name in seqera sekuire; do \
	    program="$(DESTDIR)$(BIN)/$$name"; \
	    if [ -e "$$program" ] && ! grep -q SEQERA_HELPER_HOME "$$program"; then \
	        echo "$$program is another program, which stays: choose another PREFIX, before it on your PATH" >&2; \
	        exit 1; \
	    fi; \
	done

# completions/ and man/ come from the one definition of the commands; a test fails when they are stale. The program is
# the one that the tests run, which is built already.
generate:
	$(CARGO) run --quiet --locked --features fault-points --bin seqera -- generate .
