# Keeps the exported token of this shell fresh. In ~/.bashrc, at the end:  eval "$(seqera hook bash)"
#
# At each prompt it reads one line, the mark, with builtins alone, and is done if that is as it was and nothing is
# due; `seqera hook-env` runs only when the login changed or the token is due. Before this file stand three assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
#   __seqera_preexec  "debug": also before each command, through a DEBUG trap (bash from 5.3 needs none)
# For a prompt: PS1='${seqera_prompt:+$seqera_prompt }'"$PS1". Written for bash 3.2 and later.
#
# shellcheck disable=SC2034,SC2154 # variables for the prompt, and those set before this file
# shellcheck disable=SC2071 # times have ten digits, so text compares as numbers do
# shellcheck disable=SC2086 # options are none or one word, and IFS is a space
# shellcheck disable=SC2119,SC2120 # an argument comes from those who call the hook before a command
# shellcheck disable=SC2016,SC2128,SC2178 # text that bash evaluates later; PROMPT_COMMAND may be an array or not

__seqera_hook() {
  \local rc="$?" now="${EPOCHSECONDS-}" line="$__seqera_dir/${SEQERA_PROFILE:+$SEQERA_PROFILE.}mark"
  if [[ -r $line ]]; then IFS='' \read -r line <"$line" || :; else line=''; fi
  [[ $now ]] || __seqera_clock
  # Times are compared as text: arithmetic would run what a file says.
  if [[ $line != "$__seqera_line" || ! $now < $__seqera_until || -z ${SEQERA_ENV-} ]]; then __seqera_look; fi
  # A failing hook would end the shell, or, called by bash-preexec with a command, keep that from being run.
  if [[ $- == *e* || $# -gt 0 ]]; then return 0; fi
  return "$rc"
}

# Something is not as it was. A second time to see what the first has changed.
__seqera_look() {
  \local IFS=' ' turn g n w x s l p own file="$__seqera_dir/${SEQERA_PROFILE:+$SEQERA_PROFILE.}mark"
  for turn in 1 2; do
    line='' g='' n='' w='' x='' s='' l='' p='' own=''
    if [[ -r $file ]]; then
      IFS='' \read -r line <"$file" || :
      \read -r g g n w x s s s s l p <"$file" || :
    fi
    [[ ${p:-SEQERA_HOOK_FIRST} != SEQERA_HOOK_PROVIDER ]] || own+=${SEQERA_HOOK_TOKEN-}
    if [[ -z ${SEQERA_ENV-} && -n $own ]]; then
      s='env' # the person's own token
      break
    fi
    if [[ $g == "$__seqera_seen" && ($now < ${n:-9} || $now < $__seqera_retry) ]]; then break; fi
    __seqera_ask "$g" "$now"
  done

  __seqera_line=$line __seqera_until=9999999999
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
}

__seqera_show() {
  \local text="$1" colour=32
  __seqera_shown=$1
  case $text in
  *[!A-Za-z0-9_/@?~!-]*) text='?' colour=31 ;; # no mark of ours
  *~) colour=33 ;;
  *!) colour=31 ;;
  env) colour=36 ;;
  esac
  \export SEQERA_PROMPT="$text"
  seqera_prompt=$text
  if [[ -n $text && -z ${NO_COLOR-} ]]; then
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
  \local list name entry end=$';\n'
  \local -a kept
  for list in PROMPT_COMMAND __vsc_original_prompt_command STARSHIP_PROMPT_COMMAND precmd_functions preexec_functions; do
    \eval "entry=\"\${${list}[*]-}\""
    if [[ $entry != *__seqera_hook* ]]; then continue; fi
    kept=() name="${list}[@]"
    for entry in "${!name}"; do
      if [[ $entry == __seqera_hook ]]; then continue; fi
      # Others write before and behind us, and bash-preexec writes lines.
      entry=${entry//__seqera_hook["$end"]/}
      entry=${entry%["$end"]__seqera_hook}
      kept+=("${entry//__seqera_hook/:}")
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
  unset SEQERA_PROMPT seqera_prompt __seqera_dir __seqera_options __seqera_preexec __seqera_seen \
    __seqera_retry __seqera_wait __seqera_shown __seqera_line __seqera_until __seqera_last __seqera_base \
    __seqera_second __seqera_run
  unset -f __seqera_hook __seqera_look __seqera_ask __seqera_show __seqera_clock __seqera_debug __seqera_off
}
declare -ft __seqera_off # a function without this attribute finds its caller's DEBUG trap again when it ends

# Not in scripts, and not in a run that the Platform started, which has a token of its own.
__seqera_run=''
__seqera_run+=${SEQERA_HOOK_RUN-}
if [[ $- == *i* && -z $__seqera_run ]]; then
  # What an inherited token was exported for; a nested shell or a tmux pane has no need to ask again.
  __seqera_seen=${SEQERA_ENV-} __seqera_retry=0 __seqera_wait=30 __seqera_shown=- __seqera_line=- __seqera_until=0
  __seqera_seen=${__seqera_seen%%:*}

  case " ${PROMPT_COMMAND[*]-} ${__vsc_original_prompt_command[*]-} ${STARSHIP_PROMPT_COMMAND[*]-} ${precmd_functions[*]-} " in
  *__seqera_hook*) ;; # sourced twice
  *)
    if [[ -n ${bash_preexec_imported-}${__bp_imported-} ]]; then
      precmd_functions+=(__seqera_hook)
      preexec_functions+=(__seqera_hook)
    elif [[ $(declare -p PROMPT_COMMAND 2>/dev/null) == "declare -a"* ]]; then
      PROMPT_COMMAND=(__seqera_hook ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"})
    else
      PROMPT_COMMAND="__seqera_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
    fi
    ;;
  esac

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
