//! Serves git: gitcredentials(7).

pub mod wire;

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::{Protocol, read, reply, tell, unknown_arguments};
use crate::broker::{Broker, PlatformToken, ServerId, StoredCredential};
use crate::error::{Error, Result};
use crate::secret::Secret;
use wire::{Answer, CAPABILITIES, Operation, Request};

/// The kind under which the store keeps what git brings.
pub const KIND: &str = "git";

/// git's protocol.
pub struct Git;

impl Protocol for Git {
    fn name(&self) -> &'static str {
        "git"
    }

    fn file_name(&self) -> &'static str {
        "git-credential-seqera"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["get", "store", "erase", "capability"]
    }

    /// git sends `key=value` lines, and nothing where it was cut off.
    fn is_its(&self, input: &[u8]) -> bool {
        let line = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let key = line.split(|byte| *byte == b'=').next().unwrap_or_default();
        let is_key =
            !key.is_empty() && key.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'[' | b']'));
        input.trim_ascii().is_empty() || (is_key && key.len() < line.len())
    }

    fn talk(
        &self,
        args: &[String],
        input: &mut dyn Read,
        output: &mut dyn Write,
        broker: &Broker<'_>,
    ) -> Result<u8> {
        // Options may stand in front: git appends the operation to whatever is configured.
        let Some(word) = args.last() else { return Err(unknown_arguments()) };
        // Operations of tomorrow are to be ignored.
        let Some(operation) = Operation::from_name(word) else { return Ok(0) };
        if operation == Operation::Capability {
            return reply(output, CAPABILITIES);
        }
        let request = read(input)?;
        let request = wire::parse(&request).map_err(|refused| Error::failed(refused.words()))?;
        reply(output, &answer(operation, request, broker)?)
    }
}

fn answer(operation: Operation, request: Request, broker: &Broker<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let nothing = Ok(Zeroizing::default());
    let Some(server) = &request.server else { return nothing };
    match operation {
        Operation::Get => get(server, &request, broker),
        Operation::Store => store(request, broker).and(nothing),
        Operation::Erase => erase(server, &request, broker).and(nothing),
        Operation::Capability => nothing,
    }
}

/// Whether a stored credential has what the request has.
fn matches(request: &Request, stored: &StoredCredential) -> bool {
    (request.path.is_none() || stored.path == request.path)
        && (request.username.is_none() || stored.username == request.username)
}

fn get(server: &ServerId, request: &Request, broker: &Broker<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let nothing = Ok(Zeroizing::default());
    let platform = server.target().map_or(Ok(None), |target| broker.platform(target));
    if let Ok(Some(platform)) = &platform {
        let filter = request.username.as_ref();
        if filter.is_some_and(|name| name.expose() != platform.username().as_bytes()) {
            return nothing;
        }
        if let Some(token) = broker.platform_token(platform)? {
            tell(platform.advice());
            return Ok(platform_lines(&token, request));
        }
        tell(server.target().and_then(|target| platform.refusal(target)));
    }
    let usable = |stored: &StoredCredential| {
        matches(request, stored) && (request.can_authtype || stored.password.is_some())
    };
    match (broker.find(KIND, server, usable)?.first(), platform) {
        // A profile that cannot be read keeps nothing from other servers.
        (Some(stored), _) => Ok(lines(stored, request.can_authtype)),
        (None, platform) => platform.and(nothing),
    }
}

fn store(request: Request, broker: &Broker<'_>) -> Result<()> {
    let Some(server) = request.server.clone() else { return Ok(()) };
    let is_whole = (request.username.is_some() && request.password.is_some())
        || (request.authtype.is_some() && request.credential.is_some());
    if is_whole && !request.ephemeral && !is_platform_token(&server, &request, broker) {
        let stored = stored(request);
        tell(broker.keep(KIND, &server, &stored.path_and_user(), stored)?);
    }
    Ok(())
}

/// git hands back what it was given, and that of a platform is not kept here.
fn is_platform_token(server: &ServerId, request: &Request, broker: &Broker<'_>) -> bool {
    let Some(target) = server.target() else { return false };
    match &request.username {
        Some(name) => name.expose_str().is_some_and(|name| broker.is_platform_user(target, name)),
        None => broker.platform(target).is_ok_and(|platform| platform.is_some()),
    }
}

fn erase(server: &ServerId, request: &Request, broker: &Broker<'_>) -> Result<()> {
    let refused = request.credential.as_ref().or(request.password.as_ref());
    let noted = match (server.target(), refused) {
        (Some(target), Some(refused)) => broker.note_refusal(target, refused),
        _ => Ok(None),
    };
    let same = |given: &Option<Secret>, kept: &Option<Secret>| given.is_none() || given == kept;
    let identity = request.username.as_ref().map(|username| {
        let (path, username) = (request.path.clone(), Some(username.clone()));
        StoredCredential { path, username, ..StoredCredential::default() }.path_and_user()
    });
    broker.forget(KIND, server, identity.as_deref(), |stored| {
        matches(request, stored)
            && same(&request.password, &stored.password)
            && same(&request.credential, &stored.credential)
    })?;
    noted.map(tell)
}

fn stored(request: Request) -> StoredCredential {
    StoredCredential {
        path: request.path,
        username: request.username,
        password: request.password,
        authtype: request.authtype,
        credential: request.credential,
        expires_at: request.password_expiry_utc,
        oauth_refresh_token: request.oauth_refresh_token,
        server_url: None,
        stored_at: 0,
    }
}

/// A token goes as `Bearer` where the platform takes that, and from clients that cannot send it as a password.
fn platform_lines(platform: &PlatformToken, request: &Request) -> Zeroizing<Vec<u8>> {
    let offers_bearer = |challenge: &Secret| {
        challenge.expose().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
    };
    let as_bearer = platform.takes_bearer
        && request.can_authtype
        && (request.wwwauth.is_empty() || request.wwwauth.iter().any(offers_bearer));
    let (bearer, username) = (Secret::from("Bearer"), Secret::from(platform.username.as_str()));
    let mut answer =
        Answer { password_expiry_utc: platform.expires_at, ephemeral: true, ..Answer::default() };
    if as_bearer {
        answer.header = Some((&bearer, &platform.token));
    } else {
        answer.username = Some(&username);
        answer.password = Some(&platform.token);
    }
    answer.to_bytes()
}

fn lines(stored: &StoredCredential, can_authtype: bool) -> Zeroizing<Vec<u8>> {
    let header = stored.authtype.as_ref().zip(stored.credential.as_ref()).filter(|_| can_authtype);
    Answer {
        username: stored.username.as_ref(),
        password: stored.password.as_ref(),
        password_expiry_utc: stored.expires_at,
        oauth_refresh_token: stored.oauth_refresh_token.as_ref(),
        header,
        ephemeral: false,
    }
    .to_bytes()
}
