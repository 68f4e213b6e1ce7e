#!/usr/bin/env bash
# Fetches what the hook has to live with and a stable Debian has too old or not at all, and installs none of it
# into the system:
#
#   target/tools/shells   bash 5.3, fish 4, starship, ble.sh, as packages of the release in the making, unpacked
#   target/tools/vscode   the shell integration of VS Code, out of the npm package of code-server
#
# That release drops versions as it moves, so none is asked for: what it has is taken, and checked to be new enough.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools="$PWD/target/tools"
shells="$tools/shells"
code_server=4.100.3
scripts=package/lib/vscode/out/vs/workbench/contrib/terminal/common/scripts
# The programs, and what they are linked with.
packages=(bash fish starship ble.sh libc6 libgcc-s1 libtinfo6 libpcre2-32-0 libpcre2-8-0)

say() { printf 'install-shells: %s\n' "$*"; }

# at_least WANTED PROGRAM: the program runs, and says a version that is not lower.
at_least() {
    local version
    version="$("$2" --version 2>/dev/null)" || return 1
    [[ $version =~ [0-9]+\.[0-9]+ ]] && dpkg --compare-versions "${BASH_REMATCH[0]}" ge "$1"
}

complete() {
    at_least 5.3 "$1/usr/bin/bash" && at_least 4.0 "$1/usr/bin/fish" && at_least 1.20 "$1/usr/bin/starship" \
        && [[ -e $1/usr/share/blesh/ble.sh ]]
}

# Where this machine's own packages come from, and what the release in the making is called there.
release_in_the_making() {
    case "$(sed -n 's/^ID=//p' /etc/os-release)" in
        debian) distribution=Debian suite=sid components=main ;;
        ubuntu) distribution=Ubuntu suite=devel components='main universe' ;;
        *) say "this needs Debian or Ubuntu" >&2 && return 1 ;;
    esac
    # shellcheck disable=SC2016 # a field of apt's
    mirror="$(apt-get indextargets --format '$(REPO_URI)' "Origin: $distribution" "Label: $distribution" | head -n 1)"
    [[ -n $mirror ]] || { say "apt has no lists of packages yet; run: apt-get update" >&2 && return 1; }
}

fetch_packages() {
    local work mirror distribution suite components
    release_in_the_making
    work="$(mktemp -d "$tools/fetch.XXXXXX")"
    mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' "$mirror" "$suite" "$components" \
        "/usr/share/keyrings/${distribution,}-archive-keyring.gpg" >"$work/parts/newest.sources"
    : >"$work/status"
    # No date is checked, because a mirror that stands still is new enough; of the metadata, only the index.
    local apt=(-q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/parts"
        -o "Dir::State::Lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
        -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false
        -o Acquire::GzipIndexes=true)
    local target
    while read -r target; do # as apt-file and appstream add them
        [[ $target == Packages ]] || apt+=(-o "Acquire::IndexTargets::deb::$target::DefaultEnabled=false")
    done < <(apt-config dump Acquire::IndexTargets::deb | sed -n 's/^Acquire::IndexTargets::deb::\([^: ]*\) .*/\1/p')
    say "from $distribution $suite: ${packages[*]}"
    apt-get "${apt[@]}" update
    (cd "$work" && apt-get "${apt[@]}" download "${packages[@]}")
    local package
    for package in "$work"/*.deb; do
        dpkg-deb -x "$package" "$work/root"
    done
    bind "$work/root"
    rm -rf "$shells"
    mv "$work/root" "$shells"
    rm -rf "$work"
}

# The programs are newer than this machine's C library: each is told where its own is, so that it is as any other
# program to those who start it, and passes nothing on to those it starts.
bind() {
    local loader library program
    loader="$(find "$1/usr/lib" "$1/usr/lib64" -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)"
    library="$(dirname "$(find "$1/usr/lib" -name libc.so.6)")"
    for program in bash fish starship; do
        patchelf --set-interpreter "$shells${loader#"$1"}" --force-rpath --set-rpath "$shells${library#"$1"}" \
            "$1/usr/bin/$program"
    done
}

fetch_scripts() {
    local work
    work="$(mktemp -d "$tools/fetch.XXXXXX")"
    say "from npm: the shell integration of code-server $code_server"
    npm pack --silent --pack-destination "$work" "code-server@$code_server" >/dev/null
    mkdir "$work/vscode"
    tar -xzf "$work/code-server-$code_server.tgz" -C "$work/vscode" --strip-components=10 "$scripts"
    rm -rf "$tools/vscode"
    mv "$work/vscode" "$tools/vscode"
    rm -rf "$work"
}

mkdir -p "$tools"
if ! complete "$shells"; then
    fetch_packages
    complete "$shells" || { say "that release has something older than the tests need" >&2 && exit 1; }
fi
[[ -e $tools/vscode/shellIntegration-bash.sh ]] || fetch_scripts
for program in bash fish starship; do
    say "$("$shells/usr/bin/$program" --version | head -n 1)"
done
