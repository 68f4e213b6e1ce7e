//! The double must be right before anything that rests on it can be: each promise of it, asked over the wire.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{self, Answer};
use super::*;

const CLIENT: &str = "seqera_ai_cli";
const CALLBACK: &str = "http://127.0.0.1:40404/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

// A client in a few lines

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

// Discovery and authorization

#[test]
fn discovery_names_what_is_there_and_nothing_else() {
    let platform = Platform::start();
    let url = format!("{}/.well-known/openid-configuration", platform.api());
    let document = http::get(&url, &[]).unwrap().json();
    assert_eq!(document["issuer"], platform.api());
    for name in ["authorization", "token", "userinfo", "revocation", "device_authorization"] {
        let endpoint = document[format!("{name}_endpoint")].as_str().unwrap();
        assert!(endpoint.starts_with(&platform.api()));
        assert_ne!(http::get(endpoint, &[]).unwrap().status, 404, "{name}");
    }

    platform.without(Endpoint::Revocation);
    platform.without(Endpoint::DeviceAuthorization);
    let fewer = http::get(&url, &[]).unwrap().json();
    assert!(
        fewer.get("revocation_endpoint").is_none() && fewer.get("device_authorization_endpoint").is_none()
    );
    assert!(!fewer["grant_types_supported"].to_string().contains("device_code"));
    for name in ["revocation_endpoint", "device_authorization_endpoint"] {
        assert_eq!(http::post_form(document[name].as_str().unwrap(), &[]).unwrap().status, 404);
    }
}

#[test]
fn consent_sends_the_browser_back_with_state_and_issuer() {
    let platform = Platform::start();
    let page = http::get(&authorize_url(&platform, &[]), &[]).unwrap();
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("ada@example.org")
            && page.body.contains(">Allow<")
            && page.body.contains(">Deny<")
    );

    let allowed = platform.approve(&authorize_url(&platform, &[]));
    assert!(allowed.starts_with(CALLBACK) && parameter(&allowed, "code").is_some());
    let denied = platform.deny(&authorize_url(&platform, &[]));
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&denied, "code"), None);
    for redirect in [allowed, denied] {
        assert_eq!(parameter(&redirect, "state").as_deref(), Some("the-state"));
        assert_eq!(parameter(&redirect, "iss"), Some(platform.api()));
    }
}

#[test]
fn consent_given_before_needs_no_page() {
    let platform = Platform::start();
    platform.world(|world| world.settings.consent_given = true);
    assert!(parameter(&platform.approve(&authorize_url(&platform, &[])), "code").is_some());
    platform.fault_next(1, Endpoint::Consent, Fault::WrongState);
    let redirect = platform.approve(&authorize_url(&platform, &[]));
    assert_ne!(parameter(&redirect, "state").as_deref(), Some("the-state"));
}

