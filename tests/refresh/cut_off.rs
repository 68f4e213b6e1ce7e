//! A process is killed, stopped or asked to end at any step of the transaction.

use std::time::Duration;

use rustix::process::Signal;

use super::*;
use crate::platform::Fault;
use crate::support::home::until;
use crate::support::session::{Login, Token, logged_in};

/// The steps in their order. `written` and `renamed` are those of the intent.
const BEFORE_ASKING: [&str; 4] = ["locked", "written", "renamed", "intent"];
const ANSWERED: &str = "answered";
const STORED: [&str; 4] = ["box", "profile", "mark", "cleared"];

/// The next call works and everything agrees again. The server was asked once in all.
#[track_caller]
fn nothing_was_lost(home: &Home, platform: &Platform, login: &Login, point: &str) {
    let token = ask(home).ok();
    assert_eq!(token.trim(), login.stored_access(), "{point}");
    assert_ne!(token.trim(), login.access, "{point}");
    assert_eq!(login.profile().generation, login.stored().generation, "{point}");
    assert_eq!((refreshes(platform), platform.family_burnt()), (1, false), "{point}");
    platform.expire_access_tokens();
    assert_eq!(ask(home).ok(), token, "{point}");
}

/// The answer is gone: the next call finds out and says what happened, and the ones after it ask nobody.
#[track_caller]
fn the_answer_was_lost(home: &Home, platform: &Platform, login: &Login, words: &str) {
    for words in [words, "the session ended"] {
        let run = ask(home).expect(4);
        assert!(run.stdout.is_empty() && run.err().contains(words), "{run:?}");
        assert!(run.err().contains("log in again with: seqera login"), "{run:?}");
        assert_eq!(refreshes(platform), 2);
    }
    assert!(platform.family_burnt());
    assert_eq!(login.profile().account.as_deref(), Some("ada@example.com"));
}

#[test]
fn killed_at_any_step_the_next_call_works_or_says_why_not() {
    for point in BEFORE_ASKING.iter().chain(&STORED) {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        ask_with_fault(&home, &format!("{point}=kill")).finish().expect(128 + 9);
        nothing_was_lost(&home, &platform, &login, point);
    }
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    ask_with_fault(&home, &format!("{ANSWERED}=kill")).finish().expect(128 + 9);
    the_answer_was_lost(&home, &platform, &login, "was cut off at");
}

#[test]
fn a_doubtful_refresh_token_is_not_risked_while_the_access_token_lives() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Ageing);
    ask_with_fault(&home, "answered=kill").finish().expect(128 + 9);
    for _ in 0..3 {
        let run = ask(&home).expect(0);
        assert_eq!(run.out().trim(), login.access);
        assert!(run.err().contains("was cut off at") && run.err().contains("lives on"), "{run:?}");
    }
    assert_eq!((refreshes(&platform), platform.family_burnt()), (1, false));
}

#[test]
fn stopped_at_any_step_and_continued_it_comes_to_its_end() {
    for point in BEFORE_ASKING.iter().chain(&[ANSWERED]).chain(&STORED) {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        let running = ask_with_fault(&home, &format!("{point}=stop"));
        running.until_stopped();
        running.signal(Signal::CONT);
        assert_eq!(running.finish().ok().trim(), login.stored_access(), "{point}");
        nothing_was_lost(&home, &platform, &login, point);
    }
}

#[test]
fn killed_while_stopped_is_killed() {
    for point in BEFORE_ASKING.iter().chain(&STORED) {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        let running = ask_with_fault(&home, &format!("{point}=stop"));
        running.until_stopped();
        running.signal(Signal::KILL);
        running.finish().expect(128 + 9);
        nothing_was_lost(&home, &platform, &login, point);
    }
}

#[test]
fn who_waits_for_a_stopped_process_is_told_or_gets_the_token_that_lives() {
    for token in [Token::Dead, Token::Ageing] {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, token);
        let stopped = ask_with_fault(&home, "intent=stop");
        stopped.until_stopped();
        let mut get = home.command("git-credential-seqera");
        get.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", "2500");
        let run = run(get, git_get(&platform));
        assert!(run.took < Duration::from_secs(4), "{run:?}");
        if token == Token::Ageing {
            assert_eq!(value(&run.ok(), "password"), Some(login.access.as_str()));
        } else {
            let run = run.expect(8);
            assert!(run.stdout.is_empty() && run.err().contains("is being renewed since"), "{run:?}");
        }
        stopped.signal(Signal::CONT);
        assert_eq!(stopped.finish().ok().trim(), login.stored_access());
        assert_eq!(refreshes(&platform), 1);
    }
}

#[test]
fn stopped_until_its_time_is_over_it_asks_nobody() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let mut get = home.command("git-credential-seqera");
    break_itself(&mut get, "intent=stop");
    get.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", "3000");
    let stopped = start(get, git_get(&platform));
    stopped.until_stopped();
    std::thread::sleep(Duration::from_millis(2_200));
    stopped.signal(Signal::CONT);
    let run = stopped.finish().expect(8);
    assert!(run.stdout.is_empty() && !run.err().contains("panicked"), "{run:?}");
    assert_eq!(refreshes(&platform), 0);
    nothing_was_lost(&home, &platform, &login, "intent");
}

#[test]
fn asked_to_end_it_first_stores_what_the_server_answered() {
    for (signal, code) in [("term", 128 + 15), ("int", 128 + 2)] {
        for point in [ANSWERED].iter().chain(&STORED) {
            let (home, platform) = home_and_server();
            let login = logged_in(&home, &platform, Token::Dead);
            ask_with_fault(&home, &format!("{point}={signal}")).finish().expect(code);
            assert_ne!(login.stored_access(), login.access, "{point}");
            nothing_was_lost(&home, &platform, &login, point);
        }
        for point in BEFORE_ASKING {
            let (home, platform) = home_and_server();
            let login = logged_in(&home, &platform, Token::Dead);
            ask_with_fault(&home, &format!("{point}={signal}")).finish().expect(code);
            assert_eq!(refreshes(&platform), 0, "{point}");
            nothing_was_lost(&home, &platform, &login, point);
        }
    }
}

#[test]
fn asked_to_end_while_the_server_thinks_it_waits_for_the_answer() {
    for (signal, code) in [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1), (Signal::QUIT, 3)] {
        let (home, platform) = home_and_server();
        let login = logged_in(&home, &platform, Token::Dead);
        platform.fault(Endpoint::Token, Fault::Slow(Duration::from_millis(700)));
        let running = start(token(&home), "");
        until(Duration::from_secs(20), "the server is asked", || refreshes(&platform) == 1);
        running.signal(signal);
        running.signal(signal);
        running.finish().expect(128 + code);
        nothing_was_lost(&home, &platform, &login, "asked");
    }
}

#[test]
fn killed_while_the_server_thinks_the_next_call_says_so() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    platform.fault_next(1, Endpoint::Token, Fault::MuteAfterwards);
    let running = ask_with_fault(&home, "");
    until(Duration::from_secs(20), "the server is asked", || refreshes(&platform) == 1);
    // The server has rotated once it has turned mute; it counts a request before that.
    std::thread::sleep(Duration::from_millis(200));
    running.signal(Signal::KILL);
    running.finish().expect(128 + 9);
    the_answer_was_lost(&home, &platform, &login, "was cut off at");
}
