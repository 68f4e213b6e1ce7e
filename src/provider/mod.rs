//! Every fact that differs between platforms: a trait, a folder for each platform, and the table of all.

mod account;
mod id;
pub mod sekuire;
pub mod seqera;
#[cfg(test)]
mod toy;

pub use account::{ApiKey, LoginDetails, Organization, Workspace};
pub use id::ProviderId;

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::{Failure, Http};
use crate::os::env::env_text;
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

/// The platforms. A new one is a folder and a line here. The first is the one that is meant where nothing else is
/// said.
pub static ALL: &[ProviderId] = &[
    ProviderId::SEQERA,
    ProviderId::SEKUIRE,
    #[cfg(test)]
    ProviderId::of(&toy::Toy),
];

/// The variables of an environment that belong to a platform.
#[derive(Debug)]
pub struct Variables {
    /// A token from outside, in the order in which they count.
    pub tokens: &'static [&'static str],
    /// The names under which a token is exported.
    pub exported_tokens: &'static [&'static str],
    /// The base of the API, in the order in which they count.
    pub endpoints: &'static [&'static str],
    /// The one of these that is exported.
    pub exported_endpoint: &'static str,
    /// The workspace.
    pub workspace: &'static str,
    /// Those that are set in a run that the platform itself started, which has a token of its own.
    pub run: &'static [&'static str],
}

impl Variables {
    /// Those that may hold a token: programs that have no use for one are started without them.
    pub fn secrets(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.tokens.iter().chain(self.exported_tokens).chain(self.run).copied()
    }
}

/// How a person logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginWay {
    /// OAuth in a browser or on another device, or a token that the person made.
    OAuth,
    /// An API key that the person made, bound to this device.
    ApiKey,
}

impl LoginWay {
    /// What a person calls the secret that they log in with.
    pub fn secret(self) -> &'static str {
        match self {
            LoginWay::OAuth => "token",
            LoginWay::ApiKey => "API key",
        }
    }
}

/// A platform that a person can be logged in to.
pub trait Provider: Sync {
    /// The names by which our program may be called for this platform; the first is that of its own program.
    fn names(&self) -> &'static [&'static str];

    /// What people call it.
    fn title(&self) -> &'static str;

    /// One line about it for the help.
    fn about(&self) -> &'static str {
        self.title()
    }

    /// Its environment variables.
    fn variables(&self) -> &'static Variables;

    /// How every token that a person makes there begins, where no other text does.
    fn token_prefix(&self) -> Option<&'static str> {
        None
    }

    /// How a person logs in.
    fn login_way(&self) -> LoginWay;

    /// Whether it has organizations and workspaces to choose from.
    fn has_organizations(&self) -> bool {
        false
    }

    /// Whether it makes tokens for one job.
    fn makes_job_tokens(&self) -> bool {
        false
    }

    /// The name of the profile for its logins where the person names none.
    fn usual_profile(&self) -> &'static str {
        self.names()[0]
    }

    /// How its own program is installed, in words.
    fn own_program(&self) -> &'static str;

    /// The commands of its own program that are not ours, too.
    fn own_commands(&self) -> &'static [&'static str] {
        &[]
    }

    /// The exact origins that a token of a login at `endpoint` may be sent to.
    fn origins(&self, endpoint: &Endpoint) -> Vec<Target>;

    /// The user name under which the token goes where a user and a password are wanted.
    fn username(&self) -> &'static str;

    /// The endpoint of a login where nobody names one: the platform's own installation.
    fn usual_endpoint(&self) -> Endpoint;

    /// An endpoint in the spelling in which it is kept: with a scheme, without slashes at the end.
    fn normalized(&self, endpoint: &str) -> String;

    /// An endpoint as a person or a variable names it.
    ///
    /// # Errors
    /// It is not an address.
    fn endpoint(&self, named: &str) -> Result<Endpoint> {
        self.normalized(named).parse()
    }

    /// The endpoint that a token from the environment is for: the one that the environment names, else the usual.
    ///
    /// # Errors
    /// What the environment names is not an address.
    fn outside_endpoint(&self) -> Result<Endpoint> {
        match self.variables().endpoints.iter().find_map(|name| env_text(name)) {
            Some(named) => self.endpoint(&named),
            None => Ok(self.usual_endpoint()),
        }
    }

    /// Asks the platform at `endpoint` who `token` belongs to: that of `login`, or one from outside.
    ///
    /// # Errors
    /// [`Kind::NotLoggedIn`](crate::error::Kind::NotLoggedIn) exactly where the platform does not accept the
    /// token; anything else says nothing of it.
    fn whoami(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        token: &Secret,
        login: Option<LoginDetails<'_>>,
    ) -> Result<Account>;

    /// The page on which a person makes and deletes tokens.
    fn tokens_page(&self, endpoint: &Endpoint) -> String;

    /// The number of the token called `name`, among those of the account that `token` belongs to.
    ///
    /// # Errors
    /// What the platform or the network says.
    fn token_named(
        &self,
        _http: &Http,
        _endpoint: &Endpoint,
        _token: &Secret,
        _name: &str,
    ) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Deletes the token that the platform knows by `id`, with `token` as the authority.
    ///
    /// # Errors
    /// What the platform or the network says; the platform numbers no tokens.
    fn delete_token(
        &self,
        _http: &Http,
        _endpoint: &Endpoint,
        _token: &Secret,
        _id: &str,
    ) -> Result<(), Failure> {
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
    fn registry(&self, _endpoint: &Endpoint) -> Option<Target> {
        None
    }

    /// Asks the platform for a short-lived login to its registry.
    ///
    /// # Errors
    /// As [`Provider::whoami`]; the platform has no registry.
    fn registry_login(
        &self,
        _http: &Http,
        _endpoint: &Endpoint,
        _token: &Secret,
        _login: Option<LoginDetails<'_>>,
    ) -> Result<RegistryLogin> {
        Err(Error::failed("this platform has no registry"))
    }
}

/// The platform for which a program of this name is called.
pub fn called(program: &str) -> Option<ProviderId> {
    ALL.iter()
        .copied()
        .find(|provider| provider.names().iter().any(|name| name.eq_ignore_ascii_case(program)))
}

/// Whether the token of a login at `endpoint` of a platform may be sent to `target`: an exact origin of it, and
/// nothing in the clear that leaves this machine.
pub fn is_origin(target: &Target, id: ProviderId, endpoint: &Endpoint) -> bool {
    target.is_private_enough() && id.origins(endpoint).contains(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_platforms_share_a_name() {
        let mut names: Vec<&str> = ALL.iter().flat_map(|platform| platform.names()).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    /// The hook and `unset` go by a variable's name alone.
    #[test]
    fn no_two_platforms_share_a_variable() {
        let mut names: Vec<&str> = Vec::new();
        for provider in ALL {
            let Variables { tokens, exported_tokens, endpoints, exported_endpoint, workspace, run } =
                provider.variables();
            assert!(exported_tokens.iter().all(|name| tokens.contains(name)), "{tokens:?}");
            assert!(endpoints.contains(exported_endpoint), "{endpoints:?}");
            names.extend(tokens.iter().chain(*endpoints).chain(*run).chain([workspace]));
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_platform_is_known_by_the_name_of_its_program() {
        assert_eq!(called("Sekuire"), Some(ProviderId::SEKUIRE));
        assert_eq!(called("seqera"), Some(ProviderId::SEQERA));
        assert!(called("git").is_none());
    }
}