#[test]
fn one_consent_is_one_decision() {
    let platform = Platform::start();
    let page = http::get(&authorize_url(&platform, &[]), &[]).unwrap().body;
    let handle = page.split_once(r#"name="request" value=""#).unwrap().1.split_once('"').unwrap().0;
    let form = [("request", handle), ("decision", "allow")];
    let url = format!("{}/authorize/continue", platform.api());
    assert_eq!(http::post_form(&url, &form).unwrap().status, 303);
    assert_eq!(http::post_form(&url, &form).unwrap().status, 400);
    assert_eq!(http::get(&format!("{url}?request={handle}"), &[]).unwrap().status, 400);
}

#[test]
fn a_stranger_gets_a_page_and_never_a_redirect() {
    let platform = Platform::start();
    for change in [
        ("client_id", "somebody_else"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "http://127.0.0.1:40404/other"),
        ("redirect_uri", "http://localhost:40404/callback"),
        ("redirect_uri", "http://127.0.0.1.example.org:40404/callback"),
        ("redirect_uri", "http://user@127.0.0.1:40404/callback"),
        ("redirect_uri", "https://127.0.0.1:40404/callback"),
        ("redirect_uri", "http://127.0.0.1:40404/callback?x=1"),
    ] {
        let answer = http::get(&authorize_url(&platform, &[change]), &[]).unwrap();
        assert_eq!((answer.status, answer.header("location")), (400, None), "{change:?}");
    }
}

#[test]
fn redirects_go_to_any_port_of_either_loopback_unless_one_is_fixed() {
    let platform = Platform::start();
    let status =
        |uri: &str| http::get(&authorize_url(&platform, &[("redirect_uri", uri)]), &[]).unwrap().status;
    for uri in
        ["http://127.0.0.1:1/callback", "http://127.0.0.1:65535/callback", "http://[::1]:53682/callback"]
    {
        assert_eq!(status(uri), 200);
    }
    platform.world(|world| world.settings.redirect_port = Some(53682));
    assert_eq!(status("http://127.0.0.1:53682/callback"), 200);
    assert_eq!(status("http://127.0.0.1:53683/callback"), 400);
}

#[test]
fn authorization_without_s256_is_refused_by_redirect() {
    let platform = Platform::start();
    for (change, error) in [
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "too-short"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
    ] {
        let answer = http::get(&authorize_url(&platform, &[change]), &[]).unwrap();
        let location = answer.header("location").unwrap();
        assert_eq!(parameter(location, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(parameter(location, "state").as_deref(), Some("the-state"));
    }
}

#[test]
fn the_redirect_can_lie() {
    let platform = Platform::start();
    for fault in [Fault::WrongState, Fault::WrongIss, Fault::Denied] {
        platform.fault_next(1, Endpoint::Consent, fault);
        let redirect = platform.approve(&authorize_url(&platform, &[]));
        assert_eq!(parameter(&redirect, "state").as_deref() != Some("the-state"), fault == Fault::WrongState);
        assert_eq!(parameter(&redirect, "iss") != Some(platform.api()), fault == Fault::WrongIss);
        assert_eq!(parameter(&redirect, "code").is_none(), fault == Fault::Denied);
    }
}

// Codes

#[test]
fn a_code_becomes_tokens_that_open_the_api() {
    let platform = Platform::start();
    let answer = redeem(&platform, &code(&platform), &[]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let access = tokens["access_token"].as_str().unwrap();
    let claims = access.split('.').nth(1).map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(access.split('.').count(), 3);
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!("platform"), &json!(platform.api())));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(!tokens["refresh_token"].as_str().unwrap().contains('.'));
    assert!(lives(&platform, access));
}

#[test]
fn a_code_needs_its_own_verifier_address_and_client() {
    let platform = Platform::start();
    let other_verifier = "0".repeat(43);
    for (change, status, error) in [
        (("code_verifier", &*other_verifier), 400, "invalid_grant"),
        (("code_verifier", "short"), 400, "invalid_request"),
        (("code_verifier", ""), 400, "invalid_request"),
        (("redirect_uri", "http://127.0.0.1:40405/callback"), 400, "invalid_grant"),
        (("redirect_uri", ""), 400, "invalid_request"),
        (("client_id", "nextflow_cli"), 400, "invalid_grant"),
        (("client_id", "somebody_else"), 401, "invalid_client"),
        (("code", "made-up"), 400, "invalid_grant"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
    ] {
        assert_refused(&redeem(&platform, &code(&platform), &[change]), status, error);
    }
    assert!(platform.standings().is_empty());
}

#[test]
fn a_code_used_twice_burns_the_login() {
    let platform = Platform::start();
    let code = code(&platform);
    let login = Login::read(&redeem(&platform, &code, &[]));
    assert_refused(&redeem(&platform, &code, &[]), 400, "invalid_grant");
    assert!(platform.family_burnt() && !lives(&platform, &login.access));
}

#[test]
fn the_token_endpoint_takes_forms_only_and_each_parameter_once() {
    let platform = Platform::start();
    let url = format!("{}/token", platform.api());
    let body = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token=x");
    let send = |kind: &str, body: &str| http::send("POST", &url, &[("Content-Type", kind)], body).unwrap();
    assert_refused(&send("application/x-www-form-urlencoded; charset=utf-8", &body), 400, "invalid_grant");
    assert_refused(&send("application/json", &body), 400, "invalid_request");
    let twice = body + "&refresh_token=y";
    assert_refused(&send("application/x-www-form-urlencoded", &twice), 400, "invalid_request");
    assert_eq!(http::get(&url, &[]).unwrap().status, 405);
}

#[test]
fn no_refresh_token_without_offline_access() {
    let platform = Platform::start();
    let redirect = platform.approve(&authorize_url(&platform, &[("scope", "profile")]));
    let tokens = redeem(&platform, &parameter(&redirect, "code").unwrap(), &[]).json();
    assert!(tokens.get("access_token").is_some());
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
}

// Refresh

#[test]
fn refresh_rotates_and_re_use_burns_the_whole_family() {
    let platform = Platform::start();
    let first = Login::new(&platform);
    let second = Login::read(&refresh(&platform, &first.refresh).unwrap());
    assert!(first.access != second.access && first.refresh != second.refresh);
    assert!(lives(&platform, &first.access) && lives(&platform, &second.access));
    assert_eq!(platform.standings(), [Standing::Live]);

    let bystander = Login::new(&platform);
    assert_refused(&refresh(&platform, &first.refresh).unwrap(), 400, "invalid_grant");
    assert_eq!(platform.standings(), [Standing::Burnt, Standing::Live]);
    assert_refused(&refresh(&platform, &second.refresh).unwrap(), 400, "invalid_grant");
    assert!(!lives(&platform, &first.access) && !lives(&platform, &second.access));
    assert!(lives(&platform, &bystander.access));
}

#[test]
fn of_many_refreshes_at_once_one_wins_and_the_family_burns() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..16).map(|_| scope.spawn(|| refresh(&platform, &login.refresh).unwrap().status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!((won, platform.count_grant("refresh_token"), platform.family_burnt()), (1, 16, true));
}

#[test]
fn within_the_grace_an_old_refresh_token_still_works() {
    let platform = Platform::start();
    platform.world(|world| world.settings.rotation_grace = Some(Duration::from_secs(60)));
    let login = Login::new(&platform);
    for _ in 0..2 {
        assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
    }
    platform.world(|world| world.settings.rotation_grace = Some(Duration::ZERO));
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(platform.family_burnt());
}

#[test]
fn a_refresh_token_of_another_client_or_of_nobody_burns_nothing() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let form =
        [("grant_type", "refresh_token"), ("client_id", "nextflow_cli"), ("refresh_token", &*login.refresh)];
    assert_refused(&token(&platform, &form).unwrap(), 400, "invalid_grant");
    assert_refused(&refresh(&platform, "made-up").unwrap(), 400, "invalid_grant");
    assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
}

#[test]
fn access_tokens_end_by_themselves_or_at_a_word_and_refresh_brings_new_ones() {
    let platform = Platform::start();
    platform.world(|world| world.settings.access_lifetime = Duration::from_millis(300));
    let login = Login::new(&platform);
    assert!(lives(&platform, &login.access));
    std::thread::sleep(Duration::from_millis(350));
    assert!(!lives(&platform, &login.access));

    platform.world(|world| world.settings.access_lifetime = Duration::from_secs(3600));
    let login = Login::read(&refresh(&platform, &login.refresh).unwrap());
    assert!(lives(&platform, &login.access));
    platform.expire_access_tokens();
    let answer = ask(&platform, "GET", "/user-info", &login.access, "");
    assert_eq!((answer.status, &*answer.body), (401, ""));

    platform.expire_refresh_tokens();
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(!platform.family_burnt());
}

#[test]
fn token_answers_can_lack_what_they_should_have() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    platform.fault_next(1, Endpoint::Token, Fault::NoNewRefreshToken);
    let tokens = refresh(&platform, &login.refresh).unwrap().json();
    assert!(
        tokens.get("refresh_token").is_none() && lives(&platform, tokens["access_token"].as_str().unwrap())
    );

    // The old one was left in place.
    platform.fault_next(1, Endpoint::Token, Fault::NoExpiresIn);
    platform.world(|world| {
        world.settings.tells_refresh_lifetime = true;
        world.settings.opaque_access_tokens = true;
    });
    let tokens = refresh(&platform, &login.refresh).unwrap().json();
    assert!(tokens.get("expires_in").is_none() && tokens["refresh_expires_in"] == 21600);
    assert!(!tokens["access_token"].as_str().unwrap().contains('.'));
}

#[test]
fn revocation_ends_the_session_or_one_access_token_and_never_complains() {
    let platform = Platform::start();
    let url = format!("{}/revoke", platform.api());
    let revoke = |token: &str| http::post_form(&url, &[("client_id", CLIENT), ("token", token)]).unwrap();
    let login = Login::new(&platform);
    assert_eq!((revoke("made-up").status, revoke(&login.access).status), (200, 200));
    assert!(!lives(&platform, &login.access));

    let login = Login::read(&refresh(&platform, &login.refresh).unwrap());
    let answer = revoke(&login.refresh);
    assert_eq!((answer.status, &*answer.body), (200, ""));
    assert!(!lives(&platform, &login.access));
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert_eq!(platform.standings(), [Standing::Revoked]);

    let login = Login::new(&platform);
    platform.revoke_all();
    assert!(!lives(&platform, &login.access) && !platform.family_burnt());
}

// Devices

#[test]
fn a_device_waits_for_the_person_and_gets_tokens_once() {
    let platform = Platform::start();
    platform.world(|world| world.settings.device_interval = Some(0));
    let device = start_device(&platform);
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(300), &json!(0)));
    let page = http::get(device["verification_uri_complete"].as_str().unwrap(), &[]).unwrap().body;
    let user_code = device["user_code"].as_str().unwrap();
    assert!(user_code.len() == 9 && page.contains(user_code));

    assert_refused(&poll(&platform, &device), 400, "authorization_pending");
    platform.approve_device(&user_code.to_lowercase().replace('-', ""));
    let login = Login::read(&poll(&platform, &device));
    assert!(lives(&platform, &login.access));
    assert_refused(&poll(&platform, &device), 400, "invalid_grant");
}

