//! What can go wrong, with the words and the exit code a person or a script gets for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A result whose error is already fit to be shown.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The class of an error. It decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something failed that no other class describes.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Nobody is logged in.
    NotLoggedIn,
    /// There was a login, and it has ended.
    SessionEnded,
    /// The network or the server could not be reached or did not make sense.
    Unreachable,
    /// The store is locked, denied or unavailable.
    Store,
    /// A policy (host, scheme, origin) forbids it.
    Refused,
    /// A deadline passed.
    TimedOut,
    /// There is no program to hand over to.
    NoProgram,
    /// The person interrupted.
    Interrupted,
}

impl Kind {
    /// Every class, by its exit code.
    pub const ALL: [Kind; 10] = [
        Kind::Failed,
        Kind::Usage,
        Kind::NotLoggedIn,
        Kind::SessionEnded,
        Kind::Unreachable,
        Kind::Store,
        Kind::Refused,
        Kind::TimedOut,
        Kind::NoProgram,
        Kind::Interrupted,
    ];

    /// What the manual says of its exit code.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Failed => "failed; doctor: something is wrong",
            Kind::Usage => "the command line is wrong",
            Kind::NotLoggedIn => "not logged in",
            Kind::SessionEnded => "the session has ended: log in again",
            Kind::Unreachable => "the network or the server cannot be reached; never a bad token",
            Kind::Store => "the store is locked, denied or unavailable",
            Kind::Refused => "refused by policy: a host, a scheme, an origin, what a site forbids",
            Kind::TimedOut => "timed out",
            Kind::NoProgram => "no program to hand over to",
            Kind::Interrupted => "interrupted",
        }
    }

    /// The exit code of both programs for this class.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotLoggedIn => 3,
            Kind::SessionEnded => 4,
            Kind::Unreachable => 5,
            Kind::Store => 6,
            Kind::Refused => 7,
            Kind::TimedOut => 8,
            Kind::NoProgram => 127,
            Kind::Interrupted => 130,
        }
    }
}

/// What happened and what to do next. Never holds a secret, nor the body of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    what: String,
    next: Option<String>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        $($(#[$doc])* pub fn $name(what: impl Into<String>) -> Self { Error::new(Kind::$kind, what) })*
    };
}

impl Error {
    /// An error of class `kind`; `what` is one sentence without a full stop.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error { kind, what: what.into(), next: None }
    }

    constructors! {
        /// [`Kind::Failed`].
        failed => Failed;
        /// [`Kind::Usage`].
        usage => Usage;
        /// [`Kind::NotLoggedIn`].
        not_logged_in => NotLoggedIn;
        /// [`Kind::SessionEnded`].
        session_ended => SessionEnded;
        /// [`Kind::Unreachable`].
        unreachable => Unreachable;
        /// [`Kind::Store`].
        store => Store;
        /// [`Kind::Refused`].
        refused => Refused;
        /// [`Kind::TimedOut`].
        timed_out => TimedOut;
        /// [`Kind::NoProgram`].
        no_program => NoProgram;
    }

    /// Adds what the person can do next, preferably a command to type.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// A file operation that failed: `doing` says what to which file.
    pub fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Error::failed(format!("{doing}: {}", io_words(error)))
    }

    /// The class.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened, without the hint.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do next, if anything helps.
    pub fn hint(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// The exit code of both programs.
    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }
}

/// An I/O error in the system's own words, without Rust's trailing `(os error N)`.
pub fn io_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.next {
            Some(next) => write!(f, "; {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
