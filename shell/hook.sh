# Keeps the exported token fresh in a POSIX shell (dash, ash, ksh, mksh, yash). In the file that ENV names:
#   eval "$(seqera hook posix)"
#   seqera_with nextflow tw
#
# These shells have no place for a hook, so the commands that need the token are wrapped: before they run, one
# line, the mark, is read with builtins alone; `seqera hook-env` runs only when the login changed or the token
# is due. Before this file stand assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
# For a prompt: PS1='${SEQERA_PROMPT:+$SEQERA_PROMPT }$ '. When this is printed, SEQERA_HOOK_… become the names of
# the platforms and of their variables.
#
# shellcheck disable=SC2154 # what is set before this file
# shellcheck disable=SC3013,SC3067 # every shell named above knows -nt and -O
# shellcheck disable=SC2086 # options, none or one word each
# shellcheck disable=SC2015,SC2254 # a test that fails is all that is meant; what no label holds is a pattern

seqera_hook() {
  __seqera_rc=$?
  # No trace shows a token.
  __seqera_flags=$-
  case $__seqera_flags in *[vx]*) set +vx ;; esac
  __seqera_bind
  __seqera_v=$__seqera_dir __seqera_far=''
  if [ "$__seqera_home" != "$__seqera_dir" ] && __seqera_read "$__seqera_home"; then __seqera_far=$__seqera_g; fi
  if ! __seqera_read "$__seqera_dir"; then
    __seqera_v=$__seqera_home
    __seqera_read "$__seqera_home" || __seqera_g=-
  fi
  __seqera_due=$__seqera_v/$__seqera_name.due __seqera_own=''
  [ "${__seqera_p:-SEQERA_HOOK_FIRST}" != SEQERA_HOOK_PROVIDER ] || __seqera_own=$__seqera_own${SEQERA_HOOK_TOKEN-}
  if [ -z "${SEQERA_ENV-}" ] && [ -n "$__seqera_own" ]; then
    __seqera_s='env' # the person's own token
  # The clock: the terminal was used just now, and the mark's second file is as old as the token is due.
  elif [ "$__seqera_g" != "$__seqera_seen" ] ||
    { [ -n "$__seqera_far" ] && [ "$__seqera_far" != "$__seqera_g" ] && [ "$__seqera_far" != "$__seqera_last" ]; } ||
    { [ -n "${SEQERA_HOOK_EACH-}" ] && [ "${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}" != "$__seqera_known" ]; } ||
    { [ -n "$__seqera_tty" ] && [ "$__seqera_tty" -nt "$__seqera_due" ] && [ -e "$__seqera_due" ]; }; then
    __seqera_seen=$__seqera_g __seqera_last=$__seqera_far
    if __seqera_v=$(SEQERA_PROFILE=${SEQERA_PROFILE-} command seqera hook-env posix $__seqera_options \
      $__seqera_again </dev/null 2>/dev/null); then __seqera_again=''; else __seqera_again='--again'; fi
    eval "$__seqera_v" || :
    __seqera_known=${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}
    __seqera_bind
    __seqera_read "$__seqera_dir" || __seqera_read "$__seqera_home" || :
    if [ -z "$__seqera_g" ]; then __seqera_seen=-; else __seqera_seen=$__seqera_g; fi
  fi
  case $__seqera_s in
  fresh) SEQERA_PROMPT=$__seqera_l ;;
  ending) SEQERA_PROMPT=$__seqera_l~ ;;
  ended) SEQERA_PROMPT=$__seqera_l! ;;
  env) SEQERA_PROMPT='env' ;;
  *) SEQERA_PROMPT='' ;;
  esac
  export SEQERA_PROMPT
  __seqera_v=''
  case $__seqera_flags in *x*v* | *v*x*) set -vx ;; *x*) set -x ;; *v*) set -v ;; esac
  return "$__seqera_rc"
}

# Reads the mark in a folder. One that is not a file of the person's own, or makes no sense, is not there.
__seqera_read() {
  __seqera_file=$1/$__seqera_name
  __seqera_g='' __seqera_s='' __seqera_l='' __seqera_p=''
  [ -O "$1" ] && [ ! -L "$1" ] && [ -f "$__seqera_file" ] && [ -O "$__seqera_file" ] && [ ! -L "$__seqera_file" ] &&
    [ -r "$__seqera_file" ] && __seqera_sealed || return 1
  IFS=' ' read -r __seqera_one __seqera_g __seqera_n __seqera_n __seqera_n __seqera_n __seqera_n __seqera_n \
    __seqera_s __seqera_l __seqera_p <"$__seqera_file" || :
  case $__seqera_one:$__seqera_g:$__seqera_s in
  *[!A-Za-z0-9_.:-]* | [!1]* | 1[!:]*) ;;
  1:*.*:fresh | 1:*.*:ending | 1:*.*:ended | 1:*.*:out)
    case $__seqera_l in
    '' | $__seqera_bad | *\'* | *\[* | *\]*) ;;
    *) case ${__seqera_p:-none} in *[!a-z]*) ;; *) return 0 ;; esac ;;
    esac
    ;;
  esac
  __seqera_g='' __seqera_s='' __seqera_l='' __seqera_p=''
  return 1
}

