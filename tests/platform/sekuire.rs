//! Sekuire's backend: API keys bound to a device, who they belong to, and push tokens for the registry.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::faults::Endpoint;
use super::page;
use super::requests::at;
use super::state::{Shared, World, random_base64url, random_hex};

/// What the backend knows and how it answers.
pub struct Sekuire {
    pub keys: Vec<ApiKey>,
    push_tokens: Vec<PushToken>,
    /// Every answer is 402.
    pub plan_limit: bool,
    /// Whether `/me` names the organization as an object; both forms are in use.
    pub organization_is_object: bool,
    /// Keys are grace's, and no more ada's.
    pub is_graces: bool,
    /// Whether push tokens come with a `username`; without one it is `token`.
    pub tells_username: bool,
    /// How long push tokens live: 10 minutes.
    pub push_token_lifetime: Duration,
    /// Whether that is said, as `expires_in`. The published answer does not.
    pub tells_push_token_lifetime: bool,
}

impl Default for Sekuire {
    fn default() -> Self {
        Sekuire {
            keys: vec![],
            push_tokens: vec![],
            plan_limit: false,
            organization_is_object: false,
            is_graces: false,
            tells_username: true,
            push_token_lifetime: Duration::from_secs(600),
            tells_push_token_lifetime: false,
        }
    }
}

/// One API key.
pub struct ApiKey {
    pub secret: String,
    pub revoked: bool,
    /// The fingerprint of the device that used it first.
    pub device: Option<String>,
}

struct PushToken {
    secret: String,
    expires: Instant,
}

pub const ORGANIZATION: &str = "org_7f3a";
pub const WORKSPACES: [&str; 2] = ["ws_main", "ws_lab"];

/// Served at the root of an origin of its own.
pub fn routes(world: &Shared) -> Router<Shared> {
    let at = |endpoint, handler| at(world, endpoint, handler);
    let key_page = get(async || page::html(page::make_secret("API keys", "Create key")));
    Router::new()
        .route("/api/v1/api-keys/verify", at(Endpoint::SekuireVerify, post(verify)))
        .route("/api/v1/me", at(Endpoint::SekuireMe, get(me)))
        .route("/api/v1/workspaces", at(Endpoint::SekuireWorkspaces, get(workspaces)))
        .route("/api/v1/registry/push-token", at(Endpoint::SekuirePushToken, post(push_token)))
        .route("/dashboard/settings", at(Endpoint::TokensPage, key_page.post(make_key_on_page)))
}

impl World {
    /// A new key, `sk_test_…` or `sk_live_…`, not bound to any device.
    pub fn make_sekuire_key(&mut self, prefix: &str) -> String {
        let secret = self.issue(format!("{prefix}{}", random_hex(20)));
        self.sekuire.keys.push(ApiKey { secret: secret.clone(), revoked: false, device: None });
        secret
    }
}

impl Sekuire {
    fn key(&mut self, secret: &str) -> Option<&mut ApiKey> {
        self.keys.iter_mut().find(|key| key.secret == secret)
    }

    pub fn revoke(&mut self, secret: &str) {
        self.key(secret).expect("a key made here").revoked = true;
    }

    pub fn bind(&mut self, secret: &str, fingerprint: &str) {
        self.key(secret).expect("a key made here").device = Some(fingerprint.into());
    }

    /// Whether the registry would take this push token now.
    pub fn accepts_push_token(&self, secret: &str) -> bool {
        self.push_tokens.iter().any(|token| token.secret == secret && Instant::now() < token.expires)
    }

    pub fn expire_push_tokens(&mut self) {
        self.push_tokens.iter_mut().for_each(|token| token.expires = Instant::now());
    }
}

type Refused = (StatusCode, Json<Value>);