#[test]
fn a_device_can_be_denied_and_its_code_expires() {
    let platform = Platform::start();
    platform.world(|world| world.settings.device_interval = Some(0));
    let (denied, late) = (start_device(&platform), start_device(&platform));
    platform.deny_device(denied["user_code"].as_str().unwrap());
    assert_refused(&poll(&platform, &denied), 400, "access_denied");
    platform.expire_device_codes();
    assert_refused(&poll(&platform, &late), 400, "expired_token");
    assert_refused(&poll(&platform, &json!({ "device_code": "made-up" })), 400, "invalid_grant");
}

#[test]
fn a_device_that_polls_too_often_is_slowed_down_and_held_to_it() {
    let platform = Platform::start();
    let hasty = start_device(&platform);
    assert_refused(&poll(&platform, &hasty), 400, "authorization_pending");
    assert_refused(&poll(&platform, &hasty), 400, "slow_down");
    std::thread::sleep(Duration::from_millis(1100));
    assert_refused(&poll(&platform, &hasty), 400, "slow_down");

    // In time, and told so all the same.
    let patient = start_device(&platform);
    platform.fault_next(1, Endpoint::Token, Fault::SlowDown);
    assert_refused(&poll(&platform, &patient), 400, "slow_down");
    platform.approve_device(patient["user_code"].as_str().unwrap());
    std::thread::sleep(Duration::from_millis(6050));
    assert_eq!(poll(&platform, &patient).status, 200);

    platform.world(|world| world.settings.device_interval = None);
    assert!(start_device(&platform).get("interval").is_none());
}

