//! Sekuire: API keys that are bound to a device, and passwords for its registry that live for minutes.

mod api;
pub mod auth_file;

use sha2::{Digest, Sha256};

use super::{Account, LoginDetails, LoginWay, Provider, ProviderId, RegistryLogin, Variables};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::os::hex::hex;
use crate::os::process::host_name;
use crate::provider::{ApiKey, Organization, Workspace};
use crate::secret::Secret;
use crate::target::Target;

pub use api::Api;

/// The API of Sekuire's own backend.
pub const BACKEND: &str = "https://api.sekuire.ai";
/// Its web pages.
pub const WEB: &str = "https://sekuire.ai";
/// Its registry for images.
const REGISTRY: &str = "https://registry.sekuire.ai";

/// What a key begins with: for production and for the sandbox.
const PREFIXES: [&str; 2] = ["sk_live_", "sk_test_"];

/// Sekuire.
#[derive(Debug)]
pub struct Sekuire;

impl ProviderId {
    /// Sekuire.
    pub const SEKUIRE: ProviderId = ProviderId::of(&Sekuire);
}

impl Provider for Sekuire {
    fn names(&self) -> &'static [&'static str] {
        &["sekuire"]
    }

    fn title(&self) -> &'static str {
        "Sekuire"
    }

    fn variables(&self) -> &'static Variables {
        &Variables {
            tokens: &["SEKUIRE_API_KEY"],
            exported_tokens: &["SEKUIRE_API_KEY"],
            endpoints: &["SEKUIRE_API_URL", "SEKUIRE_BACKEND_URL"],
            exported_endpoint: "SEKUIRE_API_URL",
            workspace: "SEKUIRE_WORKSPACE_ID",
            run: &[],
        }
    }

    fn login_way(&self) -> LoginWay {
        LoginWay::ApiKey
    }

    fn own_program(&self) -> &'static str {
        "Sekuire's own program is installed with: cargo install sekuire-cli"
    }

    fn own_commands(&self) -> &'static [&'static str] {
        &[
            "init",
            "keygen",
            "hash",
            "push",
            "publish",
            "verify",
            "verify-agent",
            "run",
            "config",
            "policy",
            "install",
            "test",
            "search",
            "metrics",
            "leaderboard",
            "registry",
            "images",
            "github",
            "docker-init",
            "adopt",
            "analysis",
            "builds",
            "logs",
            "agent-status",
            "stop",
            "resume",
            "kill",
            "add",
            "account",
        ]
    }

    fn origins(&self, endpoint: &Endpoint) -> Vec<Target> {
        vec![endpoint.origin().clone()]
    }

    fn username(&self) -> &'static str {
        api::USERNAME
    }

    /// Sekuire reads a key from a header of its own, `X-API-Key`.
    fn takes_bearer(&self) -> bool {
        false
    }

    fn usual_endpoint(&self) -> Endpoint {
        Endpoint::fixed(BACKEND)
    }

    fn normalized(&self, endpoint: &str) -> String {
        normalized(endpoint)
    }

    /// The file of Sekuire's own program, if we wrote the key there and it is still the one.
    fn clean_up(&self, login: LoginDetails<'_>, token: Option<&Secret>) -> Result<Option<String>> {
        if !login.api_key.is_some_and(|key| key.auth_file) {
            return Ok(None);
        }
        let path = auth_file::path()?;
        let removed = token.map(auth_file::remove_if).transpose()?;
        Ok(Some(match removed {
            None => format!("{} may still hold the key in plain text: look into it", path.display()),
            Some(true) => format!("Removed: {}", path.display()),
            Some(false) => format!("{} does not hold this login any more, and stays", path.display()),
        }))
    }

    fn registry(&self, endpoint: &Endpoint) -> Option<Target> {
        let is_own = Some(endpoint.origin()) == Target::from_url(BACKEND).as_ref();
        is_own.then(|| Target::from_url(REGISTRY)).flatten()
    }

    fn tokens_page(&self, endpoint: &Endpoint) -> String {
        keys_page(&web(endpoint.as_str()))
    }

    fn whoami(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        token: &Secret,
        login: Option<LoginDetails<'_>>,
    ) -> Result<Account> {
        let me = Api::new(http, endpoint).me(token, &fingerprint_of(login))?;
        Ok(Account { id: me.id, name: me.email })
    }

    fn registry_login(
        &self,
        http: &Http,
        endpoint: &Endpoint,
        token: &Secret,
        login: Option<LoginDetails<'_>>,
    ) -> Result<RegistryLogin> {
        let api = Api::new(http, endpoint);
        let organization = match login.and_then(|login| login.organization.cloned()) {
            Some(organization) => Some(organization),
            None => api.me(token, &fingerprint_of(login))?.organization,
        };
        let organization = organization.ok_or_else(|| {
            Error::failed("your Sekuire account has no organization to push for")
                .next("ask an administrator of your organization to add you")
        })?;
        api.push_token(token, &organization.id)
    }
}