# A line is read to its end, however far that is. The program leaves an empty file behind that is as old as what it
# wrote: nobody has written there since.
__seqera_sealed() {
  [ -f "$__seqera_file.seal" ] && [ ! "$__seqera_file" -nt "$__seqera_file.seal" ]
}

# The profile of this shell, else of the folder: the nearest one that was bound.
__seqera_bind() {
  __seqera_name=${SEQERA_PROFILE-}
  for __seqera_v in "$__seqera_dir" "$__seqera_home"; do
    [ -z "$__seqera_name" ] || break
    __seqera_file=$__seqera_v/folders __seqera_best=''
    [ -O "$__seqera_v" ] && [ ! -L "$__seqera_v" ] && [ -f "$__seqera_file" ] && [ -O "$__seqera_file" ] &&
      [ ! -L "$__seqera_file" ] && [ -r "$__seqera_file" ] && __seqera_sealed || continue
    while IFS='' read -r __seqera_v; do
      case $PWD/ in
      "${__seqera_v#* }"/*)
        if [ ${#__seqera_v} -ge ${#__seqera_best} ]; then __seqera_best=${__seqera_v#* } __seqera_name=${__seqera_v%% *}; fi
        ;;
      esac
    done <"$__seqera_file"
    break
  done
  case $__seqera_name in *[!A-Za-z0-9_-]*) __seqera_name='' ;; esac
  __seqera_name=${__seqera_name:+$__seqera_name.}mark
}

seqera_with() {
  for __seqera_v in "$@"; do
    case $__seqera_v in
    '' | *[!A-Za-z0-9_]* | [0-9]*) echo "seqera_with: '$__seqera_v' cannot be the name of a function" >&2 ;;
    *)
      eval "$__seqera_v() { seqera_hook || :; command $__seqera_v \"\$@\"; }"
      __seqera_wrapped="$__seqera_wrapped $__seqera_v"
      ;;
    esac
  done
}

__seqera_off() {
  for __seqera_v in $__seqera_wrapped; do unset -f "$__seqera_v"; done
  unset -f seqera_hook seqera_with __seqera_read __seqera_sealed __seqera_bind __seqera_off
  unset SEQERA_PROMPT __seqera_dir __seqera_home __seqera_options __seqera_rc __seqera_file __seqera_v __seqera_g \
    __seqera_s __seqera_l __seqera_p __seqera_n __seqera_one __seqera_own __seqera_run __seqera_seen __seqera_again \
    __seqera_tty __seqera_wrapped __seqera_flags __seqera_far __seqera_last __seqera_due __seqera_name __seqera_best \
    __seqera_known __seqera_bad
}

# What an inherited token was exported for; a nested shell has no need to ask again.
__seqera_seen=${SEQERA_ENV-}
__seqera_seen=${__seqera_seen%%:*}
# Controls, spaces and the signs that a shell or a prompt acts on.
__seqera_bad=$(printf '%b' '*[\0001-\0037\0177 !"#$%&()*+,.;<=>^{|}~\0134\0134`]*')
__seqera_again='' __seqera_last='' __seqera_wrapped=${__seqera_wrapped-}
__seqera_tty=$(tty 2>/dev/null) || __seqera_tty=''
case $- in
*[vx]*)
  __seqera_flags=$-
  set +vx
  __seqera_known=${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}
  case $__seqera_flags in *x*v* | *v*x*) set -vx ;; *x*) set -x ;; *v*) set -v ;; esac
  ;;
*) __seqera_known=${SEQERA_ENV-}:${SEQERA_HOOK_EACH-} ;;
esac
case $- in
*i*)
  # A run that the Platform started has a token of its own.
  __seqera_run=''
  __seqera_run=$__seqera_run${SEQERA_HOOK_RUN-}
  if [ -n "$__seqera_run" ]; then
    seqera_hook() { return $?; }
  fi
  ;;
*)
  seqera_with() { :; }
  ;;
esac
