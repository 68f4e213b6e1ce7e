//! The double must be right before anything that rests on it can be: each promise of it, asked over the wire.
//! Here is a client in a few lines; the promises are beside it, by concern.

mod api;
mod authorization;
mod device;
mod faults;
mod itself;
mod refresh;
mod sekuire;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::http::{self, Answer};
use super::{Endpoint, Fault, Platform, Standing};

const CLIENT: &str = "seqera_ai_cli";
const CALLBACK: &str = "http://127.0.0.1:40404/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The authorization address with some parameters changed; an empty value leaves one out.
fn authorize_url(platform: &Platform, changes: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access"),
        ("state", "the-state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    let url = format!("{}/authorize", platform.api());
    Url::parse_with_params(&url, parameters).unwrap().into()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url)
        .unwrap()
        .query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

fn code(platform: &Platform) -> String {
    parameter(&platform.approve(&authorize_url(platform, &[])), "code").unwrap()
}

fn token(platform: &Platform, form: &[(&str, &str)]) -> std::io::Result<Answer> {
    http::post_form(&format!("{}/token", platform.api()), form)
}

fn redeem(platform: &Platform, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    form.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    form.extend(changes);
    token(platform, &form).unwrap()
}

fn refresh(platform: &Platform, refresh_token: &str) -> std::io::Result<Answer> {
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", refresh_token)];
    token(platform, &form)
}

fn start_device(platform: &Platform) -> Value {
    let form = [("client_id", CLIENT), ("scope", "offline_access")];
    http::post_form(&format!("{}/device/authorize", platform.api()), &form).unwrap().json()
}

fn poll(platform: &Platform, device: &Value) -> Answer {
    let device_code = device["device_code"].as_str().unwrap();
    token(platform, &[("grant_type", DEVICE_GRANT), ("client_id", CLIENT), ("device_code", device_code)])
        .unwrap()
}

fn ask(platform: &Platform, method: &str, path: &str, bearer: &str, body: &str) -> Answer {
    let url = format!("{}{path}", platform.api());
    let authorization = format!("Bearer {bearer}");
    let headers = [("Authorization", &*authorization), ("Content-Type", "application/json")];
    http::send(method, &url, &headers, body).unwrap()
}

fn lives(platform: &Platform, bearer: &str) -> bool {
    ask(platform, "GET", "/user-info", bearer, "").status == 200
}

struct Login {
    access: String,
    refresh: String,
}

impl Login {
    fn read(answer: &Answer) -> Login {
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        Login { access: text("access_token"), refresh: text("refresh_token") }
    }

    fn new(platform: &Platform) -> Login {
        Login::read(&redeem(platform, &code(platform), &[]))
    }
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)));
}
