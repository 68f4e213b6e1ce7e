//! What the literals of several languages have in common.
//!
//! Printable ASCII stands in single quotes, which no shell looks into. Everything else is spelled out in
//! ASCII where the shell has escapes, so that no locale, no terminal and no line splitting can change it.

use std::fmt::Write;

pub(super) fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// Text of which every byte is plain, with the quote itself written as `quote`; `None` for any other.
pub(super) fn single(value: &[u8], quote: &str) -> Option<String> {
    let text: String = value.iter().map(|&byte| char::from(byte)).collect();
    value.iter().copied().all(is_plain).then(|| format!("'{}'", text.replace('\'', quote)))
}

/// bash and zsh: `'…'`, and `$'…'` with octal escapes for what is not plain.
pub(super) fn ansi_c(value: &[u8]) -> String {
    if let Some(plain) = single(value, r"'\''") {
        return plain;
    }
    let mut out = String::from("$'");
    for &byte in value {
        match byte {
            b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
            byte if is_plain(byte) => out.push(char::from(byte)),
            byte => write!(out, "\\{byte:03o}").unwrap_or_default(),
        }
    }
    out.push('\'');
    out
}

/// Text with `"` and `\` escaped, and what is not plain as a code point of eight digits.
pub(super) fn code_points(text: &str, quote: char) -> String {
    let mut out = String::new();
    for char in text.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            char if char == quote => out.extend(['\\', char]),
            ' '..='~' => out.push(char),
            char => write!(out, "\\U{:08x}", u32::from(char)).unwrap_or_default(),
        }
    }
    out
}
