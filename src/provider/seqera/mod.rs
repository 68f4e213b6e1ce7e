//! Seqera Platform, Cloud and Enterprise.

mod api;
pub mod backend;
pub mod vendor;

use super::{Account, LoginDetails, LoginWay, Provider, ProviderId, Variables};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::{Failure, Http, Trouble};
use crate::secret::Secret;
use crate::target::Target;

pub use api::{Api, Membership, ServiceInfo, User};

/// The API of Seqera Cloud.
pub const CLOUD: &str = "https://api.cloud.seqera.io";
/// Cloud's web pages.
const CLOUD_WEB: &str = "https://cloud.seqera.io";
/// The same API beside the web pages.
pub const CLOUD_API_BESIDE_WEB: &str = "https://cloud.seqera.io/api";

/// Seqera Platform.
#[derive(Debug)]
pub struct Seqera;

impl ProviderId {
    /// Seqera.
    pub const SEQERA: ProviderId = ProviderId::of(&Seqera);
}

/// Whether `authority` is the installation at `endpoint`, under whichever of its names.
fn is_of(authority: &str, endpoint: &Endpoint) -> bool {
    let target = Target::from_url(&normalized(authority));
    target.is_some_and(|target| Seqera.origins(endpoint).contains(&target))
}

impl Provider for Seqera {
    fn names(&self) -> &'static [&'static str] {
        &["seqera"]
    }

    fn title(&self) -> &'static str {
        "Seqera"
    }

    fn about(&self) -> &'static str {
        "Seqera Platform, Cloud or Enterprise"
    }

    fn variables(&self) -> &'static Variables {
        &Variables {
            tokens: &["SEQERA_ACCESS_TOKEN", "SEQERA_TOKEN", "TOWER_ACCESS_TOKEN"],
            exported_tokens: &["SEQERA_ACCESS_TOKEN", "TOWER_ACCESS_TOKEN"],
            endpoints: &["SEQERA_PLATFORM_API_URL", "TOWER_API_ENDPOINT"],
            exported_endpoint: "TOWER_API_ENDPOINT",
            workspace: "TOWER_WORKSPACE_ID",
            run: &["TOWER_WORKFLOW_ID", "TOWER_REFRESH_TOKEN"],
        }
    }

    /// Every personal access token begins with the base64 of `{"tid": `.
    fn token_prefix(&self) -> Option<&'static str> {
        Some("eyJ0aWQiOiA")
    }

    fn login_way(&self) -> LoginWay {
        LoginWay::OAuth
    }

    fn has_organizations(&self) -> bool {
        true
    }

    fn makes_job_tokens(&self) -> bool {
        true
    }

    /// What a person has who never heard of profiles.
    fn usual_profile(&self) -> &'static str {
        "default"
    }

    fn own_program(&self) -> &'static str {
        "Seqera's own program is installed with: npm install -g seqera"
    }

    fn own_commands(&self) -> &'static [&'static str] {
        &["ai", "info", "skill", "containers", "update", "version", "completion"]
    }

    /// Cloud answers under two names; an Enterprise installation under its own alone, and its tokens are none
    /// of Cloud's business.
    fn origins(&self, endpoint: &Endpoint) -> Vec<Target> {
        let own = endpoint.origin().clone();
        let cloud: Vec<Target> = [CLOUD, CLOUD_WEB].into_iter().filter_map(Target::from_url).collect();
        if cloud.contains(&own) { cloud } else { vec![own] }
    }

    fn username(&self) -> &'static str {
        "@token"
    }

    fn usual_endpoint(&self) -> Endpoint {
        Endpoint::fixed(CLOUD)
    }

    fn normalized(&self, endpoint: &str) -> String {
        normalized(endpoint)
    }

    fn token_named(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        token: &Secret,
        name: &str,
    ) -> Result<Option<String>, Failure> {
        Api::new(http, endpoint).token_named(token, name)
    }

    fn delete_token(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        token: &Secret,
        id: &str,
    ) -> Result<(), Failure> {
        Api::new(http, endpoint).delete_token(token, id)
    }

    fn tokens_page(&self, endpoint: &Endpoint) -> String {
        format!("{}/tokens", web(endpoint.as_str()))
    }

    fn whoami(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        token: &Secret,
        _: Option<LoginDetails<'_>>,
    ) -> Result<Account> {
        user(http, endpoint, token).map(Account::from)
    }
}

