# oh-my-zsh: the hook and the Seqera segment.
# 1. Copy this file to ~/.oh-my-zsh/custom/plugins/seqera/seqera.plugin.zsh
# 2. Add `seqera` to plugins=(...) in ~/.zshrc
# 3. Show it: RPROMPT='$(seqera_prompt_info)' or, without a subshell, RPROMPT='${seqera_prompt}'

if (( $+commands[seqera] )); then
  eval "$(command seqera hook zsh)"
fi

function seqera_prompt_info() {
  print -rn -- "${seqera_prompt-}"
}