/// A key is bound to a device as it was called when the person logged in, whatever it is called now.
fn fingerprint_of(login: Option<LoginDetails<'_>>) -> String {
    let bound = login.and_then(|login| login.api_key).map(|key| key.fingerprint.clone());
    bound.unwrap_or_else(|| Device::here().fingerprint)
}

/// A backend as it is kept: with `https` where no scheme is named, without slashes at the end.
pub fn normalized(endpoint: &str) -> String {
    let endpoint = endpoint.trim().trim_end_matches('/');
    match endpoint.contains("://") {
        true => endpoint.to_owned(),
        false => format!("https://{endpoint}"),
    }
}

/// The web pages that belong to a backend.
pub fn web(endpoint: &str) -> String {
    endpoint.trim_end_matches('/').replacen("://api.", "://", 1)
}

/// The page on which a person makes a key.
pub fn keys_page(web: &str) -> String {
    format!("{}/dashboard/settings?tab=api-keys", web.trim_end_matches('/'))
}

/// Takes what a person typed or piped for a key, before anything of it is sent anywhere.
///
/// # Errors
/// It does not begin as a key does, or holds what cannot stand in a header.
pub fn key(typed: &Secret) -> Result<Secret> {
    let text = typed.expose_str().unwrap_or_default().trim();
    let rest = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
    match rest {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()) && rest.len() <= 500 => {
            Ok(Secret::from(text))
        }
        _ if text.is_empty() => Err(Error::usage("no API key was given").next(CREATE)),
        Some(_) => Err(Error::usage("this API key is not whole").next("copy all of it and nothing else")),
        None => {
            Err(Error::usage("this is not a Sekuire API key: those begin with sk_live_ or sk_test_")
                .next(CREATE))
        }
    }
}

const CREATE: &str = "create one in Sekuire's dashboard, under Settings, API keys";

/// A key as it may be shown: `sk_live_abc...xyz`, and less of a short one.
pub fn masked(key: &Secret) -> String {
    let text = key.expose_str().unwrap_or_default();
    let (prefix, rest) = text.split_at_checked(PREFIXES[0].len()).unwrap_or_default();
    match (rest.get(..3), rest.get(rest.len().saturating_sub(3)..)) {
        (Some(first), Some(last)) if rest.len() >= 16 => format!("{prefix}{first}...{last}"),
        _ => format!("{prefix}..."),
    }
}

/// The device a key is bound to, as Sekuire's own program describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// SHA-256 of `NAME|OS|ARCH`, in lower-case hex.
    pub fingerprint: String,
    /// The host's name.
    pub name: String,
    /// The operating system and the architecture, as Rust names them: `linux x86_64`.
    pub os: String,
}