// The API

#[test]
fn the_api_wants_a_bearer_and_says_nothing_to_a_bad_one() {
    let platform = Platform::start();
    let token = platform.personal_token();
    let url = format!("{}/user-info", platform.api());
    let basic = format!("Basic {}", STANDARD.encode(format!("@token:{token}")));
    for headers in [vec![], vec![("Authorization", "Bearer made-up")], vec![("Authorization", &*basic)]] {
        let answer = http::get(&url, &headers).unwrap();
        assert_eq!((answer.status, &*answer.body), (401, ""));
    }
    assert_eq!(http::get(&format!("{}/service-info", platform.api()), &[]).unwrap().status, 200);
    assert_eq!(ask(&platform, "GET", "/user-info", &token, "").json()["user"]["email"], "ada@example.org");
}

#[test]
fn organizations_and_workspaces_are_those_of_the_user() {
    let platform = Platform::start();
    let token = platform.personal_token();
    let get = |path: &str| ask(&platform, "GET", path, &token, "");
    let organizations = get("/orgs").json();
    assert_eq!(organizations["totalSize"], 2);
    assert_eq!(organizations["organizations"][1]["name"], "community");
    let rows = get("/user/1001/workspaces").json();
    let rows = rows["orgsAndWorkspaces"].as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row["workspaceId"].as_i64()).collect();
    assert_eq!(ids, [None, Some(3001), Some(3002), None, Some(3003)]);
    assert_eq!(get("/orgs/2001/workspaces").json()["workspaces"][0]["name"], "research");

    let other_user = get("/user/1002/workspaces");
    assert_eq!((other_user.status, &other_user.json()["message"]), (403, &json!("Forbidden")));
    let other_organization = get("/orgs/2003/workspaces");
    assert_eq!((other_organization.status, &*other_organization.body), (403, ""));

    platform.sign_in("grace");
    let grace = platform.personal_token();
    assert_eq!(ask(&platform, "GET", "/orgs", &grace, "").json()["organizations"][0]["name"], "solo");

    platform.world(|world| {
        world.people.sign_in("ada");
        world.people.make_names_hostile();
    });
    let hostile = get("/orgs").json();
    let names: Vec<_> = hostile["organizations"].as_array().unwrap().iter().map(|o| &o["name"]).collect();
    assert_eq!(names, people::HOSTILE_NAMES);
}

