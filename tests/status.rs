//! `seqera status`: the truth, offline, and an exit code that a script can ask for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::platform::people::HOSTILE_NAMES;
use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::Home;
use crate::support::login;
use crate::support::session::{self, Token};
use seqera_credential_helper::provider::{Organization, Workspace};
use seqera_credential_helper::session::profile::Profile;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Nothing in what a terminal gets may act on it.
pub fn assert_harmless(text: &str) {
    for c in text.chars() {
        let acts = (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        assert!(!acts, "{c:?} in {text:?}");
    }
}

#[test]
fn who_is_not_logged_in_is_told_so() {
    let home = Home::with_file_store();
    let run = home.run("seqera", &["status"], "").expect(3);
    assert_eq!(run.out(), "");
    assert_eq!(run.err(), "seqera: you are not logged in; log in with: seqera login\n");
    let run = home.run("seqera", &["status", "--json"], "").expect(3);
    assert_eq!(json_of(&run.out())["logged_in"], false);
    home.run("seqera", &["status", "--all"], "").expect(3);
    assert!(!session::paths(&home).store.exists(), "a question makes no store");
}

#[test]
fn the_first_lines_are_who_and_until_when() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    login::change(&home, "default", |profile| {
        profile.session_expires_at = Some(4_102_444_800);
        profile.access_expires_at = Some(4_102_441_200);
        profile.organization = Some(Organization { id: "2001".into(), name: "acme".into() });
        profile.workspace =
            Some(Workspace { id: "3001".into(), name: "research".into(), organization: "acme".into() });
    });
    let asked = platform.requests().len();
    let out = home.run("seqera", &["status"], "").ok();
    let store = session::paths(&home).store;
    // The tests' homes have no TZ, so local time is the machine's; the zone is asked for the same moment.
    let local = |seconds: i64| {
        let moment = jiff::Timestamp::from_second(seconds).unwrap();
        moment.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    assert_eq!(
        out,
        format!(
            "Logged in as: ada@example.com\nSession expires: {}\nProfile: default\nEndpoint: {}\n\
             Organization: acme\nWorkspace: acme/research (3001)\nHow: in a browser\n\
             Access token ends: {}; it is renewed by itself\n\
             Store: {}, its key in a file beside it: no better than a private file\n",
            local(4_102_444_800),
            platform.api(),
            local(4_102_441_200),
            store.display()
        )
    );
    let status = json_of(&home.run("seqera", &["status", "--json"], "").ok());
    assert_eq!(status["session_expires_at"], "2100-01-01T00:00:00Z");
    assert_eq!(status["access_token_expires_at"], "2099-12-31T23:00:00Z");
    assert_eq!(status["organization"], json!({"id": "2001", "name": "acme"}));
    assert_eq!((&status["method"], &status["state"]), (&json!("browser"), &json!("fresh")));
    assert_eq!(status["store"], json!({"path": store, "key": "file"}));
    assert_eq!(platform.requests().len(), asked, "it is offline");
}

#[test]
fn no_keychain_and_no_box_is_opened() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let store = session::paths(&home).store;
    std::fs::remove_file(store.join("key")).unwrap();
    home.write(store.join("keychain"), format!("{}\n", "ab".repeat(8)));
    let bus = home.path().join("mute");
    // A bus that takes the connection and never says a word.
    let _bus = std::os::unix::net::UnixListener::bind(&bus).unwrap();
    home.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
    home.set("SEQERA_HELPER_STORE", "auto");
    let run = home.run("seqera", &["status"], "").expect(0);
    assert!(run.out().contains("its key in the keychain"), "{run:?}");
    assert!(run.out().contains("a personal access token works until it is revoked"), "{run:?}");
    assert!(run.took < Duration::from_secs(2), "{run:?}");
}

#[test]
fn an_ended_session_is_exit_4() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    login::change(&home, "default", |profile| profile.ended_at = Some(1_700_000_000));
    let run = home.run("seqera", &["status"], "").expect(4);
    assert!(run.out().starts_with("Logged in as: ada@example.com\nSession expires: 2023-11-1"), "{run:?}");
    assert!(run.out().contains("22:13:20 (the session has ended)\n"), "{run:?}");
    assert!(!run.out().contains("Access token ends"), "{run:?}");
    assert!(run.err().contains("log in again with: seqera login"), "{run:?}");
    let run = home.run("seqera", &["status", "--json"], "").expect(4);
    assert_eq!(json_of(&run.out())["ended_at"], "2023-11-14T22:13:20Z");
}

