#!/usr/bin/env bash
# What a call costs beside its peers: whole processes, medians, one run on one machine. All are measured in turn,
# round after round, and a ratio is the median of the ratios in each round, since what else the machine does changes
# from one second to the next. Fails where a bound is exceeded by more than noise explains.
#
# BENCH_MANY=100000 takes minutes to fill.
set -euo pipefail
cd "$(dirname "$0")/.."

# The static form is what is handed out; `make build` links against the libraries of this machine.
static="$PWD/target/forms/$(uname -m)-unknown-linux-musl"
ours="$static/seqera-credential-helper"
seqera="$static/seqera"
dynamic="$PWD/target/release/seqera-credential-helper"
rounds="${BENCH_ROUNDS:-31}"
runs="${BENCH_RUNS:-20}"
many="${BENCH_MANY:-10000}"
# By so much the ratio of a program to itself differs from one on a machine with neighbours.
noise=1.05
# Debian's has no --input.
PATH="$PWD/target/tools/hyperfine/bin:$PATH"

work="$(mktemp -d)"
started=()
# shellcheck disable=SC2317 # called by the trap
finish() {
    ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# Only what is named here reaches the programs.
unset DBUS_SESSION_BUS_ADDRESS SEQERA_HELPER_STORE XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME
export HOME="$work" XDG_RUNTIME_DIR="$work/run" GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
mkdir -m 700 "$XDG_RUNTIME_DIR"

request() { printf 'protocol=https\nhost=host%s.example\n' "$1"; }
login() { request "$1" && printf 'username=alice\npassword=the password of host %s\n' "$1"; }

start_keyring() {
    cat >"$work/bus.conf" <<-CONFIG
		<busconfig><type>session</type><listen>unix:path=$work/bus</listen><policy context='default'>
		<allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/></policy></busconfig>
	CONFIG
    export DBUS_SESSION_BUS_ADDRESS="unix:path=$work/bus"
    dbus-daemon --config-file="$work/bus.conf" --nofork 2>/dev/null &
    started+=($!)
    until [[ -S $work/bus ]]; do sleep 0.05; done
    gnome-keyring-daemon --foreground --unlock --components=secrets <<<password >/dev/null 2>&1 &
    started+=($!)
    local tries=0
    until secret-tool store --label=probe probe probe <<<probe 2>/dev/null; do
        ((tries++ < 100)) || { echo "gnome-keyring does not answer" >&2 && exit 1; }
        sleep 0.1
    done
}

# The homes: what is stored where.
fill() {
    local home="$work/$1" store="$2" count="$3" at
    mkdir -m 700 "$home"
    for ((at = 1; at <= count; at++)); do
        login "$at" | SEQERA_HELPER_HOME="$home" SEQERA_HELPER_STORE="$store" "$ours" git store
    done
}

# compare NAME HOME INPUT COMMAND…
names=() homes=() inputs=() commands=()
compare() {
    names+=("$1") homes+=("$work/$2") inputs+=("$work/$3")
    commands+=("${*:4}")
}

# The same for a peer that is not on every machine.
compare_if_there() {
    if command -v "$4" >/dev/null; then compare "$@"; else absent+=("$4"); fi
}
absent=()

# The number of a row, by its name.
row() {
    local at
    for at in "${!names[@]}"; do
        [[ ${names[at]} != "$1" ]] || { echo "$at" && return; }
    done
    echo "no row: $1" >&2 && return 1
}

# A login at the Platform on loopback, with a token made on its page.
log_in() {
    target/debug/examples/platform >"$work/platform" &
    started+=($!)
    until url="$(grep -o 'http://127.0.0.1:[0-9]*' "$work/platform" | head -n 1)" && [[ -n $url ]]; do sleep 0.05; done
    local made='import re, sys, urllib.request as r; print(re.search("eyJ[A-Za-z0-9+/=]+", r.urlopen(sys.argv[1], b"").read().decode())[0])'
    python3 -c "$made" "$url/tokens" \
        | SEQERA_HELPER_HOME="$work/$1" SEQERA_HELPER_STORE=file "$seqera" --quiet login --with-token --endpoint "$url/api"
    printf 'protocol=http\nhost=%s\n' "${url#http://}" >"$work/platform-host"
}

median_of() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

measure() {
    local round at
    for ((round = 0; round < rounds; round++)); do
        for at in "${!names[@]}"; do
            SEQERA_HELPER_HOME="${homes[at]}" hyperfine --shell=none --input "${inputs[at]}" --style=none --warmup=3 \
                --runs="$runs" --export-csv="$work/csv" "${commands[at]}" >/dev/null 2>"$work/hyperfine" \
                || { cat "$work/hyperfine" >&2 && exit 1; }
            # The command, its mean, deviation and median in seconds; a command has no comma.
            awk -F, 'NR > 1 { print $4 * 1000 }' "$work/csv" >>"$work/medians.$at"
        done
    done
    for at in "${!names[@]}"; do
        # shellcheck disable=SC2086 # words without spaces in them
        SEQERA_HELPER_HOME="${homes[at]}" /usr/bin/time -f %M -o "$work/peak.$at" ${commands[at]} <"${inputs[at]}" >"$work/answer"
        [[ -s $work/answer ]] || { echo "${names[at]}: no answer" >&2 && exit 1; }
        printf '%-48s %9.3f ms %8d KiB\n' "${names[at]}" "$(median_of <"$work/medians.$at")" "$(<"$work/peak.$at")"
    done
}

failed=0
# bound ROW OF_ROW AT_MOST
bound() {
    local ratio verdict of
    of="$(row "$2")"
    ratio="$(paste "$work/medians.$(row "$1")" "$work/medians.$of" | awk '{ print $1 / $2 }' | median_of)"
    verdict="$(awk -v r="$ratio" -v most="$3" -v noise="$noise" \
        'BEGIN { print r <= most ? "holds" : r <= most * noise ? "within noise" : "FAILS" }')"
    printf '%-75s %5.2f times, at most %s: %s\n' "$1, to $2" "$ratio" "$3" "$verdict"
    [[ $verdict != FAILS ]] || failed=1
}

# bound_memory ROW AT_MOST: in KiB
bound_memory() {
    local peak verdict=holds
    peak="$(<"$work/peak.$(row "$1")")"
    ((peak <= $2)) || { verdict=FAILS && failed=1; }
    printf '%-75s %5d KiB, at most %s: %s\n' "$1" "$peak" "$2" "$verdict"
}

echo "preparing: $many credentials"
fill one file 1
fill ten file 10
fill many file "$many"
start_keyring
fill cached keychain 1
fill uncached keychain 1
echo 'key_cache = 0' >"$work/uncached/config.toml"
login 1 | git credential-store --file "$work/git-credentials" store
printf '{"ServerURL":"https://host1.example","Username":"alice","Secret":"the password of host 1"}' \
    | docker-credential-secretservice store
request 1 >"$work/first"
request 10 >"$work/tenth"
printf https://host1.example >"$work/server"

mkdir -m 700 "$work/live"
log_in live
compare "get, live session" live platform-host "$ours" git get
compare "token, live session" live first "$seqera" token
compare "env, live session" live first "$seqera" env --shell bash
compare "prompt, live session" live first "$seqera" prompt
compare "status, live session" live first "$seqera" status
compare "get, linked dynamically" live platform-host "$dynamic" git get
compare "get, key in a file" one first "$ours" git get
compare "get, keychain, key cached" cached first "$ours" git get
compare "get, keychain, key not cached" uncached server "$ours" docker get
compare "get among 10" ten tenth "$ours" git get
compare "get among $many" many tenth "$ours" git get
compare "git credential-store get" one first git credential-store --file "$work/git-credentials" get
compare "git-credential-store get, without git in front" one first \
    "$(git --exec-path)/git-credential-store" --file "$work/git-credentials" get
compare "docker-credential-secretservice get" one server docker-credential-secretservice get
# The keychain's row asks as a docker client, like its peer.
printf '{"ServerURL":"https://host1.example","Username":"alice","Secret":"the password of host 1"}' \
    | SEQERA_HELPER_HOME="$work/uncached" "$ours" docker store
# What else people have at a prompt or as a helper.
export GH_TOKEN=gho_measured
compare_if_there "gh auth token" one first gh auth token
compare_if_there "git-credential-oauth version" one first git-credential-oauth version
compare_if_there "direnv status" one first direnv status
compare_if_there "starship prompt" one first starship prompt

measure
((${#absent[@]} == 0)) || echo "not on this machine: ${absent[*]}"
echo
bound "get, live session" "git credential-store get" 0.25
bound "token, live session" "git credential-store get" 0.25
bound "get, key in a file" "git credential-store get" 0.25
bound "get, keychain, key cached" "git credential-store get" 0.25
bound "env, live session" "get, live session" 1.3
bound "prompt, live session" "get, live session" 1.3
bound "status, live session" "get, live session" 1.6
bound "get, keychain, key not cached" "docker-credential-secretservice get" 0.5
bound "get among $many" "get among 10" 1.1
bound "get, linked dynamically" "git credential-store get" 0.9
bound_memory "get, live session" 2253
exit "$failed"
