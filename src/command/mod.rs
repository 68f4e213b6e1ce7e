//! One file a command: its arguments, its flow, its words.

pub mod env;
pub mod hook;
pub mod prompt;

use std::ffi::OsString;
use std::io::Write;

use crate::error::{Error, Result};
use crate::paths::non_empty;

/// This process's environment, for the functions that take one.
pub fn process_env(name: &str) -> Option<OsString> {
    non_empty(name)
}

/// Writes a whole answer and a newline in one piece: what evaluates it sees all of it or nothing.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn answer(out: &mut impl Write, text: &[u8]) -> Result<()> {
    let line = zeroize::Zeroizing::new([text, b"\n"].concat());
    out.write_all(&line)
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("the answer cannot be written to standard output", &error))
}
