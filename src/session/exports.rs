//! What a login puts into an environment, and how it is known again later.
//!
//! `SEQERA_ENV` is `PROFILE.GENERATION:TOKEN[:VALUE…]`. `TOKEN` is a fingerprint of the exported token, each
//! `VALUE` one of another variable with its value. A variable is ours exactly as long as its value has such
//! a fingerprint: what the person sets is theirs, whatever the variable is called.

use std::ffi::OsString;

use sha2::{Digest, Sha256};

use crate::os::env::{Change, Environment};
use crate::os::hex::hex;
use crate::provider::{self, ProviderId, Variables};
use crate::secret::Secret;
use crate::session::profile::Profile;
use crate::target::Target;

/// The profile of a shell.
pub const PROFILE: &str = "SEQERA_PROFILE";
/// Marks our exports.
pub const MARKER: &str = "SEQERA_ENV";
/// When the exported token ends, in seconds since 1970.
pub const EXPIRES_AT: &str = "SEQERA_TOKEN_EXPIRES_AT";

/// The variables of all platforms.
fn all_variables() -> impl Iterator<Item = &'static Variables> {
    provider::ALL.iter().map(|platform| platform.variables())
}

/// Whether the variable says where a token is for and not what it is: we export it, and the person may set it too.
fn is_place(name: &str) -> bool {
    all_variables().any(|known| known.exported_endpoint == name || known.workspace == name)
}

/// Whether the variable holds a token of ours or of the person's.
pub fn is_token(name: &str) -> bool {
    all_variables().any(|known| known.tokens.contains(&name))
}

/// Whether this is a run that the Platform itself started: its own token must stay.
pub fn in_platform_run(env: &impl Environment) -> bool {
    all_variables().flat_map(|known| known.run).any(|name| env(name).is_some())
}

/// What we know of an environment that we have exported to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// `PROFILE.GENERATION` of the export.
    pub generation: String,
    prints: Vec<String>,
}

impl Ours {
    /// What an earlier export left in this environment, if there was one.
    pub fn in_env(env: &impl Environment) -> Option<Ours> {
        let marker = env(MARKER)?.into_string().ok()?;
        let mut fields = marker.split(':').map(String::from);
        Some(Ours { generation: fields.next()?, prints: fields.collect() })
    }

    /// The name of the profile whose token we exported.
    pub fn profile(&self) -> Option<&str> {
        Some(self.generation.rsplit_once('.')?.0)
    }

    /// Whether this is the token we exported.
    pub fn is_token(&self, value: &[u8]) -> bool {
        self.prints.first() == Some(&token_print(value))
    }

    fn is_place(&self, name: &str, value: &[u8]) -> bool {
        self.prints.iter().skip(1).any(|print| *print == place_print(name, value))
    }

    /// Whether the variable still has the value we gave it.
    pub fn is_variable(&self, name: &str, value: &[u8]) -> bool {
        match name {
            MARKER | EXPIRES_AT => true,
            name if is_token(name) => self.is_token(value),
            name => self.is_place(name, value),
        }
    }
}

/// The token that the person (or their CI) gave from outside: the first of the provider's variables that
/// has a value which we did not export.
pub fn outside_token(provider: ProviderId, env: &impl Environment) -> Option<(&'static str, Secret)> {
    let ours = Ours::in_env(env);
    let is_ours = |value: &[u8]| ours.as_ref().is_some_and(|ours| ours.is_token(value));
    let (name, value) = given_tokens(provider, env).find(|(_, value)| !is_ours(value))?;
    Some((name, Secret::new(value)))
}

/// The token variables of a platform that have a value, in the order in which they count.
pub fn given_tokens(
    provider: ProviderId,
    env: &impl Environment,
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    provider.variables().tokens.iter().filter_map(|name| Some((*name, said(env, name)?)))
}

/// The value of a variable without a line's end that came with it out of a file. A blank value counts as unset.
fn said(env: &impl Environment, name: &str) -> Option<Vec<u8>> {
    let mut value = env(name)?.into_encoded_bytes();
    value.truncate(value.trim_ascii_end().len());
    (!value.is_empty()).then_some(value)
}

/// What `env` and the hook change for this login: the provider's variables as the contract lists them, what
/// tells them for ours, and what an earlier export of another provider left behind. A place (endpoint,
/// workspace) without a value is taken away where it is ours, and left where the person set it.
///
/// A shell that was given a login by its name goes on with it.
pub fn for_profile(profile: &Profile, token: &Secret, env: &impl Environment) -> Vec<Change> {
    let name = profile.name.as_str();
    let is_named = |ours: Ours| {
        let value = env(PROFILE)?.into_encoded_bytes();
        (ours.is_place(PROFILE, &value) && value == name.as_bytes()).then_some(())
    };
    let named = Ours::in_env(env).and_then(is_named).map(|()| name);
    changes(profile, token, named, env)
}

/// The same for a login that the person named: programs and the hook use it, too.
pub fn for_named(profile: &Profile, token: &Secret, env: &impl Environment) -> Vec<Change> {
    changes(profile, token, Some(profile.name.as_str()), env)
}

