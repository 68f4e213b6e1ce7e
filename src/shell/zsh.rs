//! Z shell.

use super::{Language, quote};

/// Z shell.
pub(super) struct Zsh;

impl Language for Zsh {
    fn name(&self) -> &'static str {
        "zsh"
    }

    fn about(&self) -> &'static str {
        "Z shell, from 5.0"
    }

    fn literal(&self, value: &[u8]) -> Option<String> {
        Some(quote::ansi_c(value))
    }

    /// Where the hook is loaded in a function, `warn_create_global` would speak up.
    fn assign(&self, name: &str, literal: &str) -> String {
        format!("\\typeset -g {name}={literal}")
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.zsh")
    }

    fn way_out(&self) -> &'static str {
        "if typeset -f __seqera_off >/dev/null; then __seqera_off; fi"
    }

    fn around_colours(&self) -> (&'static str, &'static str) {
        ("%{", "%}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_assigned_is_global() {
        let literal = Zsh.literal(b"/run/it's").unwrap();
        assert_eq!(Zsh.assign("dir", &literal), r"\typeset -g dir='/run/it'\''s'");
    }
}
