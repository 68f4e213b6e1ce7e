//! The terminal: the only room that writes to a person.

mod keyboard;
mod spinner;
pub mod trace;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use serde::Serialize;

use crate::error::Error;
use crate::os::terminal;

pub use crate::os::terminal::{acts, attended, has_display, plain};
pub use keyboard::{Keyboard, Typed, hidden};
pub use spinner::{Spinner, waiting};

/// What this program was called as, where that is not its own name.
static CALLED: OnceLock<&'static str> = OnceLock::new();

/// Says commands as the person has to type them who called this program `name`.
pub fn speak_as(name: &'static str) {
    if name != OWN {
        let _ = CALLED.set(name);
    }
}

const OWN: &str = "seqera";

/// A line in the words of who called this program.
fn worded(line: &str) -> Cow<'_, str> {
    match CALLED.get() {
        Some(name) if line.contains(OWN) => Cow::Owned(renamed(line, name)),
        _ => Cow::Borrowed(line),
    }
}

/// The line with `name` where it says `seqera COMMAND`. A login that has to be begun again is one of its own platform.
fn renamed(line: &str, name: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(OWN) {
        let (before, after) = (&rest[..at], &rest[at + OWN.len()..]);
        text.push_str(before);
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || "/._-".contains(c));
        let command =
            after.strip_prefix(' ').is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
        let is_one =
            begins && command && !before.ends_with("again with: ") && !before.ends_with("--provider ");
        text.push_str(if is_one { name } else { OWN });
        rest = after;
    }
    text + rest
}

/// Whether a person can be asked: they see what we write and we get what they type.
pub fn can_ask() -> bool {
    // Reading would stop a job in the background (SIGTTIN).
    attended() && io::stdin().is_terminal() && terminal::in_foreground().unwrap_or(true)
}

/// How many characters fit on a line of the terminal, where there is one.
pub fn width() -> Option<usize> {
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(io::stderr()).ok()?.ws_col;
    #[cfg(not(unix))]
    let columns: u16 = if attended() { 80 } else { 0 };
    (columns > 0).then_some(columns.into())
}

/// How many characters fit on a line of standard output, where that is a terminal.
pub fn out_width() -> Option<usize> {
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(io::stdout()).ok()?.ws_col;
    #[cfg(not(unix))]
    let columns: u16 = if io::stdout().is_terminal() { 80 } else { 0 };
    (columns > 0).then_some(columns.into())
}

/// Writes `bytes` to standard output in one go.
///
/// # Errors
/// What the system says, a full disk included; a reader who went away counts as an error, too, since what we
/// print is an answer somebody waits for.
pub fn write_out(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes one line that was asked for to standard output.
///
/// # Errors
/// Where it cannot be written. A reader who went away early (`| head -1`) is not an error.
pub fn out(line: &str) -> crate::error::Result<()> {
    match write_out(format!("{}\n", plain(&worded(line))).as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("standard output", &error)),
        _ => Ok(()),
    }
}

/// Writes rows to standard output: in columns for a person at a terminal, else with `between` between them, for scripts.
///
/// # Errors
/// As [`out`].
pub fn out_rows<const N: usize>(rows: &[[String; N]], between: &str) -> crate::error::Result<()> {
    let is_seen = io::stdout().is_terminal();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    rows.iter().try_for_each(|row| {
        if !is_seen {
            return out(&row.join(between));
        }
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        out(cells.collect::<Vec<_>>().join("  ").trim_end())
    })
}

/// Writes an answer as indented JSON to standard output. What could act on a terminal is written as an escape
/// of JSON's own, so that a program reads what the server said, and a person may look at it.
///
/// # Errors
/// As [`out`].
pub fn out_json(answer: &impl Serialize) -> crate::error::Result<()> {
    let json = serde_json::to_string_pretty(answer).map_err(|error| Error::failed(error.to_string()))?;
    json.lines().try_for_each(|line| out(&escaped(line)))
}

fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match acts(c) {
            false => text.push(c),
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text += &format!("\\u{unit:04x}")),
        }
    }
    text
}

/// Writes one line to standard error; that it cannot be written changes nothing.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", plain(&worded(line)));
}

/// Writes a question to standard error; the answer goes on the same line.
pub fn prompt(question: &str) {
    let mut screen = io::stderr().lock();
    let _ = write!(screen, "{}", plain(&worded(question)));
    let _ = screen.flush();
}

/// Says what went wrong on standard error, in one line, in the name of `program`.
pub fn complain(program: &str, error: &Error) {
    say(&format!("{program}: {error}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_said_as_it_is_called() {
        for (line, said) in [
            ("see: seqera doctor", "see: sekuire doctor"),
            ("use: seqera exec, without --live", "use: sekuire exec, without --live"),
            (
                "eval \"$(seqera env --unset)\"; seqera token",
                "eval \"$(sekuire env --unset)\"; sekuire token",
            ),
            ("log in again with: seqera login", "log in again with: seqera login"),
            ("/opt/bin/seqera is first", "/opt/bin/seqera is first"),
            ("git-credential-seqera get", "git-credential-seqera get"),
            ("a login of seqera", "a login of seqera"),
            (
                "log in with: seqera login --provider seqera --profile x",
                "log in with: sekuire login --provider seqera --profile x",
            ),
            ("seqera: it", "seqera: it"),
        ] {
            assert_eq!(renamed(line, "sekuire"), said);
        }
    }

    #[test]
    fn nothing_foreign_acts() {
        assert_eq!(plain("a\x1b[31mb\u{202e}c\r\n\u{200b}\u{9b}"), "a�[31mb�c����");
        assert_eq!(plain("Zoë's Ωrg"), "Zoë's Ωrg");
    }

    #[test]
    fn json_says_the_same_and_acts_on_nothing() {
        let foreign = "a\u{9b}b\u{202e}c\u{e0041}d\x7fe\nf";
        let json = escaped(&serde_json::to_string(foreign).unwrap());
        assert!(!json.chars().any(acts), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), foreign);
    }
}
