//! A box that cannot be read, and what to do about it.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::sealed::Unopened;
use crate::error::{Error, io_words};
use crate::os::ownership::Exposed;

/// A box that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    path: PathBuf,
    /// Why not.
    pub why: Why,
}

/// Why a box cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is not a box of this format: empty, cut off, or of a newer version.
    NotABox,
    /// Another key sealed it.
    OtherKey,
    /// It was changed, or moved from another name.
    Damaged,
    /// It opens, and holds something that is not ours.
    Unknown,
    /// It is too large, or not a file.
    NotAFile,
    /// The system says why, and perhaps we say what to do.
    Denied(String, Option<String>),
}

impl From<Unopened> for Why {
    fn from(unopened: Unopened) -> Why {
        match unopened {
            Unopened::NotABox => Why::NotABox,
            Unopened::OtherKey => Why::OtherKey,
            Unopened::Damaged => Why::Damaged,
        }
    }
}

impl Why {
    pub(super) fn of(error: &io::Error) -> Why {
        match Exposed::of(error) {
            Some(exposed) => Why::Denied(exposed.to_string(), Some(exposed.hint().to_owned())),
            None if error.kind() == io::ErrorKind::InvalidData => Why::NotAFile,
            None => Why::Denied(io_words(error), None),
        }
    }
}

impl Unreadable {
    pub(super) fn new(path: PathBuf, why: Why) -> Unreadable {
        Unreadable { path, why }
    }

    /// Whether it may be one that another host writes just now: cut off, and new.
    pub(super) fn may_settle(&self) -> bool {
        const NEW: Duration = Duration::from_secs(60);
        let written = fs::metadata(&self.path).and_then(|found| found.modified());
        // A time to come is that of another host's clock.
        let is_new = written.is_ok_and(|written| written.elapsed().map_or(true, |age| age < NEW));
        matches!(self.why, Why::NotABox | Why::Damaged) && is_new
    }

    /// The name of its file.
    pub(super) fn name(&self) -> Option<String> {
        Some(self.path.file_name()?.to_str()?.to_owned())
    }

    /// The error for somebody who needs what is in it.
    pub fn error(&self) -> Error {
        let remedy = match &self.why {
            Why::Denied(_, Some(remedy)) => remedy.clone(),
            _ => format!(
                "nothing was changed; restore it from a backup, or store the credential again, \
                 or remove it with: rm {}",
                self.path.display()
            ),
        };
        Error::store(self.to_string()).next(remedy)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.path.display())?;
        match &self.why {
            Why::NotABox => f.write_str("is not a sealed file of this version"),
            Why::OtherKey => f.write_str("was sealed with another key"),
            Why::Damaged => f.write_str("is damaged"),
            Why::Unknown => f.write_str("holds something unknown"),
            Why::NotAFile => f.write_str("cannot be read: it is too large, or not a file"),
            Why::Denied(why, _) => write!(f, "cannot be read: {why}"),
        }
    }
}
