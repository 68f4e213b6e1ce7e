//! The address that a person pastes, in as many pieces as it takes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::oauth::authorize::{Code, Pending, RedirectError};
use crate::ui::{Keyboard, Typed};

/// The longest line that a terminal passes on while it lets people correct what they type (`N_TTY_BUF_SIZE`,
/// `MAX_CANON`). What is beyond it is dropped in silence.
const LONGEST_LINE: usize = if cfg!(target_os = "macos") { 1023 } else { 4095 };

/// Lines that were pasted in one go come one upon the other.
const IN_ONE_GO: Duration = Duration::from_millis(150);

/// As much as an address can be in pieces.
const MOST: usize = 64 * 1024;

/// Where an address is pasted.
pub enum Source<'a> {
    /// At the terminal.
    Terminal(&'a Keyboard),
    /// Into a file, or into standard input.
    Elsewhere(Keyboard),
}

impl Source<'_> {
    /// The file that `--paste-from` names; `-` is standard input.
    pub fn of(path: &Path) -> Source<'static> {
        Source::Elsewhere(match path.as_os_str() == "-" {
            true => Keyboard::of_input(),
            false => Keyboard::of_file(PathBuf::from(path)),
        })
    }

    fn keyboard(&self) -> &Keyboard {
        match self {
            Source::Terminal(keyboard) => keyboard,
            Source::Elsewhere(keyboard) => keyboard,
        }
    }
}

/// What was pasted.
#[derive(Debug, PartialEq, Eq)]
pub enum Pasted {
    /// Nothing yet.
    Nothing,
    /// Nothing any more.
    Closed,
    /// The address, with what the server says in it.
    Answer(Result<Code, RedirectError>),
    /// Something else, and what to tell the person.
    NotYet(Error),
}

/// What is pasted into one source, put together.
pub struct Paste<'a> {
    source: Source<'a>,
    pending: &'a Pending,
    /// The pieces so far that are not an address yet.
    begun: String,
}

impl<'a> Paste<'a> {
    /// Nothing was pasted yet.
    pub fn new(source: Source<'a>, pending: &'a Pending) -> Paste<'a> {
        Paste { source, pending, begun: String::new() }
    }

    /// Whether it is a terminal that waits for it.
    pub fn is_at_terminal(&self) -> bool {
        matches!(self.source, Source::Terminal(_))
    }

    /// What has come since the last look.
    pub fn look(&mut self) -> Pasted {
        let mut lines = Vec::new();
        let mut wait = Duration::ZERO;
        loop {
            match self.source.keyboard().typed(wait) {
                Typed::Line(line) => lines.push(line),
                Typed::Closed if lines.is_empty() => return Pasted::Closed,
                _ => break,
            }
            wait = IN_ONE_GO;
        }
        lines.retain(|line| !line.trim().is_empty());
        if lines.is_empty() {
            return Pasted::Nothing;
        }
        let is_too_long = self.is_at_terminal() && lines.iter().any(|line| line.len() >= LONGEST_LINE);
        match self.judge(&lines) {
            Pasted::NotYet(_) if is_too_long => {
                self.begun.clear();
                Pasted::NotYet(too_long())
            }
            judged => judged,
        }
    }

    fn judge(&mut self, lines: &[String]) -> Pasted {
        let together = lines.concat();
        let whole = [&self.begun, &*together].concat();
        // The newest first: who pastes the whole once more means that one. Of a longer text, the line that fits.
        let anew = lines.iter().rposition(|line| line.trim_start().starts_with("http"));
        let mut texts: Vec<String> = anew.map(|at| lines[at..].concat()).into_iter().collect();
        texts.extend([together.clone(), whole.clone()]);
        texts.extend(lines.iter().flat_map(|text| text.lines()).map(str::to_owned));
        let mut error = RedirectError::NotOurs;
        for text in &texts {
            match self.pending.check_pasted(text) {
                Ok(code) => return Pasted::Answer(Ok(code)),
                Err(found) if found.is_final() => return Pasted::Answer(Err(found)),
                Err(found) if error == RedirectError::NotOurs => error = found,
                Err(_) => {}
            }
        }
        self.begun = if together.contains('?') { together } else { whole };
        if self.begun.len() > MOST {
            self.begun.clear();
        }
        Pasted::NotYet(error.into())
    }
}

fn too_long() -> Error {
    Error::failed(format!(
        "the address is longer than a line that a terminal passes on ({LONGEST_LINE} characters)"
    ))
    .next("end this with Ctrl-C, log in again with --paste-from FILE, and save the address in that file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::Client;
    use crate::oauth::discovery::Server;
    use url::Url;

    fn pending() -> (Pending, String) {
        let url = |text: &str| Url::parse(text).unwrap();
        let server = Server {
            issuer: "https://example.com".into(),
            authorization: url("https://example.com/authorize"),
            token: url("https://example.com/token"),
            revocation: None,
            device: None,
            sends_issuer: true,
        };
        let pending = Pending::begin(&server, &Client::default(), &url("http://127.0.0.1:1/callback"));
        let state = pending.url().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let address =
            format!("http://127.0.0.1:1/callback?code=abc&state={state}&iss=https%3A%2F%2Fexample.com");
        (pending, address)
    }

    fn paste<'a>(pending: &'a Pending, keyboard: &'a Keyboard) -> Paste<'a> {
        Paste::new(Source::Terminal(keyboard), pending)
    }

    #[test]
    fn an_address_may_come_in_pieces() {
        let (pending, address) = pending();
        let keyboard = Keyboard::of_file("/nonexistent".into());
        let lines = |text: &[&str]| text.iter().map(|line| (*line).to_owned()).collect::<Vec<String>>();
        for cut in [5, 30, 45, 60, address.len() - 10] {
            let (one, other) = address.split_at(cut);
            let mut paste = paste(&pending, &keyboard);
            assert!(matches!(paste.judge(&lines(&[one, other])), Pasted::Answer(Ok(_))), "{cut}");
            let mut paste = self::paste(&pending, &keyboard);
            assert!(matches!(paste.judge(&lines(&[one])), Pasted::NotYet(_)), "{cut}");
            assert!(matches!(paste.judge(&lines(&[other])), Pasted::Answer(Ok(_))), "{cut}");
        }
        // A piece, and behind it the whole: the two are not one address.
        let both = lines(&[&address[..45], &address]);
        let alone = paste(&pending, &keyboard).judge(&lines(&[&address]));
        assert!(matches!(alone, Pasted::Answer(Ok(_))));
        assert_eq!(paste(&pending, &keyboard).judge(&both), alone);
        let mut again = paste(&pending, &keyboard);
        assert!(matches!(again.judge(&lines(&["hello"])), Pasted::NotYet(_)));
        assert!(matches!(again.judge(&lines(&[&address[..50]])), Pasted::NotYet(_)));
        assert!(matches!(again.judge(&lines(&[&address])), Pasted::Answer(Ok(_))));
        let text = format!("Here it is:\n{address}\nThanks");
        assert!(matches!(paste(&pending, &keyboard).judge(&lines(&[&text])), Pasted::Answer(Ok(_))));
    }
}
