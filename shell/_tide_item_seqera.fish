# tide: the Seqera segment; tide draws in another fish, so it reads what the hook exports.
# 1. Load the hook in ~/.config/fish/config.fish: seqera hook fish | source
# 2. Copy this file to ~/.config/fish/functions/_tide_item_seqera.fish
# 3. set -U tide_right_prompt_items $tide_right_prompt_items seqera; set -U tide_seqera_color green; tide reload

function _tide_item_seqera
    test -n "$SEQERA_PROMPT"; or return
    switch $SEQERA_PROMPT
        case '*~'
            set -lx tide_seqera_color yellow
            _tide_print_item seqera $SEQERA_PROMPT
        case '*!'
            set -lx tide_seqera_color red
            _tide_print_item seqera $SEQERA_PROMPT
        case '*'
            _tide_print_item seqera $SEQERA_PROMPT
    end
end
