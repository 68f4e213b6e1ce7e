//! Asking a client itself whether it reaches the helper.
//!
//! The client is run on a question that nobody has an answer to. In its environment is a word that the helper, once it
//! is started, says on standard error, which every client passes on; so started the helper knows no credentials and
//! keeps none.

use std::process::Command;

use crate::config;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::non_empty;
use crate::os::hex::hex;
use crate::os::programs;
use crate::protocol::PROBE;
use crate::provider;
use crate::ui;

/// A host that there is none of (RFC 2606).
pub const NOBODY: &str = "seqera-probe.invalid";

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The client started the helper.
    Yes,
    /// It did not, and why.
    No(String),
    /// It could not be asked, and why.
    NotAsked(String),
}

/// A client, with nothing of ours in its environment that it does not need; nothing where it is not installed.
pub fn program(name: &str) -> Option<Command> {
    let mut command = Command::new(programs::find(name)?);
    command.env("PATH", programs::path()).env("LC_ALL", "C.UTF-8");
    for variable in provider::ALL.iter().flat_map(|platform| platform.variables().secrets()) {
        command.env_remove(variable);
    }
    // It runs in another folder.
    for name in ["HOME", "XDG_CONFIG_HOME"] {
        if let Some(Ok(path)) = non_empty(name).map(std::path::absolute) {
            command.env(name, path);
        }
    }
    Some(command)
}

/// A folder in which there is nothing that a client could read.
///
/// # Errors
/// It cannot be made.
pub fn empty_folder() -> Result<tempfile::TempDir> {
    let made = tempfile::Builder::new().prefix("seqera-").tempdir();
    made.map_err(|error| Error::io("cannot make a temporary folder", &error))
}

/// Runs the client and tells whether it started the helper. A `No` holds what the client said, if anything.
///
/// # Errors
/// There is no randomness.
pub fn run(mut client: Command, input: &[u8]) -> Result<Seen> {
    let mut word = [0; 16];
    getrandom::fill(&mut word).map_err(|_| Error::failed("the system has no randomness"))?;
    let word = hex(&word);
    client.env(PROBE, &word);
    let output = match programs::output(client, input, Deadline::after(config::helper_timeout())) {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            return Ok(Seen::No(" in time".to_owned()));
        }
        Err(error) => return Ok(Seen::NotAsked(Error::io("it cannot be run", &error).to_string())),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains(&word) {
        return Ok(Seen::Yes);
    }
    Ok(Seen::No(said.lines().next().map(|line| format!(": {}", ui::plain(line))).unwrap_or_default()))
}
