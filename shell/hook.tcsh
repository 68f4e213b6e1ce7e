# Keeps the exported token of this shell fresh. In ~/.tcshrc:  eval "`seqera hook tcsh`"
#
# tcsh sources this file at each prompt. It sources a line of its own, the mark, without a process; `seqera
# hook-env` runs only when the login changed or the token is due. Not before each command: an alias `postcmd` that
# sources a file makes tcsh 6.24 run `precmd` inside of itself and call it faulty. Before this file stand:
#   __seqera_dir      the folder of the marks and of this file
#   __seqera_options  nothing, or --no-export
# For a prompt: set prompt = "%$SEQERA_PROMPT %# ". The clock is the terminal's last use, compared by -M.

set __seqera_run = 0
if ( $?SEQERA_HOOK_RUN ) eval 'if ( "$SEQERA_HOOK_RUN:q" != "" ) set __seqera_run = 1'
if ( $?prompt && ! $__seqera_run ) then
  if ( ! $?__seqera_seen ) then
    # What an inherited token was exported for; a nested shell has no need to ask again.
    set __seqera_seen = ( none )
    if ( $?SEQERA_ENV ) then
      set __seqera_seen = ( $SEQERA_ENV:as/:/ / )
    endif
    set __seqera_seen = "$__seqera_seen[1]" __seqera_retry = 0 __seqera_wait = 30
    set __seqera_tty = "`tty`"
    set __seqera_precmd = "`alias precmd`"
    setenv SEQERA_PROMPT ''
    alias precmd 'source $__seqera_dir:q/hook.tcsh; '"$__seqera_precmd:q"
  else
    set __seqera_file = mark.csh
    if ( $?SEQERA_PROFILE ) then
      if ( "$SEQERA_PROFILE" != '' ) set __seqera_file = "$SEQERA_PROFILE.mark.csh"
    endif
    set __seqera_g = none __seqera_n = 9999999999 __seqera_w = 9999999999 __seqera_x = 9999999999
    set __seqera_s = out __seqera_l = '' __seqera_p = SEQERA_HOOK_FIRST
    if ( -r "$__seqera_dir/$__seqera_file" ) source $__seqera_dir:q/$__seqera_file:q

    set __seqera_own = 0
    if ( ! $?SEQERA_ENV ) then
      if ( "$__seqera_p" == SEQERA_HOOK_PROVIDER && $?SEQERA_HOOK_TOKEN ) eval 'if ( "$SEQERA_HOOK_TOKEN:q" != "" ) set __seqera_own = 1'
    endif
    if ( $__seqera_own ) then
      set __seqera_s = env # the person's own token
    else
      set __seqera_due = 0
      if ( -M "$__seqera_tty" >= $__seqera_n && -M "$__seqera_tty" >= $__seqera_retry ) set __seqera_due = 1
      if ( "$__seqera_g" != "$__seqera_seen" || $__seqera_due ) then
        # Before it runs: a crash or a missing program then costs no second try at the next prompt.
        set __seqera_seen = "$__seqera_g" __seqera_again = ''
        if ( $__seqera_wait > 30 ) set __seqera_again = '--again'
        @ __seqera_retry = `date +%s` + $__seqera_wait
        set __seqera_out = "`sh -c 'exec seqera hook-env tcsh "'$0 $1'" </dev/null 2>/dev/null' '$__seqera_options' '$__seqera_again'`"
        if ( $status == 0 ) then
          set __seqera_wait = 30
        else if ( $__seqera_wait < 480 ) then
          @ __seqera_wait = $__seqera_wait * 2
        endif
        eval "$__seqera_out"
      endif
    endif

    switch ( $__seqera_s )
    case fresh:
    case ending:
      if ( -M "$__seqera_tty" >= $__seqera_x ) then
        setenv SEQERA_PROMPT "$__seqera_l"\!
      else if ( -M "$__seqera_tty" >= $__seqera_w || $__seqera_s == ending ) then
        setenv SEQERA_PROMPT "$__seqera_l~"
      else
        setenv SEQERA_PROMPT "$__seqera_l"
      endif
      breaksw
    case ended:
      setenv SEQERA_PROMPT "$__seqera_l"\!
      breaksw
    case env:
      setenv SEQERA_PROMPT env
      breaksw
    default:
      setenv SEQERA_PROMPT ''
    endsw
  endif
endif
