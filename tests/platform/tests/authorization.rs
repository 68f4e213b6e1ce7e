//! Discovery, consent, and codes.

use super::*;

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
