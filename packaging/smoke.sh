#!/bin/sh
# Uses both programs as a first-time user does, with nothing but a POSIX shell beside them, so that it runs in the
# emptiest root:
#
#   packaging/smoke.sh [FOLDER [RUNNER…]]    the programs in FOLDER, else those on PATH, started by RUNNER
set -eu

folder="${1:+$1/}"
[ $# -eq 0 ] || shift
home="${TMPDIR:-/tmp}/seqera-smoke.$$"
mkdir -m 700 "$home"
trap 'rm -rf "$home"' EXIT
export SEQERA_HELPER_HOME="$home" SEQERA_HELPER_STORE=file XDG_RUNTIME_DIR="$home"
unset SEQERA_ACCESS_TOKEN SEQERA_TOKEN TOWER_ACCESS_TOKEN SEQERA_PROFILE

fail() { echo "smoke: $*" >&2 && exit 1; }

version="$("$@" "${folder}seqera" --version)" || fail "seqera --version"
"$@" "${folder}seqera-credential-helper" version >/dev/null || fail "seqera-credential-helper version"
ask() { printf 'protocol=https\nhost=smoke.example\n'; }
{ ask && printf 'username=alice\npassword=from the smoke test\n'; } | "$@" "${folder}seqera-credential-helper" git store
answer="$(ask | "$@" "${folder}seqera-credential-helper" git get)"
case "$answer" in
    *"password=from the smoke test"*) ;;
    *) fail "git get answered: $answer" ;;
esac
ask | "$@" "${folder}seqera-credential-helper" git erase
answer="$(ask | "$@" "${folder}seqera-credential-helper" git get)"
[ -z "$answer" ] || fail "erased, and still there"
printf https://smoke.example | "$@" "${folder}seqera-credential-helper" docker get >/dev/null 2>&1 && fail "docker get found something"
status=0
"$@" "${folder}seqera" token >/dev/null 2>&1 || status=$?
[ "$status" -eq 3 ] || fail "seqera token without a login ended with $status, not 3"
echo "smoke: $version works"
