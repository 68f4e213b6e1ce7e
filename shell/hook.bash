# Keeps the exported token of this shell fresh. In ~/.bashrc, at the end:  eval "$(seqera hook bash)"
#
# At each prompt it reads one line, the mark, with builtins alone, and is done if that is as it was and nothing is
# due; `seqera hook-env` runs only when the login changed or the token is due. Before this file stand assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
#   __seqera_preexec  "debug": also before each command, through a DEBUG trap (bash from 5.3 needs none)
# For a prompt: PS1='${seqera_prompt:+$seqera_prompt }'"$PS1". Written for bash 3.2 and later. When it is printed,
# SEQERA_HOOK_… become the names of the platforms and of their variables.
#
# shellcheck disable=SC2034,SC2154 # variables for the prompt, and those set before this file
# shellcheck disable=SC2071 # times have ten digits, so text compares as numbers do
# shellcheck disable=SC2053 # what no name holds is a pattern
# shellcheck disable=SC2086 # options are none or one word, and IFS is a space
# shellcheck disable=SC2119,SC2120 # an argument comes from those who call the hook before a command
# shellcheck disable=SC2016,SC2128,SC2178 # text that bash evaluates later; PROMPT_COMMAND may be an array or not

__seqera_hook() {
  \local rc="$?" now="${EPOCHSECONDS-}" line=''
  # No trace shows a token, and no trap of the person's runs for what is ours.
  if [[ $SHELLOPTS == *trace* || $SHELLOPTS == *verbose* ]]; then
    \local flags="$-"
    \set +vxTE
    __seqera_hook
    [[ ${1-} == --prompt ]] || rc=0
    \set "-${flags//[!vxTE]/}"
    return "$rc"
  else
    if [[ -f $__seqera_file && -r $__seqera_file ]]; then
      IFS='' \read -r "${__seqera_some?}" line <"$__seqera_file" || :
    fi
    [[ $now ]] || __seqera_clock
    # Times are compared as text: arithmetic would run what a file says.
    if [[ $line != "$__seqera_line" || ! $now < $__seqera_until ||
      ${SEQERA_PROFILE-}:$PWD:${SEQERA_ENV-}:${SEQERA_HOOK_EACH-} != "$__seqera_key" ]]; then
      __seqera_look
    fi
  fi
  # Others before a command take a failure for a wish that it should not run.
  if [[ ${1-} == --prompt ]]; then return "$rc"; fi
  return 0
}

# Behind the hooks of others, such as direnv's, that choose a profile.
__seqera_after() {
  \local rc="$?"
  if [[ ${SEQERA_PROFILE-} != "$__seqera_profile" ]]; then __seqera_hook; fi
  return "$rc"
}

