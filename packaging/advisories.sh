#!/usr/bin/env bash
# Checks every crate against a checkout of RustSec's advisory database, without the network: advisories.sh DIR
set -euo pipefail
cd "$(dirname "$0")/.."
database=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# cargo-deny looks for the database under this name.
mkdir "$work/databases"
ln -s "$database" "$work/databases/advisory-db-3157b0e258782691"
{
    cat deny.toml
    printf '\n[advisories]\ndb-path = "%s/databases"\nmaximum-db-staleness = "P400D"\n' "$work"
} >"$work/deny.toml"
cargo deny --offline --config "$work/deny.toml" check advisories
