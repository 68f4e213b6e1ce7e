#!/usr/bin/env bash
# Fetches Seqera's own program (BUSL-1.1) for the tests of working beside it, and nothing else: it is run there as
# the client it is, and nothing of it is kept in this repository.
#
#   target/tools/seqera-cli/node_modules/@seqera/cli-linux-x64/bin/seqera
set -euo pipefail
cd "$(dirname "$0")/../.."

version=1.12.0
root=target/tools/seqera-cli
package=@seqera/cli-linux-x64

say() { printf 'install-seqera: %s\n' "$*"; }

if [[ "$(uname -sm)" != 'Linux x86_64' ]]; then
    say "no program for $(uname -sm); its tests are left out"
    exit
fi
if [[ -x "$root/node_modules/$package/bin/seqera" ]]; then
    say "$package $version is there"
    exit
fi
say "from npm: $package $version"
mkdir -p "$root"
npm install --prefix "$root" --no-audit --no-fund --no-save "$package@$version"
chmod +x "$root/node_modules/$package/bin/seqera"
