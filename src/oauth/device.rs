//! Login on another device (RFC 8628): a code here, a browser anywhere.

use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer};
use url::Url;

use super::answer::{self, Refusal, error_code};
use super::discovery::Server;
use super::token::refused;
use super::{Client, Tokens};
use crate::error::Error;
use crate::http::{Failure, Http, Place, Trouble};
use crate::secret::Secret;
use crate::target::Target;

/// How much slower `slow_down` asks to be (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// The longest pause between two questions, however often the network failed.
const SLOWEST: Duration = Duration::from_secs(30);

/// What the person needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The code to type in: printable ASCII.
    pub user_code: String,
    /// The page to type it in.
    pub verification_uri: Url,
    /// The same with the code in it, for a QR code.
    pub complete: Option<Url>,
    /// How long the code is good.
    pub expires_in: Duration,
}

/// Logs in: asks for a code, hands it to `show`, which may refuse it, and waits until the person has decided, the code
/// has expired or `deadline` has come.
pub fn login(
    http: &Http,
    server: &Server,
    client: &Client,
    deadline: Instant,
    show: impl FnOnce(&Prompt) -> Result<(), Error>,
) -> Result<Tokens, Error> {
    let endpoint = server.device.as_ref().ok_or_else(|| {
        Error::failed("this server has no login by code on another device").next("log in through the browser")
    })?;
    // The answer of a device login carries no `iss`: what the description promises for browsers is no help here.
    server.must_be_in_one_place()?;
    let begun = begin(http, endpoint, client)?;
    let prompt = prompt(&begun).ok_or_else(|| bad_answer(endpoint))?;
    let end = Instant::now().checked_add(prompt.expires_in).map_or(deadline, |end| end.min(deadline));
    show(&prompt)?;
    poll(http, &server.token, &client.id, &Secret::new(begun.device_code), begun.interval, end)
}

/// What a server answers to the wish for a code (RFC 8628 §3.2).
#[derive(Deserialize)]
struct Begun {
    device_code: String,
    user_code: String,
    /// Under the name that the draft had for it, too: Google never changed.
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default, alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    #[serde(default = "some_minutes", deserialize_with = "seconds")]
    expires_in: Duration,
    #[serde(default = "some_seconds", deserialize_with = "seconds")]
    interval: Duration,
}

fn some_minutes() -> Duration {
    Duration::from_secs(300)
}

/// As the standard has it where the server says nothing.
fn some_seconds() -> Duration {
    Duration::from_secs(5)
}

/// A number, or the same as text.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let said = serde_json::Value::deserialize(from)?;
    let number = said.as_f64().or_else(|| said.as_str()?.trim().parse().ok());
    Ok(number
        .filter(|n| n.is_finite() && *n >= 1.0)
        .map_or_else(some_seconds, |n| Duration::from_secs(n as u64)))
}