#[test]
fn personal_tokens_are_made_listed_and_deleted() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let make =
        |name: &str| ask(&platform, "POST", "/tokens", &login.access, &json!({ "name": name }).to_string());
    let made = make("laptop").json();
    let secret = made["accessKey"].as_str().unwrap();
    let id = made["token"]["id"].as_i64().unwrap();
    let text = String::from_utf8(STANDARD.decode(secret).unwrap()).unwrap();
    let (tid, signature) = text.split_once('.').unwrap();
    assert!(secret.starts_with("eyJ0aWQiOiA"));
    assert_eq!(tid, format!("{{\"tid\": {id}}}"));
    assert!(
        signature.len() == 40 && signature.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    );
    assert!(lives(&platform, secret));

    assert_eq!(make("laptop").status, 409);
    assert_eq!(
        (make("").status, make(&"n".repeat(51)).status, make(&"n".repeat(50)).status),
        (400, 400, 200)
    );
    let list = ask(&platform, "GET", "/tokens", secret, "");
    assert_eq!(list.json()["tokens"][0]["name"], "laptop");
    assert!(!list.body.contains(secret));

    let path = format!("/tokens/{id}");
    platform.sign_in("grace");
    assert_eq!(ask(&platform, "DELETE", &path, &platform.personal_token(), "").status, 403);
    assert_eq!(ask(&platform, "DELETE", &path, secret, "").status, 204);
    assert!(!lives(&platform, secret) && !platform.personal_token_ids().contains(&id));
    assert_eq!(ask(&platform, "DELETE", &path, &login.access, "").status, 403);
}

#[test]
fn a_skewed_clock_shows_in_every_stated_time_and_ends_nothing() {
    let platform = Platform::start();
    platform.world(|world| world.settings.clock_skew = -7200);
    let answer = redeem(&platform, &code(&platform), &[]);
    let date = jiff::fmt::rfc2822::parse(answer.header("date").unwrap()).unwrap().timestamp();
    let behind = jiff::Timestamp::now().as_second() - date.as_second();
    assert!((7195..7210).contains(&behind), "{behind}");
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    let claims = URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert!(claims["exp"].as_i64().unwrap() < jiff::Timestamp::now().as_second());
    assert!(lives(&platform, &access));
}

// Faults

