//! A platform's token, for a host of that platform.

use super::{Broker, OnDisk};
use crate::error::Result;
use crate::http::Http;
use crate::os::env::non_empty;
use crate::provider::{self, ProviderId};
use crate::secret::Secret;
use crate::session::profile::Profile;
use crate::session::{Pass, Sessions, Standing, Want};
use crate::session::{exports, inherited, outside};
use crate::target::Target;

/// A platform of ours, and whose token is answered for it.
#[derive(Debug)]
pub struct Platform {
    id: ProviderId,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The variable, and what is in it.
    Outside(&'static str, Secret),
    Login(Box<Profile>),
}

impl Platform {
    /// The user its tokens go with where a user is wanted.
    pub fn username(&self) -> &'static str {
        self.id.username()
    }

    /// What the person should know of a token from outside with which something is wrong.
    pub fn advice(&self) -> Option<String> {
        match &self.source {
            Source::Outside(variable, token) => outside::advice(variable, token),
            Source::Login(_) => None,
        }
    }

    /// The same where its server refused it a short while ago, so that it is not answered.
    pub fn refusal(&self, target: &Target) -> Option<String> {
        match &self.source {
            Source::Outside(variable, token) => Some(outside::refused(variable, token, target).to_string()),
            Source::Login(_) => None,
        }
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
        PlatformToken {
            username: id.username().to_owned(),
            token,
            expires_at,
            takes_bearer: id.takes_bearer(),
        }
    }

    fn for_registry(pass: Pass) -> PlatformToken {
        let Pass { username, password, expires_at, .. } = pass;
        PlatformToken { username, token: password, expires_at: Some(expires_at), takes_bearer: false }
    }
}

impl<'a> Broker<'a> {
    /// Whose token goes to `target`: one from the environment, else a login's; nothing where no platform of ours
    /// is there, and nothing where nobody is logged in there.
    pub fn platform(&self, target: &Target) -> Result<Option<Platform>> {
        let Some(on_disk) = self.on_disk()? else { return Ok(None) };
        for id in provider::ALL.iter().copied() {
            let Ok(outside) = id.outside_endpoint() else { continue };
            if provider::is_origin(target, id, &outside)
                && let Some((variable, token)) = exports::outside_token(id, &non_empty)
            {
                return Ok(Some(Platform { id, source: Source::Outside(variable, token) }));
            }
        }
        let inherited = |id: ProviderId| {
            let token = inherited::token(on_disk.paths, id, &non_empty)?;
            provider::is_origin(target, id, &id.outside_endpoint().ok()?).then_some((id, token))
        };
        if let Some((id, (variable, token))) = provider::ALL.iter().copied().find_map(inherited) {
            return Ok(Some(Platform { id, source: Source::Outside(variable, token) }));
        }
        let profile = self.profile_for(target)?;
        Ok(profile.map(|profile| Platform { id: profile.provider, source: Source::Login(Box::new(profile)) }))
    }

    /// The token itself, refreshed where need be. Nothing where its server has just refused it
    /// ([`Broker::note_refusal`]) and there is no other.
    ///
    /// # Errors
    /// Those of [`Sessions::fresh`].
    pub fn platform_token(&self, platform: &Platform) -> Result<Option<PlatformToken>> {
        let Some(sessions) = self.sessions()? else { return Ok(None) };
        let (token, expires_at) = match &platform.source {
            Source::Outside(_, token) => match sessions.outside_standing(platform.id, token) {
                Standing::Good => (token.clone(), None),
                _ => return Ok(None),
            },
            Source::Login(profile) => {
                let name = &profile.name;
                let fresh = sessions.fresh_of((**profile).clone(), &Want::default())?;
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
        let Some(on_disk) = self.on_disk()? else { return Ok(None) };
        let owner = self.registry_owner(server)?;
        for id in provider::ALL.iter().copied() {
            let Ok(endpoint) = id.outside_endpoint() else { continue };
            let is_its = match &owner {
                Some(owner) => owner.provider == id && owner.endpoint == endpoint,
                None => id.registry(&endpoint).is_some_and(|own| same_server(&own, server)),
            };
            if is_its && let Some((variable, token)) = exports::outside_token(id, &non_empty) {
                // Like the token that it is made with, it is not kept.
                let http = Http::new(on_disk.deadline.left());
                let made = id.registry_login(&http, &endpoint, &token, None);
                let made = made.map_err(|error| outside::named(error, variable, &token))?;
                return Ok(Some(PlatformToken::for_registry(Pass::new(0, made))));
            }
        }
        let Some(owner) = owner else { return Ok(None) };
        let pass = on_disk.sessions().registry_pass(&owner.name)?;
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
        let Some(sessions) = self.sessions()? else { return Ok(false) };
        let kept = sessions.kept_pass(&owner.name)?;
        Ok(kept.is_some_and(|pass| pass.password == *password))
    }

    /// Forgets the password that was made for the registry of `owner`: the next client gets a new one.
    pub fn forget_registry_pass(&self, owner: &Profile) -> Result<()> {
        self.sessions()?.map_or(Ok(()), |sessions| sessions.forget_pass(&owner.name))
    }

    /// Notes that a server refused this token, if it is what we answer for that server. Answers what the person
    /// should hear.
    pub fn note_refusal(&self, target: &Target, token: &Secret) -> Result<Option<String>> {
        let Some(sessions) = self.sessions()? else { return Ok(None) };
        let Some(platform) = self.platform(target)? else { return Ok(None) };
        match &platform.source {
            Source::Outside(_, ours) if ours == token => {
                sessions.refuse_outside(platform.id, token).map(|()| platform.refusal(target))
            }
            Source::Outside(..) => Ok(None),
            Source::Login(profile) => sessions.refuse(&profile.name, token).map(|()| None),
        }
    }

    /// Whether `username` at `target` stands for a platform's token: what comes back under it is ours already.
    pub fn is_platform_user(&self, target: &Target, username: &str) -> bool {
        let platform = self.platform(target).ok().flatten();
        platform.is_some_and(|platform| platform.username() == username)
    }

    fn sessions(&self) -> Result<Option<Sessions<'a>>> {
        Ok(self.on_disk()?.map(OnDisk::sessions))
    }

    /// The login whose token may go to `target`.
    fn profile_for(&self, target: &Target) -> Result<Option<Profile>> {
        self.login_where(|profile| profile.may_send_to(target))
    }

    /// The login that `fits`: the profile in use, else the only other one.
    fn login_where(&self, fits: impl Fn(&Profile) -> bool) -> Result<Option<Profile>> {
        let Some(OnDisk { paths, .. }) = self.on_disk()? else { return Ok(None) };
        let selected = Profile::selected(paths)?;
        match Profile::load(paths, &selected)? {
            Some(profile) if fits(&profile) => return Ok(Some(profile)),
            // A login that is named for this shell is meant, and not another one for the same host.
            None if non_empty("SEQERA_PROFILE").is_some() => return Ok(None),
            _ => {}
        }
        let mut owners = Vec::new();
        for name in Profile::list(paths)? {
            owners.extend(Profile::load(paths, &name)?.filter(&fits));
        }
        Ok(if owners.len() == 1 { owners.pop() } else { None })
    }
}

impl<'a> OnDisk<'a> {
    fn sessions(&self) -> Sessions<'a> {
        Sessions::new(self.paths, self.deadline)
    }
}

/// Whether a registry and what a client asks for are one server. Clients name registries without a scheme.
fn same_server(registry: &Target, asked: &Target) -> bool {
    asked.is_private_enough() && registry.authority() == asked.authority()
}
