//! Where to log in and how: the command line, then the environment, then Seqera Cloud.

use std::time::Duration;

use super::Args;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::oauth::Client;
use crate::oauth::loopback::Ports;
use crate::os::env::env_text;
use crate::provider::ProviderId;
use crate::provider::seqera::{CLOUD, CLOUD_API_BESIDE_WEB, normalized, vendor};

/// Where Seqera's own programs listen, and so what a server may be set up to redirect to.
const PORT: u16 = 53682;

/// How long a person has in the browser.
const PATIENCE: Duration = Duration::from_secs(300);

/// Everything a login needs to know before it begins.
#[derive(Debug)]
pub struct Settings {
    /// The base of the API.
    pub endpoint: Endpoint,
    /// Where to ask how to log in, one after the other.
    pub authorities: Vec<String>,
    /// Who we are there.
    pub client: Client,
    /// Where to listen for the browser.
    pub ports: Ports,
    /// The port that was asked for, or the usual one.
    pub port: u16,
    /// How long to wait for the person.
    pub patience: Duration,
    /// Whether the person lets us open a browser.
    pub may_open: bool,
    /// What of the above the environment named, and not the person just now.
    pub named: Vec<Named>,
}

/// An address that a variable of the environment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The variable.
    pub variable: &'static str,
    /// Its address.
    pub address: String,
}

impl Named {
    /// That of the first of `variables` that is set.
    pub fn first(variables: &[&'static str], normalized: impl Fn(&str) -> String) -> Option<Named> {
        variables
            .iter()
            .find_map(|variable| Some(Named { variable, address: normalized(&env_text(variable)?) }))
    }
}

impl Settings {
    /// Reads the command line and the environment. `--endpoint` names the installation whole; without it
    /// `SEQERA_AUTH_DOMAIN` says where to log in, and `SEQERA_PLATFORM_API_URL`, then `TOWER_API_ENDPOINT`,
    /// where the API is, and each stands in for the other; then the configuration; then what Seqera's own program is
    /// set up for.
    pub fn read(args: &Args, config: &Config) -> Result<Settings> {
        let (endpoint, authority, named) = match &args.endpoint {
            Some(endpoint) => (normalized(endpoint), None, Vec::new()),
            None => {
                let domain = Named::first(&["SEQERA_AUTH_DOMAIN"], normalized);
                let api = Named::first(ProviderId::SEQERA.variables().endpoints, normalized);
                let address = |named: &Option<Named>| named.as_ref().map(|named| named.address.clone());
                let endpoint = address(&api)
                    .or_else(|| address(&domain))
                    .or_else(|| config.in_file("endpoint").map(|endpoint| normalized(&endpoint)))
                    .or_else(of_vendor);
                (
                    endpoint.unwrap_or_else(|| CLOUD.to_owned()),
                    address(&domain),
                    domain.into_iter().chain(api).collect(),
                )
            }
        };
        let endpoint: Endpoint = endpoint.parse()?;
        endpoint.must_be_private()?;
        let authorities = match authority {
            Some(authority) => vec![authority],
            None if endpoint == *CLOUD => vec![CLOUD.to_owned(), CLOUD_API_BESIDE_WEB.to_owned()],
            None => vec![endpoint.to_string()],
        };
        let fixed = match args.port {
            Some(port) => Some(port),
            None => match number("SEQERA_AUTH_REDIRECT_PORT")? {
                Some(port) => Some(port),
                None => config.in_file("callback_port").and_then(|port| port.parse().ok()),
            },
        };
        let patience = match args.timeout {
            Some(seconds) => Duration::from_secs(seconds),
            None => number("SEQERA_AUTH_CALLBACK_TIMEOUT_MS")?.map_or(PATIENCE, Duration::from_millis),
        };
        Ok(Settings {
            endpoint,
            authorities,
            client: client(config),
            // A port that was named is the one the server knows.
            ports: fixed.map_or(Ports::from(PORT), Ports::only),
            port: fixed.unwrap_or(PORT),
            patience: patience.min(Duration::from_secs(24 * 60 * 60)),
            may_open: args.browser || (!args.no_browser && !is_no(env_text("SEQERA_BROWSER_AUTO_OPEN"))),
            named,
        })
    }
}

/// The installation that the person named to Seqera's own program, in its `config.json`.
fn of_vendor() -> Option<String> {
    let settings = vendor::Settings::read();
    let named = normalized(settings.authority()?);
    // Both of Cloud's addresses are one.
    Some(if named == CLOUD_API_BESIDE_WEB { CLOUD.to_owned() } else { named })
}

fn client(config: &Config) -> Client {
    Client {
        id: config.value("client_id"),
        scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).into(),
        parameters: vec![(
            "audience".to_owned(),
            env_text("SEQERA_AUTH_AUDIENCE").unwrap_or_else(|| "platform".to_owned()),
        )],
    }
}

fn number<N: std::str::FromStr>(variable: &str) -> Result<Option<N>> {
    let Some(text) = env_text(variable) else { return Ok(None) };
    let bad = |_| Error::usage(format!("{variable} is not a valid number")).next("correct it or unset it");
    text.trim().parse().map(Some).map_err(bad)
}

fn is_no(value: Option<String>) -> bool {
    value.is_some_and(|value| {
        matches!(value.trim().to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off")
    })
}
