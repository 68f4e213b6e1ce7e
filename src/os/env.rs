//! Environment variables: reading them, and changes to them.

use std::env;
use std::ffi::OsString;

use crate::secret::Secret;

/// An environment variable, where an empty value counts as unset.
pub fn non_empty(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Like [`non_empty`], as text; a value that is not UTF-8 counts as unset.
pub fn env_text(name: &str) -> Option<String> {
    non_empty(name)?.into_string().ok()
}

/// A look into an environment; an empty value counts as unset.
pub trait Environment: Fn(&str) -> Option<OsString> {}
impl<F: Fn(&str) -> Option<OsString>> Environment for F {}

/// One change of an environment. The names are compiled in: none ever comes from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Gives the variable this value and exports it.
    Set(&'static str, Secret),
    /// Takes the variable away.
    Unset(&'static str),
}

impl Change {
    /// The name of the variable.
    pub fn name(&self) -> &'static str {
        match self {
            Change::Set(name, _) | Change::Unset(name) => name,
        }
    }
}
