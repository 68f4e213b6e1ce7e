//! What the machine says of its terminal and screen, and what may be shown there.

use std::io::{self, IsTerminal};

use super::env::non_empty;

/// Whether a person is there to read and answer: standard error is a terminal.
pub fn attended() -> bool {
    io::stderr().is_terminal()
}

/// Whether this process is in the foreground of its terminal: it may read what is typed there, and gets the signals
/// of its keys. Nothing where standard input is not the terminal that controls us.
#[cfg(unix)]
pub fn in_foreground() -> Option<bool> {
    use rustix::io::Errno;
    let foreground = match rustix::termios::tcgetpgrp(io::stdin()) {
        Ok(group) => Some(group.as_raw_pid()),
        // It began outside our PID namespace (pid_namespaces(7)), where it has no number for us.
        Err(Errno::OPNOTSUPP) => None,
        Err(_) => return None,
    };
    Some(super::process::groups("self").is_none_or(|groups| {
        groups.own == groups.foreground || foreground.is_some_and(|group| group == groups.own)
    }))
}

/// Where the system has no job control, nothing is known of it.
#[cfg(not(unix))]
pub fn in_foreground() -> Option<bool> {
    None
}

/// Whether there is a screen on which a window could appear.
pub fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || non_empty("DISPLAY").is_some()
        || non_empty("WAYLAND_DISPLAY").is_some()
}

/// Text of foreign origin, fit to be shown: control characters, and those that turn the direction of writing
/// or are invisible, become `�`, so that nothing of it acts on a terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if acts(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether a character could act on a terminal, turn the direction of writing, or is invisible.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
