//! The Platform's memory: how it is set up, who is there, what it has issued and what it was asked.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::device::Device;
use super::faults::{Endpoint, Faults};
use super::grants::Grants;
use super::people::People;
use super::requests::Requests;
use super::sekuire::Sekuire;

/// How this server differs from another. The defaults are those of a current Cloud, but for the device's interval.
pub struct Settings {
    /// How long an access token lives: 1 hour.
    pub access_lifetime: Duration,
    /// How long a refresh token lives: 6 hours. Rotation starts it anew.
    pub refresh_lifetime: Duration,
    /// Whether token answers carry `refresh_expires_in`.
    pub tells_refresh_lifetime: bool,
    /// For how long after rotation the old refresh token still works: off, so that re-use burns the family.
    pub rotation_grace: Option<Duration>,
    /// Whether a refresh token that is given back takes all logins of that person with that client with it.
    pub revocation_ends_consent: bool,
    /// Whether access tokens are random text in place of JWTs.
    pub opaque_access_tokens: bool,
    /// Seconds by which every time that the server states (`exp`, `Date`, `dateCreated`) is ahead. How long a token
    /// really lives does not change.
    pub clock_skew: i64,
    /// The issuer where it is not the address of the API.
    pub issuer: Option<String>,
    /// The only port to which this server redirects; `None` is any, as RFC 8252 (7.3) wants.
    pub redirect_port: Option<u16>,
    /// Whether the person has consented before: the authorization endpoint redirects at once, without a page.
    pub consent_given: bool,
    /// The `interval` told to devices in seconds; `None` leaves it out, which means 5.
    pub device_interval: Option<u64>,
    /// The page on which codes are confirmed; the Platform's own where nothing is said.
    pub device_page: Option<String>,
    /// The public clients that are registered.
    pub clients: Vec<&'static str>,
    /// The AI backend that `/service-info` names.
    pub agent_backend: Option<String>,
    /// Endpoints that this server does not have: 404, and left out of discovery.
    pub absent: Vec<Endpoint>,
    /// What discovery says in place of the truth.
    pub described: Vec<(&'static str, Value)>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            access_lifetime: Duration::from_secs(3600),
            refresh_lifetime: Duration::from_secs(6 * 3600),
            tells_refresh_lifetime: false,
            rotation_grace: None,
            revocation_ends_consent: false,
            opaque_access_tokens: false,
            clock_skew: 0,
            issuer: None,
            redirect_port: None,
            consent_given: false,
            device_interval: Some(1),
            device_page: None,
            clients: vec!["seqera_ai_cli", "nextflow_cli"],
            agent_backend: None,
            absent: vec![],
            described: vec![],
        }
    }
}

/// A personal access token.
pub struct PersonalToken {
    pub id: i64,
    pub user: i64,
    pub name: String,
    pub secret: String,
    pub created: i64,
}

/// Everything. One lock guards it all, so that a request happens wholly before or wholly after another.
pub struct World {
    /// Where the Platform and Sekuire are served, e.g. `http://127.0.0.1:40000`.
    pub origin: String,
    pub sekuire_origin: String,
    pub settings: Settings,
    pub people: People,
    pub faults: Faults,
    pub requests: Requests,
    pub grants: Grants,
    pub devices: Vec<Device>,
    pub personal_tokens: Vec<PersonalToken>,
    pub sekuire: Sekuire,
    issued: Vec<String>,
}

/// The world as the handlers hold it.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub fn new(world: World) -> Shared {
        Shared(Arc::new(Mutex::new(world)))
    }

    /// Never held over an `await`.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("a handler of the Platform panicked")
    }
}

impl World {
    pub fn new(origin: String, sekuire_origin: String) -> World {
        World {
            origin,
            sekuire_origin,
            settings: Settings::default(),
            people: People::default(),
            faults: Faults::default(),
            requests: Requests::default(),
            grants: Grants::default(),
            devices: vec![],
            personal_tokens: vec![],
            sekuire: Sekuire::default(),
            issued: vec![],
        }
    }

    /// The base of all endpoints, `/api` below the origin as in an Enterprise installation.
    pub fn api(&self) -> String {
        format!("{}/api", self.origin)
    }

    pub fn issuer(&self) -> String {
        self.settings.issuer.clone().unwrap_or_else(|| self.api())
    }

    /// The time that this server believes it is, in seconds since the epoch.
    pub fn now(&self) -> i64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        real as i64 + self.settings.clock_skew
    }

    /// Remembers a secret that leaves the server, so that a test can look for it where it must not be.
    pub fn issue(&mut self, secret: String) -> String {
        self.issued.push(secret.clone());
        secret
    }

    pub fn issued(&self) -> Vec<String> {
        self.issued.clone()
    }

    /// Makes a personal access token: standard base64 of `{"tid": <id>}.<40 hex digits>`.
    pub fn make_personal_token(&mut self, user: i64, name: &str) -> &PersonalToken {
        use base64::engine::general_purpose::STANDARD;
        let id = self.personal_tokens.last().map_or(9001, |last| last.id + 1);
        let secret = self.issue(STANDARD.encode(format!("{{\"tid\": {id}}}.{}", random_hex(20))));
        let created = self.now();
        self.personal_tokens.push(PersonalToken { id, user, name: name.into(), secret, created });
        self.personal_tokens.last().unwrap()
    }
}

/// `n` random bytes as base64url without padding.
pub fn random_base64url(n: usize) -> String {
    URL_SAFE_NO_PAD.encode(random(n))
}

/// `n` random bytes as lower-case hex.
pub fn random_hex(n: usize) -> String {
    random(n).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random(n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Text with the three parts of a signed JWT. Nobody can check the signature: the public key is published nowhere.
pub fn jwt(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "loopback" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&header), part(claims), random_base64url(256))
}

/// `2026-11-22T14:30:00Z`, as the Platform writes times.
pub fn timestamp(epoch: i64) -> String {
    jiff::Timestamp::from_second(epoch).unwrap().to_string()
}
