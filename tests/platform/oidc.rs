//! The Platform as an OpenID provider: discovery, consent, tokens, revocation.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use url::Url;

use super::api::Caller;
use super::device::{self, DEVICE_GRANT};
use super::faults::{Endpoint, Fault};
use super::grants::{Consent, Pending, Tokens};
use super::page;
use super::requests::{Ordered, at};
use super::state::{Shared, World, random_base64url};

pub fn routes(world: &Shared) -> Router<Shared> {
    let at = |endpoint, handler| at(world, endpoint, handler);
    Router::new()
        .route("/api/.well-known/openid-configuration", at(Endpoint::Discovery, get(discovery)))
        .route("/api/.well-known/jwks.json", at(Endpoint::Jwks, get(jwks)))
        .route("/api/authorize", at(Endpoint::Authorize, get(authorize)))
        .route("/api/authorize/continue", at(Endpoint::Consent, get(consent_given).post(consent)))
        .route("/api/token", at(Endpoint::Token, post(token)))
        .route("/api/revoke", at(Endpoint::Revocation, post(revoke)))
        .route("/api/userinfo", at(Endpoint::OidcUserinfo, get(userinfo)))
        .route("/api/device/authorize", at(Endpoint::DeviceAuthorization, post(device::authorize)))
}

/// An error of the token endpoint and its like (RFC 6749, 5.2).
pub struct Refused {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Refused {
    pub fn new(status: StatusCode, error: &'static str, description: &'static str) -> Refused {
        Refused { status, error, description }
    }

    pub fn request(description: &'static str) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    pub fn grant(description: &'static str) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

/// The parameters of a form or of a query.
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    /// Each name at most once (RFC 6749, 3.1 and 3.2), an empty value as if it were absent.
    pub fn parse(encoded: &[u8]) -> Result<Parameters, Refused> {
        let mut parameters = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(encoded).into_owned() {
            if parameters.insert(name, value).is_some() {
                return Err(Refused::request("a parameter is given twice"));
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Parameters(parameters))
    }

    pub fn form(headers: &HeaderMap, body: &Bytes) -> Result<Parameters, Refused> {
        let media_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if media_type.split(';').next() != Some("application/x-www-form-urlencoded") {
            return Err(Refused::request("the body is not a form"));
        }
        Parameters::parse(body)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn need(&self, name: &str) -> Result<&str, Refused> {
        self.get(name).ok_or(Refused::request("a parameter is missing"))
    }

    /// The public client that asks.
    pub fn client(&self, world: &World) -> Result<&str, Refused> {
        let client = self.need("client_id")?;
        if !world.settings.clients.contains(&client) {
            return Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "the client is not registered",
            ));
        }
        Ok(client)
    }

    pub fn all(&self) -> HashMap<String, String> {
        self.0.clone()
    }
}

async fn discovery(State(world): State<Shared>) -> Json<Value> {
    let world = world.lock();
    let mut document = json!({
        "issuer": world.issuer(),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (endpoint, name, path) in [
        (Endpoint::Authorize, "authorization_endpoint", "/authorize"),
        (Endpoint::Token, "token_endpoint", "/token"),
        (Endpoint::OidcUserinfo, "userinfo_endpoint", "/userinfo"),
        (Endpoint::Jwks, "jwks_uri", "/.well-known/jwks.json"),
        (Endpoint::Revocation, "revocation_endpoint", "/revoke"),
        (Endpoint::DeviceAuthorization, "device_authorization_endpoint", "/device/authorize"),
    ] {
        if !world.settings.absent.contains(&endpoint) {
            document[name] = json!(world.api() + path);
        }
    }
    if !world.settings.absent.contains(&Endpoint::DeviceAuthorization) {
        document["grant_types_supported"].as_array_mut().unwrap().push(json!(DEVICE_GRANT));
    }
    for (name, value) in &world.settings.described {
        document[*name] = value.clone();
    }
    Json(document)
}

async fn jwks() -> Json<Value> {
    Json(json!({ "keys": [] }))
}

/// The consent page. A client or an address that is not known gets a page and never a redirect (RFC 6749, 4.1.2.1).
async fn authorize(State(world): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let mut world = world.lock();
    let parameters = match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(parameters) => parameters,
        Err(refused) => return page::refusal(refused.description),
    };
    world.requests.authorizations.push(parameters.all());
    let client = match parameters.client(&world) {
        Ok(client) => client.to_owned(),
        Err(refused) => return page::refusal(refused.description),
    };
    let redirect_uri = match parameters.get("redirect_uri") {
        Some(uri) if is_registered(uri, world.settings.redirect_port) => uri.to_owned(),
        _ => return page::refusal("redirect_uri is not registered"),
    };
    let state = parameters.get("state").map(str::to_owned);
    let refuse = |error: &str, why: &str| {
        let answer = [("error", error), ("error_description", why)];
        Redirect::to(&redirection(&redirect_uri, &answer, state.as_deref(), &world.issuer())).into_response()
    };
    if parameters.get("response_type") != Some("code") {
        return refuse("unsupported_response_type", "only code is supported");
    }
    let challenge = match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) if challenge.len() == 43 => challenge.to_owned(),
        _ => return refuse("invalid_request", "PKCE with S256 is required"),
    };
    let user = world.people.signed_in().clone();
    let scope = parameters.get("scope").unwrap_or_default().to_owned();
    let page = page::consent(&client, &user.email, &scope);
    let consent = Consent { user: user.id, client, scope };
    let pending = Pending { consent, redirect_uri, state, challenge };
    let handle = random_base64url(16);
    world.grants.pending.insert(handle.clone(), pending);
    if world.settings.consent_given {
        return Redirect::to(&format!("{}/authorize/continue?request={handle}", world.api())).into_response();
    }
    page::html(page.replace("{request}", &handle))
}

