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
    set -g __seqera_pattern '^1 (?<g>\S+) \d+ \d+ \d+ (?<n>\d{1,10}) (?<w>\d{1,10}) (?<x>\d{1,10}) (?<s>[a-z]+) (?<l>[A-Za-z0-9_/@?-]+)$'

    # The arguments are only a declaration: they keep what the match finds inside of the function.
    function __seqera_hook --on-event fish_prompt --on-event fish_preexec --argument-names g n w x s l
        for turn in 1 2
            set -f age 0
            set -f line ''
            set -f file $__seqera_dir/mark
            set -q SEQERA_PROFILE[1]; and test -n "$SEQERA_PROFILE"; and set file $__seqera_dir/$SEQERA_PROFILE.mark
            if test -r $file
                read -f line <$file
                set age (path mtime -R -- $file)
            end
            # Sets g, n, w, x, s and l. Whatever is no mark of ours is none at all.
            if not string match -qr $__seqera_pattern -- $line
                set g ''
                set n 9999999999
                set s out
            end

            if not set -q SEQERA_ENV; and test -n "$SEQERA_ACCESS_TOKEN$TOWER_ACCESS_TOKEN"
                set s env # the person's own token
                break
            end
            if test "$g" = "$__seqera_seen"; and test $age -lt $n -o $age -lt $__seqera_retry
                break
            end

            # Before it runs: an interrupt, a crash or a missing program then costs no second try at once.
            set -f options $__seqera_options
            test $__seqera_wait -gt 30; and set -a options --again
            set -g __seqera_seen $g
            set -g __seqera_retry (math $age + $__seqera_wait)
            set -f out (SEQERA_PROFILE="$SEQERA_PROFILE" command seqera hook-env fish $options </dev/null 2>/dev/null)
            if test $status -eq 0
                set -g __seqera_wait 30
            else if test $__seqera_wait -lt 480
                set -g __seqera_wait (math $__seqera_wait x 2)
            end
            eval $out
        end

        set -f label ''
        switch $s
            case fresh ending
                set label $l
                if test $age -ge $x
                    set label $l!
                else if test $age -ge $w
                    set label $l~
                end
            case ended
                set label $l!
            case env
                set label env
        end
        if test "$label" != "$__seqera_shown"
            set -g __seqera_shown $label
            set -gx SEQERA_PROMPT $label
        end
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
        functions -e __seqera_hook seqera_prompt __seqera_off
        set -eg SEQERA_PROMPT
        set -eg __seqera_dir
        set -eg __seqera_options
        set -eg __seqera_seen
        set -eg __seqera_retry
        set -eg __seqera_wait
        set -eg __seqera_shown
        set -eg __seqera_pattern
    end
end
