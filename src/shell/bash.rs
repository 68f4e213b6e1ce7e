//! Bash.

use super::{Language, quote};

/// Bash.
pub(super) struct Bash;

impl Language for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn about(&self) -> &'static str {
        "Bash, from 3.2"
    }

    fn literal(&self, value: &[u8]) -> Option<String> {
        Some(quote::ansi_c(value))
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.bash")
    }

    fn way_out(&self) -> &'static str {
        "if typeset -f __seqera_off >/dev/null; then __seqera_off; fi"
    }

    /// `\[ \]` are not looked for in the output of a substitution; readline's own bytes are.
    fn around_colours(&self) -> (&'static str, &'static str) {
        ("\x01", "\x02")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_one_word_without_a_newline() {
        let literal = |value: &[u8]| Bash.literal(value).unwrap();
        assert_eq!(literal(b"it's $(id) `id` !!"), r"'it'\''s $(id) `id` !!'");
        assert_eq!(literal("a\nü'\\".as_bytes()), r"$'a\012\303\274\'\\'");
        assert_eq!(Bash.export("A", &literal(b"")), r"\export A=''");
    }
}
