//! Elvish.

use super::{Language, quote};

/// Elvish.
pub(super) struct Elvish;

impl Language for Elvish {
    fn name(&self) -> &'static str {
        "elvish"
    }

    fn about(&self) -> &'static str {
        "Elvish"
    }

    /// `'…'` with the quote doubled; otherwise `"…"`, whose escapes are code points and not bytes.
    fn literal(&self, value: &[u8]) -> Option<String> {
        quote::single(value, "''")
            .or_else(|| Some(format!("\"{}\"", quote::code_points(std::str::from_utf8(value).ok()?, '"'))))
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("set-env {name} {literal}")
    }

    fn unset(&self, name: &str) -> String {
        format!("unset-env {name}")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("var {name} = {literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("echo {literal} >&2")
    }

    fn hook_evaluates(&self) -> bool {
        false
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.elv")
    }

    /// A block would not see a name of the terminal's.
    fn way_out(&self) -> &'static str {
        "var _ = ?(eval __seqera_off)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_quotes() {
        assert_eq!(Elvish.literal(b"it's \\").unwrap(), r"'it''s \'");
        assert_eq!(Elvish.literal(b"a\n\"\\").unwrap(), r#""a\U0000000a\"\\""#);
        assert_eq!(Elvish.literal(&[0xff]), None);
    }
}
