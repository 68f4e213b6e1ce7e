#!/usr/bin/env bash
# What a prompt costs: seqera's hook beside direnv's and beside one /bin/true, in bash, zsh and fish.
#
#   benches/hook.sh [PROGRAM]      PROGRAM is the built `seqera`, target/release/seqera by default
#
# Two measurements, each the best of several runs, in microseconds:
#   hook    the hook called in a loop inside of the shell, a live token, nothing to do
#   prompt  from Enter to the next prompt on a pseudo-terminal: what each configuration adds to the bare shell
# It fails when the hook costs more than its bound, or adds more than a tenth of what direnv adds.
# The bounds are those of a machine where an empty function that reads a line from a small file takes 7.4 microseconds
# in bash, 4.4 in zsh, 7.8 in fish; where that takes longer, everything does, and they are stretched by as much.
# shellcheck disable=SC2016 # what the shells under test expand
set -euo pipefail

program=$(realpath "${1:-target/release/seqera}")
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -p "$home/bin" "$home/helper/run"
ln -s "$program" "$home/bin/seqera"

now=$(date +%s)
printf '1 default.42 %d %d %d 86400 86400 86400 fresh acme/research\n' \
    $((now + 86400)) $((now + 86400)) $((now + 86400)) >"$home/helper/run/mark"

# The same environment for each shell: nothing of the person's, and a token that is already exported.
clean() {
    env -i HOME="$home" PATH="$home/bin:$PATH" TERM=xterm LC_ALL=C.UTF-8 SEQERA_HELPER_HOME="$home/helper" \
        SEQERA_ENV=default.42:0 TOWER_ACCESS_TOKEN=token ZDOTDIR="$home" "$@"
}

# Each loop prints what the hook costs and what the yardstick does.
cat >"$home/loop.bash" <<'EOS'
eval "$(seqera hook bash)"
yardstick() { local line; read -r line <"$__seqera_dir/mark"; }
best() { # calls statement
  local best=999999999 run i start spent
  for run in 1 2 3 4 5; do
    start=${EPOCHREALTIME/./}
    eval "for ((i = 0; i < $1; i++)); do $2; done"
    spent=$((${EPOCHREALTIME/./} - start))
    ((spent < best)) && best=$spent
  done
  printf '%d.%02d ' $((best / $1)) $((best * 100 / $1 % 100))
}
best 10000 __seqera_hook
[[ $SEQERA_PROMPT == acme/research ]] || exit 1
best 10000 yardstick
best 200 'x=$(/bin/true)'
exit
EOS

cat >"$home/loop.zsh" <<'EOS'
eval "$(seqera hook zsh)"
yardstick() { local line=$(<$__seqera_dir/mark); }
for measured in __seqera_hook yardstick; do
  float best=1e9 start spent
  for run in 1 2 3 4 5; do
    start=$EPOCHREALTIME
    for ((i = 0; i < 10000; i++)); do $measured; done
    spent=$((EPOCHREALTIME - start))
    ((spent < best)) && best=$spent
  done
  printf '%.2f ' $((best * 100))
done
[[ $SEQERA_PROMPT == acme/research ]]
exit
EOS

cat >"$home/loop.fish" <<'EOS'
seqera hook fish | source
function yardstick
    read -l line <$__seqera_dir/mark
end
for measured in __seqera_hook yardstick
    set best 999999999999
    for run in 1 2 3 4 5
        set start (date +%s%N)
        for i in (seq 5000); $measured; end
        set spent (math (date +%s%N) - $start)
        test $spent -lt $best; and set best $spent
    end
    printf '%.2f ' (math $best / 5000000)
end
test $SEQERA_PROMPT = acme/research
exit
EOS

# Enter to prompt: the median of what a terminal's other side sees.
cat >"$home/prompt.py" <<'EOS'
import os, pty, select, statistics, sys, time

def read_until(fd, mark, buffer, deadline):
    while mark not in buffer:
        ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            sys.exit(f"no prompt: {buffer!r}")
        chunk = os.read(fd, 65536)
        if b"\x1b[6n" in chunk:
            os.write(fd, b"\x1b[1;1R")
        buffer += chunk
    return buffer.split(mark, 1)[1]

