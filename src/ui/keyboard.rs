//! What a person types.

use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Error, Result, io_words};
use crate::os::process::Uninterrupted;

/// The longest line a terminal gives, and more.
const LONGEST: u64 = 64 * 1024;

/// How often a file is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Lines from the terminal, read in a thread of its own, so that something else can be waited for meanwhile.
/// There is one for a process: what is typed goes to the next question.
pub struct Keyboard(Receiver<String>);

/// What was typed within the time.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line, without its end.
    Line(String),
    /// Nothing yet.
    Nothing,
    /// Nothing any more: the person ended the input.
    Closed,
}

impl Keyboard {
    /// The keyboard, where a person can read what we ask and answer it.
    pub fn open() -> Option<Keyboard> {
        if !super::can_ask() {
            return None;
        }
        Some(Keyboard::of_input())
    }

    /// Standard input, whatever it is.
    pub fn of_input() -> Keyboard {
        let (line, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut input = io::stdin().lock();
            loop {
                let mut bytes = Vec::new();
                // Not every byte that somebody pastes is part of a character.
                let read = (&mut input).take(LONGEST).read_until(b'\n', &mut bytes);
                let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
                match read {
                    Ok(1..) if line.send(text).is_ok() => {}
                    _ => return,
                }
            }
        });
        Keyboard(lines)
    }

    /// What a file says, each time that it says something new from now on. The file need not be there yet.
    pub fn of_file(path: PathBuf) -> Keyboard {
        let (line, lines) = mpsc::channel();
        thread::spawn(move || {
            let look = || {
                let mut bytes = Vec::new();
                let file = std::fs::File::open(&path).ok()?;
                file.take(LONGEST).read_to_end(&mut bytes).ok()?;
                Some(bytes).filter(|bytes| !bytes.trim_ascii().is_empty())
            };
            // A pipe is read when somebody writes, and what a file says before belongs to an earlier login.
            let is_file = std::fs::metadata(&path).is_ok_and(|found| found.is_file());
            let mut before = if is_file { look() } else { None };
            loop {
                let now = look();
                if let Some(bytes) = now.as_ref().filter(|_| now != before)
                    && line.send(String::from_utf8_lossy(bytes).into_owned()).is_err()
                {
                    return;
                }
                before = now;
                thread::sleep(LOOK_AGAIN);
            }
        });
        Keyboard(lines)
    }

    /// What is typed within `wait`.
    pub fn typed(&self, wait: Duration) -> Typed {
        match self.0.recv_timeout(wait) {
            Ok(line) => Typed::Line(line),
            Err(RecvTimeoutError::Timeout) => Typed::Nothing,
            Err(RecvTimeoutError::Disconnected) => Typed::Closed,
        }
    }
}

/// Asks for a line that the terminal does not show. Only where there is a terminal.
pub fn hidden(prompt: &str) -> Result<Zeroizing<String>> {
    // The library sends itself the signal before it gives the terminal back: it has to wait until it has.
    let _until_given_back = Uninterrupted::begin();
    // It also asks before it turns the echo off: what is pasted in between would be seen.
    #[cfg(unix)]
    let _unseen = Unseen::begin();
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        Error::failed(format!("nothing can be read from the terminal: {}", io_words(&error)))
            .next("give it on standard input instead, with --with-token")
    })
}

/// While it lives the terminal shows nothing of what is typed.
#[cfg(unix)]
struct Unseen {
    terminal: std::fs::File,
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Unseen {
    fn begin() -> Option<Unseen> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut unseen = before.clone();
        // As the library will have it, so that a Ctrl-C that comes early waits for it as a character.
        let modes = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        unseen.local_modes.remove(modes);
        tcsetattr(&terminal, OptionalActions::Now, &unseen).ok()?;
        Some(Unseen { terminal, before })
    }
}

#[cfg(unix)]
impl Drop for Unseen {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