/// Whatever comes before the connection closes, read without a client's opinion of it.
fn raw_refresh(platform: &Platform, refresh_token: &str) -> Vec<u8> {
    use std::io::Write;
    let mut stream = TcpStream::connect(platform.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let body = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={refresh_token}");
    let length = body.len();
    let request = format!(
        "POST /api/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = vec![];
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_connection_can_close_before_or_after_the_work() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    platform.fault_next(1, Endpoint::Token, Fault::Hangup);
    assert_eq!(raw_refresh(&platform, &login.refresh), b"");
    let login = Login::read(&refresh(&platform, &login.refresh).unwrap());

    platform.fault_next(1, Endpoint::Token, Fault::HangupAfterwards);
    assert_eq!(raw_refresh(&platform, &login.refresh), b"");
    assert!(platform.all_faults_happened() && !platform.family_burnt());
    // It was rotated: the client's token is the old one now.
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(platform.family_burnt());
    let unanswered = platform.requests().iter().filter(|request| request.status.is_none()).count();
    assert_eq!(unanswered, 2);
}

#[test]
fn a_server_can_fall_silent_before_or_after_the_work() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let url = format!("{}/token", platform.api());
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={}", login.refresh);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let wait = Duration::from_millis(300);
    for fault in [Fault::Mute, Fault::MuteAfterwards] {
        platform.fault_next(1, Endpoint::Token, fault);
        let start = Instant::now();
        let error = http::send_within(wait, "POST", &url, &headers, &form).unwrap_err();
        assert!(start.elapsed() >= wait && error.kind() != std::io::ErrorKind::UnexpectedEof, "{error}");
        assert!(!platform.family_burnt());
    }
    // The first did nothing or the second would have been re-use; the second rotated, so this is.
    assert_refused(&refresh(&platform, &login.refresh).unwrap(), 400, "invalid_grant");
    assert!(platform.family_burnt());
}

#[test]
fn a_client_that_leaves_a_slow_server_has_changed_nothing() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    platform.fault_next(2, Endpoint::Token, Fault::Slow(Duration::from_millis(600)));
    let url = format!("{}/token", platform.api());
    let form = format!("grant_type=refresh_token&client_id={CLIENT}&refresh_token={}", login.refresh);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    http::send_within(Duration::from_millis(100), "POST", &url, &headers, &form).unwrap_err();
    let start = Instant::now();
    assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
    assert!(start.elapsed() >= Duration::from_millis(600));
}

#[test]
fn faults_stand_in_for_answers() {
    let platform = Platform::start();
    let login = Login::new(&platform);
    let order = |fault| {
        platform.fault_next(1, Endpoint::Token, fault);
        refresh(&platform, &login.refresh).unwrap()
    };
    for (fault, status) in [
        (Fault::Unauthorized, 401),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::ServiceUnavailable, 503),
        (Fault::TooManyRequests { retry_after: 7 }, 429),
    ] {
        let answer = order(fault);
        assert_eq!((answer.status, &*answer.body), (status, ""));
        assert_eq!(answer.header("retry-after"), (status == 429).then_some("7"));
    }
    assert_eq!(order(Fault::ForbiddenWithMessage).json(), json!({ "message": "Forbidden" }));
    let answer = order(Fault::InternalError);
    assert!(answer.status == 500 && answer.json()["message"].is_string());
    let answer = order(Fault::BadGateway);
    assert!(answer.status == 502 && answer.body.contains("<title>502 Bad Gateway</title>"));
    let answer = order(Fault::HtmlPage);
    assert!(answer.status == 200 && answer.header("content-type").unwrap().starts_with("text/html"));
    let answer = order(Fault::InvalidJson);
    assert!(answer.status == 200 && serde_json::from_str::<Value>(&answer.body).is_err());
    let answer = order(Fault::HugeBody);
    assert!(answer.body.len() > 32 * 1024 * 1024 && serde_json::from_str::<Value>(&answer.body).is_ok());
    let answer = order(Fault::RedirectElsewhere);
    assert!(answer.status == 307 && answer.header("location").unwrap().starts_with(&platform.sekuire()));

    // None of them reached the work, or this would be re-use.
    assert_eq!(refresh(&platform, &login.refresh).unwrap().status, 200);
}

#[test]
fn faults_keep_to_their_endpoint_their_number_and_their_order() {
    let platform = Platform::start();
    let url = format!("{}/service-info", platform.api());
    let status = || http::get(&url, &[]).unwrap().status;
    platform.fault_next(2, Endpoint::ServiceInfo, Fault::InternalError);
    platform.fault(Endpoint::ServiceInfo, Fault::BadGateway);
    assert!(!platform.all_faults_happened());
    assert!(lives(&platform, &platform.personal_token()));
    assert_eq!([status(), status(), status(), status()], [500, 500, 502, 502]);
    assert!(platform.all_faults_happened());
    platform.clear_faults();
    assert_eq!(status(), 200);
}

