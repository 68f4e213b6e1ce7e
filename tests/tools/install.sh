#!/usr/bin/env bash
# Installs what `make test` needs on a Debian or Ubuntu machine that has a Rust toolchain, and nothing that is
# there already. Asks for nothing; fails where something cannot be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=(
    # to build: C for the crates that have some, C++ for libFuzzer, and git's own test library
    gcc g++ make pkg-config zlib1g-dev xz-utils perl
    # the clients and servers the helper stands between
    git skopeo podman docker-registry apache2-utils
    # keychains: the kernel's, gnome-keyring on a private bus, and a peer to compare with
    keyutils gnome-keyring libsecret-tools dbus dbus-bin golang-docker-credential-helpers
    # and those of KeePassXC and KDE; what they encrypt with comes apart
    keepassxc libkf5wallet-bin libqca-qt5-2-plugins
    # shells, terminals and their linters
    zsh fish dash mksh tcsh elvish xonsh tmux direnv shellcheck shfmt python3 python3-venv
    # a home that two hosts share
    sshfs openssh-server
    # what finds the completions and manual pages
    bash-completion man-db
    # to run newer ones
    patchelf
    # packages
    binutils rpm
    # a browser for the login pages
    chromium
    # homes of all kinds: file systems that ignore modes, system calls that fail
    bindfs
    # measuring
    hyperfine strace time
)

say() { printf 'install: %s\n' "$*"; }

has() { command -v "$1" >/dev/null; }

# `make test` on git's newest release needs no libcurl; an older machine builds one.
git_is_old() {
    [[ "$(git --version 2>/dev/null)" =~ ([0-9]+)\.([0-9]+) ]] || return 0
    ((BASH_REMATCH[1] < 2 || (BASH_REMATCH[1] == 2 && BASH_REMATCH[2] < 47)))
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        say "this needs root: $*" >&2
        return 1
    fi
}

! git_is_old || packages+=(libcurl4-openssl-dev)
has docker || packages+=(docker.io)
has node || packages+=(nodejs)
has npm || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
    say "from apt: ${missing[*]}"
    as_root apt-get -q update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
else
    say "every package is there"
    # Where newer ones are is read from apt's lists, which an image may have thrown away.
    [[ -n "$(apt-get indextargets)" ]] || as_root apt-get -q update
fi

tests/tools/install-git.sh
tests/tools/install-sekuire.sh
tests/tools/install-seqera.sh
tests/tools/install-shells.sh

if [[ -e tests/oidc/package.json && ! -e tests/oidc/node_modules ]]; then
    say "from npm: tests/oidc"
    npm --prefix tests/oidc ci --no-audit --no-fund
fi

# Debian has neither nushell nor a grammar of PowerShell. The npm package for this architecture holds the real
# binary of nushell.
if [[ ! -x target/tools/node_modules/.bin/nu ]]; then
    say "from npm: nushell"
    mkdir -p target/tools
    npm install --prefix target/tools --no-audit --no-fund nushell@0.108.0
fi
if ! target/tools/py/bin/python -c 'import tree_sitter_powershell' 2>/dev/null; then
    say "from PyPI: tree-sitter with PowerShell's grammar"
    python3 -m venv target/tools/py
    target/tools/py/bin/pip install --quiet --disable-pip-version-check tree-sitter tree-sitter-powershell
fi

if ! has cargo-deny; then
    # Two minutes: it runs for a second, so it is not worth optimising.
    say "from crates.io: cargo-deny"
    CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version '^0.20' --locked --debug
fi
