//! PowerShell.

use std::fmt::Write;

use super::{Language, quote};

/// PowerShell.
pub(super) struct PowerShell;

impl Language for PowerShell {
    fn name(&self) -> &'static str {
        "powershell"
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["pwsh"]
    }

    fn about(&self) -> &'static str {
        "PowerShell, from 7"
    }

    /// `'…'` with the quote doubled, the other UTF-16 units by number: it also takes typographic quotes for
    /// quotes, and reads a program's output in a code page of its own.
    fn literal(&self, value: &[u8]) -> Option<String> {
        let mut out = String::from("('");
        for unit in std::str::from_utf8(value).ok()?.encode_utf16() {
            match u8::try_from(unit) {
                Ok(b'\'') => out.push_str("''"),
                Ok(byte) if quote::is_plain(byte) => out.push(char::from(byte)),
                _ => write!(out, "'+[char]{unit}+'").unwrap_or_default(),
            }
        }
        out.push_str("')");
        Some(out)
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("$env:{name}={literal}")
    }

    fn unset(&self, name: &str) -> String {
        format!("Remove-Item -LiteralPath 'Env:/{name}' -ErrorAction Ignore")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("$global:{name} = {literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("[Console]::Error.WriteLine({literal})")
    }

    /// `Set-PSDebug -Trace` shows every line that is evaluated.
    fn hook_evaluates(&self) -> bool {
        false
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.ps1")
    }

    fn way_out(&self) -> &'static str {
        "if (Test-Path Function:__seqera_off) { __seqera_off }"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typographic_quotes_are_no_way_out() {
        let literal = PowerShell.literal("a'b\u{2019}$(x)".as_bytes()).unwrap();
        assert_eq!(literal, "('a''b'+[char]8217+'$(x)')");
    }
}
