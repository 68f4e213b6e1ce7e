//! The server is in trouble. What is wrong with it is never wrong with the login.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use seqera_credential_helper::session::Grant;

use super::*;
use crate::platform::Fault;
use crate::support::home::until;
use crate::support::session::{Login, Token, logged_in, now};

/// Each way to fail, the exit code for a dead token, and whether the server has rotated all the same.
const TROUBLES: [(Fault, i32, bool); 12] = [
    (Fault::Hangup, 5, false),
    (Fault::HangupAfterwards, 5, true),
    (Fault::TooManyRequests { retry_after: 60 }, 5, false),
    (Fault::InternalError, 5, false),
    (Fault::BadGateway, 5, false),
    (Fault::ServiceUnavailable, 5, false),
    (Fault::HtmlPage, 5, false),
    (Fault::InvalidJson, 5, false),
    (Fault::HugeBody, 5, false),
    (Fault::Unauthorized, 5, false),
    (Fault::NotFound, 5, false),
    (Fault::RedirectElsewhere, 5, false),
];

fn intent(login: &Login) -> serde_json::Value {
    serde_json::from_slice(&fs::read(intent_file(login)).unwrap()).unwrap()
}

fn intent_file(login: &Login) -> PathBuf {
    login.paths.store.join("session+default.intent")
}

/// As if the time had passed that the server asked to wait.
fn be_asked_again(login: &Login) {
    let mut intent = intent(login);
    intent["failed"]["again_at_ms"] = 0.into();
    fs::write(intent_file(login), intent.to_string()).unwrap();
}

/// Waits until the renewer has given up.
fn until_it_failed(login: &Login) {
    until(Duration::from_secs(40), "the renewer gives up", || !intent(login)["failed"].is_null());
}

#[test]
fn a_server_in_trouble_ends_no_session_and_is_named() {
    for (fault, code, rotated) in TROUBLES {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        platform.fault(Endpoint::Token, fault);
        let before = login.stored();
        let failed = ask(&home).expect(code);
        let words = failed.err();
        assert!(failed.stdout.is_empty() && words.lines().count() == 1, "{fault:?}: {failed:?}");
        assert!(words.contains("127.0.0.1") && !words.contains("invalid"), "{fault:?}: {words}");
        assert!(!words.contains("log in"), "{fault:?}: {words}");
        assert_eq!(login.stored(), before, "{fault:?}");
        assert_eq!(platform.count(Endpoint::Nowhere), 0, "{fault:?}");
        platform.clear_faults();
        if let Fault::TooManyRequests { .. } = fault {
            be_asked_again(&login);
        }
        if rotated {
            let lost = ask(&home).expect(4);
            assert!(lost.err().contains("its answer did not arrive"), "{fault:?}: {lost:?}");
        } else {
            ask(&home).ok();
            assert!(!platform.family_burnt(), "{fault:?}");
        }
    }
}

#[test]
fn while_the_server_is_in_trouble_a_living_token_is_answered() {
    for (fault, ..) in TROUBLES {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Ageing);
        platform.fault(Endpoint::Token, fault);
        for _ in 0..3 {
            let run = ask(&home).expect(0);
            assert_eq!(run.out().trim(), login.access, "{fault:?}");
            assert_eq!(run.err().lines().count(), 1, "{fault:?}: {run:?}");
        }
        assert_eq!(token_requests(&platform), 2, "{fault:?}: one for the login, one to renew it");
        assert!(!platform.family_burnt());
    }
}

#[test]
fn an_outage_costs_the_server_one_request_however_many_ask() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    platform.fault(Endpoint::Token, Fault::TooManyRequests { retry_after: 20 });
    let crowd: Vec<Running> = (0..100).map(|_| start(token(&home), "")).collect();
    for running in crowd {
        assert_eq!(running.finish().ok().trim(), login.access);
    }
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_although_the_token_is_dead() {
    for fault in
        [Fault::TooManyRequests { retry_after: 120 }, Fault::TooManyRequestsUntil { retry_after: 120 }]
    {
        let (home, platform) = home_and_server();
        // Its date is its own.
        platform.world(|world| world.settings.clock_skew = 7200);
        let login = logged_in(&home, &platform, Token::Dead);
        platform.fault_next(1, Endpoint::Token, fault);
        for round in 0..5 {
            let request = git_get(&platform);
            let runs =
                [ask(&home), home.run("git-credential-seqera", &["get"], &request)].map(|run| run.expect(5));
            for run in runs {
                assert!(run.err().contains("429") && run.stdout.is_empty(), "{fault:?}: {run:?}");
                let seconds = run.err().rsplit_once("try again in ").unwrap().1.trim().to_owned();
                let seconds: u64 = seconds.strip_suffix(" s").unwrap().parse().unwrap();
                assert!((60..=120).contains(&seconds), "{fault:?}, round {round}: {run:?}");
            }
        }
        assert_eq!(refreshes(&platform), 1, "{fault:?}");
        be_asked_again(&login);
        assert_eq!(ask(&home).ok().trim(), login.stored_access());
        assert_eq!(refreshes(&platform), 2, "{fault:?}");
    }
}

