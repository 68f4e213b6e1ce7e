# Keeps the exported token of this shell fresh. In ~/.config/fish/config.fish:  seqera hook fish | source
#
# At each prompt and before each command it reads one line, the mark, with builtins alone, and is done if that is
# as it was and nothing is due; `seqera hook-env` runs only when the login changed or the token is due. Before this file stand two assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt, in the function fish_prompt: seqera_prompt. Written for fish 3.6 and later; its only clock
# without a process is the age of a file, hence the times that count from when the mark was written. To ask for
# that age costs more than all else together, so Linux's uptime is read instead where nothing has changed.

set -g __seqera_run
test -z "$SEQERA_HOOK_RUN"; or set -g __seqera_run yes
if status is-interactive; and test -z "$__seqera_run"
    # What an inherited token was exported for; a nested shell or a tmux pane has no need to ask again.
    set -g __seqera_seen (string replace -r ':.*' '' -- "$SEQERA_ENV")
    set -g __seqera_retry 0
    set -g __seqera_wait 30
    set -g __seqera_shown -
    set -g __seqera_line -
    set -g __seqera_until 0
    set -g __seqera_uptime
    test -r /proc/uptime; and set __seqera_uptime /proc/uptime

    function __seqera_hook --on-event fish_prompt --on-event fish_preexec
        set -l file $__seqera_dir/mark
        test -n "$SEQERA_PROFILE"; and set file $__seqera_dir/$SEQERA_PROFILE.mark
        if test -r $file; and read -l line <$file; and test "$line" = "$__seqera_line"; and set -q SEQERA_ENV
            if test -n "$__seqera_uptime"
                read -f now rest <$__seqera_uptime
            else
                set -f now (path mtime -R -- $file)
            end
            test "$now" -lt $__seqera_until; and return
        end
        __seqera_look $file
    end

    # Something is not as it was. A second time to see what the first has changed.
    function __seqera_look --argument-names file
        for turn in 1 2
            set -g __seqera_line ''
            set -f age 0
            set -f own ''
            set -f m '' '' '' '' '' 9999999999 9999999999 9999999999 out '' SEQERA_HOOK_FIRST
            if test -r $file
                read -g __seqera_line <$file
                # Whatever is no mark of ours is none at all.
                if string match -qr '^1 \S+( \d{1,10}){6} [a-z]+ [A-Za-z0-9_/@?-]+( [a-z]+)?$' -- $__seqera_line
                    set m (string split ' ' -- $__seqera_line)
                    set age (path mtime -R -- $file)
                end
            end
            set -q m[11]; or set m[11] SEQERA_HOOK_FIRST
            test $m[11] = SEQERA_HOOK_PROVIDER; and set own "$own$SEQERA_HOOK_TOKEN"
            if not set -q SEQERA_ENV; and test -n "$own"
                set m[9] env # the person's own token
                break
            end
            if test "$m[2]" = "$__seqera_seen"; and test $age -lt $m[6] -o $age -lt $__seqera_retry
                break
            end
            __seqera_ask "$m[2]" $age
        end

        set -g __seqera_until 9999999999
        for time in $m[6..8] $__seqera_retry
            test $time -gt $age -a $time -lt $__seqera_until; and set -g __seqera_until $time
        end
        if test -n "$__seqera_uptime"
            read -f now rest <$__seqera_uptime
            set -g __seqera_until (math $now + $__seqera_until - $age)
        end

        set -f label $m[10]
        switch $m[9]
            case fresh ending
                if test $age -ge $m[8]
                    set label $label!
                else if test $age -ge $m[7]
                    set label $label~
                end
            case ended
                set label $label!
            case env
                set label env
            case '*'
                set label ''
        end
        if test "$label" != "$__seqera_shown"
            set -g __seqera_shown $label
            set -gx SEQERA_PROMPT $label
        end
    end

    # What is remembered is set before the program runs: a crash or a missing program then costs no second try at
    # the next prompt.
    function __seqera_ask --argument-names g age
        set -l options (string split -n ' ' -- $__seqera_options) # an empty argument is one too
        test $__seqera_wait -gt 30; and set -a options --again
        set -g __seqera_seen $g
        set -g __seqera_retry (math $age + $__seqera_wait)
        set -l out (SEQERA_PROFILE="$SEQERA_PROFILE" command seqera hook-env fish $options </dev/null 2>/dev/null)
        if test $status -eq 0
            set -g __seqera_wait 30
        else if test $__seqera_wait -lt 480
            set -g __seqera_wait (math $__seqera_wait x 2)
        end
        eval $out
    end

    function seqera_prompt --description 'The Seqera segment of a prompt'
        test -n "$SEQERA_PROMPT"; or return 0
        switch $SEQERA_PROMPT
            case '*~'
                set_color yellow
            case '*!'
                set_color red
            case env
                set_color cyan
            case '*'
                set_color green
        end
        echo -ns $SEQERA_PROMPT
        set_color normal
    end

    function __seqera_off
        functions -e __seqera_hook __seqera_look __seqera_ask seqera_prompt __seqera_off
        set -eg SEQERA_PROMPT
        set -eg __seqera_dir
        set -eg __seqera_options
        set -eg __seqera_seen
        set -eg __seqera_retry
        set -eg __seqera_wait
        set -eg __seqera_shown
        set -eg __seqera_line
        set -eg __seqera_until
        set -eg __seqera_uptime
        set -eg __seqera_run
    end
end