#[test]
fn a_token_from_outside_is_named_with_its_variable() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    home.set("SEQERA_ACCESS_TOKEN", "");
    home.run("seqera", &["status"], "").expect(3);
    home.set("TOWER_ACCESS_TOKEN", "outside-secret");
    let run = home.run("seqera", &["status"], "").expect(0);
    assert!(
        run.out().starts_with("Logged in as: not known, the token is the one in TOWER_ACCESS_TOKEN"),
        "{run:?}"
    );
    login::with_token(&home, &platform, &[]);
    let run = home.run("seqera", &["status"], "").expect(0);
    assert!(run.out().contains("Warning: TOWER_ACCESS_TOKEN hides the login 'default'"), "{run:?}");
    assert!(run.out().contains("Logged in as: ada@example.org"), "{run:?}");
    home.set("SEQERA_ACCESS_TOKEN", "another-secret");
    let run = home.run("seqera", &["status"], "").expect(0);
    assert!(
        run.out().contains("SEQERA_ACCESS_TOKEN and TOWER_ACCESS_TOKEN are both set and differ"),
        "{run:?}"
    );
    assert!(!run.out().contains("secret"), "{run:?}");
    let named = home.run("seqera", &["status", "--profile", "default"], "").ok();
    assert!(named.starts_with("Logged in as: ada@example.org\n") && !named.contains("Warning"), "{named}");
    let status = json_of(&home.run("seqera", &["status", "--json"], "").ok());
    assert_eq!(
        (&status["token_from"], &status["warnings"].as_array().unwrap().len()),
        (&json!("SEQERA_ACCESS_TOKEN"), &2)
    );
}

#[test]
fn what_we_exported_is_not_from_outside() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let exports = json_of(&home.run("seqera", &["env", "--json"], "").ok());
    for (name, value) in exports.as_object().unwrap() {
        if let Some(value) = value.as_str() {
            home.set(name, value);
        }
    }
    let out = home.run("seqera", &["status"], "").ok();
    assert!(out.starts_with("Logged in as: ada@example.org\n") && !out.contains("Warning"), "{out}");
}

#[test]
fn all_shows_every_profile_of_both_platforms() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    login::sekuire(&home, "keys");
    home.write(session::paths(&home).state.join("profiles/torn.json"), "{");
    let out = home.run("seqera", &["status", "--all"], "").ok();
    for part in
        ["Profile: default", "Profile: keys", "https://backend.sekuire.ai", "with an API key", "'torn'"]
    {
        assert!(out.contains(part), "{part} is not in {out}");
    }
    let status = json_of(&home.run("seqera", &["status", "--all", "--json"], "").ok());
    let logins = status["logins"].as_array().unwrap();
    assert_eq!(logins.len(), 2);
    assert_eq!((&logins[0]["in_use"], &logins[1]["in_use"]), (&json!(true), &json!(false)));
    assert_eq!(logins[1]["provider"], "sekuire");
}

#[test]
fn check_asks_the_server_and_never_calls_a_failure_a_bad_token() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let out = home.run("seqera", &["status", "--check"], "").ok();
    assert!(out.contains("Server: accepts the token, and knows you as ada@example.org"), "{out}");
    platform.fault(Endpoint::UserInfo, Fault::BadGateway);
    let run = home.run("seqera", &["status", "--check"], "").expect(5);
    assert!(!run.err().contains("token"), "{run:?}");
    platform.clear_faults();
    platform.world(|world| world.personal_tokens.clear());
    let run = home.run("seqera", &["status", "--check", "--json"], "").expect(4);
    assert_eq!(json_of(&run.out())["server"]["accepts_the_token"], false);
}

#[test]
fn hostile_names_act_on_no_terminal() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    for hostile in HOSTILE_NAMES {
        login::change(&home, "default", |profile: &mut Profile| {
            profile.account = Some(hostile.into());
            profile.organization = Some(Organization { id: hostile.into(), name: hostile.into() });
        });
        for args in [&["status"][..], &["status", "--json"], &["org"], &["profile", "list"]] {
            let run = home.run("seqera", args, "").expect(0);
            assert_harmless(&run.out());
            assert_harmless(&run.err());
        }
        let status = json_of(&home.run("seqera", &["status", "--json"], "").ok());
        assert_eq!(status["organization"]["name"], hostile);
    }
}

/// Servers that mean "for ever" say so with the largest number there is.
#[test]
fn an_end_that_no_calendar_has_is_not_in_the_past() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    login::change(&home, "default", |profile: &mut Profile| profile.access_expires_at = Some(u64::MAX));
    let out = home.run("seqera", &["status"], "").ok();
    assert!(!out.contains("ago"), "{out}");
    assert!(out.contains("Access token ends: after the year 9999"), "{out}");
}

#[test]
fn an_address_that_keeps_the_hook_from_exporting_is_named() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    home.set("SEQERA_PLATFORM_API_URL", "https://other.example/api");
    assert_eq!(home.run("seqera", &["hook-env", "bash"], "").ok(), "");
    let out = home.run("seqera", &["status"], "").ok();
    assert!(
        out.contains("Warning: SEQERA_PLATFORM_API_URL names another server than the login 'default'"),
        "{out}"
    );
    home.set("SEQERA_PLATFORM_API_URL", platform.api());
    assert!(!home.run("seqera", &["status"], "").ok().contains("Warning"));
}

#[test]
fn an_ended_login_of_an_installation_is_begun_again_there_and_not_at_cloud() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Dead);
    platform.revoke_all();
    let again = format!("log in again with: seqera login --endpoint {}", platform.api());
    for args in [&["token"][..], &["status"], &["token"], &["whoami"]] {
        let run = home.run("seqera", args, "").expect(4);
        assert!(run.err().contains(&again), "{args:?}: {run:?}");
    }
    let said = home.run("seqera", &["hook-env", "bash"], "").expect(4).out();
    assert!(said.contains(&again), "{said}");
    assert!(home.run("seqera", &["doctor"], "").expect(1).out().contains(&again));
}
