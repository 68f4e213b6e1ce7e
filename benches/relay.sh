#!/usr/bin/env bash
# `seqera relay` on loopback: what it adds to a request, and what it holds in memory. Fails where either is too much.
set -euo pipefail
cd "$(dirname "$0")/.."

seqera="${SEQERA:-$PWD/target/release/seqera}"
work="$(mktemp -d)"
started=()
# shellcheck disable=SC2317 # called by the trap
finish() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# The first line that a program writes to a file.
first_line() {
    local tries=0
    until [[ -s "$1" ]]; do
        ((tries++ < 200)) || { echo "nothing is written to $1" >&2 && exit 1; }
        sleep 0.05
    done
    cat "$1"
}

python3 benches/relay.py serve >"$work/server" &
started+=($!)
direct="$(first_line "$work/server")"
env -i PATH="$PATH" SEQERA_HELPER_HOME="$work/home" SEQERA_HELPER_STORE=file TOWER_ACCESS_TOKEN=x \
    TOWER_API_ENDPOINT="$direct" "$seqera" --quiet relay --shell posix >"$work/exports" &
relay=$!
started+=("$relay")
eval "$(first_line "$work/exports")"
python3 benches/relay.py measure "$direct" "$relay"