fn changes(profile: &Profile, token: &Secret, named: Option<&str>, env: &impl Environment) -> Vec<Change> {
    let variables = profile.provider.variables();
    let mut changes: Vec<Change> =
        variables.exported_tokens.iter().map(|name| Change::Set(name, token.clone())).collect();
    let workspace = profile.workspace.as_ref().map(|workspace| workspace.id.as_str());
    let places = [
        (variables.exported_endpoint, Some(profile.endpoint.as_str())),
        (variables.workspace, workspace),
        (PROFILE, named),
    ];
    let mut marker =
        format!("{}.{}:{}", profile.name, profile.generation.max(1), token_print(token.expose()));
    for (name, value) in places {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            marker = format!("{marker}:{}", place_print(name, value.as_bytes()));
            changes.push(Change::Set(name, Secret::from(value)));
        }
    }
    changes.push(match profile.access_expires_at {
        Some(end) => Change::Set(EXPIRES_AT, Secret::new(end.to_string())),
        None => Change::Unset(EXPIRES_AT),
    });
    changes.push(Change::Set(MARKER, Secret::new(marker)));
    let stale = unset_ours(env).into_iter().filter(|old| !changes.iter().any(|new| new.name() == old.name()));
    let stale: Vec<Change> = stale.collect();
    changes.extend(stale);
    changes
}

/// What `env` and `exec` change where the token was given from outside, in `variable`: programs of its platform
/// find it under each name they look for, but never instead of another that the person set. Nothing marks
/// it as ours, for it is not.
pub fn for_outside(variable: &str, token: &Secret, env: &impl Environment) -> Vec<Change> {
    let mut changes = unset_ours(env);
    let names = all_variables().find(|known| known.tokens.contains(&variable));
    for name in names.map_or(&[][..], |known| known.exported_tokens) {
        let is_ours = changes.iter().any(|change| change.name() == *name);
        if is_ours || said(env, name).is_none_or(|value| value == token.expose()) {
            changes.retain(|change| change.name() != *name);
            changes.push(Change::Set(name, token.clone()));
        }
    }
    changes
}

/// The same changes, with no second value of the token beside the one that counts: a program that is started gets
/// one token, under whichever of its platform's names it looks for it.
pub fn with_one_token(mut changes: Vec<Change>, env: &impl Environment) -> Vec<Change> {
    for known in all_variables() {
        let set = changes.iter().find_map(|change| match change {
            Change::Set(name, token) if known.tokens.contains(name) => Some(token.clone()),
            _ => None,
        });
        let Some(token) = set else { continue };
        let differs = |name: &&'static str| env(name).is_some_and(|v| v.as_encoded_bytes() != token.expose());
        for name in known.tokens.iter().copied().filter(differs) {
            changes.retain(|change| change.name() != name);
            changes.push(Change::Set(name, token.clone()));
        }
    }
    changes
}

/// The variable in which the person has set an endpoint that is not this login's, if there is one: its token must
/// not go there, so nothing may be exported behind their back.
pub fn foreign_endpoint(profile: &Profile, env: &impl Environment) -> Option<&'static str> {
    let ours = Ours::in_env(env);
    let provider = profile.provider;
    provider.variables().endpoints.iter().copied().find(|name| {
        let Some(value) = env(name).filter(|value| !value.is_empty()) else { return false };
        // As a login reads it.
        let endpoint = provider.normalized(&value.to_string_lossy());
        let target = Target::from_url(&endpoint);
        !target.is_some_and(|target| profile.may_send_to(&target))
            && !ours.as_ref().is_some_and(|ours| ours.is_variable(name, endpoint.as_bytes()))
    })
}

/// The same for a variable that we do not set to this login's endpoint, so that the person's stays.
pub fn foreign_endpoint_kept(profile: &Profile, env: &impl Environment) -> Option<&'static str> {
    foreign_endpoint(profile, env).filter(|variable| !is_place(variable))
}

/// Keeps out of `changes` every place that the person has set themselves.
pub fn without_the_persons(changes: Vec<Change>, env: &impl Environment) -> Vec<Change> {
    let ours = Ours::in_env(env);
    let is_theirs = |name: &str| {
        let Some(value) = env(name).map(OsString::into_encoded_bytes) else { return false };
        is_place(name)
            && !value.is_empty()
            && !ours.as_ref().is_some_and(|ours| ours.is_variable(name, &value))
    };
    changes.into_iter().filter(|change| !is_theirs(change.name())).collect()
}

/// Takes away exactly what we exported into this environment, the profile that a shell was given by its name too.
pub fn unset_all(env: &impl Environment) -> Vec<Change> {
    let mut changes = unset_ours(env);
    let ours = Ours::in_env(env);
    let is_ours = |value: OsString| ours?.is_place(PROFILE, value.as_encoded_bytes()).then_some(());
    changes.extend(env(PROFILE).and_then(is_ours).map(|()| Change::Unset(PROFILE)));
    changes
}

/// Takes away what we exported of a login.
pub fn unset_ours(env: &impl Environment) -> Vec<Change> {
    let Some(ours) = Ours::in_env(env) else { return Vec::new() };
    let names = all_variables()
        .flat_map(|known| known.exported_tokens.iter().chain([&known.exported_endpoint, &known.workspace]));
    names
        .chain(&[EXPIRES_AT, MARKER])
        .filter(|name| env(name).is_some_and(|value| ours.is_variable(name, value.as_encoded_bytes())))
        .map(|name| Change::Unset(name))
        .collect()
}

/// 64 bits are no help in guessing a token of hundreds, and enough to tell two apart.
fn token_print(token: &[u8]) -> String {
    hex(&Sha256::new().chain_update("seqera-env:").chain_update(token).finalize()[..8])
}

fn place_print(name: &str, value: &[u8]) -> String {
    let hash = Sha256::new().chain_update("seqera-env:").chain_update(name).chain_update("=");
    hex(&hash.chain_update(value).finalize()[..4])
}