fn begin(http: &Http, endpoint: &Url, client: &Client) -> Result<Begun, Error> {
    let scopes = client.scopes.join(" ");
    let mut fields = vec![("client_id", client.id.as_str()), ("scope", scopes.as_str())];
    fields.extend(client.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let response = http.post_form(endpoint, &fields).map_err(Failure::without_redirects)?;
    if response.status().is_success() {
        let begun = serde_json::from_slice(response.body());
        return begun.map_err(|_| Failure::unexpected(Place::of(endpoint), &response).into());
    }
    match error_code(&response) {
        Some(code) if response.status().is_client_error() => Err(refused(&code)),
        _ => Err(Failure::status_of(Place::of(endpoint), &response).into()),
    }
}

fn bad_answer(endpoint: &Url) -> Error {
    Failure::new(Place::of(endpoint), Trouble::BadAnswer).into()
}

/// What may be shown of the server's answer; nothing where the code or the address is not fit to be.
fn prompt(begun: &Begun) -> Option<Prompt> {
    let safe = |text: &str| {
        let url = Url::parse(text).ok()?;
        Target::from_url(url.as_str()).is_some_and(|target| target.is_private_enough()).then_some(url)
    };
    let user_code = &begun.user_code;
    let printable = |c: char| c.is_ascii_graphic() || c == ' ';
    if user_code.is_empty() || user_code.len() > 64 || !user_code.chars().all(printable) {
        return None;
    }
    Some(Prompt {
        user_code: user_code.clone(),
        verification_uri: safe(&begun.verification_uri)?,
        complete: begun.verification_uri_complete.as_deref().and_then(safe),
        expires_in: begun.expires_in,
    })
}

/// Our own loop and not the crate's: that one ends a login for one bad answer of a gateway, and goes on for a
/// quarter of an hour when a certificate is not trusted.
fn poll(
    http: &Http,
    endpoint: &Url,
    client_id: &str,
    device_code: &Secret,
    interval: Duration,
    end: Instant,
) -> Result<Tokens, Error> {
    let mut interval = interval.max(Duration::from_secs(1));
    let mut last_failure = None;
    loop {
        if end.saturating_duration_since(Instant::now()) <= interval {
            return Err(last_failure.map(Error::from).unwrap_or_else(|| {
                Error::timed_out("nobody confirmed the code in time").next("log in again for a new code")
            }));
        }
        thread::sleep(interval);
        match ask_once(http, endpoint, client_id, device_code) {
            Ok(tokens) => return Ok(tokens),
            Err(Refusal::Oauth(code)) => {
                last_failure = None;
                match code.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval = interval.saturating_add(SLOWER),
                    "access_denied" => {
                        return Err(Error::failed("access was not granted in the browser")
                            .next("log in again and allow it"));
                    }
                    "expired_token" | "invalid_grant" => {
                        return Err(
                            Error::timed_out("the code has expired").next("log in again for a new code")
                        );
                    }
                    other => return Err(refused(other)),
                }
            }
            // As the RFC asks: after trouble with the connection, ask half as often.
            Err(Refusal::Trouble(failure)) if passes(&failure) => {
                interval = interval.saturating_mul(2).min(SLOWEST.max(interval));
                last_failure = Some(failure);
            }
            Err(Refusal::Trouble(failure)) => return Err(failure.into()),
        }
    }
}

fn ask_once(http: &Http, endpoint: &Url, client_id: &str, device_code: &Secret) -> Result<Tokens, Refusal> {
    let code = device_code.expose_str().unwrap_or_default();
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", code),
        ("client_id", client_id),
    ];
    answer::ask(http, endpoint, &fields)
}

/// Whether trouble of this kind passes by itself.
fn passes(failure: &Failure) -> bool {
    match failure.trouble() {
        Trouble::Status { code, .. } => matches!(code, 408 | 429 | 500..=599),
        Trouble::TimedOut { .. } | Trouble::Dropped | Trouble::NoName | Trouble::NoRoute => true,
        Trouble::ConnectionRefused => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(user_code: &str, uri: &str, complete: &str) -> Option<Prompt> {
        let answer = serde_json::json!({
            "device_code": "d", "user_code": user_code, "verification_uri": uri,
            "verification_uri_complete": complete, "expires_in": 300
        });
        prompt(&serde_json::from_value(answer).unwrap())
    }

    #[test]
    fn a_hostile_code_or_address_is_not_shown() {
        let https = "https://example.com/device";
        let fine = shown("ABCD-EFGH", https, "https://example.com/device?user_code=ABCD-EFGH").unwrap();
        assert!(fine.complete.is_some());
        for code in ["", "\u{1b}]0;x\u{7}", "AB\nCD", "\u{202e}ABC", &"A".repeat(65)] {
            assert_eq!(shown(code, https, https), None, "{code:?}");
        }
        for uri in
            ["http://example.com/device", "file:///etc/passwd", "javascript:alert(1)", "https://u:p@h/"]
        {
            assert_eq!(shown("ABCD", uri, https), None, "{uri}");
            assert_eq!(shown("ABCD", https, uri).unwrap().complete, None, "{uri}");
        }
    }
}
