# shellcheck shell=bash
# To be sourced. What a build for another platform needs beside a Rust toolchain, fetched once into the user's
# cache: zig (linker and C compiler) and cargo-zigbuild from PyPI, and, where the toolchain has neither the
# target's standard library nor its source, Debian's rustc with that source.

cross="${XDG_CACHE_HOME:-$HOME/.cache}/seqera-credential-helper-tests/cross"

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

fail() { say "$@" && exit 1; }

fetch_zig() {
    if [[ ! -x $cross/venv/bin/cargo-zigbuild ]]; then
        say "from PyPI: ziglang, cargo-zigbuild"
        python3 -m venv "$cross/venv"
        "$cross/venv/bin/pip" install --quiet --disable-pip-version-check 'ziglang~=0.17.0' 'cargo-zigbuild~=0.24.0'
    fi
    PATH="$cross/venv/bin:$PATH"
}

# Unpacked and not installed: the package would take the place of another rustc.
fetch_rust_source() {
    local std llvm package
    [[ ! -x $cross/rust/usr/bin/rustc ]] || return 0
    has_packages || { as_root apt-get -q update >&2 && has_packages; } \
        || fail "no source of Rust's standard library here: run 'rustup target add $1' or 'rustup component add rust-src'"
    std="$(apt-cache depends rustc-web | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')"
    llvm="$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p')"
    say "from apt: rustc-web with its source"
    rm -rf "$cross/debs" "$cross/unpacked"
    mkdir -p "$cross/debs"
    (cd "$cross/debs" && apt-get -q -o APT::Sandbox::User=root download \
        rustc-web "$std" libstd-rust-web-dev rust-web-src "$llvm" >&2)
    for package in "$cross"/debs/*.deb; do
        dpkg -x "$package" "$cross/unpacked"
    done
    rm -rf "$cross/debs" "$cross/rust"
    mv "$cross/unpacked" "$cross/rust"
}

has_packages() { apt-cache show rust-web-src >/dev/null 2>&1; }

as_root() { if ((EUID == 0)); then "$@"; else sudo "$@"; fi; }

# use_std TARGET [CRATES]: sets std_flags, with which cargo finds or builds the standard library of TARGET, and
# std_is_built to yes where it builds it.
use_std() {
    local sysroot
    # shellcheck disable=SC2034 # for whoever has sourced this
    std_flags=() std_is_built=no
    sysroot="$(rustc --print sysroot)"
    [[ ! -d $sysroot/lib/rustlib/$1/lib ]] || return 0
    if [[ ! -e $sysroot/lib/rustlib/src/rust/library/Cargo.lock ]]; then
        fetch_rust_source "$1"
        export RUSTC="$cross/rust/usr/bin/rustc"
        # Its driver and LLVM are in the folder that they were unpacked to.
        export LD_LIBRARY_PATH="$cross/rust/usr/lib/x86_64-linux-gnu:$cross/rust/usr/lib"
    fi
    export RUSTC_BOOTSTRAP=1
    # shellcheck disable=SC2034
    std_flags=(-Z "build-std=${2:-std,panic_abort}") std_is_built=yes
}

# The flags of .cargo/config.toml, which RUSTFLAGS would replace, and no path of this machine in what is built.
# release_flags [FLAG…]
release_flags() {
    local folder registry="${CARGO_HOME:-$HOME/.cargo}/registry/src"
    "${CARGO:-cargo}" fetch --quiet --locked
    RUSTFLAGS="$(sed -n 's/^rustflags = \[\(.*\)\]/\1/p' .cargo/config.toml | tr -d "',")"
    for folder in "$registry"/*; do
        RUSTFLAGS+=" --remap-path-prefix=$folder=/crates"
    done
    folder="$("${RUSTC:-rustc}" --print sysroot)"
    # Under both of its names, where one is a link.
    RUSTFLAGS+=" --remap-path-prefix=$folder/lib/rustlib/src/rust=/rust"
    folder="$(readlink -f "$folder/lib/rustlib/src/rust")" && RUSTFLAGS+=" --remap-path-prefix=$folder=/rust"
    export RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD=/seqera-credential-helper $*"
    # The same for the C of ring.
    export CFLAGS="-ffile-prefix-map=$registry=/crates -ffile-prefix-map=$PWD=/seqera-credential-helper"
}
