//! fish.

use std::fmt::Write;

use super::{Language, quote};

/// fish.
pub(super) struct Fish;

impl Language for Fish {
    fn name(&self) -> &'static str {
        "fish"
    }

    fn about(&self) -> &'static str {
        "fish, from 3.6"
    }

    /// Inside quotes only `\` and `'` are special; `\XHH` outside of quotes is one byte in any locale.
    fn literal(&self, value: &[u8]) -> Option<String> {
        let mut out = String::from("'");
        for &byte in value {
            match byte {
                b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
                byte if quote::is_plain(byte) => out.push(char::from(byte)),
                byte => write!(out, "'\\X{byte:02x}'").unwrap_or_default(),
            }
        }
        out.push('\'');
        Some(out)
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("set -gx {name} {literal}")
    }

    /// Only the global one: a universal variable of this name is the person's.
    fn unset(&self, name: &str) -> String {
        format!("set -eg {name}")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("set -g {name} {literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("printf '%s\\n' {literal} >&2")
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.fish")
    }

    fn way_out(&self) -> &'static str {
        "functions -q __seqera_off; and __seqera_off"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_stands_outside_of_quotes() {
        assert_eq!(Fish.literal("it's\\\n".as_bytes()).unwrap(), r"'it\'s\\'\X0a''");
    }
}