/// The key is good and this is its device: in the header, and in the fingerprint's where the client sends one.
fn authenticate(world: &mut World, headers: &HeaderMap) -> Result<(), Refused> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let refuse = |error: &str| Err((StatusCode::UNAUTHORIZED, Json(json!({ "error": error }))));
    if world.sekuire.plan_limit {
        return Err(payment_required());
    }
    let Some(key) = value("x-api-key").and_then(|secret| world.sekuire.key(secret)) else {
        return refuse("Invalid API key");
    };
    if key.revoked {
        return refuse("API key has been revoked");
    }
    match (value("x-device-fingerprint"), &key.device) {
        (Some(device), Some(bound)) if device != bound => refuse("API key is bound to another device"),
        _ => Ok(()),
    }
}

fn payment_required() -> Refused {
    let body = json!({
        "error": "plan_limit_exceeded", "message": "Your plan allows 1 device", "code": "DEVICE_LIMIT",
        "required_plan": "team", "upgrade_url": "https://sekuire.ai/pricing",
    });
    (StatusCode::PAYMENT_REQUIRED, Json(body))
}

/// Checks a key and binds it to the device that uses it first. A bad key is 200 with `valid: false`.
async fn verify(State(world): State<Shared>, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let [Some(secret), Some(device), Some(_name), Some(_os)] =
        ["api_key", "device_fingerprint", "device_name", "device_os"].map(|field| body[field].as_str())
    else {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": "missing field" }))).into_response();
    };
    let mut world = world.lock();
    if world.sekuire.plan_limit {
        return payment_required().into_response();
    }
    let refuse = |error: &str| Json(json!({ "valid": false, "error": error })).into_response();
    let Some(key) = world.sekuire.key(secret) else { return refuse("Invalid API key") };
    if key.revoked {
        return refuse("API key has been revoked");
    }
    if key.device.get_or_insert_with(|| device.to_owned()) != device {
        return refuse("API key is bound to another device");
    }
    Json(json!({ "valid": true, "org_id": ORGANIZATION })).into_response()
}

async fn me(State(world): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    let mut world = world.lock();
    if !headers.contains_key("x-device-fingerprint") {
        return Err((StatusCode::UNAUTHORIZED, Json(json!({ "error": "Device required" }))));
    }
    authenticate(&mut world, &headers)?;
    let organization = match world.sekuire.organization_is_object {
        true => json!({ "id": ORGANIZATION, "name": "Ada's lab" }),
        false => json!(ORGANIZATION),
    };
    let (id, email) = match world.sekuire.is_graces {
        true => ("user_20", "grace@example.org"),
        false => ("user_19", "ada@example.org"),
    };
    Ok(Json(json!({
        "id": id, "email": email, "organization": organization, "workspaces": workspace_rows(),
    })))
}

async fn workspaces(State(world): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    authenticate(&mut world.lock(), &headers)?;
    Ok(Json(json!({ "workspaces": workspace_rows() })))
}

fn workspace_rows() -> Vec<Value> {
    WORKSPACES.iter().map(|id| json!({ "id": id, "name": id })).collect()
}

/// A short-lived password for the registry.
async fn push_token(
    State(world): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let mut world = world.lock();
    authenticate(&mut world, &headers)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if body["org_id"] != ORGANIZATION || body["namespace_type"] != "private" {
        let error = json!({ "error": "unknown organization or namespace" });
        return Err((StatusCode::FORBIDDEN, Json(error)));
    }
    let secret = world.issue(format!("skp_{}", random_base64url(32)));
    let lifetime = world.sekuire.push_token_lifetime;
    world.sekuire.push_tokens.push(PushToken { secret: secret.clone(), expires: Instant::now() + lifetime });
    let mut answer = json!({ "token": secret });
    if world.sekuire.tells_username {
        answer["username"] = json!("push");
    }
    if world.sekuire.tells_push_token_lifetime {
        answer["expires_in"] = json!(lifetime.as_secs());
    }
    Ok(Json(answer))
}

async fn make_key_on_page(State(world): State<Shared>) -> Response {
    let secret = world.lock().make_sekuire_key("sk_test_");
    page::secret_shown_once(&secret)
}