#[test]
#[should_panic = "WrongState cannot happen at Token"]
fn a_fault_that_cannot_happen_is_not_taken() {
    Platform::start().fault(Endpoint::Token, Fault::WrongState);
}

#[test]
fn every_fault_with_a_name_can_be_ordered() {
    for named in faults::NAMED {
        (named.order)(&Platform::start());
    }
}

#[test]
fn an_issuer_of_another_name_is_stated_everywhere() {
    let platform = Platform::start();
    platform.world(|world| world.settings.issuer = Some("https://cloud.example.org/api".into()));
    let url = format!("{}/.well-known/openid-configuration", platform.api());
    let document = http::get(&url, &[]).unwrap().json();
    assert_eq!(document["issuer"], "https://cloud.example.org/api");
    assert_eq!(document["token_endpoint"], format!("{}/token", platform.api()));
    let redirect = platform.approve(&authorize_url(&platform, &[]));
    assert_eq!(parameter(&redirect, "iss").as_deref(), Some("https://cloud.example.org/api"));
}

// Sekuire

fn sekuire(platform: &Platform, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let url = format!("{}/api/v1{path}", platform.sekuire());
    http::send(method, &url, headers, &body.to_string()).unwrap()
}

fn verify(platform: &Platform, key: &str, fingerprint: &str) -> Answer {
    let body = json!({
        "api_key": key, "device_fingerprint": fingerprint, "device_name": "host", "device_os": "linux x86_64",
    });
    sekuire(platform, "POST", "/api-keys/verify", &[("Content-Type", "application/json")], &body)
}

#[test]
fn a_sekuire_key_belongs_to_the_device_that_used_it_first() {
    let platform = Platform::start();
    let key = platform.sekuire_key();
    assert!(key.starts_with("sk_test_"));
    assert_eq!(
        verify(&platform, &key, "one").json(),
        json!({ "valid": true, "org_id": sekuire::ORGANIZATION })
    );
    assert_eq!(verify(&platform, &key, "one").json()["valid"], true);
    let me = |headers: &[(&str, &str)]| sekuire(&platform, "GET", "/me", headers, &Value::Null);
    let answer = me(&[("X-API-Key", &key), ("X-Device-Fingerprint", "one")]).json();
    assert_eq!(
        (&answer["organization"], &answer["workspaces"][0]["id"]),
        (&json!("org_7f3a"), &json!("ws_main"))
    );
    platform.world(|world| world.sekuire.organization_is_object = true);
    let answer = me(&[("X-API-Key", &key), ("X-Device-Fingerprint", "one")]).json();
    assert_eq!(answer["organization"]["id"], "org_7f3a");

    let refused = [verify(&platform, &key, "two"), verify(&platform, "sk_test_made_up", "one"), {
        platform.world(|world| world.sekuire.revoke(&key));
        verify(&platform, &key, "one")
    }];
    let errors =
        refused.map(|answer| (answer.status, answer.json()["valid"].clone(), answer.json()["error"].clone()));
    let error = |text: &str| (200, json!(false), json!(text));
    let expected =
        ["API key is bound to another device", "Invalid API key", "API key has been revoked"].map(error);
    assert_eq!(errors, expected);
    for headers in [
        vec![],
        vec![("X-API-Key", &*key)],
        vec![("X-API-Key", &*key), ("X-Device-Fingerprint", "one")],
        vec![("X-API-Key", "made-up"), ("X-Device-Fingerprint", "one")],
    ] {
        assert_eq!(me(&headers).status, 401);
    }
}

#[test]
fn sekuire_plan_limits_and_outages_are_not_bad_keys() {
    let platform = Platform::start();
    let key = platform.sekuire_key();
    platform.fault_next(1, Endpoint::SekuireVerify, Fault::ServiceUnavailable);
    assert_eq!(verify(&platform, &key, "one").status, 503);
    platform.world(|world| world.sekuire.plan_limit = true);
    let answer = verify(&platform, &key, "one");
    assert_eq!((answer.status, &answer.json()["error"]), (402, &json!("plan_limit_exceeded")));
    // Nothing was bound meanwhile.
    platform.world(|world| world.sekuire.plan_limit = false);
    assert_eq!(verify(&platform, &key, "two").json()["valid"], true);
}

