#!/usr/bin/env bash
# Builds Sekuire's own program once, into the tests' cache: it is the outside check for the file we share with it.
#
#   $cache/sekuire-VERSION/bin/sekuire
set -euo pipefail

version=0.2.11
cache="${XDG_CACHE_HOME:-$HOME/.cache}/seqera-credential-helper-tests"
root="$cache/sekuire-$version"

say() { printf 'install-sekuire: %s\n' "$*"; }

if [[ -x "$root/bin/sekuire" ]]; then
    say "sekuire-cli $version is there"
    exit
fi
# Not optimised: it runs for moments, and takes three minutes to build as it is.
say "from crates.io: sekuire-cli $version"
build="$(mktemp -d)"
trap 'rm -rf "$build"' EXIT
CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$build" nice "${CARGO:-cargo}" install sekuire-cli \
    --version "$version" --locked --debug --quiet --root "$root"
