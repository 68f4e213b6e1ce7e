//! What decides where the token of a login goes, sealed with it.
//!
//! The profile beside the box says the same in clear text, for everything that does not open boxes: a prompt,
//! `status`, the look for the login that serves a host. A program that can write that file could send the token to a
//! server of their own, so nothing is sent where the two differ.
//!
//! A box of the first version says nothing of this. It is believed what the profile says, once: it is bound to that
//! as soon as somebody may write (at the next use of the token, not only at its next renewal, since a personal access
//! token is never renewed). What an attacker changed before that cannot be told from what the person chose.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::locked::Locked;
use super::{Session, Sessions, log_in_again};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::provider::ProviderId;
use crate::session::profile::Profile;
use crate::store::lock::Gate;

/// Where the token of a login may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The platform.
    pub provider: ProviderId,
    /// The base of its API.
    pub endpoint: Endpoint,
    /// The registry that gets passwords made with it.
    #[serde(default)]
    pub registry: Option<String>,
    /// The server behind the platform's own programs, where the login has one of its own.
    #[serde(default)]
    pub backend: Option<String>,
}

impl Bound {
    /// What a profile says.
    pub fn of(profile: &Profile) -> Bound {
        let Profile { provider, endpoint, registry, backend, .. } = profile.clone();
        Bound { provider, endpoint, registry, backend }
    }

    /// The profile as it would say this.
    fn applied_to(&self, profile: &Profile) -> Profile {
        let Bound { provider, endpoint, registry, backend } = self.clone();
        Profile { provider, endpoint, registry, backend, ..profile.clone() }
    }

    /// What differs from the profile, and both values.
    fn difference(&self, profile: &Profile) -> Option<(&'static str, String, String)> {
        let other = Bound::of(profile);
        let name = |provider: ProviderId| Some(provider.name().to_owned());
        let pairs = [
            ("platform", name(self.provider), name(other.provider)),
            ("address", Some(self.endpoint.to_string()), Some(other.endpoint.to_string())),
            ("registry", self.registry.clone(), other.registry),
            ("backend", self.backend.clone(), other.backend),
        ];
        let none = || "none".to_owned();
        let differing = pairs.into_iter().find(|(_, sealed, shown)| sealed != shown)?;
        let (what, sealed, shown) = differing;
        Some((what, sealed.unwrap_or_else(none), shown.unwrap_or_else(none)))
    }
}

impl Sessions<'_> {
    /// The profile as it was when the login was made, and what the person should know where somebody has changed it
    /// since: a logout goes to the servers that the tokens are from.
    pub fn as_sealed(&self, profile: &Profile, session: &Session) -> Option<(Profile, String)> {
        let bound = session.bound.as_ref()?;
        let changed = self.changed(bound, profile)?;
        let notice = format!("The {changed}. If you did not change that file, see who did.");
        Some((bound.applied_to(profile), notice))
    }

    /// What somebody has changed in the profile of a login, in words.
    fn changed(&self, bound: &Bound, profile: &Profile) -> Option<String> {
        let (what, sealed, shown) = bound.difference(profile)?;
        let (name, file) = (&profile.name, profile.file(self.paths));
        let shown = crate::os::terminal::plain(&shown);
        Some(format!("login '{name}' was made for the {what} {sealed}, but {} says {shown}", file.display()))
    }

    /// Makes sure that the profile says of the login what was sealed with it.
    ///
    /// # Errors
    /// It does not: somebody changed it.
    pub(super) fn check_bound(&self, profile: &Profile, session: &Session) -> Result<()> {
        let Some(bound) = &session.bound else {
            self.bind(profile, session);
            return Ok(());
        };
        let Some(changed) = self.changed(bound, profile) else { return Ok(()) };
        Err(Error::refused(format!("the {changed}; nothing was sent")).next(format!(
            "if you did not change that file, see who did; {}",
            log_in_again(bound.provider, &profile.name, &bound.endpoint)
        )))
    }

    /// Binds a box of the first version. Where that cannot be done now it is done at the next use.
    fn bind(&self, profile: &Profile, session: &Session) {
        let name = &profile.name;
        let Ok(Some(gate)) = Gate::try_take(&self.lock_path(name)) else { return };
        let Ok(lock) = gate.lock(Deadline::after(Duration::ZERO)) else { return };
        if !matches!(self.load(name), Ok(Some(now)) if now == *session) {
            return;
        }
        let bound = Session { bound: Some(Bound::of(profile)), ..session.clone() };
        if let Err(error) = Locked::new(self, name, lock).put(&bound) {
            log::warn!("the login '{name}' is not bound to its address yet: {error}");
        }
    }
}
