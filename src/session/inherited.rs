//! A token that our own hook or `env` exported on another machine, or outside of this container.
//!
//! Where the login itself is, what we exported gives way to it: it is fresher. On a node of a cluster or in a
//! container without the home there is no login to ask, and a token that still lives is as good as one that the
//! person gave.

use std::ffi::OsString;

use super::exports::{self, Ours};
use crate::os::clock::now;
use crate::os::env::Environment;
use crate::os::paths::Paths;
use crate::provider::ProviderId;
use crate::secret::Secret;

/// The token of ours in this environment and its variable, where nothing was ever stored here and the environment
/// still names the server it is for.
pub fn token(paths: &Paths, id: ProviderId, env: &impl Environment) -> Option<(&'static str, Secret)> {
    let ours = Ours::in_env(env)?;
    if !paths.are_unused() || !lives(env) || !is_at_home(&ours, id, env) {
        return None;
    }
    id.variables().exported_tokens.iter().find_map(|name| {
        let value = env(name).map(OsString::into_encoded_bytes)?;
        ours.is_token(&value).then(|| (*name, Secret::new(value)))
    })
}

fn lives(env: &impl Environment) -> bool {
    let Some(end) = env(exports::EXPIRES_AT) else { return true };
    end.to_str().and_then(|end| end.parse().ok()).is_some_and(|end: u64| end > now())
}

/// Whether the endpoint in the environment is the one that was exported with the token.
fn is_at_home(ours: &Ours, id: ProviderId, env: &impl Environment) -> bool {
    let name = id.variables().exported_endpoint;
    env(name).filter(|value| ours.is_variable(name, value.as_encoded_bytes())).is_some_and(|value| {
        let exported = id.endpoint(&value.to_string_lossy());
        exported.is_ok_and(|exported| id.outside_endpoint().is_ok_and(|outside| outside == exported))
    })
}