# Something is not as it was. A second time to see what the first has changed.
__seqera_look() {
  \local IFS=' ' turn name g n w x s l p own far
  __seqera_profile=${SEQERA_PROFILE-}
  for turn in 1 2; do
    __seqera_bind
    name="${name:+$name.}mark"
    g='' far=''
    if [[ $__seqera_home != "$__seqera_dir" ]] && __seqera_read "$__seqera_home" "$name"; then far=$g; fi
    __seqera_file=$__seqera_dir/$name
    if ! __seqera_read "$__seqera_dir" "$name"; then
      if [[ $far ]]; then
        __seqera_file=$__seqera_home/$name
        __seqera_read "$__seqera_home" "$name" || :
      else
        g=- n=0
      fi
    fi
    own=''
    [[ ${p:-SEQERA_HOOK_FIRST} != SEQERA_HOOK_PROVIDER ]] || own+=${SEQERA_HOOK_TOKEN-}
    if [[ -z ${SEQERA_ENV-} && -n $own ]]; then
      s='env' # the person's own token
      break
    fi
    # What was exported may end sooner than the mark says.
    case ${SEQERA_ENV:+${SEQERA_TOKEN_EXPIRES_AT-}} in
    [1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9])
      if [[ ! $((SEQERA_TOKEN_EXPIRES_AT - 60)) > $n ]]; then n=$((SEQERA_TOKEN_EXPIRES_AT - 60)); fi
      ;;
    esac
    if [[ $turn == 2 && (-z ${SEQERA_ENV-} || ${SEQERA_ENV%%:*} == "$g") ]]; then
      __seqera_seen=$g # that is what the program has just seen to
      if [[ $g == - ]] && ((__seqera_wait < 480)); then __seqera_wait=$((__seqera_wait * 2)); fi
    fi
    own=${SEQERA_HOOK_EACH-}
    if [[ $__seqera_known == - ]]; then __seqera_known=${SEQERA_ENV-}:$own; fi
    if [[ $g == "$__seqera_seen" && (-z $far || $far == "$g" || $far == "$__seqera_far") &&
      (-z $own || ${SEQERA_ENV-}:$own == "$__seqera_known") &&
      ($now < $n || $now < $__seqera_retry) ]]; then break; fi
    __seqera_ask "$g" "$now"
    __seqera_far=$far
  done

  __seqera_line=''
  if [[ -f $__seqera_file && -r $__seqera_file ]]; then
    IFS='' \read -r "${__seqera_some?}" __seqera_line <"$__seqera_file" || :
  fi
  __seqera_key=${SEQERA_PROFILE-}:$PWD:${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}
  # Once a minute the home is looked at, too.
  __seqera_until=$((now + 60))
  for turn in "$n" "$w" "$x" "$__seqera_retry"; do
    if [[ $turn > $now && $turn < $__seqera_until ]]; then __seqera_until=$turn; fi
  done

  case $s in
  fresh | ending)
    if [[ ! $now < $x ]]; then
      l+='!'
    elif [[ ! $now < $w ]]; then
      l+='~'
    fi
    ;;
  ended) l+='!' ;;
  env) l='env' ;;
  *) l='' ;;
  esac
  if [[ $l != "$__seqera_shown" ]]; then __seqera_show "$l"; fi
}