#[test]
fn a_server_that_fails_again_and_again_is_asked_less_and_less() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.fault(Endpoint::Token, Fault::BadGateway);
    for row in 1..=8 {
        ask(&home).expect(5);
        assert_eq!(intent(&login)["failed"]["row"], row);
        let failed = &intent(&login)["failed"];
        let [at, again] = ["at_ms", "again_at_ms"].map(|time| failed[time].as_u64().unwrap());
        assert_eq!(again > at, row > 1, "{failed}");
        be_asked_again(&login);
    }
    // Nobody asks before the pause is over, however many they are.
    ask(&home).expect(5);
    let asked = refreshes(&platform);
    for _ in 0..5 {
        let run = ask(&home).expect(5);
        assert!(run.err().contains("502") && run.err().contains("try again in"), "{run:?}");
    }
    assert_eq!(refreshes(&platform), asked);
}

#[test]
fn when_the_server_wants_to_be_asked_again_it_is() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    platform.fault_next(1, Endpoint::Token, Fault::TooManyRequests { retry_after: 2 });
    assert_eq!(ask(&home).ok().trim(), login.access);
    std::thread::sleep(Duration::from_millis(2_100));
    assert_ne!(ask(&home).ok().trim(), login.access);
    assert_eq!(refreshes(&platform), 2);
}

#[test]
fn an_answer_that_never_comes_is_given_up_within_the_deadline() {
    for (token, millis) in
        [(Token::Dead, 2_000), (Token::Ageing, 2_500), (Token::Dead, 700), (Token::Ageing, 700)]
    {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, token);
        platform.fault(Endpoint::Token, Fault::Mute);
        let mut get = home.command("git-credential-seqera");
        get.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", millis.to_string());
        get.env("SEQERA_TEST_RENEWER_MS", "4000");
        let run = run(get, git_get(&platform));
        assert!(run.took < Duration::from_millis(millis + 800), "{run:?}");
        match token {
            Token::Ageing => assert_eq!(value(&run.ok(), "password"), Some(login.access.as_str())),
            _ => assert!(run.expect(8).stdout.is_empty()),
        }
        platform.clear_faults();
        until_it_failed(&login);
        if token == Token::Dead {
            ask(&home).ok();
        }
        assert!(!platform.family_burnt());
    }
}

#[test]
fn nobody_answering_at_all_is_no_network_and_not_a_bad_token() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let before = login.stored();
    drop(platform);
    let failed = ask(&home).expect(5);
    assert!(failed.err().contains("refuses the connection"), "{failed:?}");
    assert_eq!(login.stored(), before);
}

#[test]
fn a_session_that_the_server_has_ended_ends_once_and_keeps_its_name() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.revoke_all();
    let crowd: Vec<Running> = (0..20).map(|_| start(token(&home), "")).collect();
    for running in crowd {
        let run = running.finish().expect(4);
        assert!(run.err().contains("log in again with: seqera login"), "{run:?}");
    }
    assert_eq!(refreshes(&platform), 1);
    let profile = login.profile();
    assert!(profile.ended_at.is_some() && profile.account.as_deref() == Some("ada@example.com"));
    drop(platform);
    ask(&home).expect(4);
}

#[test]
fn logging_in_again_begins_anew() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    platform.revoke_all();
    ask(&home).expect(4);
    let login = logged_in(&home, &platform, Token::Dead);
    assert_ne!(ask(&home).ok().trim(), login.access);
}

#[test]
fn a_server_that_does_not_rotate_keeps_the_old_refresh_token_in_use() {
    let (home, platform) = home_and_server();
    platform.world(|world| world.settings.access_lifetime = Duration::ZERO);
    let login = logged_in(&home, &platform, Token::Dead);
    let refresh_token = login.stored().refresh_token().cloned();
    platform.fault(Endpoint::Token, Fault::NoNewRefreshToken);
    let first = ask(&home).ok();
    let second = ask(&home).ok();
    assert_ne!(first, second);
    assert_eq!(login.stored().refresh_token().cloned(), refresh_token);
    assert!(!platform.family_burnt());
}

#[test]
fn a_token_without_a_known_end_is_renewed_in_time_all_the_same() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.fault(Endpoint::Token, Fault::NoExpiresIn);
    platform.world(|world| world.settings.opaque_access_tokens = true);
    let first = ask(&home).ok();
    assert_eq!(login.stored().access_expires_at, None);
    assert_eq!(ask(&home).ok(), first);
    assert_eq!(refreshes(&platform), 1);
    let mut session = login.stored();
    session.issued_at -= 2 * 3600;
    login.sessions().begin(&mut login.profile(), session).unwrap();
    assert_ne!(ask(&home).ok(), first);
    assert_eq!(refreshes(&platform), 2);
}

