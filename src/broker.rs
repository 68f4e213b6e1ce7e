//! The one answer to "a credential for this request": for a host that a platform owns, a token from the
//! environment, else the session; for any other host, what was stored for exactly that host.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::deadline::Deadline;
use crate::error::Result;
use crate::http::Http;
use crate::paths::{Paths, non_empty};
use crate::profile::{Profile, ProfileName, ProviderId};
use crate::provider::{self, provider};
use crate::secret::{Secret, sealed_bytes};
use crate::session::{Pass, Sessions, Standing, Want};
use crate::shell::exports;
use crate::store::{Opened, Shelf, Store};
use crate::target::Target;

/// A credential as it rests in the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Login {
    /// The path it was stored for; none is the whole server.
    #[serde(with = "sealed_bytes::option", default)]
    pub path: Option<Secret>,
    /// The user.
    #[serde(with = "sealed_bytes::option", default)]
    pub username: Option<Secret>,
    /// The password.
    #[serde(with = "sealed_bytes::option", default)]
    pub password: Option<Secret>,
    /// The scheme of an `Authorization` header, where that is what was stored …
    #[serde(with = "sealed_bytes::option", default)]
    pub authtype: Option<Secret>,
    /// … and the rest of the header.
    #[serde(with = "sealed_bytes::option", default)]
    pub credential: Option<Secret>,
    /// When it ends, in seconds since 1970.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// Kept for the client.
    #[serde(with = "sealed_bytes::option", default)]
    pub oauth_refresh_token: Option<Secret>,
    /// The server as the client spelt it, where it wants that back.
    #[serde(default)]
    pub server_url: Option<String>,
    /// When it was stored, in microseconds since 1970: the newest answers.
    #[serde(default)]
    pub stored_at: u64,
}

impl Login {
    fn is_live(&self, now: u64) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// Its path and user: what makes it one credential and not another where a server has several.
    pub fn path_and_user(&self) -> Vec<u8> {
        let mut identity = Vec::new();
        for part in [&self.path, &self.username] {
            match part {
                // A length in front keeps ("a", "bc") and ("ab", "c") apart.
                Some(part) => {
                    identity.extend_from_slice(&(part.expose().len() as u64).to_be_bytes());
                    identity.extend_from_slice(part.expose());
                }
                None => identity.push(0xff),
            }
        }
        identity
    }
}

const PLATFORMS: [ProviderId; 2] = [ProviderId::Seqera, ProviderId::Sekuire];

/// Keeps and finds the credentials that clients stored.
#[derive(Debug)]
pub struct Broker<'a> {
    paths: &'a Paths,
    deadline: Deadline,
    store: Store<'a>,
}

/// A platform of ours, and whose token is answered for it.
#[derive(Debug)]
pub struct Platform {
    id: ProviderId,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Outside(Secret),
    Login(ProfileName),
}

impl Platform {
    /// The user its tokens go with where a user is wanted.
    pub fn username(&self) -> &'static str {
        provider(self.id).username()
    }
}

/// A platform's token, for a host of that platform.
#[derive(Debug)]
pub struct PlatformToken {
    /// The user it goes with where a user is wanted.
    pub username: String,
    /// The token.
    pub token: Secret,
    /// When it ends, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// Whether it goes into an `Authorization: Bearer` header.
    pub takes_bearer: bool,
}

impl PlatformToken {
    fn new(id: ProviderId, token: Secret, expires_at: Option<u64>) -> PlatformToken {
        let platform = provider(id);
        PlatformToken {
            username: platform.username().to_owned(),
            token,
            expires_at,
            takes_bearer: platform.takes_bearer(),
        }
    }

    fn for_registry(pass: Pass) -> PlatformToken {
        let Pass { username, password, expires_at, .. } = pass;
        PlatformToken { username, token: password, expires_at: Some(expires_at), takes_bearer: false }
    }
}

impl<'a> Broker<'a> {
    /// A broker over this user's store, done by `deadline`.
    pub fn new(paths: &'a Paths, deadline: Deadline) -> Self {
        Broker { paths, deadline, store: Store::new(paths, deadline) }
    }