# Reads a mark. One that is not a small file of the person's own, or makes no sense, is not there.
__seqera_read() {
  \local text='' rest file="$1/$2"
  g='' n=9999999999 w=9999999999 x=9999999999 s='' l='' p=''
  [[ -O $1 && ! -L $1 && -f $file && -O $file && ! -L $file && -r $file ]] || return 1
  if IFS='' \read -r -d '' -n 512 text <"$file"; then return 1; fi # it goes on
  IFS=' ' \read -r text g n w x rest rest rest s l p <"$file" || :
  if [[ $text == 1 && $g == *[.][0-9]* && $g != *[!A-Za-z0-9_.-]* && ${#n}${#w}${#x} == 101010 &&
    $n$w$x != *[!0-9]* && :fresh:ending:ended:out: == *":${s:--}:"* && $p != *[!a-z]* &&
    -n $l && $l != $__seqera_sign ]]; then return 0; fi
  g='' n=9999999999 w=9999999999 x=9999999999 s='' l='' p=''
  return 1
}

# The profile of this shell, else of the folder: the nearest one that was bound.
__seqera_bind() {
  \local dir bound path best=''
  name=${SEQERA_PROFILE-}
  [[ ! $name ]] || return 0
  for dir in "$__seqera_dir" "$__seqera_home"; do
    [[ -O $dir && ! -L $dir && -f $dir/folders && -O $dir/folders && ! -L $dir/folders && -r $dir/folders ]] || continue
    while IFS='' \read -r path; do
      bound=${path%% *} path=${path#* }
      if [[ $PWD/ == "$path"/* && ${#path} -ge ${#best} ]]; then best=$path name=$bound; fi
    done <"$dir/folders"
    break
  done
  case $name in *[!A-Za-z0-9_-]*) name='' ;; esac
}

# What is remembered is set before the program runs: an interrupt, a crash or a missing program then costs no
# second try at the next prompt.
__seqera_ask() {
  \local out again=''
  if ((__seqera_wait > 30)); then again='--again'; fi
  __seqera_seen=$1 __seqera_retry=$(($2 + __seqera_wait))
  if out=$(SEQERA_PROFILE=${SEQERA_PROFILE-} \command seqera hook-env bash $__seqera_options $again \
    </dev/null 2>/dev/null); then
    __seqera_wait=30
  elif ((__seqera_wait < 480)); then
    __seqera_wait=$((__seqera_wait * 2))
  fi
  \eval "$out" || :
  __seqera_known=${SEQERA_ENV-}:${SEQERA_HOOK_EACH-}
}

__seqera_show() {
  \local text="$1" colour=32
  __seqera_shown=$1
  case $text in
  *~) colour=33 ;;
  *!) colour=31 ;;
  env) colour=36 ;;
  esac
  \export SEQERA_PROMPT="$text"
  seqera_prompt=$text
  # Where lines are not edited, nobody takes the marks of width away.
  if [[ -n $text && -z ${NO_COLOR-} && ${TERM:-dumb} != dumb && -z ${INSIDE_EMACS-} &&
    (:${SHELLOPTS-}: == *:emacs:* || :${SHELLOPTS-}: == *:vi:*) ]]; then
    seqera_prompt=$'\001\e['${colour}$'m\002'$text$'\001\e[0m\002'
  fi
}

# Bash before 5.0 has no EPOCHSECONDS, before 4.2 no clock but SECONDS, which anyone may set back.
__seqera_clock() {
  if ! printf -v now '%(%s)T' -1 2>/dev/null; then
    if ((SECONDS < ${__seqera_last:-2147483647})); then
      __seqera_base=$(($(\command date +%s) - SECONDS))
    fi
    __seqera_last=$SECONDS now=$((__seqera_base + SECONDS))
  fi
}

# A DEBUG trap runs before every simple command: once a second is enough, and $_ stays what it was.
__seqera_debug() {
  if [[ $SECONDS != "${__seqera_second-}" ]]; then
    __seqera_second=$SECONDS
    __seqera_hook || :
  fi
  : "$1"
}

__seqera_off() {
  \local list name entry call end=$';\n'
  \local -a kept
  for list in PROMPT_COMMAND __vsc_original_prompt_command STARSHIP_PROMPT_COMMAND precmd_functions preexec_functions; do
    \eval "entry=\"\${${list}[*]-}\""
    if [[ $entry != *__seqera_* ]]; then continue; fi
    kept=() name="${list}[@]"
    for entry in "${!name}"; do
      for call in '__seqera_hook --prompt && __seqera_ok()(:)' '__seqera_after && __seqera_ok()(:)' __seqera_hook; do
        # Others write before and behind us, and bash-preexec writes lines.
        entry=${entry//"$call"["$end"]/}
        entry=${entry%["$end"]"$call"}
        if [[ $entry == "$call" ]]; then continue 2; fi
        entry=${entry//"$call"/:}
      done
      kept+=("$entry")
    done
    if ((${#kept[@]} == 0)); then
      unset "$list"
    elif [[ $(declare -p "$list") == "declare -a"* ]]; then
      \eval "$list=(\"\${kept[@]}\")"
    else
      \eval "$list=\${kept[0]}"
    fi
  done
  if [[ ${PS0-} == *__seqera_hook* ]]; then
    PS0=${PS0//'${ __seqera_hook >&2; }'/}
    if [[ ! $PS0 ]]; then unset PS0; fi
  fi
  if [[ $(trap -p DEBUG) == *__seqera_debug* ]]; then trap - DEBUG; fi
  if [[ -n ${BLE_VERSION-} ]]; then blehook PREEXEC-=__seqera_hook; fi
  unset SEQERA_PROMPT seqera_prompt __seqera_dir __seqera_home __seqera_options __seqera_preexec __seqera_seen \
    __seqera_retry __seqera_wait __seqera_shown __seqera_line __seqera_until __seqera_last __seqera_base \
    __seqera_second __seqera_run __seqera_file __seqera_key __seqera_known __seqera_far __seqera_profile __seqera_sign __seqera_some
  unset -f __seqera_hook __seqera_after __seqera_look __seqera_read __seqera_bind __seqera_ask __seqera_show \
    __seqera_clock __seqera_debug __seqera_ok __seqera_off
}
declare -ft __seqera_off # a function without this attribute finds its caller's DEBUG trap again when it ends

# Not in scripts, and not in a run that the Platform started, which has a token of its own.
__seqera_run=''
__seqera_run+=${SEQERA_HOOK_RUN-}
if [[ $- == *i* && -z $__seqera_run ]]; then
  # What an inherited token was exported for; a nested shell or a tmux pane has no need to ask again.
  __seqera_seen=${SEQERA_ENV-} __seqera_retry=0 __seqera_wait=30 __seqera_shown=- __seqera_line=- __seqera_until=0
  __seqera_seen=${__seqera_seen%%:*} __seqera_known=-
  __seqera_file='' __seqera_key='' __seqera_far='' __seqera_profile=''
  # So much at once; before bash 4.1, so much of the line, each letter by a call of its own.
  __seqera_some=-N512
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 401)); then __seqera_some=-n512; fi

  # What acts in a shell or a prompt: no name holds any of it.
  __seqera_sign='*[][:cntrl:][:space:]!"#$%&'\''()*+,.:;<=>\\^`{|}~[]*'

  # The form of these two calls spares the person's traps: an ERR trap does not run for a failure inside a && list, and
  # a DEBUG trap does not run for the definition of a function. So a DEBUG trap runs once for each call.
  case " ${PROMPT_COMMAND[*]-} ${__vsc_original_prompt_command[*]-} ${STARSHIP_PROMPT_COMMAND[*]-} ${precmd_functions[*]-} " in
  *__seqera_hook*) ;; # sourced twice
  *)
    if [[ -n ${bash_preexec_imported-}${__bp_imported-} ]]; then
      precmd_functions+=(__seqera_hook)
      preexec_functions+=(__seqera_hook)
    elif __seqera_run=$(declare -p PROMPT_COMMAND 2>/dev/null) && __seqera_run=${__seqera_run#declare } &&
      [[ ${__seqera_run%% *} == *r* ]]; then
      # Nothing runs at a prompt then: what a command needs is seen to before it.
      __seqera_preexec=debug
      if [[ $- != *c* ]]; then __seqera_line=''; fi
      printf '%s\n' 'seqera: PROMPT_COMMAND is read-only, so the prompt does not follow the login:' \
        '  load the hook before the line that makes it read-only' >&2
    elif [[ $(declare -p PROMPT_COMMAND 2>/dev/null) == "declare -a"* ]]; then
      PROMPT_COMMAND=('__seqera_hook --prompt && __seqera_ok()(:)' ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"} '__seqera_after && __seqera_ok()(:)')
    else
      PROMPT_COMMAND="__seqera_hook --prompt && __seqera_ok()(:)${PROMPT_COMMAND:+;$PROMPT_COMMAND$'\n'__seqera_after && __seqera_ok()(:)}"
    fi
    ;;
  esac

  unset __seqera_run
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 503)); then
    __seqera_preexec=ps0
    # VS Code takes the first command that its DEBUG trap sees for the person's, and PS0 would run ours before that;
    # it calls a DEBUG trap that it finds once for each line.
    if [[ ${TERM_PROGRAM-} == vscode ]]; then __seqera_preexec=debug; fi
  fi
  if [[ ${preexec_functions[*]-} == *__seqera_hook* ]]; then
    : # it calls us
  elif [[ -n ${BLE_VERSION-} ]]; then
    blehook PREEXEC!=__seqera_hook
  elif [[ $__seqera_preexec == debug ]]; then
    # Not before the first prompt, and not when the hook is gone and someone has kept a copy of this.
    if [[ -z $(trap -p DEBUG) ]]; then trap '[[ ${__seqera_line--} == - ]] || __seqera_debug "$_"' DEBUG; fi
  elif [[ $__seqera_preexec == ps0 && ${PS0-} != *__seqera_hook* ]]; then
    PS0='${ __seqera_hook >&2; }'${PS0-}
  fi
fi
