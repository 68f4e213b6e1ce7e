#!/usr/bin/env bash
# Makes sure that a git with `authtype` (2.46 or newer) is there, and the source of one with its own tests.
#
#   $cache/git-source   git's source with what its test library wants built, for t0303 and the authtype battery
#   $cache/git          git itself, built from that source, only where PATH has none that is new enough
#
# The source comes through apt, from the archive this machine already uses, so nothing else is trusted.
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/seqera-credential-helper-tests"
source="$cache/git-source"
# Neither gettext, Tcl, Python nor Perl modules are needed by what the tests use.
lean=(NO_GETTEXT=1 NO_TCLTK=1 NO_PYTHON=1 NO_PERL=1 NO_EXPAT=1 CFLAGS=-O1)

say() { printf 'install-git: %s\n' "$*"; }

new_enough() {
    local version
    version="$("$1" --version 2>/dev/null)" || return 1
    [[ $version =~ ([0-9]+)\.([0-9]+) ]] || return 1
    ((BASH_REMATCH[1] > 2 || (BASH_REMATCH[1] == 2 && BASH_REMATCH[2] >= 47)))
}

# The release whose git is new enough; Ubuntu's alias names the one being made.
newer_release() {
    # shellcheck source=/dev/null
    case "$(. /etc/os-release && echo "${ID:-} ${ID_LIKE:-}")" in
        *ubuntu*) echo "ubuntu devel" ;;
        *debian*) echo "debian trixie" ;;
        *) say "this needs apt and an archive of Debian or Ubuntu" >&2 && return 1 ;;
    esac
}

fetch_source() {
    local release distribution suite archive keyring work
    release="$(newer_release)"
    read -r distribution suite <<<"$release"
    # shellcheck disable=SC2016 # apt expands these
    archive="$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 'Component: main' \
        | awk '$2 !~ /-security$/ && $1 ~ /\/'"$distribution"'\/?$/ { print $1; exit }')"
    [[ -n $archive ]] || { say "apt knows no archive of $distribution on this machine" >&2 && return 1; }
    keyring="/usr/share/keyrings/$distribution-archive-keyring.gpg"

    work="$(mktemp -d "$cache/fetch.XXXXXX")"
    mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial"
    {
        printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$archive" "$suite"
        [[ ! -e $keyring ]] || printf 'Signed-By: %s\n' "$keyring"
    } >"$work/parts/$suite.sources"
    local apt=(apt-get -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/parts"
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=)
    say "fetching the source package git of $suite"
    "${apt[@]}" update
    (cd "$work" && "${apt[@]}" source --download-only git)
    mkdir "$work/source"
    tar -xf "$work"/git_*.orig.tar.xz -C "$work/source" --strip-components=1
    rm -rf "$source"
    mv "$work/source" "$source"
    rm -rf "$work"
}

mkdir -p "$cache"
if [[ ! -e $source/.ready ]]; then
    fetch_source
    say "building what git's test library needs"
    make -s -C "$source" -j"$(nproc)" "${lean[@]}" NO_CURL=1 NO_OPENSSL=1 GIT-BUILD-OPTIONS t/helper/test-tool
    make -s -C "$source/templates"
    touch "$source/.ready"
fi

if new_enough git; then
    say "using $(command -v git), $(git --version)"
elif ! new_enough "$cache/git/bin/git"; then
    say "PATH has $(git --version 2>/dev/null || echo 'no git'): building a newer one"
    # In a copy, because the options differ from those above.
    rm -rf "$cache/git-build"
    cp -r "$source" "$cache/git-build"
    make -s -C "$cache/git-build" -j"$(nproc)" "${lean[@]}" NO_OPENSSL=1 NO_INSTALL_HARDLINKS=1 \
        prefix="$cache/git" all
    make -s -C "$cache/git-build" "${lean[@]}" NO_OPENSSL=1 NO_INSTALL_HARDLINKS=1 prefix="$cache/git" install
    rm -rf "$cache/git-build"
    "$cache/git/bin/git" --version
fi
