# Completion of seqera for bash. The program says what a line can go on with: its first line names what the shell
# itself has to offer, the others are candidates.

_seqera() {
  local IFS=$' \t\n' rest=${COMP_LINE:0:COMP_POINT} program last='' gap piece target='' i
  local -a words=() numbers=() answer=()
  COMPREPLY=()
  # bash parts words at '=' and ':', too, and takes redirections for words.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=${rest%%[![:space:]]*}
    rest=${rest:${#gap}}
    piece=${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || piece=$rest
    rest=${rest:${#piece}}
    if [[ $piece =~ ^([0-9]*|&)[\<\>] ]]; then
      if [[ -z $gap && ${last:-x} != *[!0-9]* ]]; then
        unset "words[${#words[@]}-1]" "numbers[${#numbers[@]}-1]"
      fi
      target=yes last=''
    elif [[ $target && ($piece || $i -eq COMP_CWORD) ]]; then
      ((i < COMP_CWORD)) || break
      target='' last=''
    elif [[ -z $gap && $last && ($last == *[=:] || $piece == [=:]*) ]]; then
      last+=$piece
      words[${#words[@]} - 1]=$last
    else
      last=$piece
      words+=("$piece") numbers+=("$i")
    fi
  done
  if [[ $target ]]; then
    _seqera_also default
    return
  fi
  program=${words[0]##*/}
  [[ ' seqera sekuire ' == *" $program "* ]] || program=seqera
  piece=${words[${#words[@]} - 1]}
  words[${#words[@]} - 1]=${piece#[\"\']}
  rest=$(SEQERA_COMPLETE=bash \command "$program" -- "${words[@]}" 2>/dev/null </dev/null)
  while \read -r last; do
    answer+=("$last")
  done <<<"$rest"
  # What stands before the last '=' or ':' is a word of its own for bash, and stays.
  piece=${piece%"${2-}"}
  COMPREPLY=("${answer[@]:1}")
  COMPREPLY=("${COMPREPLY[@]#"$piece"}")
  case ${answer[0]-} in
  files) _seqera_also default ;;
  folders) _seqera_also plusdirs ;;
  'command '*) _seqera_command "${numbers[${answer[0]#command }]}" "$@" ;;
  esac
}

# What else this line completes; bash before 4 has it in every line.
_seqera_also() {
  \compopt -o "$1" 2>/dev/null
}

# A candidate a line.
_seqera_replies() {
  local reply
  while IFS= \read -r reply; do
    [[ -z $reply ]] || COMPREPLY+=("$reply")
  done <<<"$1"
}

# Completes the command whose name is the word of this number as if it stood alone.
_seqera_command() {
  local number=$1 current=${3-} previous=${4-} command spec options i
  if \declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$number"
    return
  elif \declare -F _command_offset >/dev/null; then
    _command_offset "$number"
    return
  fi
  for ((i = 0; i < number; i++)); do
    command=${COMP_LINE#*"${COMP_WORDS[i]}"}
    ((COMP_POINT -= ${#COMP_LINE} - ${#command}))
    COMP_LINE=$command
  done
  command=${COMP_LINE#"${COMP_LINE%%[![:space:]]*}"}
  ((COMP_POINT -= ${#COMP_LINE} - ${#command}))
  COMP_LINE=$command
  COMP_WORDS=("${COMP_WORDS[@]:number}")
  ((COMP_CWORD -= number))
  command=${COMP_WORDS[0]}
  COMPREPLY=()
  if ((COMP_CWORD == 0)); then
    if [[ $current == */* || $current == '~'* ]]; then
      _seqera_also default
    else
      _seqera_replies "$(\compgen -A command -- "$current")"
    fi
    return
  fi
  spec=$(\complete -p -- "$command" 2>/dev/null || \complete -p -- "${command##*/}" 2>/dev/null)
  if [[ -z $spec ]]; then
    _seqera_also default
    return
  fi
  spec=${spec#complete }
  options=$spec
  while [[ $options =~ (^|' ')-o\ ([a-z]+)\ (.*) ]]; do
    _seqera_also "${BASH_REMATCH[2]}"
    options=${BASH_REMATCH[3]}
  done
  if [[ $spec =~ (^|' ')-F\ ([^ ]+)\  ]]; then
    "${BASH_REMATCH[2]}" "$command" "$current" "$previous"
  else
    _seqera_replies "$(\eval "\\compgen ${spec% *} -- \"\$current\"" 2>/dev/null)"
  fi
}

if [[ ${BASH_VERSINFO[0]} -lt 4 ]]; then
  complete -o bashdefault -o default -F _seqera seqera sekuire
elif [[ ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -lt 4 ]]; then
  complete -o bashdefault -F _seqera seqera sekuire
else
  complete -o bashdefault -o nosort -F _seqera seqera sekuire
fi