    /// Whose token goes to `target`: one from the environment, else a login's; nothing where no platform of ours
    /// is there, and nothing where nobody is logged in there.
    pub fn platform(&self, target: &Target) -> Result<Option<Platform>> {
        for id in PLATFORMS {
            let outside = provider(id).outside_endpoint();
            if provider::is_origin(target, id, &outside)
                && let Some((_, token)) = exports::outside_token(id, &non_empty_env)
            {
                return Ok(Some(Platform { id, source: Source::Outside(token) }));
            }
        }
        let profile = self.profile_for(target)?;
        Ok(profile.map(|profile| Platform { id: profile.provider, source: Source::Login(profile.name) }))
    }

    /// The token itself, refreshed where need be. Nothing where its server has just refused it
    /// ([`Broker::refused`]) and there is no other.
    ///
    /// # Errors
    /// Those of [`Sessions::fresh`].
    pub fn platform_token(&self, platform: &Platform) -> Result<Option<PlatformToken>> {
        let sessions = self.sessions();
        let (token, expires_at) = match &platform.source {
            Source::Outside(token) => match sessions.outside_standing(platform.id, token) {
                Standing::Good => (token.clone(), None),
                _ => return Ok(None),
            },
            Source::Login(name) => {
                let fresh = sessions.fresh(name, &Want::default())?;
                let fresh = match sessions.standing(name, &fresh.token) {
                    Standing::Good => Some(fresh),
                    Standing::Refused => sessions.renewed(name, &fresh.token)?,
                    Standing::Hopeless => None,
                };
                let Some(fresh) = fresh else { return Ok(None) };
                (fresh.token, fresh.expires_at)
            }
        };
        Ok(Some(PlatformToken::new(platform.id, token, expires_at)))
    }

    /// A short-lived login for a platform's registry, made with the platform's token; nothing for any other
    /// server, and nothing where nobody is logged in.
    ///
    /// # Errors
    /// Those of [`Sessions::registry_pass`].
    pub fn registry_login(&self, server: &Target) -> Result<Option<PlatformToken>> {
        let owner = self.registry_owner(server)?;
        for id in PLATFORMS {
            let endpoint = provider(id).outside_endpoint();
            let is_its = match &owner {
                Some(owner) => owner.provider == id && owner.endpoint == endpoint,
                None => provider(id).registry(&endpoint).is_some_and(|own| same_server(&own, server)),
            };
            if is_its && let Some((_, token)) = exports::outside_token(id, &non_empty_env) {
                // Like the token that it is made with, it is not kept.
                let http = Http::new(self.deadline.left());
                let made = provider(id).registry_login(&http, &endpoint, &token, None)?;
                return Ok(Some(PlatformToken::for_registry(Pass::new(0, made))));
            }
        }
        let Some(owner) = owner else { return Ok(None) };
        let pass = self.sessions().registry_pass(&owner.name)?;
        Ok(Some(PlatformToken::for_registry(pass)))
    }

    /// The login that makes passwords for this registry.
    pub fn registry_owner(&self, server: &Target) -> Result<Option<Profile>> {
        self.login_where(|login| {
            let registry = login.registry.as_ref().and_then(|host| Target::new("https", host));
            registry.is_some_and(|registry| same_server(&registry, server))
        })
    }

    /// Whether `password` is the one that was made for the registry of `owner`.
    pub fn is_registry_pass(&self, owner: &Profile, password: &Secret) -> Result<bool> {
        let kept = self.sessions().kept_pass(&owner.name)?;
        Ok(kept.is_some_and(|pass| pass.password == *password))
    }

    /// Forgets the password that was made for the registry of `owner`: the next client gets a new one.
    pub fn forget_registry_pass(&self, owner: &Profile) -> Result<()> {
        self.sessions().forget_pass(&owner.name)
    }

    /// Notes that a server refused this token, if it is what we answer for that server.
    pub fn refused(&self, target: &Target, token: &Secret) -> Result<()> {
        match self.platform(target)? {
            Some(Platform { id, source: Source::Outside(ours) }) if ours == *token => {
                self.sessions().refuse_outside(id, token)
            }
            Some(Platform { source: Source::Login(name), .. }) => self.sessions().refuse(&name, token),
            _ => Ok(()),
        }
    }

