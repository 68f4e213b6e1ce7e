//! What differs between platforms.

pub mod seqera;

use crate::error::Result;
use crate::http::Http;
use crate::profile::{Profile, ProviderId};
use crate::secret::Secret;
use crate::target::Target;

/// An account, as its platform tells. The name is of foreign origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The platform's identifier.
    pub id: Option<String>,
    /// What a person knows it by: an address, where there is one.
    pub name: Option<String>,
}

/// A platform that a person can be logged in to.
pub trait Provider {
    /// The exact origins that a token of a login at `endpoint` may be sent to.
    fn origins(&self, endpoint: &str) -> Vec<Target>;

    /// The user name under which the token goes where a user and a password are wanted.
    fn username(&self) -> &'static str;

    /// The endpoint that a token from the environment is for.
    fn outside_endpoint(&self) -> String;

    /// Asks the platform at `endpoint` who `token` belongs to.
    ///
    /// # Errors
    /// [`Kind::NotLoggedIn`](crate::error::Kind::NotLoggedIn) exactly where the platform does not accept the
    /// token; anything else says nothing of it.
    fn whoami(&self, http: &Http, endpoint: &str, token: &Secret) -> Result<Account>;
}

/// The platform with this id.
pub fn provider(id: ProviderId) -> &'static dyn Provider {
    match id {
        ProviderId::Seqera => &seqera::Seqera,
        ProviderId::Sekuire => &seqera::Seqera,
    }
}

/// Whether the token of this login may be sent to `target`: an exact origin of it, and nothing in the clear
/// that leaves this machine.
pub fn may_have_token_of(target: &Target, profile: &Profile) -> bool {
    is_origin(target, profile.provider, &profile.endpoint)
}

/// The same for a token whose login is at `endpoint` of a platform.
pub fn is_origin(target: &Target, id: ProviderId, endpoint: &str) -> bool {
    target.is_private_enough() && provider(id).origins(endpoint).contains(target)
}
