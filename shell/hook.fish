# Keeps the exported token of this shell fresh. In ~/.config/fish/config.fish:  seqera hook fish | source
#
# At each prompt and before each command it reads one line, the mark, with builtins alone; `seqera hook-env`
# runs only when the login changed or the token is due. Before this file stand two assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_options  nothing, or --no-export
# For a prompt, in the function fish_prompt: seqera_prompt. Written for fish 3.6 and later; its only clock
# without a process is the age of a file, hence the times that count from when the mark was written.

if status is-interactive; and test -z "$TOWER_WORKFLOW_ID$TOWER_REFRESH_TOKEN"
    # What an inherited token was exported for; a nested shell or a tmux pane has no need to ask again.
    set -g __seqera_seen (string replace -r ':.*' '' -- "$SEQERA_ENV")
    set -g __seqera_retry 0
    set -g __seqera_wait 30
    set -g __seqera_shown -

    # The arguments are only a declaration of its variables, the cheapest there is.
    function __seqera_hook --on-event fish_prompt --on-event fish_preexec --argument-names g n w x s l v age file
        for turn in 1 2 # the second time to see what the first has changed
            set file $__seqera_dir/mark
            test -n "$SEQERA_PROFILE"; and set file $__seqera_dir/$SEQERA_PROFILE.mark
            if test -r $file
                read -d ' ' v g v v v n w x s l <$file
                set age (path mtime -R -- $file)
            end
            # Whatever is no mark of ours is none at all.
            if not string match -qr '^\d{1,10} \d{1,10} \d{1,10}$' -- "$n $w $x"
                set g ''
                set n 9999999999
                set s out
                set age 0
            end

            if not set -q SEQERA_ENV; and test -n "$SEQERA_ACCESS_TOKEN$TOWER_ACCESS_TOKEN"
                set s env # the person's own token
                break
            end
            if test "$g" = "$__seqera_seen"; and test $age -lt $n -o $age -lt $__seqera_retry
                break
            end
            __seqera_ask $g $age
        end

        switch $s
            case fresh ending
                if test $age -ge $x
                    set l $l!
                else if test $age -ge $w
                    set l $l~
                end
            case ended
                set l $l!
            case env
                set l env
            case '*'
                set l ''
        end
        test "$l" = "$__seqera_shown"; or __seqera_show "$l"
    end

    # What is remembered is set before the program runs: a crash or a missing program then costs no second try at
    # the next prompt.
    function __seqera_ask --argument-names g age
        set -l options $__seqera_options
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

    function __seqera_show --argument-names label
        set -g __seqera_shown $label
        string match -qr '^[A-Za-z0-9_/@?~!-]*$' -- $label; or set label '?' # no mark of ours
        set -gx SEQERA_PROMPT $label
    end

    function seqera_prompt --description 'The Seqera segment of a prompt'
        test -n "$SEQERA_PROMPT"; or return 0
        switch $SEQERA_PROMPT
            case '*~'
                set_color yellow
            case '*!' '\?'
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
        functions -e __seqera_hook __seqera_ask __seqera_show seqera_prompt __seqera_off
        set -eg SEQERA_PROMPT
        set -eg __seqera_dir
        set -eg __seqera_options
        set -eg __seqera_seen
        set -eg __seqera_retry
        set -eg __seqera_wait
        set -eg __seqera_shown
    end
end
