# Keeps the exported token of this shell fresh. In ~/.zshrc, at the end:  eval "$(seqera hook zsh)"
#
# At each prompt and before each command it reads one line, the mark, with builtins alone, and is done if that is
# as it was and nothing is due; `seqera hook-env` runs only when the login changed or the token is due. Before this file stand two assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt: setopt prompt_subst; PROMPT='${seqera_prompt:+$seqera_prompt }'$PROMPT

__seqera_hook() {
  emulate -L zsh -o no_xtrace
  local line=$__seqera_dir/${SEQERA_PROFILE:+$SEQERA_PROFILE.}mark
  if [[ -r $line ]]; then line=$(<$line); else line=; fi
  # Times are compared as text: arithmetic would run what a file says.
  [[ $line == "$__seqera_line" && $EPOCHSECONDS < $__seqera_until && -n ${SEQERA_ENV-} ]] || __seqera_look
}

# Something is not as it was. A second time to see what the first has changed.
__seqera_look() {
  emulate -L zsh -o no_xtrace
  local -a m
  local turn l time own
  for turn in 1 2; do
    l=$__seqera_dir/${SEQERA_PROFILE:+$SEQERA_PROFILE.}mark
    if [[ -r $l ]]; then __seqera_line=$(<$l); else __seqera_line=; fi
    m=(${(s: :)__seqera_line}) own=
    [[ ${m[11]:-SEQERA_HOOK_FIRST} != SEQERA_HOOK_PROVIDER ]] || own+=${SEQERA_HOOK_TOKEN-}
    if [[ -z ${SEQERA_ENV-} && -n $own ]]; then
      m[9]=env # the person's own token
      break
    fi
    [[ ${m[2]-} == "$__seqera_seen" &&
      ($EPOCHSECONDS < ${m[3]:-9} || $EPOCHSECONDS < $__seqera_retry) ]] && break
    __seqera_ask "${m[2]-}"
  done

  __seqera_until=9999999999
  for time in $m[3,5] $__seqera_retry; do
    [[ $time > $EPOCHSECONDS && $time < $__seqera_until ]] && __seqera_until=$time
  done

  l=${m[10]-}
  case ${m[9]-} in
    (fresh|ending)
      if [[ ! $EPOCHSECONDS < ${m[5]-} ]]; then
        l+='!'
      elif [[ ! $EPOCHSECONDS < ${m[4]-} ]]; then
        l+='~'
      fi
      ;;
    (ended) l+='!' ;;
    (env) l=env ;;
    (*) l= ;;
  esac
  [[ $l == "$__seqera_shown" ]] || __seqera_show $l
}

# What is remembered is set before the program runs: an interrupt, a crash or a missing program then costs no
# second try at the next prompt.
__seqera_ask() {
  emulate -L zsh -o no_xtrace
  local out
  local -a options=($__seqera_options)
  ((__seqera_wait > 30)) && options+=(--again)
  __seqera_seen=$1
  ((__seqera_retry = EPOCHSECONDS + __seqera_wait))
  if out=$(SEQERA_PROFILE=${SEQERA_PROFILE-} command seqera hook-env zsh $options </dev/null 2>/dev/null); then
    __seqera_wait=30
  elif ((__seqera_wait < 480)); then
    ((__seqera_wait *= 2))
  fi
  eval $out
}

__seqera_show() {
  emulate -L zsh -o no_xtrace
  local text=$1 colour=green
  __seqera_shown=$1
  case $text in
    (*[^A-Za-z0-9_/@?~!-]*) text='?' colour=red ;; # no mark of ours
    (*\~) colour=yellow ;;
    (*\!) colour=red ;;
    (env) colour=cyan ;;
  esac
  export SEQERA_PROMPT=$text
  typeset -g seqera_prompt=$text
  [[ -z $text || -n ${NO_COLOR-} ]] || seqera_prompt="%F{$colour}$text%f"
}

__seqera_off() {
  add-zsh-hook -d precmd __seqera_hook
  add-zsh-hook -d preexec __seqera_hook
  unfunction __seqera_hook __seqera_look __seqera_ask __seqera_show __seqera_off
  unset SEQERA_PROMPT seqera_prompt __seqera_dir __seqera_options __seqera_seen \
    __seqera_retry __seqera_wait __seqera_shown __seqera_line __seqera_until __seqera_run
}

# Not in scripts, and not in a run that the Platform started, which has a token of its own.
__seqera_run=
__seqera_run+=${SEQERA_HOOK_RUN-}
if [[ -o interactive && -z $__seqera_run ]] && zmodload zsh/datetime; then
  # What an inherited token was exported for; a nested shell or a tmux pane has no need to ask again.
  __seqera_seen=${SEQERA_ENV-} __seqera_shown=- __seqera_line=- __seqera_until=0
  __seqera_seen=${__seqera_seen%%:*}
  typeset -gi __seqera_retry=0 __seqera_wait=30

  autoload -Uz add-zsh-hook
  add-zsh-hook precmd __seqera_hook
  add-zsh-hook preexec __seqera_hook
fi
