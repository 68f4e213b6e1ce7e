//! Tokens end while the relay runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use seqera_credential_helper::error::{Error, Result};
use seqera_credential_helper::relay::{Rules, Token, TokenSource};
use seqera_credential_helper::secret::Secret;

use super::wire::{Client, Tokens, Upstream, ok, relay_to, status};

/// A server that takes one token until it has answered so many requests with it, and then the next.
fn server_of_short_tokens(each: usize) -> Upstream {
    let answered = AtomicUsize::new(0);
    Upstream::start(move |head, connection| {
        let good = format!("token-{}", answered.load(Ordering::SeqCst) / each + 1);
        if head.token() != good {
            return status(connection, "401 Unauthorized");
        }
        answered.fetch_add(1, Ordering::SeqCst);
        ok(connection, &String::from_utf8_lossy(&head.body));
    })
}

#[test]
fn a_thousand_requests_over_ten_ends_are_all_answered() {
    let (upstream, tokens) = (server_of_short_tokens(100), Tokens::default());
    let relay = relay_to(&upstream.origin, Rules::default(), tokens.clone());
    let mut client = Client::of(&relay);
    for number in 0..1000 {
        let body = number.to_string();
        let answer = client.ask("POST /api/x", "", &body);
        assert_eq!((answer.status, answer.text()), (200, body));
    }
    assert_eq!(tokens.renewals(), 9);
}

#[test]
fn a_crowd_renews_once() {
    let (upstream, tokens) = (server_of_short_tokens(1_000_000), Tokens::default());
    // The server is ahead: token-1 has ended already.
    let behind = Upstream::start(move |head, connection| match head.token() {
        "token-1" => status(connection, "401 Unauthorized"),
        _ => ok(connection, "in"),
    });
    drop(upstream);
    let relay = relay_to(&behind.origin, Rules::default(), tokens.clone());
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert_eq!(Client::of(&relay).ask("GET /api/x", "", "").text(), "in"));
        }
    });
    assert_eq!(tokens.renewals(), 1);
}

#[test]
fn a_server_that_refuses_every_token_ends_no_more_than_one() {
    let upstream = Upstream::start(|_, connection| status(connection, "401 Unauthorized"));
    let tokens = Tokens::default();
    let relay = relay_to(&upstream.origin, Rules::default(), tokens.clone());
    let mut client = Client::of(&relay);
    for _ in 0..10 {
        assert_eq!(client.ask("GET /api/x", "", "").status, 401);
    }
    assert_eq!(tokens.renewals(), 1);
}

#[test]
fn a_long_body_is_not_sent_twice_and_the_next_request_profits() {
    let (upstream, tokens) = (
        Upstream::start(|head, connection| match head.token() {
            "token-1" => status(connection, "401 Unauthorized"),
            _ => ok(connection, "in"),
        }),
        Tokens::default(),
    );
    let relay = relay_to(&upstream.origin, Rules::default(), tokens.clone());
    let mut client = Client::of(&relay);
    let long = "x".repeat(300 * 1024);
    assert_eq!(client.ask("POST /api/x", "", &long).status, 401);
    assert_eq!(client.ask("POST /api/x", "", &long).status, 200);
    assert_eq!((tokens.renewals(), upstream.seen().len()), (1, 2));
}

/// Answers in order what a test says.
struct Scripted(Mutex<Vec<Result<Option<Token>>>>, Arc<AtomicUsize>);

impl TokenSource for Scripted {
    fn token(&self, _: Option<&Secret>) -> Result<Option<Token>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.0.lock().unwrap();
        match answers.len() {
            1 => answers[0].clone(),
            _ => answers.remove(0),
        }
    }
}

fn lives(name: &str, seconds: u64) -> Result<Option<Token>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Ok(Some(Token { secret: Secret::from(name), expires_at: Some(now + seconds) }))
}

#[test]
fn a_token_that_has_ended_is_not_sent() {
    let upstream = Upstream::start(|head, connection| ok(connection, head.token()));
    let scripted = Scripted(Mutex::new(vec![lives("short", 1), lives("long", 3600)]), Arc::default());
    let asked = Arc::clone(&scripted.1);
    let relay = relay_to(&upstream.origin, Rules::default(), scripted);
    let mut client = Client::of(&relay);
    assert_eq!(client.ask("GET /api/x", "", "").text(), "short");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for _ in 0..20 {
        assert_eq!(client.ask("GET /api/x", "", "").text(), "long");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "one that lives is kept");
}

#[test]
fn why_there_is_no_token_is_said() {
    let upstream = Upstream::start(|_, connection| ok(connection, "in"));
    for (error, expected) in [
        (Error::session_ended("the session has ended").next("log in again with: seqera login"), 401),
        (Error::unreachable("tower.example cannot be reached"), 502),
        (Error::store("the keychain is locked"), 503),
        (Error::timed_out("the keychain does not answer"), 504),
    ] {
        let said = error.to_string();
        let relay = relay_to(
            &upstream.origin,
            Rules::default(),
            Scripted(Mutex::new(vec![Err(error)]), Arc::default()),
        );
        let answer = Client::of(&relay).ask("GET /api/x", "", "");
        assert_eq!(answer.status, expected);
        assert!(answer.text().contains(&said), "{answer:?}");
    }
    assert_eq!(upstream.seen().len(), 0);
}