impl Device {
    /// This one.
    pub fn here() -> Device {
        use std::env::consts::{ARCH, OS};
        let name = Some(host_name()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".into());
        let fingerprint = hex(&Sha256::digest(format!("{name}|{OS}|{ARCH}")));
        Device { fingerprint, name, os: format!("{OS} {ARCH}") }
    }
}

/// What the backend tells of a key when it is verified and bound.
#[derive(Debug)]
pub struct Verified {
    /// What may be shown of the key.
    pub api_key: ApiKey,
    /// The account's identifier.
    pub account_id: Option<String>,
    /// The account's address.
    pub account: Option<String>,
    /// The organization of the key.
    pub organization: Option<Organization>,
    /// The first of the account's workspaces.
    pub workspace: Option<Workspace>,
    /// What the person should hear although the key is good.
    pub notice: Option<String>,
}

/// Verifies a key, binds it to the device, and asks whose it is.
///
/// # Errors
/// The key is wrong, revoked or another device's ([`Kind::NotLoggedIn`](crate::error::Kind::NotLoggedIn)); the
/// plan forbids it; the backend cannot be reached. Only the verification counts: whose key it is can be asked
/// again later.
pub fn verify(http: &Http, endpoint: &Endpoint, key: &Secret, device: Device) -> Result<Verified> {
    let api = Api::new(http, endpoint);
    let org_id = api.verify(key, &device)?;
    let (me, notice) = match api.me(key, &device.fingerprint) {
        Ok(me) => (me, None),
        Err(error) => (api::Me::default(), Some(format!("whose key it is could not be asked: {error}"))),
    };
    let organization = match (org_id, me.organization) {
        (Some(id), Some(named)) if named.id == id => Some(named),
        (Some(id), _) => Some(Organization { name: id.clone(), id }),
        (None, named) => named,
    };
    let name = organization.as_ref().map(|organization| organization.name.clone()).unwrap_or_default();
    Ok(Verified {
        api_key: ApiKey {
            shown: masked(key),
            fingerprint: device.fingerprint,
            device: device.name,
            os: device.os,
            auth_file: false,
        },
        account_id: me.id,
        account: me.email,
        workspace: me.workspace.map(|workspace| Workspace { organization: name, ..workspace }),
        organization,
        notice,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_never_sent() {
        let ok = |text: &str| key(&Secret::from(text)).map(|key| key.expose_str().unwrap().to_owned());
        assert_eq!(ok(" sk_test_0123456789abcdef\r\n").unwrap(), "sk_test_0123456789abcdef");
        for bad in [
            "",
            "\n",
            "sk_live_",
            "sk_prod_0123456789",
            "eyJhbGciOi",
            "SK_LIVE_0123",
            "sk_live_a b",
            "sk_live_é",
        ] {
            let error = ok(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad:?}");
            assert!(bad.trim().len() < 9 || !error.to_string().contains(bad.trim()), "{error}");
        }
        assert!(key(&Secret::new(vec![0xff, 0xfe])).is_err());
    }

    #[test]
    fn little_of_a_key_is_shown() {
        let shown = |text: &str| masked(&Secret::from(text));
        assert_eq!(shown("sk_live_abcdefghijklmnopqrstuvwxyz"), "sk_live_abc...xyz");
        assert_eq!(shown("sk_live_abcdefgh"), "sk_live_...");
        assert_eq!(shown("sk"), "...");
    }

    #[test]
    fn a_key_goes_to_its_own_backend_alone() {
        let is_origin = |url: &str, endpoint: &'static str| {
            let target = Target::from_url(url).unwrap();
            super::super::is_origin(&target, crate::provider::ProviderId::SEKUIRE, &Endpoint::fixed(endpoint))
        };
        assert!(is_origin("https://api.sekuire.ai/api/v1/me", BACKEND));
        for other in [
            "https://sekuire.ai",
            "https://registry.sekuire.ai",
            "https://api.sekuire.ai.evil.example",
            "https://api.sekuire.ai:8443",
            "http://api.sekuire.ai",
            "https://api.cloud.seqera.io",
        ] {
            assert!(!is_origin(other, BACKEND), "{other}");
        }
        assert!(is_origin("http://127.0.0.1:9/x", "http://127.0.0.1:9"));
        assert!(!is_origin(BACKEND, "http://127.0.0.1:9"));
        assert_eq!(
            Sekuire.registry(&Endpoint::fixed("https://api.sekuire.ai/")).unwrap().authority(),
            "registry.sekuire.ai"
        );
        assert_eq!(Sekuire.registry(&Endpoint::fixed("https://staging.example")), None);
    }

    #[test]
    fn a_backend_has_one_spelling() {
        assert_eq!(normalized(" api.sekuire.ai// "), BACKEND);
        assert_eq!(normalized("http://127.0.0.1:1/"), "http://127.0.0.1:1");
        assert_eq!(web(BACKEND), WEB);
        assert_eq!(keys_page("https://sekuire.ai/"), "https://sekuire.ai/dashboard/settings?tab=api-keys");
    }
}