#[test]
fn a_server_with_another_clock_is_believed_in_spans_and_not_in_hours() {
    for skew in [-7200, 7200] {
        let (home, platform) = home_and_server();
        platform.world(|world| world.settings.clock_skew = skew);
        let login = logged_in(&home, &platform, Token::Dead);
        let token = ask(&home).ok();
        let end = login.stored().access_expires_at.unwrap();
        assert!((now() + 3500..=now() + 3600).contains(&end));
        assert_eq!(ask(&home).ok(), token);
        assert_eq!(refreshes(&platform), 1);
    }
}

#[test]
fn a_clock_that_was_set_back_does_not_make_a_token_live_longer() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let mut session = login.stored();
    session.issued_at += 24 * 3600;
    session.access_expires_at = session.access_expires_at.map(|end| end + 24 * 3600);
    login.sessions().begin(&mut login.profile(), session).unwrap();
    assert_ne!(ask(&home).ok().trim(), login.access);
    assert!(login.stored().issued_at <= now());
}

/// On a file system whose locks do not hold another host may store a newer session meanwhile; it is not
/// that session which the server refuses.
#[test]
fn a_refusal_of_an_old_token_does_not_end_a_newer_session() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let asked = login.stored();
    let stopped = ask_with_fault(&home, "intent=stop");
    stopped.until_stopped();
    // The other host's session is dead as well: its token does not do as an answer.
    let elsewhere = Home::with_file_store();
    let mut newer = logged_in(&elsewhere, &platform, Token::Dead).stored();
    newer.generation = asked.generation + 1;
    let shelf = seqera_credential_helper::store::Shelf::session(login.profile().name.as_str());
    let deadline = seqera_credential_helper::os::deadline::Deadline::after(Duration::from_secs(5));
    seqera_credential_helper::session::store(&login.paths, deadline).put(&shelf, b"session", &newer).unwrap();
    let old = asked.refresh_token().unwrap().expose_str().unwrap().to_owned();
    platform.world(|world| world.grants.revoke(&old, false));
    stopped.signal(rustix::process::Signal::CONT);
    let run = stopped.finish();
    assert_ne!(run.code(), 4, "{run:?}");
    assert_eq!(login.profile().ended_at, None);
    ask(&home).ok();
}

#[test]
fn a_failure_from_before_the_clock_was_set_back_does_not_count() {
    for standing in [Token::Dead, Token::Ageing] {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, standing);
        platform.fault_next(1, Endpoint::Token, Fault::TooManyRequests { retry_after: 20 });
        assert_eq!(ask(&home).code(), if standing == Token::Dead { 5 } else { 0 });
        let mut intent = intent(&login);
        for (time, day) in [("at_ms", 86_400_000), ("again_at_ms", 86_400_000), ("wait_until", 86_400)] {
            let failed = &mut intent["failed"][time];
            *failed = (failed.as_u64().unwrap() + day).into();
        }
        fs::write(intent_file(&login), intent.to_string()).unwrap();
        assert_ne!(ask(&home).ok().trim(), login.access, "{standing:?}");
        assert_eq!(refreshes(&platform), 2, "{standing:?}");
    }
}

/// What never arrived cannot have used up the refresh token: it may be tried again soon.
#[test]
fn a_server_that_takes_no_connections_is_in_no_doubt() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let soon = Duration::from_millis(300);
    let queue: Vec<_> = (0..10_000).map_while(|_| TcpStream::connect_timeout(&address, soon).ok()).collect();
    assert!(queue.len() < 10_000, "the queue of a listener has an end");
    let mut session = login.stored();
    let Grant::Oauth { token_endpoint, .. } = &mut session.grant else { panic!("no OAuth login") };
    *token_endpoint = url::Url::parse(&format!("http://{address}/token")).unwrap();
    login.sessions().begin(&mut login.profile(), session).unwrap();

    let mut get = home.command("git-credential-seqera");
    get.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", "4000");
    assert_eq!(value(&run(get, git_get(&platform)).ok(), "password"), Some(login.access.as_str()));
    until_it_failed(&login);
    assert_eq!(intent(&login)["failed"]["may_have_arrived"], false, "{}", intent(&login));
}

/// A token that nothing renews is what it is.
#[test]
fn a_longer_life_than_there_is_to_be_had_is_refused() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let mut session = login.stored();
    session.grant = Grant::Brought;
    login.sessions().begin(&mut login.profile(), session).unwrap();
    assert_eq!(home.run("seqera", &["token", "--min-ttl", "60"], "").ok().trim(), login.access);
    let run = home.run("seqera", &["token", "--min-ttl", "7200"], "").expect(1);
    assert!(run.out().is_empty() && run.err().contains("--min-ttl"), "{run:?}");
    assert_eq!(ask(&home).ok().trim(), login.access);
}