/// Who `token` belongs to.
///
/// # Errors
/// The Platform does not accept the token ([`Kind::NotLoggedIn`](crate::error::Kind::NotLoggedIn)); anything
/// between here and there, which says nothing of the token.
pub fn user(http: &Http, endpoint: &Endpoint, token: &Secret) -> Result<User> {
    Api::new(http, endpoint).user(token).map_err(|failure| match failure.trouble() {
        Trouble::Status { code: code @ (401 | 403), empty, .. } => {
            let host = endpoint.origin().authority();
            let reason = if *empty { " and gives no reason" } else { "" };
            Error::not_logged_in(format!("{host} does not accept the token (HTTP {code}){reason}"))
                .next("check that it belongs to this server and has not been deleted, or log in again")
        }
        _ => failure.into(),
    })
}

impl From<User> for Account {
    fn from(user: User) -> Account {
        let named = |name: Option<String>| name.filter(|name| !name.is_empty());
        Account { id: user.id, name: named(user.email).or_else(|| named(user.user_name)) }
    }
}

/// The address of the web pages that belong to an API base.
pub fn web(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/').replacen("://api.", "://", 1);
    endpoint.strip_suffix("/api").unwrap_or(&endpoint).to_owned()
}

/// An API base as Nextflow reads it: with `https` where no scheme is named, without slashes at the end; `-` is
/// Cloud.
pub fn normalized(endpoint: &str) -> String {
    let endpoint = endpoint.trim().trim_end_matches('/');
    match endpoint {
        "-" => CLOUD.to_owned(),
        _ if endpoint.contains("://") => endpoint.to_owned(),
        _ => format!("https://{endpoint}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_with_their_installation() {
        let is_origin = |url: &str, endpoint: &'static str| {
            super::super::is_origin(
                &Target::from_url(url).unwrap(),
                crate::provider::ProviderId::SEQERA,
                &Endpoint::fixed(endpoint),
            )
        };
        for cloud in [CLOUD, "https://cloud.seqera.io/api"] {
            assert!(is_origin("https://api.cloud.seqera.io/user-info", cloud));
            assert!(is_origin("https://cloud.seqera.io", cloud));
            for other in [
                "https://seqera.io",
                "https://x.cloud.seqera.io",
                "https://cloud.seqera.io.evil.example",
                "https://cloud.seqera.io:8443",
                "http://cloud.seqera.io",
                "https://github.com",
                "https://ai.seqera.io",
            ] {
                assert!(!is_origin(other, cloud), "{other}");
            }
        }
        let own = "https://tower.example:8443/api";
        assert!(is_origin("https://tower.example:8443/x", own));
        assert!(!is_origin("https://tower.example/x", own) && !is_origin("https://cloud.seqera.io", own));
        assert!(!is_origin("http://tower.example", "http://tower.example/api"));
        assert!(is_origin("http://127.0.0.1:9/x", "http://127.0.0.1:9/api"));
    }

    #[test]
    fn an_endpoint_has_one_spelling() {
        assert_eq!(normalized(" tower.example/api/ "), "https://tower.example/api");
        assert_eq!(normalized("http://127.0.0.1:1/api//"), "http://127.0.0.1:1/api");
        assert_eq!(normalized("-"), CLOUD);
        assert_eq!(web(CLOUD), "https://cloud.seqera.io");
        assert_eq!(web("https://tower.example/api"), "https://tower.example");
    }
}
