# Keeps the exported token of this shell fresh. In ~/.zshrc, at the end:  eval "$(seqera hook zsh)"
#
# At each prompt and before each command it reads one line, the mark, with builtins alone, and is done if that is
# as it was and nothing is due; `seqera hook-env` runs only when the login changed or the token is due. Before this
# file stand assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
# For a prompt: setopt prompt_subst; PROMPT='${seqera_prompt:+$seqera_prompt }'$PROMPT. When it is printed,
# SEQERA_HOOK_… become the names of the platforms and of their variables.

__seqera_hook() {
  # One list, before which a DEBUG trap of the person's runs once; zsh has no function without that.
  # Times are compared as text: arithmetic would run what a file says.
  emulate -L zsh -o no_xtrace -o no_verbose && local line= && [[ ! -f $__seqera_file || ! -r $__seqera_file ]] ||
    sysread -s 512 line <$__seqera_file && [[ $line == "$__seqera_line" && $EPOCHSECONDS < $__seqera_until &&
      ${SEQERA_PROFILE-}:$PWD:${SEQERA_ENV-}:${SEQERA_HOOK_EACH-} == "$__seqera_key" ]] && return 0 ||
    trap - DEBUG ZERR && __seqera_look || :
}

# Something is not as it was. A second time to see what the first has changed.
__seqera_look() {
  emulate -L zsh -o no_xtrace -o no_verbose
  local -a m
  local turn l time own name far now=$EPOCHSECONDS next
  for turn in 1 2; do
    __seqera_bind
    name=${name:+$name.}mark far=
    if [[ $__seqera_home != "$__seqera_dir" ]] && __seqera_read $__seqera_home $name; then far=$m[2]; fi
    typeset -g __seqera_file=$__seqera_dir/$name
    if ! __seqera_read $__seqera_dir $name; then
      if [[ -n $far ]]; then
        __seqera_file=$__seqera_home/$name
        __seqera_read $__seqera_home $name
      else
        m=(1 - 0 9999999999 9999999999 0 0 0 none '')
      fi
    fi
    own=
    [[ ${m[11]:-SEQERA_HOOK_FIRST} != SEQERA_HOOK_PROVIDER ]] || own+=${SEQERA_HOOK_TOKEN-}
    if [[ -z ${SEQERA_ENV-} && -n $own ]]; then
      m[9]=env # the person's own token
      break
    fi
    next=$m[3]
    # What was exported may end sooner than the mark says.
    if [[ -n ${SEQERA_ENV-} && ${SEQERA_TOKEN_EXPIRES_AT-} == [1-9]<0-999999999> && ${#SEQERA_TOKEN_EXPIRES_AT} == 10 ]]; then
      time=$((SEQERA_TOKEN_EXPIRES_AT - 60))
      [[ $time > $next ]] || next=$time
    fi
    if [[ $turn == 2 && (-z ${SEQERA_ENV-} || ${SEQERA_ENV%%:*} == "$m[2]") ]]; then
      typeset -g __seqera_seen=$m[2] # that is what the program has just seen to
      [[ $m[2] != - ]] || ((__seqera_wait >= 480)) || ((__seqera_wait *= 2))
    fi
    own=${SEQERA_HOOK_EACH-}
    [[ $__seqera_known != - ]] || typeset -g __seqera_known=${SEQERA_ENV-}:$own
    [[ $m[2] == "$__seqera_seen" && (-z $far || $far == "$m[2]" || $far == "$__seqera_far") &&
      (-z $own || ${SEQERA_ENV-}:$own == "$__seqera_known") &&
      ($now < $next || $now < $__seqera_retry) ]] && break
    __seqera_ask $m[2]
    typeset -g __seqera_far=$far
  done

  typeset -g __seqera_line=
  [[ -f $__seqera_file && -r $__seqera_file ]] && sysread -s 512 __seqera_line <$__seqera_file
  typeset -g __seqera_key=${SEQERA_PROFILE-}:$PWD:${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}
  # Once a minute the home is looked at, too.
  typeset -g __seqera_until=$((now + 60))
  for time in $next $m[4,5] $__seqera_retry; do
    [[ $time > $now && $time < $__seqera_until ]] && __seqera_until=$time
  done

  l=${m[10]-}
  case ${m[9]-} in
    (fresh|ending)
      if [[ ! $now < ${m[5]-} ]]; then
        l+='!'
      elif [[ ! $now < ${m[4]-} ]]; then
        l+='~'
      fi
      ;;
    (ended) l+='!' ;;
    (env) l=env ;;
    (*) l= ;;
  esac
  [[ $l == "$__seqera_shown" ]] || __seqera_show $l
}

# Reads a mark into m. One that is not a small file of the person's own, or makes no sense, is not there.
__seqera_read() {
  local text= file=$1/$2
  m=()
  [[ -O $1 && ! -L $1 && -f $file && -O $file && ! -L $file && -r $file ]] || return 1
  # A folder that others may write is none.
  local -a open=($1(Nf:o+w:) $1(Nf:g+w:))
  (( $#open == 0 )) || return 1
  sysread -s 512 text <$file || return 1
  m=(${(s: :)text%$'\n'})
  [[ ${m[1]-} == 1 && $m[2] == [A-Za-z0-9_-]*.<-> && -z ${m[2]//[A-Za-z0-9_.-]/} && $m[3] == <-> && $m[4] == <-> && $m[5] == <-> &&
    ${#m[3]}${#m[4]}${#m[5]} == 101010 && $m[9] == (fresh|ending|ended|out) && -n $m[10] &&
    $m[10] != *[[:cntrl:][:space:]!\"\#\$%\&\'\(\)\*+,.:\;\<=\>\[\]\\\^\`\{\|\}\~]* &&
    ${m[11]:-none} != *[^a-z]* ]] || { m=(); return 1 }
}

# The profile of this shell, else of the folder: the nearest one that was bound.
__seqera_bind() {
  local dir line bound path best=
  name=${SEQERA_PROFILE-}
  [[ -z $name ]] || return 0
  for dir in $__seqera_dir $__seqera_home; do
    [[ -O $dir && ! -L $dir && -f $dir/folders && -O $dir/folders && ! -L $dir/folders && -r $dir/folders ]] || continue
    for line in ${(f)"$(<$dir/folders)"}; do
      bound=${line%% *} path=${line#* }
      [[ $PWD/ == $path/* && $#path -ge $#best ]] && best=$path name=$bound
    done
    break
  done
  [[ $name != *[^A-Za-z0-9_-]* ]] || name=
}

# What is remembered is set before the program runs: an interrupt, a crash or a missing program then costs no
# second try at the next prompt.
__seqera_ask() {
  emulate -L zsh -o no_xtrace -o no_verbose
  local out
  local -a options=(${=__seqera_options})
  ((__seqera_wait > 30)) && options+=(--again)
  typeset -g __seqera_seen=$1
  ((__seqera_retry = EPOCHSECONDS + __seqera_wait))
  if out=$(SEQERA_PROFILE=${SEQERA_PROFILE-} command seqera hook-env zsh $options </dev/null 2>/dev/null); then
    __seqera_wait=30
  elif ((__seqera_wait < 480)); then
    ((__seqera_wait *= 2))
  fi
  eval $out
  typeset -g __seqera_known=${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}
}

__seqera_show() {
  emulate -L zsh -o no_xtrace -o no_verbose
  local text=$1 colour=green
  typeset -g __seqera_shown=$1
  case $text in
    (*\~) colour=yellow ;;
    (*\!) colour=red ;;
    (env) colour=cyan ;;
  esac
  export SEQERA_PROMPT=$text
  typeset -g seqera_prompt=$text
  [[ -z $text || -n ${NO_COLOR-} || ${TERM:-dumb} == dumb || -n ${INSIDE_EMACS-} ]] ||
    seqera_prompt="%F{$colour}$text%f"
}

__seqera_off() {
  emulate -L zsh -o no_xtrace -o no_verbose
  add-zsh-hook -d precmd __seqera_hook
  add-zsh-hook -d preexec __seqera_hook
  unfunction __seqera_hook __seqera_look __seqera_read __seqera_bind __seqera_ask __seqera_show __seqera_off
  unset SEQERA_PROMPT seqera_prompt __seqera_dir __seqera_home __seqera_options __seqera_seen __seqera_file \
    __seqera_key __seqera_known __seqera_far __seqera_retry __seqera_wait __seqera_shown __seqera_line \
    __seqera_until __seqera_run
}

# Not in scripts, and not in a run that the Platform started, which has a token of its own.
typeset -g __seqera_run=
typeset -g __seqera_run=$__seqera_run${SEQERA_HOOK_RUN-}
if [[ -o interactive && -z $__seqera_run ]] && zmodload zsh/datetime && zmodload -F zsh/system b:sysread; then
  # What an inherited token was exported for; a nested shell or a tmux pane has no need to ask again.
  typeset -g __seqera_seen=${SEQERA_ENV-} __seqera_shown=- __seqera_line=- __seqera_until=0
  typeset -g __seqera_file= __seqera_key= __seqera_known=- __seqera_far=
  typeset -g __seqera_seen=${__seqera_seen%%:*}
  typeset -gi __seqera_retry=0 __seqera_wait=30

  autoload -Uz add-zsh-hook
  add-zsh-hook precmd __seqera_hook
  add-zsh-hook preexec __seqera_hook
fi
