//! The Platform's own API.

use super::*;

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
    assert_eq!(names, crate::platform::people::HOSTILE_NAMES);
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
