//! Login without a browser on the same machine (RFC 8628): the client polls while a person types a code elsewhere.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::faults::Endpoint;
use super::grants::{Consent, Tokens};
use super::oidc::{Parameters, Refused};
use super::page;
use super::requests::at;
use super::state::{Shared, World, random_base64url};

pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

const LIFETIME: Duration = Duration::from_secs(300);
/// What a client must assume where no `interval` is told, and what `slow_down` adds (RFC 8628, 3.2 and 3.5).
const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// A device that wants in.
pub struct Device {
    code: String,
    user_code: String,
    client: String,
    scope: String,
    pub expires: Instant,
    interval: Duration,
    polled: Option<Instant>,
    decision: Decision,
}

enum Decision {
    Waiting,
    Allowed {
        user: i64,
    },
    Denied,
    /// The tokens are handed out; the code is worth nothing any more.
    Done,
}

/// The page for people, served at the root.
pub fn routes(world: &Shared) -> Router<Shared> {
    Router::new().route("/device", at(world, Endpoint::DevicePage, get(ask).post(decide)))
}

/// The device authorization endpoint.
pub async fn authorize(
    State(world): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let form = Parameters::form(&headers, &body)?;
    let mut world = world.lock();
    let client = form.client(&world)?.to_owned();
    world.requests.authorizations.push(form.all());
    let code = world.issue(random_base64url(32));
    let user_code = random_user_code();
    let page = world.settings.device_page.clone().unwrap_or_else(|| format!("{}/device", world.origin));
    let mut answer = json!({
        "device_code": code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": LIFETIME.as_secs(),
    });
    if let Some(interval) = world.settings.device_interval {
        answer["interval"] = json!(interval);
    }
    let interval = world.settings.device_interval.map_or(FIVE_SECONDS, Duration::from_secs);
    world.devices.push(Device {
        code,
        user_code,
        client,
        scope: form.get("scope").unwrap_or_default().to_owned(),
        expires: Instant::now() + LIFETIME,
        interval,
        polled: None,
        decision: Decision::Waiting,
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// One poll at the token endpoint. Sooner than the interval allows is `slow_down`, and lengthens the interval.
pub fn poll(world: &mut World, code: &str, client: &str, slow_down: bool) -> Result<Tokens, Refused> {
    let wait = |error, why| Refused::new(StatusCode::BAD_REQUEST, error, why);
    let Some(device) = world.devices.iter_mut().find(|device| device.code == code) else {
        return Err(Refused::grant("the device code is unknown"));
    };
    if device.client != client {
        return Err(Refused::grant("the device code was issued to another client"));
    }
    if device.expires <= Instant::now() {
        return Err(wait("expired_token", "the device code has expired"));
    }
    // A client's sleep and the way through the sockets are never exact to the millisecond.
    let tolerance = Duration::from_millis(50);
    let too_soon = device.polled.is_some_and(|last| last.elapsed() + tolerance < device.interval);
    device.polled = Some(Instant::now());
    if slow_down || too_soon {
        device.interval += FIVE_SECONDS;
        return Err(wait("slow_down", "polled too often"));
    }
    match device.decision {
        Decision::Waiting => Err(wait("authorization_pending", "nobody has decided yet")),
        Decision::Denied => Err(wait("access_denied", "the request was denied")),
        Decision::Done => Err(Refused::grant("the device code was used before")),
        Decision::Allowed { user } => {
            device.decision = Decision::Done;
            let consent = Consent { user, client: client.to_owned(), scope: device.scope.clone() };
            Ok(world.tokens_for_device(consent))
        }
    }
}

async fn ask(State(world): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::parse(query.unwrap_or_default().as_bytes());
    let user_code =
        query.ok().and_then(|query| query.get("user_code").map(str::to_owned)).unwrap_or_default();
    let email = world.lock().people.signed_in().email.clone();
    page::html(page::device(&user_code, &email))
}

/// The form of the page: `user_code` and `decision=allow|deny`.
async fn decide(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(form) = Parameters::form(&headers, &body) else {
        return page::refusal("the form is not readable");
    };
    let mut world = world.lock();
    let user = world.people.signed_in().id;
    let typed = normal(form.get("user_code").unwrap_or_default());
    let waiting = world.devices.iter_mut().find(|device| {
        normal(&device.user_code) == typed
            && matches!(device.decision, Decision::Waiting)
            && Instant::now() < device.expires
    });
    let Some(device) = waiting else { return page::refusal("no device waits with this code") };
    if form.get("decision") == Some("allow") {
        device.decision = Decision::Allowed { user };
        page::notice("The device is connected", "You may close this page.")
    } else {
        device.decision = Decision::Denied;
        page::notice("The device was refused", "You may close this page.")
    }
}

/// Eight consonants, so that no word comes out (RFC 8628, 6.1).
fn random_user_code() -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    let letters: String = bytes.iter().map(|byte| LETTERS[usize::from(byte % 20)] as char).collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}

/// A code as people type it: case and hyphens do not count.
fn normal(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase()).collect()
}
