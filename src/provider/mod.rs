//! What differs between platforms.

pub mod seqera;

use crate::profile::{Profile, ProviderId};
use crate::target::Target;

/// A platform that a person can be logged in to.
pub trait Provider {
    /// The exact origins that a token of a login at `endpoint` may be sent to.
    fn origins(&self, endpoint: &str) -> Vec<Target>;

    /// The user name under which the token goes where a user and a password are wanted.
    fn username(&self) -> &'static str;

    /// The endpoint that a token from the environment is for.
    fn outside_endpoint(&self) -> String;
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
