//! Serves docker, podman, skopeo, buildah and their kin.

pub mod wire;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::{PROGRAM, Protocol, VERSION, read, reply, tell};
use crate::broker::{Broker, ServerId, StoredCredential};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::session::profile::Profile;
use crate::target::Target;
use crate::ui;
use wire::{NO_SERVER, NOT_FOUND, Operation, Server};

/// The kind under which the store keeps what docker brings.
pub const KIND: &str = "docker";

const USAGE: &str = "Usage: docker-credential-seqera <store|get|erase|list|version>\n";

/// docker's protocol.
pub struct Docker;

impl Protocol for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn file_name(&self) -> &'static str {
        "docker-credential-seqera"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["get", "store", "erase", "list", "version"]
    }

    /// docker sends the bare address of a server, or a JSON object.
    fn is_its(&self, input: &[u8]) -> bool {
        let text = input.trim_ascii();
        text.starts_with(b"{") || std::str::from_utf8(text).is_ok_and(|text| Server::parse(text).is_ok())
    }

    fn talk(
        &self,
        args: &[String],
        input: &mut dyn Read,
        output: &mut dyn Write,
        broker: &Broker<'_>,
    ) -> Result<u8> {
        let [word] = args else { return reply(output, USAGE.as_bytes()).map(|_| 1) };
        let outcome = match Operation::from_name(word) {
            None => {
                return refuse(output, &format!("{}: unknown action: {}", self.file_name(), ui::plain(word)));
            }
            Some(Operation::Help) => return reply(output, USAGE.as_bytes()),
            Some(Operation::Version) => {
                return reply(output, format!("{} ({PROGRAM}) v{VERSION}\n", self.file_name()).as_bytes());
            }
            // docker-py lets us have its own standard input here: reading it could wait for ever.
            Some(Operation::List) => list(broker),
            Some(Operation::Get) => read(input).map_err(Failure::from).and_then(|input| get(&input, broker)),
            Some(Operation::Store) => {
                read(input).map_err(Failure::from).and_then(|input| store(&input, broker))
            }
            Some(Operation::Erase) => {
                read(input).map_err(Failure::from).and_then(|input| erase(&input, broker))
            }
        };
        respond(output, outcome)
    }
}

/// What a docker client is told instead of an answer.
enum Failure {
    /// Words that clients match.
    Words(&'static str),
    /// A failure of ours.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

impl From<&'static str> for Failure {
    fn from(words: &'static str) -> Failure {
        Failure::Words(words)
    }
}

/// docker's clients read errors from standard output. Some swallow them there, so a person at a terminal gets
/// our own failures on standard error as well.
fn respond(output: &mut dyn Write, outcome: Result<Zeroizing<Vec<u8>>, Failure>) -> Result<u8> {
    match outcome {
        Ok(bytes) => reply(output, &bytes),
        Err(Failure::Words(words)) => refuse(output, words),
        Err(Failure::Error(error)) => {
            if ui::attended() {
                ui::complain(PROGRAM, &error);
            }
            refuse(output, &format!("{PROGRAM}: {}", ui::plain(&error.to_string())))?;
            Ok(error.exit_code())
        }
    }
}

fn refuse(output: &mut dyn Write, words: &str) -> Result<u8> {
    reply(output, format!("{words}\n").as_bytes()).map(|_| 1)
}

fn get(input: &[u8], broker: &Broker<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let server_url = std::str::from_utf8(input).map_err(|_| NOT_FOUND)?.trim();
    let server = Server::parse(server_url)?;
    let platform = if server.exact { Ok(None) } else { broker.platform(&server.target) };
    let token = match &platform {
        Ok(Some(platform)) => broker.platform_token(platform)?,
        Ok(None) if !server.exact => broker.registry_login(&server.target)?,
        _ => None,
    };
    if let Ok(Some(platform)) = &platform {
        tell(if token.is_some() { platform.advice() } else { platform.refusal(&server.target) });
    }
    if let Some(token) = token {
        return Ok(wire::got(server_url, &token.username, &token.token).ok_or(NOT_FOUND)?);
    }
    let id = ServerId::from(&server.target);
    let mut found = broker.find(KIND, &id, |stored| server.is_within(kept_path(stored)))?;
    found.sort_by_key(|stored| Reverse(kept_path(stored).len()));
    let Some(stored) = found.first() else {
        // A profile that cannot be read keeps nothing from other servers.
        platform?;
        return Err(NOT_FOUND.into());
    };
    let username = stored.username.as_ref().and_then(Secret::expose_str).ok_or(NOT_FOUND)?;
    let secret = stored.password.as_ref().ok_or(NOT_FOUND)?;
    Ok(wire::got(server_url, username, secret).ok_or(NOT_FOUND)?)
}

fn kept_path(stored: &StoredCredential) -> &str {
    stored.path.as_ref().and_then(Secret::expose_str).unwrap_or_default()
}

fn store(input: &[u8], broker: &Broker<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let stored = wire::parse_store(input)?;
    let target = &stored.server.target;
    if let Some(owner) = owner_of(broker, target) {
        // A client that logs in with what we gave it hands that back; anything else would never be answered.
        if broker.is_registry_pass(&owner, &stored.secret)? {
            return Ok(Zeroizing::default());
        }
        return Err(served_already(target, &owner).into());
    }
    if broker.is_platform_user(target, &stored.username) {
        return Ok(Zeroizing::default());
    }
    let credential = StoredCredential {
        path: Some(Secret::from(stored.server.path.as_str())),
        username: Some(Secret::new(stored.username)),
        password: Some(stored.secret),
        server_url: Some(stored.server_url),
        ..StoredCredential::default()
    };
    // docker knows one user a server: the next one replaces the last.
    tell(broker.keep(KIND, &ServerId::from(target), stored.server.path.as_bytes(), credential)?);
    Ok(Zeroizing::default())
}

/// A profile that cannot be read is not a reason to keep or forget nothing for every other server.
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
fn erase(input: &[u8], broker: &Broker<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let server = match std::str::from_utf8(input).map(Server::parse) {
        Ok(Ok(server)) => server,
        Ok(Err(NO_SERVER)) => return Err(NO_SERVER.into()),
        _ => return Ok(Zeroizing::default()),
    };
    if let Some(owner) = owner_of(broker, &server.target) {
        broker.forget_registry_pass(&owner)?;
    }
    let identity = Some(server.path.as_bytes());
    broker
        .forget(KIND, &ServerId::from(&server.target), identity, |stored| kept_path(stored) == server.path)?;
    Ok(Zeroizing::default())
}

fn list(broker: &Broker<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let all = broker.all(KIND)?;
    let users: BTreeMap<&str, &str> = all
        .iter()
        .filter_map(|stored| Some((stored.server_url.as_deref()?, stored.username.as_ref()?.expose_str()?)))
        .collect();
    let mut bytes = serde_json::to_vec(&users).map_err(|_| Error::failed("the list cannot be written"))?;
    bytes.push(b'\n');
    Ok(Zeroizing::new(bytes))
}
