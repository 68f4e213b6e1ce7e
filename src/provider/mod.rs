//! What differs between platforms.

mod account;
pub mod sekuire;
pub mod seqera;

pub use account::{ApiKey, LoginDetails, Organization, ProviderId, Workspace};

use crate::error::{Error, Result};
use crate::http::{Failure, Http};
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

/// A login to a platform's registry, made for one client and soon over.
#[derive(Debug)]
pub struct RegistryLogin {
    /// The user.
    pub username: String,
    /// The password.
    pub token: Secret,
    /// For how many seconds it is good, where the platform tells.
    pub lives_for: Option<u64>,
}

/// A platform that a person can be logged in to.
pub trait Provider {
    /// The exact origins that a token of a login at `endpoint` may be sent to.
    fn origins(&self, endpoint: &str) -> Vec<Target>;

    /// The user name under which the token goes where a user and a password are wanted.
    fn username(&self) -> &'static str;

    /// The endpoint of a login where nobody names one: the platform's own installation.
    fn usual_endpoint(&self) -> &'static str;

    /// An endpoint as it is kept: with a scheme, without slashes at the end.
    fn normalized(&self, endpoint: &str) -> String;

    /// The endpoint that a token from the environment is for.
    fn outside_endpoint(&self) -> String;

    /// Asks the platform at `endpoint` who `token` belongs to: that of `login`, or one from outside.
    ///
    /// # Errors
    /// [`Kind::NotLoggedIn`](crate::error::Kind::NotLoggedIn) exactly where the platform does not accept the
    /// token; anything else says nothing of it.
    fn whoami(
        &self,
        http: &Http,
        endpoint: &str,
        token: &Secret,
        login: Option<LoginDetails<'_>>,
    ) -> Result<Account>;

    /// The page on which a person makes and deletes tokens.
    fn tokens_page(&self, endpoint: &str) -> String;

    /// Deletes the token that the platform knows by `id`, with `token` as the authority.
    ///
    /// # Errors
    /// What the platform or the network says; the platform numbers no tokens.
    fn delete_token(&self, _http: &Http, _endpoint: &str, _token: &Secret, _id: &str) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes back what a login left outside our own folders, when it ends; `token` is its token, where its box
    /// could be opened. Answers what the person should hear.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    fn clean_up(&self, _login: LoginDetails<'_>, _token: Option<&Secret>) -> Result<Option<String>> {
        Ok(None)
    }

    /// Whether the token goes into an `Authorization: Bearer` header.
    fn takes_bearer(&self) -> bool {
        true
    }

    /// The registry for images that belongs to the platform at `endpoint`, where there is one.
    fn registry(&self, _endpoint: &str) -> Option<Target> {
        None
    }

    /// Asks the platform for a short-lived login to its registry.
    ///
    /// # Errors
    /// As [`Provider::whoami`]; the platform has no registry.
    fn registry_login(
        &self,
        _http: &Http,
        _endpoint: &str,
        _token: &Secret,
        _login: Option<LoginDetails<'_>>,
    ) -> Result<RegistryLogin> {
        Err(Error::failed("this platform has no registry"))
    }
}

/// The platform with this id.
pub fn provider(id: ProviderId) -> &'static dyn Provider {
    match id {
        ProviderId::Seqera => &seqera::Seqera,
        ProviderId::Sekuire => &sekuire::Sekuire,
    }
}

/// Whether the token of a login at `endpoint` of a platform may be sent to `target`: an exact origin of it, and
/// nothing in the clear that leaves this machine.
pub fn is_origin(target: &Target, id: ProviderId, endpoint: &str) -> bool {
    target.is_private_enough() && provider(id).origins(endpoint).contains(target)
}
