# Completion of seqera for fish. The program says what a line can go on with: its first line names what the shell
# itself has to offer, the others are candidates.

function __seqera_complete --argument-names program
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l line (commandline --current-process --cut-at-cursor)
    # fish takes where a redirection goes for one more word.
    if string match --quiet --regex '[<>]' -- $line
        set line (string replace --all --regex '(^|\s)(\d*|&)[<>]+[&?|]?\s*[^\s<>]+(?=\s)' '' -- $line)
        set words (string match --all --regex '\S+(?=\s)' -- $line)
    end
    # Before the program may stand what is set for it, or another program.
    set -l at 1
    while set -q words[$at]; and not string match --quiet --regex "(^|/)$program\$" -- $words[$at]
        set at (math $at + 1)
    end
    set -q words[$at]; or set at 1
    set words $words[$at..-1]
    set -l word (commandline --current-token --cut-at-cursor | string trim --left --chars '\'"')
    set -l answer (SEQERA_COMPLETE=fish command $program -- $words "$word" 2>/dev/null </dev/null)
    set -l also $answer[1]
    set -e answer[1]
    set -q answer[1]; and printf '%s\n' $answer
    switch "$also"
        case files
            set -l option (string match --regex -- '^--[^=]*=' $word; or echo)
            for file in (__fish_complete_path (string replace -- "$option" '' $word))
                printf '%s\n' $option$file
            end
        case folders
            __fish_complete_directories "$word" ''
        case 'command *'
            set -l number (math (string split ' ' -- $also)[2] + 1)
            set -l line
            while set -q words[$number]
                set -a line (string escape -- $words[$number])
                set number (math $number + 1)
            end
            complete --do-complete "$(string join ' ' -- $line (commandline --current-token --cut-at-cursor))"
    end
end

for program in seqera sekuire
    complete --command $program --no-files --keep-order --arguments "(__seqera_complete $program)"
end
