//! Serves docker, podman, skopeo, buildah and their kin.

pub mod wire;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{PROGRAM, VERSION, read_input, reply, tell};
use crate::broker::{Broker, StoredCredential};
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::secret::Secret;
use crate::session::profile::Profile;
use crate::target::Target;
use crate::ui;
use wire::{NO_SERVER, NOT_FOUND, Operation, Server};

/// The kind under which the store keeps what docker brings.
const KIND: &str = "docker";

const USAGE: &str = "Usage: docker-credential-seqera <store|get|erase|list|version>\n";

/// Answers a call with these words after the program's name. Returns the exit code.
pub(super) fn door(words: &[String], deadline: Deadline) -> u8 {
    let [word] = words else {
        reply(USAGE.as_bytes());
        return 1;
    };
    match Operation::from_name(word) {
        None => says(&format!("docker-credential-seqera: unknown action: {}", ui::plain(word))),
        Some(Operation::Help) => reply(USAGE.as_bytes()),
        Some(Operation::Version) => {
            reply(format!("docker-credential-seqera ({PROGRAM}) v{VERSION}\n").as_bytes())
        }
        // docker-py lets us have its own standard input here: reading it could wait for ever.
        Some(Operation::List) => done(list(deadline)),
        Some(_) => match read_input(deadline) {
            Ok(input) => answer(word, &input, deadline),
            Err(error) => done(Err(error.into())),
        },
    }
}

/// Answers an operation whose input was read.
pub(super) fn answer(word: &str, input: &[u8], deadline: Deadline) -> u8 {
    match Operation::from_name(word) {
        Some(Operation::Get) => done(get(input, deadline)),
        Some(Operation::Store) => done(store(input, deadline)),
        _ => done(erase(input, deadline)),
    }
}

/// What a docker client is told instead of an answer.
enum Untold {
    /// Words that clients match.
    Words(&'static str),
    /// A failure of ours.
    Error(Error),
}

impl From<Error> for Untold {
    fn from(error: Error) -> Untold {
        Untold::Error(error)
    }
}

impl From<&'static str> for Untold {
    fn from(words: &'static str) -> Untold {
        Untold::Words(words)
    }
}

/// docker's clients read errors from standard output. Some swallow them there, so a person at a terminal gets
/// our own failures on standard error as well.
fn done(outcome: Result<Zeroizing<Vec<u8>>, Untold>) -> u8 {
    match outcome {
        Ok(bytes) if bytes.is_empty() => 0,
        Ok(bytes) => reply(&bytes),
        Err(Untold::Words(words)) => says(words),
        Err(Untold::Error(error)) => {
            if ui::attended() {
                ui::complain(PROGRAM, &error);
            }
            let _ = says(&format!("{PROGRAM}: {}", ui::plain(&error.to_string())));
            error.exit_code()
        }
    }
}

fn says(words: &str) -> u8 {
    reply(format!("{words}\n").as_bytes());
    1
}

fn get(input: &[u8], deadline: Deadline) -> Result<Zeroizing<Vec<u8>>, Untold> {
    let server_url = std::str::from_utf8(input).map_err(|_| NOT_FOUND)?.trim();
    let server = Server::parse(server_url)?;
    let paths = Paths::from_env()?;
    let broker = Broker::new(&paths, deadline);
    let platform = if server.exact { Ok(None) } else { broker.platform(&server.target) };
    let token = match &platform {
        Ok(Some(platform)) => broker.platform_token(platform)?,
        Ok(None) if !server.exact => broker.registry_login(&server.target)?,
        _ => None,
    };
    if let Some(token) = token {
        return Ok(wire::got(server_url, &token.username, &token.token).ok_or(NOT_FOUND)?);
    }
    let mut found = broker.find(KIND, &server.target, |login| server.is_within(kept_path(login)))?;
    found.sort_by_key(|login| Reverse(kept_path(login).len()));
    let Some(login) = found.first() else {
        // A profile that cannot be read keeps nothing from other servers.
        platform?;
        return Err(NOT_FOUND.into());
    };
    let username = login.username.as_ref().and_then(Secret::expose_str).ok_or(NOT_FOUND)?;
    let secret = login.password.as_ref().ok_or(NOT_FOUND)?;
    Ok(wire::got(server_url, username, secret).ok_or(NOT_FOUND)?)
}

fn kept_path(login: &StoredCredential) -> &str {
    login.path.as_ref().and_then(Secret::expose_str).unwrap_or_default()
}

fn store(input: &[u8], deadline: Deadline) -> Result<Zeroizing<Vec<u8>>, Untold> {
    let stored = wire::parse_store(input)?;
    let paths = Paths::from_env()?;
    let broker = Broker::new(&paths, deadline);
    if let Some(owner) = owner_of(&broker, &stored.server.target) {
        // A client that logs in with what we gave it hands that back; anything else would never be answered.
        return match broker.is_registry_pass(&owner, &stored.secret)? {
            true => Ok(Zeroizing::default()),
            false => Err(served_already(&stored.server.target, &owner).into()),
        };
    }
    if broker.is_platform_user(&stored.server.target, &stored.username) {
        return Ok(Zeroizing::default());
    }
    let login = StoredCredential {
        path: Some(Secret::from(stored.server.path.as_str())),
        username: Some(Secret::new(stored.username)),
        password: Some(stored.secret),
        server_url: Some(stored.server_url),
        ..StoredCredential::default()
    };
    // docker knows one user a server: the next one takes the place of the last.
    tell(broker.keep(KIND, &stored.server.target, stored.server.path.as_bytes(), login)?);
    Ok(Zeroizing::default())
}

/// A profile that cannot be read is no reason to keep or forget nothing for every other server.
fn owner_of(broker: &Broker<'_>, registry: &Target) -> Option<Profile> {
    broker.registry_owner(registry).ok().flatten()
}

fn served_already(registry: &Target, owner: &Profile) -> Error {
    let words =
        format!("{} needs no docker login: the login '{}' serves it", registry.authority(), owner.name);
    Error::refused(words)
        .next(format!("to use another password there, log out first: seqera logout --profile {}", owner.name))
}

/// Erasing what is not there is fine: clients erase every spelling they know.
fn erase(input: &[u8], deadline: Deadline) -> Result<Zeroizing<Vec<u8>>, Untold> {
    let server = match std::str::from_utf8(input).map(Server::parse) {
        Ok(Ok(server)) => server,
        Ok(Err(NO_SERVER)) => return Err(NO_SERVER.into()),
        _ => return Ok(Zeroizing::default()),
    };
    let paths = Paths::from_env()?;
    let broker = Broker::new(&paths, deadline);
    if let Some(owner) = owner_of(&broker, &server.target) {
        broker.forget_registry_pass(&owner)?;
    }
    broker.forget(KIND, &server.target, |login| kept_path(login) == server.path)?;
    Ok(Zeroizing::default())
}

fn list(deadline: Deadline) -> Result<Zeroizing<Vec<u8>>, Untold> {
    let paths = Paths::from_env()?;
    let all = Broker::new(&paths, deadline).all(KIND)?;
    let users: BTreeMap<&str, &str> = all
        .iter()
        .filter_map(|login| Some((login.server_url.as_deref()?, login.username.as_ref()?.expose_str()?)))
        .collect();
    let mut bytes = serde_json::to_vec(&users).map_err(|_| Error::failed("the list cannot be written"))?;
    bytes.push(b'\n');
    Ok(Zeroizing::new(bytes))
}