#[test]
fn push_tokens_are_minted_for_the_own_organization_and_end_soon() {
    let platform = Platform::start();
    let key = platform.sekuire_key();
    let mint = |key: &str, organization: &str| {
        let body = json!({ "org_id": organization, "namespace_type": "private" });
        sekuire(&platform, "POST", "/registry/push-token", &[("X-API-Key", key)], &body)
    };
    let first = mint(&key, sekuire::ORGANIZATION).json();
    assert!(first["username"] == "push" && first.get("expires_in").is_none());
    platform.world(|world| {
        world.sekuire.tells_username = false;
        world.sekuire.tells_push_token_lifetime = true;
    });
    let second = mint(&key, sekuire::ORGANIZATION).json();
    assert!(second.get("username").is_none() && second["expires_in"] == 600);

    let accepted = |answer: &Value| {
        let token = answer["token"].as_str().unwrap();
        platform.world(|world| world.sekuire.accepts_push_token(token))
    };
    assert!(first["token"] != second["token"] && accepted(&first) && accepted(&second));
    platform.world(|world| world.sekuire.expire_push_tokens());
    assert!(!accepted(&first) && !accepted(&second));
    assert_eq!((mint(&key, "org_other").status, mint("made-up", sekuire::ORGANIZATION).status), (403, 401));
}

// The double itself

#[test]
fn every_secret_is_known_and_none_is_in_the_log() {
    let platform = Platform::start();
    let watched = platform.watch();
    let code = code(&platform);
    let answer = redeem(&platform, &code, &[]).json();
    let mut secrets = vec![code, platform.personal_token(), platform.sekuire_key()];
    secrets.extend(
        ["access_token", "refresh_token", "id_token"].map(|n| answer[n].as_str().unwrap().to_owned()),
    );
    secrets.push(start_device(&platform)["device_code"].as_str().unwrap().to_owned());
    refresh(&platform, answer["refresh_token"].as_str().unwrap()).unwrap();

    let issued = platform.issued_secrets();
    assert!(secrets.iter().all(|secret| issued.contains(secret)));
    let log = format!("{:?}", platform.requests());
    assert!(issued.iter().all(|secret| !log.contains(secret)));

    let paths: Vec<_> = watched.try_iter().map(|request| (request.path, request.grant)).collect();
    let path = |path: &str, grant: Option<&str>| (path.to_owned(), grant.map(str::to_owned));
    assert_eq!(
        paths,
        [
            path("/api/authorize", None),
            path("/api/authorize/continue", None),
            path("/api/token", Some("authorization_code")),
            path("/api/device/authorize", None),
            path("/api/token", Some("refresh_token")),
        ]
    );
}

#[test]
fn what_a_client_asked_for_is_kept_and_lost_requests_are_counted() {
    let platform = Platform::start();
    platform.approve(&authorize_url(&platform, &[("audience", "platform")]));
    let asked = platform.world(|world| world.requests.authorizations.pop().unwrap());
    assert_eq!((asked["audience"].as_str(), asked["scope"].as_str()), ("platform", "openid offline_access"));
    assert_eq!(http::get(&format!("{}/no/such/place", platform.url()), &[]).unwrap().status, 404);
    assert_eq!(http::post_form(&format!("{}/elsewhere", platform.sekuire()), &[]).unwrap().status, 404);
    assert_eq!(platform.count(Endpoint::Nowhere), 2);
}

#[test]
fn it_stops_when_dropped_even_while_it_holds_a_connection() {
    let platform = Platform::start();
    let address = platform.url().strip_prefix("http://").unwrap().to_owned();
    platform.fault(Endpoint::ServiceInfo, Fault::Mute);
    let url = format!("{}/service-info", platform.api());
    let held = std::thread::spawn(move || http::get(&url, &[]).is_err());
    while platform.count(Endpoint::ServiceInfo) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(platform);
    assert!(held.join().unwrap());
    assert!(TcpStream::connect(address).is_err());
}
