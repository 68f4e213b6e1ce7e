# Keeps the exported token of this shell fresh. In ~/.config/fish/config.fish:  seqera hook fish | source
#
# At each prompt and before each command it reads one line, the mark, with builtins alone, and is done if that is
# as it was and nothing is due; `seqera hook-env` runs only when the login changed or the token is due. Before this
# file stand assignments:
#   __seqera_dir      the folder of the marks
#   __seqera_home     the same in the home, which other machines and runtime folders share
#   __seqera_options  nothing, or --no-export
# For a prompt, in the function fish_prompt: seqera_prompt. Written for fish 3.6 and later; its only clock
# without a process is the age of a file, hence the times that count from when the mark was written. To ask for
# that age costs more than all else together, so Linux's uptime is read instead where nothing has changed. When this
# is printed, SEQERA_HOOK_… become the names of the platforms and of their variables.

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
    set -g __seqera_file
    set -g __seqera_key
    set -g __seqera_known -
    set -g __seqera_far
    set -g __seqera_uptime
    test -r /proc/uptime; and set __seqera_uptime /proc/uptime

    function __seqera_hook --on-event fish_prompt --on-event fish_preexec
        set -l fish_trace
        # A line that was good is read in one piece; with -n, each letter is one call.
        if not test -f "$__seqera_file" -a -r "$__seqera_file"
            set -f line
        else if test -n "$__seqera_line"
            read -f line <$__seqera_file 2>/dev/null
        else
            read -f -n 512 line <$__seqera_file
        end
        if test "$line" = "$__seqera_line" -a "$SEQERA_PROFILE:$PWD:$SEQERA_ENV:$SEQERA_HOOK_EACH" = "$__seqera_key"
            if test -n "$__seqera_uptime"
                read -f now rest <$__seqera_uptime
            else
                set -f now (path mtime -R -- $__seqera_file; or echo 0)
            end
            test "$now" -lt $__seqera_until; and return
        end
        __seqera_look
    end

    # Something is not as it was. A second time to see what the first has changed.
    function __seqera_look
        for turn in 1 2
            set -f name (__seqera_bind)
            set -f name (string join . -- $name mark)
            set -f far
            if test "$__seqera_home" != "$__seqera_dir"
                set -f m (__seqera_read $__seqera_home $name); and set -f far $m[2]
            end
            set -g __seqera_file $__seqera_dir/$name
            set -f m (__seqera_read $__seqera_dir $name)
            if test (count $m) -eq 0 -a -n "$far"
                set -g __seqera_file $__seqera_home/$name
                set -f m (__seqera_read $__seqera_home $name)
            end
            set -f age 0
            if test (count $m) -eq 0
                set -f m 1 - 0 9999999999 9999999999 0 9999999999 9999999999 none '' SEQERA_HOOK_FIRST
            else
                set age (path mtime -R -- $__seqera_file)
            end
            set -f own ''
            set -q m[11]; or set m[11] SEQERA_HOOK_FIRST
            test $m[11] = SEQERA_HOOK_PROVIDER; and set own "$own$SEQERA_HOOK_TOKEN"
            if test -z "$SEQERA_ENV" -a -n "$own"
                set m[9] env # the person's own token
                break
            end
            set -f next $m[6]
            # What was exported may end sooner than the mark says.
            if test -n "$SEQERA_ENV"; and string match -qr '^[1-9]\d{9}$' -- "$SEQERA_TOKEN_EXPIRES_AT"; and test $m[6] -gt 0
                set -f sooner (math $SEQERA_TOKEN_EXPIRES_AT - 60 - $m[3] + $m[6])
                test $sooner -lt $next; and set next $sooner
            end
            if test $turn = 2; and contains -- (string replace -r ':.*' '' -- "$SEQERA_ENV") '' "$m[2]"
                set -g __seqera_seen $m[2] # that is what the program has just seen to
                test "$m[2]" = - -a $__seqera_wait -lt 480; and set -g __seqera_wait (math $__seqera_wait x 2)
            end
            set own "$SEQERA_HOOK_EACH"
            test "$__seqera_known" != -; or set -g __seqera_known "$SEQERA_ENV:$own"
            if test "$m[2]" = "$__seqera_seen"; and contains -- "$far" '' "$m[2]" "$__seqera_far"
                if test -z "$own" -o "$SEQERA_ENV:$own" = "$__seqera_known"
                    test $age -lt $next -o $age -lt $__seqera_retry; and break
                end
            end
            __seqera_ask "$m[2]" $age
            set -g __seqera_far $far
        end

        set -g __seqera_line
        if test -f "$__seqera_file" -a -r "$__seqera_file"
            read -g -n 512 __seqera_line <$__seqera_file
        end
        set -g __seqera_key "$SEQERA_PROFILE:$PWD:$SEQERA_ENV:$SEQERA_HOOK_EACH"
        # Once a minute the home is looked at, too.
        set -g __seqera_until (math $age + 60)
        for time in $next $m[7..8] $__seqera_retry
            test $time -gt $age -a $time -lt $__seqera_until; and set -g __seqera_until $time
        end
        if test -n "$__seqera_uptime"
            read -l now rest <$__seqera_uptime
            set -g __seqera_until (math $now + $__seqera_until - $age)
        end

        switch $m[9]
            case fresh ending
                set -f label $m[10]
                if test $age -ge $m[8]
                    set label $label!
                else if test $age -ge $m[7]
                    set label $label~
                end
            case ended
                set -f label $m[10]!
            case env
                set -f label env
            case '*'
                set -f label ''
        end
        if test "$label" != "$__seqera_shown"
            set -g __seqera_shown $label
            set -gx SEQERA_PROMPT $label
        end
    end

    # Reads a mark. One that is not a small file of the person's own, or makes no sense, is not there.
    function __seqera_read --argument-names dir name
        set -l file $dir/$name
        test -O "$dir" -a ! -L "$dir" -a -f "$file" -a -O "$file" -a ! -L "$file" -a -r "$file"; or return
        read -l -n 512 line <$file
        string match -qr '^1 [A-Za-z0-9_-]+\.\d+( \d{10}){3}( \d{1,10}){3} (fresh|ending|ended|out) [^\pC\s!"#$%&\'()*+,.:;<=>\[\]\\\\^`{|}~]+( [a-z]+)?$' -- $line; or return
        string split ' ' -- $line
    end

    # The profile of this shell, else of the folder: the nearest one that was bound.
    function __seqera_bind
        set -l name $SEQERA_PROFILE
        if test -z "$name"
            for dir in $__seqera_dir $__seqera_home
                set -l file $dir/folders
                test -O "$dir" -a ! -L "$dir" -a -f "$file" -a -O "$file" -a ! -L "$file" -a -r "$file"; or continue
                set -l best -1
                while read -l bound path
                    if test (string sub -l (math (string length -- "$path") + 1) -- $PWD/) = "$path/" -a (string length -- "$path") -gt $best
                        set best (string length -- "$path")
                        set name $bound
                    end
                end <$file
                break
            end
        end
        string match -qr '^[A-Za-z0-9_-]+$' -- $name; and echo $name
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
        set -g __seqera_known "$SEQERA_ENV:$SEQERA_HOOK_EACH"
    end

    function seqera_prompt --description 'The Seqera segment of a prompt'
        test -n "$SEQERA_PROMPT"; or return 0
        if test -n "$NO_COLOR$INSIDE_EMACS" -o "$TERM" = dumb
            echo -ns $SEQERA_PROMPT
            return
        end
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
        functions -e __seqera_hook __seqera_look __seqera_read __seqera_bind __seqera_ask seqera_prompt __seqera_off
        set -eg SEQERA_PROMPT
        for name in dir home options seen retry wait shown line until file key known far uptime run
            set -eg __seqera_$name
        end
    end
end