rounds = int(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
mark = b"PROMPT>"
rest = read_until(fd, mark, b"", time.monotonic() + 20)
spent = []
for turn in range(rounds + 20):
    time.sleep(0.002)
    while select.select([fd], [], [], 0)[0]:
        os.read(fd, 65536)
    start = time.perf_counter()
    os.write(fd, b"\r")
    read_until(fd, mark, b"", time.monotonic() + 20)
    if turn >= 20:
        spent.append(time.perf_counter() - start)
print(f"{statistics.median(spent) * 1e6:.0f}")
os.close(fd)
os.kill(pid, 9)
EOS

prompt() { # shell configuration
    local rounds=300 rc=$home/rc.$1.$2
    case $1 in
        bash)
            echo "PS1='PROMPT>'"
            case $2 in
                seqera) echo 'eval "$(seqera hook bash)"; PS1='"'"'${seqera_prompt}PROMPT>'"'" ;;
                direnv) echo 'eval "$(direnv hook bash)"' ;;
                true) echo 'PROMPT_COMMAND='"'"'x=$(/bin/true)'"'" ;;
            esac
            ;;
        zsh)
            echo "PS1='PROMPT>'; unsetopt prompt_cr prompt_sp zle"
            case $2 in
                seqera) echo 'eval "$(seqera hook zsh)"; setopt prompt_subst; PS1='"'"'${seqera_prompt}PROMPT>'"'" ;;
                direnv) echo 'eval "$(direnv hook zsh)"' ;;
                true) echo 'precmd() { x=$(/bin/true); }' ;;
            esac
            ;;
        fish)
            echo 'function fish_prompt; test -n "$with"; and seqera_prompt; echo -n "PROMPT>"; end; function fish_mode_prompt; end'
            case $2 in
                seqera) echo 'set -g with yes; seqera hook fish | source' ;;
                direnv) echo 'direnv hook fish | source' ;;
                true) echo 'function t --on-event fish_prompt; set -g x (/bin/true); end' ;;
            esac
            ;;
    esac >"$rc"
    case $1 in
        bash) clean python3 "$home/prompt.py" $rounds bash --noprofile --rcfile "$rc" -i ;;
        zsh)
            cp "$rc" "$home/.zshrc"
            clean python3 "$home/prompt.py" $rounds zsh -d -i
            ;;
        fish) clean python3 "$home/prompt.py" $rounds fish --no-config -i -C "source $rc" ;;
    esac
}

failed=0
judge() { awk -v value="$1" -v bound="$2" 'BEGIN { exit !(value <= bound) }' || { echo "  more than $2" && failed=1; }; }

for row in bash:30:7.4 zsh:16:4.4 fish:55:7.8; do
    IFS=: read -r shell bound usual <<<"$row"
    case $shell in
        bash) costs=$(clean bash --norc -i "$home/loop.bash" 2>/dev/null) ;;
        zsh) costs=$(clean zsh -f -i "$home/loop.zsh" 2>/dev/null) ;;
        fish) costs=$(clean fish --no-config -i "$home/loop.fish" 2>/dev/null) ;;
    esac
    read -r hook yardstick true_costs <<<"$costs"
    bound=$(awk -v b="$bound" -v y="$yardstick" -v u="$usual" 'BEGIN { printf "%.1f", b * (y > u ? y / u : 1) }')
    printf '%-4s hook %6s us, at most %s; a function that reads a line %s%s\n' "$shell" "$hook" "$bound" "$yardstick" \
        "${true_costs:+; \$(/bin/true) $true_costs}"
    judge "$hook" "$bound"
done

for shell in bash zsh fish; do
    bare=$(prompt $shell bare)
    ours=$(prompt $shell seqera)
    forks=$(prompt $shell true)
    direnv=$(prompt $shell direnv)
    printf '%-4s Enter to prompt: bare %s, with seqera %s, with $(/bin/true) %s, with direnv %s us\n' \
        "$shell" "$bare" "$ours" "$forks" "$direnv"
    judge $((ours - bare)) $(((direnv - bare) / 10))
done
exit $failed
