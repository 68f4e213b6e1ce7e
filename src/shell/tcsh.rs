//! tcsh.

use super::{Language, quote};

/// tcsh.
pub(super) struct Tcsh;

impl Language for Tcsh {
    fn name(&self) -> &'static str {
        "tcsh"
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["csh"]
    }

    fn about(&self) -> &'static str {
        "tcsh, and csh where it is tcsh"
    }

    /// `!` is history even in single quotes. A newline cannot be written on one line, and in another character set
    /// than the person's the other bytes would not survive.
    fn literal(&self, value: &[u8]) -> Option<String> {
        Some(quote::single(value, r"'\''")?.replace('!', r"\!"))
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("setenv {name} {literal}")
    }

    fn unset(&self, name: &str) -> String {
        format!("unsetenv {name}")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("set {name}={literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("echo {literal}")
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.tcsh")
    }

    /// tcsh expands a variable before it knows whether it will use it. An alias of nothing would be one more than
    /// there was.
    fn way_out(&self) -> &'static str {
        "if ( $?__seqera_precmd ) eval 'alias precmd \"$__seqera_precmd:q\"'; \
         if ( \"`alias precmd`\" == '' ) unalias precmd; unset __seqera_*; unsetenv SEQERA_PROMPT"
    }

    fn around_colours(&self) -> (&'static str, &'static str) {
        ("%{", "%}")
    }

    fn evaluates_one_line(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_not_expanded_and_what_cannot_be_written_is_none() {
        assert_eq!(Tcsh.literal(b"it's!").unwrap(), r"'it'\''s\!'");
        assert_eq!(Tcsh.literal(b"a\n"), None);
    }
}
