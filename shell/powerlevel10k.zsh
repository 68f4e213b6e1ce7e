# powerlevel10k: the Seqera segment, without a process, and with instant prompt.
# 1. Load the hook at the end of ~/.zshrc: eval "$(seqera hook zsh)"
# 2. Append this file to ~/.p10k.zsh
# 3. Add `seqera` to POWERLEVEL9K_LEFT_PROMPT_ELEMENTS or POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS there

function prompt_seqera() {
  case ${SEQERA_PROMPT-} in
    ('') ;;
    (*\~) p10k segment -s ENDING -f yellow -t "${SEQERA_PROMPT//\%/%%}" ;;
    (*\!) p10k segment -s ENDED -f red -t "${SEQERA_PROMPT//\%/%%}" ;;
    (env) p10k segment -s ENVIRONMENT -f cyan -t env ;;
    (*) p10k segment -s FRESH -f green -t "${SEQERA_PROMPT//\%/%%}" ;;
  esac
}

# Before the hook has run there is nothing to show, unless the shell is nested in one that shows it.
function instant_prompt_seqera() { prompt_seqera; }
