# Keeps the exported token fresh in a POSIX shell (dash, ash, ksh, mksh, yash). In the file that ENV names:
#   eval "$(seqera hook posix)"
#   seqera_with nextflow tw
#
# These shells have no place for a hook, so the commands that need the token are wrapped: before they run, one
# line, the mark, is read with builtins alone; `seqera hook-env` runs only when the login changed or the token
# is due. Before this file stand two assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt: PS1='${SEQERA_PROMPT:+$SEQERA_PROMPT }$ '
#
# shellcheck disable=SC2154 # what is set before this file
# shellcheck disable=SC3013 # every shell named above knows -nt
# shellcheck disable=SC2086 # options, none or one word each

seqera_hook() {
  __seqera_rc=$?
  __seqera_file=$__seqera_dir/${SEQERA_PROFILE:+$SEQERA_PROFILE.}mark
  __seqera_g='' __seqera_s='' __seqera_l='' __seqera_p='' __seqera_own=''
  if [ -r "$__seqera_file" ]; then
    IFS=' ' read -r __seqera_v __seqera_g __seqera_v __seqera_v __seqera_v __seqera_v __seqera_v __seqera_v \
      __seqera_s __seqera_l __seqera_p <"$__seqera_file" || :
  fi
  [ "${__seqera_p:-SEQERA_HOOK_FIRST}" != SEQERA_HOOK_PROVIDER ] || __seqera_own=$__seqera_own${SEQERA_HOOK_TOKEN-}
  if [ -z "${SEQERA_ENV-}" ] && [ -n "$__seqera_own" ]; then
    __seqera_s='env' # the person's own token
  # The clock: the terminal was used just now, and the mark's second file is as old as the token is due.
  elif [ "$__seqera_g" != "$__seqera_seen" ] ||
    { [ -n "$__seqera_tty" ] && [ "$__seqera_tty" -nt "$__seqera_file.due" ] && [ -e "$__seqera_file.due" ]; }; then
    __seqera_seen=$__seqera_g
    if __seqera_v=$(SEQERA_PROFILE=${SEQERA_PROFILE-} command seqera hook-env posix $__seqera_options \
      $__seqera_again </dev/null 2>/dev/null); then __seqera_again=''; else __seqera_again='--again'; fi
    eval "$__seqera_v" || :
  fi
  case $__seqera_s:$__seqera_l in
  fresh:*[!A-Za-z0-9_/@?-]* | ending:*[!A-Za-z0-9_/@?-]* | ended:*[!A-Za-z0-9_/@?-]*) SEQERA_PROMPT='?' ;;
  fresh:*) SEQERA_PROMPT=$__seqera_l ;;
  ending:*) SEQERA_PROMPT=$__seqera_l~ ;;
  ended:*) SEQERA_PROMPT=$__seqera_l! ;;
  env:*) SEQERA_PROMPT='env' ;;
  *) SEQERA_PROMPT='' ;;
  esac
  export SEQERA_PROMPT
  return "$__seqera_rc"
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
  unset -f seqera_hook seqera_with __seqera_off
  unset SEQERA_PROMPT __seqera_dir __seqera_options __seqera_rc __seqera_file __seqera_v __seqera_g __seqera_s \
    __seqera_l __seqera_p __seqera_own __seqera_run __seqera_seen __seqera_again __seqera_tty __seqera_wrapped
}

# What an inherited token was exported for; a nested shell has no need to ask again.
__seqera_seen=${SEQERA_ENV-}
__seqera_seen=${__seqera_seen%%:*}
__seqera_again='' __seqera_wrapped=${__seqera_wrapped-}
__seqera_tty=$(tty 2>/dev/null) || __seqera_tty=''
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
