//! xonsh.

use std::fmt::Write;

use super::{Language, quote};

/// xonsh.
pub(super) struct Xonsh;

impl Language for Xonsh {
    fn name(&self) -> &'static str {
        "xonsh"
    }

    fn about(&self) -> &'static str {
        "xonsh"
    }

    /// A Python literal; a byte that is not UTF-8 is the lone surrogate PEP 383 gives it.
    fn literal(&self, value: &[u8]) -> Option<String> {
        let mut out = String::from("'");
        for chunk in value.utf8_chunks() {
            out.push_str(&quote::code_points(chunk.valid(), '\''));
            for byte in chunk.invalid() {
                write!(out, "\\udc{byte:02x}").unwrap_or_default();
            }
        }
        out.push('\'');
        Some(out)
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("${{...}}['{name}'] = {literal}")
    }

    fn unset(&self, name: &str) -> String {
        format!("${{...}}.pop('{name}', None)")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("{name} = {literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("__import__('sys').stderr.write({literal} + '\\n')")
    }

    fn hook_evaluates(&self) -> bool {
        false
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.xsh")
    }

    fn way_out(&self) -> &'static str {
        "__xonsh__.ctx.get('__seqera_off', lambda: None)()"
    }

    fn after_answer(&self) {
        until_read();
    }
}

/// Waits until what was written to standard output has been read, where that is a pipe, but not for ever.
///
/// xonsh gives up reading what `$(…)` captured 0.1 ms (`$XONSH_PROC_FREQUENCY`) after the program has ended,
/// although its reading thread may not have had a turn yet: on a busy machine `execx($(seqera env))` then evaluates
/// nothing, or half a hook, without a word (`QueueReader.read` in `xonsh/procs/readers.py`, seen in 0.13; 0.25 reads
/// to the end). While the program lives, it reads everything.
#[cfg(unix)]
fn until_read() {
    use std::time::{Duration, Instant};

    use rustix::fs::{FileType, fstat};

    const PATIENCE: Duration = Duration::from_secs(1);
    /// A thread that has read takes this long at most to hand over what it has.
    const HANDOVER: Duration = Duration::from_millis(10);

    let stdout = std::io::stdout();
    let is_pipe = fstat(&stdout).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
    if !is_pipe {
        return;
    }
    let began = Instant::now();
    while began.elapsed() < PATIENCE && rustix::io::ioctl_fionread(&stdout).is_ok_and(|unread| unread > 0) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(HANDOVER);
}

/// Nothing: a pipe there cannot be asked what is left in it.
#[cfg(not(unix))]
fn until_read() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_pythons() {
        assert_eq!(Xonsh.literal("it's\\ü\n\"".as_bytes()).unwrap(), r#"'it\'s\\\U000000fc\U0000000a"'"#);
        assert_eq!(Xonsh.literal(&[b'a', 0xff]).unwrap(), r"'a\udcff'");
    }
}
