#!/usr/bin/env bash
# Builds both programs as they are handed out, into target/forms/TARGET:
#
#   packaging/build.sh x86_64-unknown-linux-musl       static: any Linux on this processor
#   packaging/build.sh aarch64-unknown-linux-musl
#   packaging/build.sh x86_64-unknown-linux-gnu.2.17   dynamic: any glibc from 2.17 on, with its name services
#
# Options after the target go to cargo. No path of this machine is in the programs, and a second build equals the
# first byte for byte (packaging/reproduce.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross.sh

target="$1"
shift
out="${OUT:-target/forms/$target}"
fetch_zig
use_std "${target%.2.*}"
# The linker brings the start files; the standard library has its own only where rustup installed it.
[[ $std_is_built == no ]] || flags=(-C link-self-contained=no)
release_flags "${flags[@]}"

cargo-zigbuild zigbuild --release --locked --bins --target "$target" "${std_flags[@]}" "$@"

built="${CARGO_TARGET_DIR:-target}/${target%.2.*}/release"
mkdir -p "$out"
for program in seqera seqera-credential-helper; do
    cp "$built/$program" "$out/$program.new"
    mv -f "$out/$program.new" "$out/$program"
done
say "$out: $(du -bch "$out"/seqera* | tail -n 1 | cut -f 1) in two programs"
