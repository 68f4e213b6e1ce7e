#!/usr/bin/env bash
# Checks that the programs in target/forms/TARGET are what they are handed out as:
#
#   packaging/check-form.sh TARGET [RUNNER…]    RUNNER starts programs of another processor
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross.sh

target="$1"
shift
form="target/forms/$target"
# A program that grows beyond this is looked at before it is released.
most_bytes=$((8 * 1024 * 1024))

is_static() {
    ! readelf --program-headers "$1" | grep -q INTERP || fail "$1 asks for a loader"
    ! readelf --dynamic "$1" | grep -q NEEDED || fail "$1 needs a library"
}

# needs_glibc PROGRAM AT_MOST
needs_glibc() {
    local highest
    highest="$(objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)"
    [[ -n $highest ]] || fail "$1 needs no glibc at all"
    printf '%s\nGLIBC_%s\n' "$highest" "$2" | sort -VC || fail "$1 needs $highest"
    say "$1: highest symbol $highest"
}

for program in "$form/seqera" "$form/seqera-credential-helper"; do
    case "$target" in
        *-musl) is_static "$program" ;;
        *-gnu.*) needs_glibc "$program" "${target#*-gnu.}" ;;
    esac
    for path in "$PWD" "$HOME" "${CARGO_HOME:-$HOME/.cargo}" "$cross" "$(rustc --print sysroot)"; do
        [[ $path == / ]] || ! grep -qaE "(^|[^[:alnum:]_./-])${path//./\\.}/" "$program" || fail "$program has a path of this machine in it: $path"
    done
    size="$(stat -c %s "$program")"
    ((size <= most_bytes)) || fail "$program has $size bytes, more than $most_bytes"
done
packaging/smoke.sh "$PWD/$form" "$@"
say "$target is as promised: $(du -bh "$form"/seqera* | tr '\n\t' '; ')"
