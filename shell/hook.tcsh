# Keeps the exported token of this shell fresh. In ~/.tcshrc:  eval "`seqera hook tcsh`"
#
# tcsh sources this file at each prompt. It sources a line of its own, the mark, without a process; `seqera
# hook-env` runs only when the login changed or the token is due. Not before each command: an alias `postcmd` that
# sources a file makes tcsh 6.24 run `precmd` inside of itself and call it faulty. Before this file stand:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_hooks    the folder of this file
#   __seqera_options  nothing, or --no-export
# For a prompt: set prompt = "%$SEQERA_PROMPT %# ". The clock is the terminal's last use, compared by -M. When this
# is printed, SEQERA_HOOK_... become the names of the platforms and of their variables.

# No trace shows a token.
set __seqera_trace = ( )
if ( $?echo ) set __seqera_trace = ( $__seqera_trace echo )
if ( $?verbose ) set __seqera_trace = ( $__seqera_trace verbose )
unset echo verbose

set __seqera_run = 0
if ( $?SEQERA_HOOK_RUN ) eval 'if ( "$SEQERA_HOOK_RUN:q" != "" ) set __seqera_run = 1'
if ( $?prompt && ! $__seqera_run ) then
  if ( ! $?__seqera_seen ) then
    # What an inherited token was exported for; a nested shell has no need to ask again.
    set __seqera_seen = ( none )
    if ( $?SEQERA_ENV ) then
      set __seqera_seen = ( $SEQERA_ENV:as/:/ / )
    endif
    set __seqera_seen = "$__seqera_seen[1]" __seqera_retry = 0 __seqera_wait = 30 __seqera_cwd = '' __seqera_bound = ''
    set __seqera_last = '' __seqera_known = '-'
    set __seqera_tty = "`tty`"
    set __seqera_precmd = "`alias precmd`"
    setenv SEQERA_PROMPT ''
    alias precmd 'source $__seqera_hooks:q/hook.tcsh; '"$__seqera_precmd:q"
  else
    # Of several folders the nearest is the last: they come by length.
    if ( "$cwd:q" != "$__seqera_cwd:q" || -M "$__seqera_tty" >= $__seqera_retry ) then
      set __seqera_cwd = "$cwd:q" __seqera_bound = '' __seqera_folders = ( )
      foreach __seqera_file ( $__seqera_home:q $__seqera_dir:q )
        if ( -o $__seqera_file:q && ! -l $__seqera_file:q && -f $__seqera_file:q/folders.csh && -o $__seqera_file:q/folders.csh && ! -l $__seqera_file:q/folders.csh ) then
          source $__seqera_file:q/folders.csh
        endif
      end
      while ( $#__seqera_folders >= 2 )
        if ( "$cwd:q/" =~ "$__seqera_folders[1]"/* ) set __seqera_bound = "$__seqera_folders[2]"
        shift __seqera_folders
        shift __seqera_folders
      end
    endif
    set __seqera_name = "$__seqera_bound"
    if ( $?SEQERA_PROFILE ) then
      if ( "$SEQERA_PROFILE" != '' ) set __seqera_name = "$SEQERA_PROFILE:q"
    endif
    if ( "$__seqera_name:q" == '' ) then
      set __seqera_name = mark.csh
    else
      set __seqera_name = "$__seqera_name:q.mark.csh"
    endif

    # A mark that is not a file of the person's own is not there. This machine's is read last.
    set __seqera_far = ''
    set __seqera_g = '-' __seqera_n = 9999999999 __seqera_w = 9999999999 __seqera_x = 9999999999
    set __seqera_s = none __seqera_l = '' __seqera_p = SEQERA_HOOK_FIRST
    foreach __seqera_file ( $__seqera_home:q $__seqera_dir:q )
      if ( -o $__seqera_file:q && ! -l $__seqera_file:q && -f $__seqera_file:q/$__seqera_name:q && -o $__seqera_file:q/$__seqera_name:q && ! -l $__seqera_file:q/$__seqera_name:q ) then
        source $__seqera_file:q/$__seqera_name:q
        if ( "$__seqera_file:q" == "$__seqera_home:q" ) set __seqera_far = "$__seqera_g"
      endif
    end

    set __seqera_own = 0 __seqera_now = ''
    if ( ! $?SEQERA_ENV ) then
      if ( "$__seqera_p" == SEQERA_HOOK_PROVIDER && $?SEQERA_HOOK_TOKEN ) eval 'if ( "$SEQERA_HOOK_TOKEN:q" != "" ) set __seqera_own = 1'
    else
      if ( $?SEQERA_HOOK_TOKEN ) eval 'set __seqera_now = "$__seqera_now:q$SEQERA_HOOK_TOKEN:q"'
      set __seqera_now = "$SEQERA_ENV":"$__seqera_now:q"
    endif
    if ( "$__seqera_known:q" == '-' ) set __seqera_known = "$__seqera_now:q"
    if ( $__seqera_own ) then
      set __seqera_s = env # the person's own token
    else
      set __seqera_due = 0
      if ( -M "$__seqera_tty" >= $__seqera_n && -M "$__seqera_tty" >= $__seqera_retry ) set __seqera_due = 1
      if ( "$__seqera_far" != '' && "$__seqera_far" != "$__seqera_g" && "$__seqera_far" != "$__seqera_last" ) set __seqera_due = 1
      if ( "$__seqera_now:q" != '' && "$__seqera_now:q" != "$__seqera_known:q" ) set __seqera_due = 1
      if ( "$__seqera_g" != "$__seqera_seen" || $__seqera_due ) then
        # Before it runs: a crash or a missing program then costs no second try at the next prompt.
        set __seqera_seen = "$__seqera_g" __seqera_last = "$__seqera_far" __seqera_again = ''
        if ( $__seqera_wait > 30 ) set __seqera_again = '--again'
        @ __seqera_retry = `date +%s` + $__seqera_wait
        set __seqera_out = "`sh -c 'exec seqera hook-env tcsh "'$0 $1'" </dev/null 2>/dev/null' '$__seqera_options' '$__seqera_again'`"
        if ( $status == 0 ) then
          set __seqera_wait = 30
        else if ( $__seqera_wait < 480 ) then
          @ __seqera_wait = $__seqera_wait * 2
        endif
        eval "$__seqera_out"
        set __seqera_out = '' __seqera_known = '-' __seqera_g = '-'
        foreach __seqera_file ( $__seqera_home:q $__seqera_dir:q )
          if ( -o $__seqera_file:q && ! -l $__seqera_file:q && -f $__seqera_file:q/$__seqera_name:q && -o $__seqera_file:q/$__seqera_name:q && ! -l $__seqera_file:q/$__seqera_name:q ) then
            source $__seqera_file:q/$__seqera_name:q
          endif
        end
        # What the program has just seen to need not be asked for again.
        set __seqera_seen = "$__seqera_g"
        if ( $?SEQERA_ENV ) then
          if ( "$SEQERA_ENV" !~ "$__seqera_g":* && "$__seqera_g" != '-' ) set __seqera_seen = none
        endif
      endif
    endif

    switch ( $__seqera_s )
    case fresh:
    case ending:
      if ( -M "$__seqera_tty" >= $__seqera_x ) then
        setenv SEQERA_PROMPT "$__seqera_l:q"\!
      else if ( -M "$__seqera_tty" >= $__seqera_w || $__seqera_s == ending ) then
        setenv SEQERA_PROMPT "$__seqera_l:q~"
      else
        setenv SEQERA_PROMPT "$__seqera_l:q"
      endif
      breaksw
    case ended:
      setenv SEQERA_PROMPT "$__seqera_l:q"\!
      breaksw
    case env:
      setenv SEQERA_PROMPT env
      breaksw
    default:
      setenv SEQERA_PROMPT ''
    endsw
  endif
endif
if ( $#__seqera_trace ) set $__seqera_trace
