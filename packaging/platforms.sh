#!/usr/bin/env bash
# What can be said from here about other platforms:
#
#   packaging/platforms.sh [check-macos check-linux windows aarch64]      all by default
#
#   check-macos, check-linux   compiled as far as the linker, which would need the platform's own libraries
#   windows                    built, and its unit tests and both programs run under wine
#   aarch64                    the static programs run in qemu
#
# What else it needs comes from apt and PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross.sh

windows=x86_64-pc-windows-gnu
# Apart from the other builds, whose rustc may be another.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/platforms"

install() {
    say "from apt: $*"
    as_root apt-get -q update >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >&2
}

# Our own code without a warning, on every target that is named.
compiles() {
    local target said
    said="$(mktemp)"
    for target; do
        (
            use_std "$target"
            cargo-zigbuild check --quiet --locked --bins --target "$target" "${std_flags[@]}"
        ) 2>"$said" || { cat "$said" >&2 && fail "$target does not compile"; }
        ! grep -A 5 '^warning' "$said" >&2 || fail "$target compiles with a warning"
        say "$target: compiles"
    done
    rm "$said"
}

check-macos() { compiles aarch64-apple-darwin x86_64-apple-darwin; }

check-linux() { compiles aarch64-unknown-linux-gnu x86_64-unknown-freebsd; }

wine_is_ready() { [[ -e $WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll ]]; }

windows() {
    export WINEPREFIX="$cross/wine" WINEDEBUG=-all
    { command -v wine && command -v x86_64-w64-mingw32-gcc; } >/dev/null \
        || install wine wine64 gcc-mingw-w64-x86-64-posix
    if ! wine_is_ready; then
        wineboot --init >/dev/null 2>&1 || true
        x86_64-w64-mingw32-gcc -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
            packaging/windows/bcryptprimitives.c -ladvapi32
        wine_is_ready || fail "wine cannot be set up"
    fi
    use_std $windows std,panic_unwind,test
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="$PWD/packaging/windows/run.sh"
    "${CARGO:-cargo}" build --locked --bins --target $windows "${std_flags[@]}"
    "${CARGO:-cargo}" test --locked --lib --target $windows "${std_flags[@]}"
    local programs
    programs="$(mktemp -d)"
    for program in seqera seqera-credential-helper; do
        cp "$CARGO_TARGET_DIR/$windows/debug/$program.exe" "$programs/$program"
    done
    packaging/smoke.sh "$programs" packaging/windows/run.sh
    rm -r "$programs"
}

aarch64() {
    command -v qemu-aarch64-static >/dev/null || install qemu-user-static
    packaging/check-form.sh aarch64-unknown-linux-musl qemu-aarch64-static
}

(($#)) || set -- check-macos check-linux windows aarch64
fetch_zig
for part; do
    ("$part")
done
