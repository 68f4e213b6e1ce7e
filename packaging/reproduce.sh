#!/usr/bin/env bash
# Builds a form a second time, from a copy of the source in another folder, and compares the programs byte for byte:
#
#   packaging/reproduce.sh TARGET
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross.sh

form="$PWD/target/forms/$1"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar -c --null -T - | tar -x -C "$copy"
CARGO_TARGET_DIR="$copy/target" OUT="$copy/again" "$copy/packaging/build.sh" "$1"
for program in seqera seqera-credential-helper; do
    cmp "$form/$program" "$copy/again/$program" || fail "$1: $program differs from build to build"
done
say "$1: two builds are equal"
