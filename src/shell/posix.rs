//! Any POSIX shell.

use std::fmt::Write;

use super::{Language, quote};

/// Any POSIX shell.
pub(super) struct Posix;

impl Language for Posix {
    fn name(&self) -> &'static str {
        "posix"
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["sh", "dash", "ash", "busybox", "ksh", "ksh93", "mksh", "yash"]
    }

    fn about(&self) -> &'static str {
        "Any POSIX shell: dash, ash, ksh, mksh, yash"
    }

    fn literal(&self, value: &[u8]) -> Option<String> {
        quote::single(value, r"'\''")
    }

    /// POSIX has no escapes in a word: what is not plain comes out of `printf`, behind a full stop that keeps the
    /// substitution from cutting newlines off.
    fn export_odd(&self, name: &str, value: &[u8]) -> Option<String> {
        let mut printf = String::from(r"$(\printf '");
        for &byte in value {
            match byte {
                b'%' => printf.push_str("%%"),
                byte if quote::is_plain(byte) && !matches!(byte, b'\'' | b'\\') => {
                    printf.push(char::from(byte))
                }
                byte => write!(printf, "\\{byte:03o}").unwrap_or_default(),
            }
        }
        printf.push_str(".')");
        Some(format!("{name}={printf}; \\export {name}=\"${{{name}%.}}\""))
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.sh")
    }

    fn way_out(&self) -> &'static str {
        "if command -v __seqera_off >/dev/null; then __seqera_off; fi"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newline_is_printed() {
        assert_eq!(Posix.literal(b"a\n"), None);
        assert_eq!(
            Posix.export_odd("A", b"50% '\n").unwrap(),
            r#"A=$(\printf '50%% \047\012.'); \export A="${A%.}""#
        );
    }
}