    /// Whether `username` at `target` stands for a platform's token: what comes back under it is ours already.
    pub fn is_platform_user(&self, target: &Target, username: &str) -> bool {
        let platform = self.platform(target).ok().flatten();
        platform.is_some_and(|platform| platform.username() == username)
    }

    fn sessions(&self) -> Sessions<'a> {
        Sessions::new(self.paths, self.deadline)
    }

    /// The login whose token may go to `target`.
    fn profile_for(&self, target: &Target) -> Result<Option<Profile>> {
        self.login_where(|profile| provider::may_have_token_of(target, profile))
    }

    /// The login that `fits`: the profile in use, else the only other one.
    fn login_where(&self, fits: impl Fn(&Profile) -> bool) -> Result<Option<Profile>> {
        let selected = Profile::selected(self.paths)?;
        match Profile::load(self.paths, &selected)? {
            Some(profile) if fits(&profile) => return Ok(Some(profile)),
            // Whoever names a login for this shell does not mean another one for the same host.
            None if non_empty("SEQERA_PROFILE").is_some() => return Ok(None),
            _ => {}
        }
        let mut owners = Vec::new();
        for name in Profile::list(self.paths)? {
            owners.extend(Profile::load(self.paths, &name)?.filter(&fits));
        }
        Ok(if owners.len() == 1 { owners.pop() } else { None })
    }

    /// The live credentials stored under `kind` for exactly `target` that `wanted` wants, newest first.
    pub fn find(
        &self,
        kind: &'static str,
        target: &Target,
        wanted: impl Fn(&Login) -> bool,
    ) -> Result<Vec<Login>> {
        let now = now();
        let on_shelf: Vec<Opened<Login>> = self.store.read(&Shelf::server(kind, target))?;
        let mut found: Vec<Login> = on_shelf.into_iter().map(|opened| opened.content).collect();
        found.retain(|login| login.is_live(now) && wanted(login));
        found.sort_by_key(|login| std::cmp::Reverse(login.stored_at));
        Ok(found)
    }

    /// Keeps `login` in the place of the one with the same `identity`. What has ended is not kept. Tells what
    /// the person should hear when the store was made just now.
    pub fn keep(
        &self,
        kind: &'static str,
        target: &Target,
        identity: &[u8],
        mut login: Login,
    ) -> Result<Option<String>> {
        if !login.is_live(now()) {
            return Ok(None);
        }
        login.stored_at = since_1970().as_micros() as u64;
        self.store.put(&Shelf::server(kind, target), identity, &login)
    }

    /// Forgets what is stored under `kind` for exactly `target` and `unwanted`, whether it lives or has ended.
    pub fn forget(
        &self,
        kind: &'static str,
        target: &Target,
        unwanted: impl Fn(&Login) -> bool,
    ) -> Result<()> {
        self.store.remove(&Shelf::server(kind, target), unwanted).map(|_| ())
    }

    /// Everything live that is stored under `kind`.
    pub fn all(&self, kind: &'static str) -> Result<Vec<Login>> {
        let now = now();
        let all: Vec<Opened<Login>> = self.store.read_kind(kind)?;
        Ok(all.into_iter().map(|opened| opened.content).filter(|login| login.is_live(now)).collect())
    }
}

/// Whether a registry and what a client asks for are one server. Clients name registries without a scheme.
fn same_server(registry: &Target, asked: &Target) -> bool {
    asked.is_private_enough() && registry.authority() == asked.authority()
}

fn non_empty_env(name: &str) -> Option<std::ffi::OsString> {
    non_empty(name)
}

fn since_1970() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    since_1970().as_millis() as u64
}

/// Seconds since 1970.
pub fn now() -> u64 {
    since_1970().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_never_run_together() {
        let login = |path: Option<&str>, username: Option<&str>| {
            Login { path: path.map(Secret::from), username: username.map(Secret::from), ..Login::default() }
                .path_and_user()
        };
        let all = [
            login(Some("a"), Some("bc")),
            login(Some("ab"), Some("c")),
            login(None, Some("abc")),
            login(Some("abc"), None),
            login(None, None),
            login(Some(""), None),
            login(None, Some("")),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }
}
