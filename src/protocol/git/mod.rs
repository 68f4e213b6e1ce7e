//! Serves git: gitcredentials(7).

pub mod wire;

use zeroize::Zeroizing;

use super::{fail, read_input, reply, tell, usage};
use crate::broker::{Broker, PlatformToken, StoredCredential};
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::secret::Secret;
use wire::{Answer, CAPABILITIES, Operation, Request};

/// The kind under which the store keeps what git brings.
const KIND: &str = "git";

/// Answers a call with these words after the program's name. Returns the exit code.
pub(super) fn door(words: &[String], deadline: Deadline) -> u8 {
    // Options may stand in front: git appends the operation to whatever is configured.
    let Some(word) = words.last() else { return usage() };
    match Operation::from_name(word) {
        Some(Operation::Capability) => reply(CAPABILITIES),
        None => 0,
        Some(_) => match read_input(deadline) {
            Ok(input) => answer(word, &input, deadline),
            Err(error) => fail(&error),
        },
    }
}

/// Answers an operation whose input was read.
pub(super) fn answer(word: &str, input: &[u8], deadline: Deadline) -> u8 {
    let request = match wire::parse(input) {
        Ok(request) => request,
        Err(refused) => return fail(&Error::failed(refused.words())),
    };
    let Some(operation) = Operation::from_name(word) else { return 0 };
    match serve(operation, request, deadline) {
        Ok(bytes) if bytes.is_empty() => 0,
        Ok(bytes) => reply(&bytes),
        Err(error) => fail(&error),
    }
}

fn serve(operation: Operation, request: Request, deadline: Deadline) -> Result<Zeroizing<Vec<u8>>> {
    let nothing = Ok(Zeroizing::default());
    let Some(target) = &request.target else { return nothing };
    let paths = Paths::from_env()?;
    let broker = Broker::new(&paths, deadline);
    let matches = |login: &StoredCredential| {
        (request.path.is_none() || login.path == request.path)
            && (request.username.is_none() || login.username == request.username)
    };
    match operation {
        Operation::Capability => nothing,
        Operation::Get => {
            let platform = broker.platform(target);
            if let Ok(Some(platform)) = &platform {
                let filter = request.username.as_ref();
                if filter.is_some_and(|name| name.expose() != platform.username().as_bytes()) {
                    return nothing;
                }
                if let Some(token) = broker.platform_token(platform)? {
                    return Ok(platform_lines(&token, &request));
                }
            }
            let usable = |login: &StoredCredential| {
                matches(login) && (request.can_authtype || login.password.is_some())
            };
            match (broker.find(KIND, target, usable)?.first(), platform) {
                // A profile that cannot be read keeps nothing from other servers.
                (Some(login), _) => Ok(lines(login, request.can_authtype)),
                (None, platform) => platform.and(nothing),
            }
        }
        Operation::Erase => {
            let refused = request.credential.as_ref().or(request.password.as_ref());
            let noted = refused.map_or(Ok(()), |refused| broker.refused(target, refused));
            let same = |given: &Option<Secret>, kept: &Option<Secret>| given.is_none() || given == kept;
            broker.forget(KIND, target, |login| {
                matches(login)
                    && same(&request.password, &login.password)
                    && same(&request.credential, &login.credential)
            })?;
            noted.and(nothing)
        }
        Operation::Store => {
            let whole = (request.username.is_some() && request.password.is_some())
                || (request.authtype.is_some() && request.credential.is_some());
            let is_platform_s = || match &request.username {
                Some(name) => name.expose_str().is_some_and(|name| broker.is_platform_user(target, name)),
                None => broker.platform(target).is_ok_and(|platform| platform.is_some()),
            };
            if whole && !request.ephemeral && !is_platform_s() {
                let (target, login) = (target.clone(), login(request));
                tell(broker.keep(KIND, &target, &login.path_and_user(), login)?);
            }
            nothing
        }
    }
}

fn login(request: Request) -> StoredCredential {
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

fn lines(login: &StoredCredential, can_authtype: bool) -> Zeroizing<Vec<u8>> {
    let header = login.authtype.as_ref().zip(login.credential.as_ref()).filter(|_| can_authtype);
    Answer {
        username: login.username.as_ref(),
        password: login.password.as_ref(),
        password_expiry_utc: login.expires_at,
        oauth_refresh_token: login.oauth_refresh_token.as_ref(),
        header,
        ephemeral: false,
    }
    .to_bytes()
}
