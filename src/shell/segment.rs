//! The prompt's segment: who you are at the Platform and whether you still are, at a glance.

use crate::error::{Error, Result};

use super::Shell;
use crate::session::mark::{Mark, NEVER, State};

/// What [`Segment::render`] writes where no other format is asked for.
pub const DEFAULT_FORMAT: &str = "{label}{symbol}";

/// Where the segment is shown: it decides how colours are written and how they are kept out of the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// As it is, with a terminal's own escapes for the colours.
    Terminal,
    /// In the prompt of this shell.
    Prompt(Shell),
    /// In a status line of tmux.
    Tmux,
}

/// How the segment looks.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Text with `{label}`, `{organization}`, `{workspace}`, `{profile}`, `{state}`, `{symbol}` and `{left}`;
    /// `{{` is a brace.
    pub format: &'a str,
    /// Where it is shown.
    pub place: Surface,
    /// Whether it has the state's colour.
    pub colour: bool,
    /// Whether signs outside of ASCII may be used.
    pub unicode: bool,
}

/// What the segment shows. Every text in it is of a mark's label, which holds nothing that a shell, tmux or a
/// terminal acts on; so only colours need escapes here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A token that the person gave from outside is in use.
    FromEnvironment,
    /// A login, or none.
    Login {
        /// The mark that was read.
        mark: Mark,
        /// Its state now.
        state: State,
        /// Seconds until its end, where it has one.
        left: Option<u64>,
    },
}

impl Segment {
    /// The segment for a mark at `now`.
    pub fn of(mark: Mark, now: u64) -> Segment {
        let left = (mark.end < NEVER).then(|| mark.end.saturating_sub(now));
        Segment::Login { state: mark.state_at(now), left, mark }
    }

    /// The segment as text, without a newline; empty where nobody is logged in and the format does not ask
    /// for the state.
    ///
    /// # Errors
    /// A field the format names that does not exist.
    pub fn render(&self, look: &Look<'_>) -> Result<String> {
        let text = self.fill(look)?;
        let is_out = matches!(self, Segment::Login { state: State::Out, .. });
        if text.is_empty() || (is_out && !look.format.contains("{state}")) {
            return Ok(String::new());
        }
        Ok(if look.colour { self.paint(&text, look.place) } else { text })
    }

    fn fill(&self, look: &Look<'_>) -> Result<String> {
        let mut out = String::new();
        let mut rest = look.format;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                out.push('{');
                rest = after;
                continue;
            }
            let Some((field, after)) = rest.split_once('}') else {
                return Err(
                    Error::usage("the format has a '{' without its '}'").next("write '{{' for a brace")
                );
            };
            out.push_str(&self.field(field, look.unicode)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn field(&self, field: &str, unicode: bool) -> Result<String> {
        let (label, profile) = self.label();
        let (organization, workspace) = label.split_once('/').unwrap_or((label, ""));
        Ok(match field {
            "label" if profile.is_empty() => label.into(),
            "label" => format!("{label}@{profile}"),
            "organization" => organization.into(),
            "workspace" => workspace.into(),
            "profile" => profile.into(),
            "state" => self.words().into(),
            "symbol" => self.symbol(unicode).into(),
            "left" => match self {
                Segment::Login { left: Some(left), .. } => span(*left),
                _ => String::new(),
            },
            _ => {
                return Err(Error::usage("the format names a field that does not exist")
                    .next("there are {label} {organization} {workspace} {profile} {state} {symbol} {left}"));
            }
        })
    }

    /// What is before the label's `@`, and the profile behind it.
    fn label(&self) -> (&str, &str) {
        match self {
            Segment::FromEnvironment => ("env", ""),
            Segment::Login { state: State::Out, .. } => ("", ""),
            Segment::Login { mark, .. } => mark.label.split_once('@').unwrap_or((&mark.label, "")),
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Segment::FromEnvironment => "from the environment",
            Segment::Login { state, .. } => match state {
                State::Fresh => "fresh",
                State::Ending => "ending soon",
                State::Ended => "ended",
                State::Out => "logged out",
            },
        }
    }

    fn symbol(&self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Segment::Login { state: State::Ending, .. }, true) => "◷",
            (Segment::Login { state: State::Ending, .. }, false) => "~",
            (Segment::Login { state: State::Ended, .. }, true) => "✗",
            (Segment::Login { state: State::Ended, .. }, false) => "!",
            _ => "",
        }
    }

    fn paint(&self, text: &str, place: Surface) -> String {
        let (number, name) = match self {
            Segment::FromEnvironment => (36, "cyan"),
            Segment::Login { state, .. } => match state {
                State::Fresh => (32, "green"),
                State::Ending => (33, "yellow"),
                State::Ended => (31, "red"),
                State::Out => (90, "brightblack"),
            },
        };
        let (open, close) = match place {
            Surface::Prompt(shell) => shell.language().around_colours(),
            Surface::Tmux => return format!("#[fg={name}]{text}#[default]"),
            Surface::Terminal => ("", ""),
        };
        format!("{open}\x1b[{number}m{close}{text}{open}\x1b[0m{close}")
    }
}

/// The largest unit that fits, as in `3d`, `5h`, `12m`.
fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, 's'),
        60..3600 => (seconds / 60, 'm'),
        3600..172_800 => (seconds / 3600, 'h'),
        _ => (seconds / 86_400, 'd'),
    };
    format!("{count}{unit}")
}
