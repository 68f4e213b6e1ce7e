//! Sekuire's backend.

use super::*;
use crate::platform::sekuire::ORGANIZATION;

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
    assert_eq!(verify(&platform, &key, "one").json(), json!({ "valid": true, "org_id": ORGANIZATION }));
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
    let first = mint(&key, ORGANIZATION).json();
    assert!(first["username"] == "push" && first.get("expires_in").is_none());
    platform.world(|world| {
        world.sekuire.tells_username = false;
        world.sekuire.tells_push_token_lifetime = true;
    });
    let second = mint(&key, ORGANIZATION).json();
    assert!(second.get("username").is_none() && second["expires_in"] == 600);

    let accepted = |answer: &Value| {
        let token = answer["token"].as_str().unwrap();
        platform.world(|world| world.sekuire.accepts_push_token(token))
    };
    assert!(first["token"] != second["token"] && accepted(&first) && accepted(&second));
    platform.world(|world| world.sekuire.expire_push_tokens());
    assert!(!accepted(&first) && !accepted(&second));
    assert_eq!((mint(&key, "org_other").status, mint("made-up", ORGANIZATION).status), (403, 401));
}
