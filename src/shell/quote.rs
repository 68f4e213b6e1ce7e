//! A value as a literal of each shell: what the shell reads back is the value, byte for byte, and nothing of
//! it ever runs.
//!
//! Printable ASCII stands in single quotes, which no shell looks into. Everything else is spelled out in
//! ASCII where the shell has escapes, so that no locale, no terminal and no line splitting can change it.

use std::fmt::Write;

use super::Shell;

/// The literal, or `None` where this shell has no way to write the value.
pub(super) fn literal(shell: Shell, value: &[u8]) -> Option<String> {
    if value.contains(&0) {
        return None;
    }
    match shell {
        Shell::Bash | Shell::Zsh => Some(ansi_c(value)),
        Shell::Posix => posix(value),
        Shell::Fish => Some(fish(value)),
        Shell::Elvish => elvish(value),
        Shell::Xonsh => Some(python(value)),
        Shell::Tcsh => tcsh(value),
        Shell::PowerShell => Some(power_shell(std::str::from_utf8(value).ok()?)),
        Shell::Nu => serde_json::to_string(std::str::from_utf8(value).ok()?).ok(),
    }
}

fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// Text of which every byte is plain, with the quote itself written as `quote`.
fn single(value: &[u8], quote: &str) -> String {
    let text: String = value.iter().map(|&byte| char::from(byte)).collect();
    format!("'{}'", text.replace('\'', quote))
}

/// bash and zsh: `'…'`, and `$'…'` with octal escapes for what is not plain.
fn ansi_c(value: &[u8]) -> String {
    if value.iter().copied().all(is_plain) {
        return single(value, r"'\''");
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

/// POSIX has no escapes in a word: what is not plain comes out of `printf`, behind a full stop that keeps the
/// substitution from cutting newlines off. The full stop is taken away by [`super::render`].
pub(super) fn posix_printf(value: &[u8]) -> String {
    let mut out = String::from(r"$(\printf '");
    for &byte in value {
        match byte {
            b'%' => out.push_str("%%"),
            byte if is_plain(byte) && !matches!(byte, b'\'' | b'\\') => out.push(char::from(byte)),
            byte => write!(out, "\\{byte:03o}").unwrap_or_default(),
        }
    }
    out.push_str(".')");
    out
}

fn posix(value: &[u8]) -> Option<String> {
    value.iter().copied().all(is_plain).then(|| single(value, r"'\''"))
}

/// fish: inside quotes only `\` and `'` are special; `\XHH` outside of quotes is one byte in any locale.
fn fish(value: &[u8]) -> String {
    let mut out = String::from("'");
    for &byte in value {
        match byte {
            b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
            byte if is_plain(byte) => out.push(char::from(byte)),
            byte => write!(out, "'\\X{byte:02x}'").unwrap_or_default(),
        }
    }
    out.push('\'');
    out
}

/// Elvish: `'…'` with the quote doubled; otherwise `"…"`, whose escapes are code points and not bytes.
fn elvish(value: &[u8]) -> Option<String> {
    if value.iter().copied().all(is_plain) {
        return Some(single(value, "''"));
    }
    let mut out = String::from("\"");
    for char in std::str::from_utf8(value).ok()?.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            ' '..='~' => out.push(char),
            char => write!(out, "\\U{:08x}", u32::from(char)).unwrap_or_default(),
        }
    }
    out.push('"');
    Some(out)
}

/// xonsh: a Python literal; a byte that is not UTF-8 is the lone surrogate PEP 383 gives it.
fn python(value: &[u8]) -> String {
    let mut out = String::from("'");
    for chunk in value.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\'' | '\\' => out.extend(['\\', char]),
                ' '..='~' => out.push(char),
                char => write!(out, "\\U{:08x}", u32::from(char)).unwrap_or_default(),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\udc{byte:02x}").unwrap_or_default();
        }
    }
    out.push('\'');
    out
}

/// tcsh: `!` is history even in single quotes. A newline cannot be written on one line, and in another
/// character set than the person's the other bytes would not survive.
fn tcsh(value: &[u8]) -> Option<String> {
    let plain = value.iter().copied().all(is_plain);
    plain.then(|| single(value, r"'\''").replace('!', r"\!"))
}

/// PowerShell: `'…'` with the quote doubled, the other UTF-16 units by number: it also takes typographic
/// quotes for quotes, and reads a program's output in a code page of its own.
fn power_shell(value: &str) -> String {
    let mut out = String::from("('");
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\'') => out.push_str("''"),
            Ok(byte) if is_plain(byte) => out.push(char::from(byte)),
            _ => write!(out, "'+[char]{unit}+'").unwrap_or_default(),
        }
    }
    out.push_str("')");
    out
}