/// The decision, from the page's form: `request` and `decision=allow|deny`.
async fn consent(
    State(world): State<Shared>,
    Extension(Ordered(fault)): Extension<Ordered>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(form) = Parameters::form(&headers, &body) else {
        return page::refusal("the form is not readable");
    };
    decide(&mut world.lock(), &form, form.get("decision") == Some("allow"), fault)
}

/// The same without a page and a decision, for a person who has consented before.
async fn consent_given(
    State(world): State<Shared>,
    Extension(Ordered(fault)): Extension<Ordered>,
    RawQuery(query): RawQuery,
) -> Response {
    let mut world = world.lock();
    match Parameters::parse(query.unwrap_or_default().as_bytes()) {
        Ok(query) if world.settings.consent_given => decide(&mut world, &query, true, fault),
        _ => page::refusal("consent is needed"),
    }
}

/// Redirects back to the client, with `state` and `iss` in either case (RFC 9207).
fn decide(world: &mut World, request: &Parameters, allowed: bool, fault: Option<Fault>) -> Response {
    let handle = request.get("request").unwrap_or_default();
    let Some(mut pending) = world.grants.pending.remove(handle) else {
        return page::refusal("this request was decided before, or never made");
    };
    let redirect_uri = pending.redirect_uri.clone();
    let state = match fault {
        Some(Fault::WrongState) => Some(random_base64url(16)),
        _ => pending.state.take(),
    };
    let issuer = match fault {
        Some(Fault::WrongIss) => "https://issuer.invalid/api".to_owned(),
        _ => world.issuer(),
    };
    let location = if allowed && fault != Some(Fault::Denied) {
        let code = world.make_code(pending);
        redirection(&redirect_uri, &[("code", &code)], state.as_deref(), &issuer)
    } else {
        let answer = [("error", "access_denied"), ("error_description", "The user denied the request")];
        redirection(&redirect_uri, &answer, state.as_deref(), &issuer)
    };
    Redirect::to(&location).into_response()
}

/// A native client's loopback address (RFC 8252, 7.3): an IP literal, `/callback`, and any port if none is fixed.
fn is_registered(uri: &str, port: Option<u16>) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    url.scheme() == "http"
        && matches!(url.host_str(), Some("127.0.0.1" | "[::1]"))
        && url.path() == "/callback"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && (port.is_none() || url.port() == port)
}

fn redirection(redirect_uri: &str, answer: &[(&str, &str)], state: Option<&str>, issuer: &str) -> String {
    let mut url = Url::parse(redirect_uri).expect("checked when it was registered");
    url.query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", issuer);
    url.into()
}

async fn token(
    State(world): State<Shared>,
    Extension(Ordered(fault)): Extension<Ordered>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let form = Parameters::form(&headers, &body)?;
    let mut world = world.lock();
    let client = form.client(&world)?;
    let tokens = match form.need("grant_type")? {
        "authorization_code" => world.redeem_code(
            form.need("code")?,
            client,
            form.need("redirect_uri")?,
            form.need("code_verifier")?,
        )?,
        "refresh_token" => {
            world.refresh(form.need("refresh_token")?, client, fault != Some(Fault::NoNewRefreshToken))?
        }
        DEVICE_GRANT => {
            device::poll(&mut world, form.need("device_code")?, client, fault == Some(Fault::SlowDown))?
        }
        _ => {
            let why = "the grant type is not supported";
            return Err(Refused::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", why));
        }
    };
    let mut answer = token_response(&world, &tokens);
    if fault == Some(Fault::NoExpiresIn) {
        answer.as_object_mut().unwrap().remove("expires_in");
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn token_response(world: &World, tokens: &Tokens) -> Value {
    let mut answer = json!({
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": world.settings.access_lifetime.as_secs(),
        "scope": tokens.scope,
    });
    if let Some(refresh) = &tokens.refresh {
        answer["refresh_token"] = json!(refresh);
        if world.settings.tells_refresh_lifetime {
            answer["refresh_expires_in"] = json!(world.settings.refresh_lifetime.as_secs());
        }
    }
    if let Some(id) = &tokens.id {
        answer["id_token"] = json!(id);
    }
    answer
}

/// RFC 7009: 200 and nothing else, for an unknown token too.
async fn revoke(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refused> {
    let form = Parameters::form(&headers, &body)?;
    let mut world = world.lock();
    form.client(&world)?;
    let whole_consent = world.settings.revocation_ends_consent;
    world.grants.revoke(form.need("token")?, whole_consent);
    Ok(StatusCode::OK)
}

async fn userinfo(Caller(user): Caller) -> Json<Value> {
    Json(json!({
        "sub": user.id.to_string(), "preferred_username": user.name, "email": user.email, "email_verified": true,
    }))
}
