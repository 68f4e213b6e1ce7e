//! Standard OAuth against a certified provider, against a server that misbehaves to order, and against requests
//! to our listener that nobody honest sends.

pub mod double;
mod listener;
pub mod network;
pub mod provider;

use std::io::Write as _;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use seqera_credential_helper::error::Error;
use seqera_credential_helper::http::Http;
use seqera_credential_helper::oauth::authorize::{Code, Pending, RedirectError};
use seqera_credential_helper::oauth::discovery::{self, DiscoveryError, Server};
use seqera_credential_helper::oauth::loopback::{Loopback, Ports};
use seqera_credential_helper::oauth::page::Page;
use seqera_credential_helper::oauth::revoke::{self, Revoked};
use seqera_credential_helper::oauth::token::{self, Refreshed};
use seqera_credential_helper::oauth::{Client, Tokens, device};
use seqera_credential_helper::secret::Secret;

use double::{Double, Reply};
use provider::{Person, Provider};

fn http() -> Http {
    Http::new(Duration::from_secs(10))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn client() -> Client {
    Client {
        id: "native-client".into(),
        scopes: vec!["openid".into(), "offline_access".into()],
        // This provider gives a refresh token only where consent was asked for.
        parameters: vec![("prompt".into(), "consent".into())],
    }
}

/// A person's way through the provider, up to the address the browser is sent back to.
fn come_back(server: &Server) -> (Pending, String) {
    let redirect = url::Url::parse("http://127.0.0.1:1/callback").unwrap();
    let pending = Pending::begin(server, &client(), &redirect);
    let address = Person::default().goes_to(pending.url().as_str(), &redirect).expect("sent back");
    (pending, address)
}

fn log_in(server: &Server) -> Tokens {
    let (pending, address) = come_back(server);
    let code = pending.check(&address).unwrap();
    token::exchange(&http(), server, &client(), &pending, &code).unwrap()
}

fn refresh(server: &Server, refresh_token: &Secret) -> Refreshed {
    token::refresh(&http(), &server.token, "native-client", refresh_token)
}

fn refreshed(server: &Server, refresh_token: &Secret) -> Tokens {
    match refresh(server, refresh_token) {
        Refreshed::Tokens(tokens) => tokens,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_browser_login_comes_back_on_loopback_and_the_page_tells_how_it_went() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let listener = Loopback::bind(Ports::only(0), "/callback").unwrap();
    let redirect = listener.redirect().clone();
    let pending = Arc::new(Pending::begin(&server, &client(), &redirect));
    let (arrivals, arrived) = mpsc::channel();
    let serving = listener
        .serve(Arc::clone(&pending), "Product", soon(), move |arrival| {
            let _ = arrivals.send(arrival);
        })
        .unwrap();
    let url = pending.url().to_string();
    let browser = thread::spawn(move || {
        let mut person = Person::default();
        let back = person.goes_to(&url, &redirect).expect("sent back");
        person.get(&back)
    });
    let arrival = arrived.recv_timeout(Duration::from_secs(30)).unwrap();
    let tokens = token::exchange(&http(), &server, &client(), &pending, &arrival.outcome.unwrap()).unwrap();
    arrival.browser.show(Page::success("Product", "You are logged in", &["Close this page."]));
    drop(serving);
    let page = browser.join().unwrap();
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You are logged in"));
    assert!(!tokens.access.is_empty() && tokens.refresh.is_some());
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(600)));
    assert_eq!(tokens.scope.as_deref(), Some("openid offline_access"));
}

#[test]
fn a_code_is_worth_nothing_without_the_verifier_it_was_asked_with() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let (pending, address) = come_back(&server);
    let code = pending.check(&address).unwrap();
    let thief = Pending::begin(&server, &client(), pending.redirect());
    assert_eq!(thief.check(&address), Err(RedirectError::WrongState));
    let error = token::exchange(&http(), &server, &client(), &thief, &code).unwrap_err();
    assert!(error.what().contains("does not accept the answer"), "{error}");
}

#[test]
fn a_refresh_rotates_and_using_the_old_token_again_ends_the_session() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let first = log_in(&server).refresh.unwrap();
    let second = refreshed(&server, &first).refresh.unwrap();
    assert_ne!(first, second);
    let third = refreshed(&server, &second).refresh.unwrap();
    assert!(matches!(refresh(&server, &first), Refreshed::SessionOver));
    assert!(matches!(refresh(&server, &third), Refreshed::SessionOver));
}

#[test]
fn a_revoked_session_is_over() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let tokens = log_in(&server);
    let endpoint = server.revocation.as_ref().unwrap();
    for (token, kind) in
        [(&tokens.access, revoke::Kind::Access), (tokens.refresh.as_ref().unwrap(), revoke::Kind::Refresh)]
    {
        let revoked = revoke::revoke(&http(), endpoint, "native-client", token, kind).unwrap();
        assert_eq!(revoked, Revoked::Done);
    }
    assert!(matches!(refresh(&server, tokens.refresh.as_ref().unwrap()), Refreshed::SessionOver));
}

#[test]
fn a_client_the_server_does_not_know_is_not_a_session_that_ended() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let refresh_token = log_in(&server).refresh.unwrap();
    let refused = token::refresh(&http(), &server.token, "someone-else", &refresh_token);
    assert!(matches!(&refused, Refreshed::Refused(code) if code == "invalid_client"), "{refused:?}");
    refreshed(&server, &refresh_token);
}

#[test]
fn a_person_who_says_no_is_understood() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let redirect = url::Url::parse("http://127.0.0.1:1/callback").unwrap();
    let pending = Pending::begin(&server, &client(), &redirect);
    let address = Person::who_refuses().goes_to(pending.url().as_str(), &redirect).unwrap();
    assert_eq!(pending.check(&address), Err(RedirectError::Denied));
}

#[test]
fn a_device_login_is_confirmed_in_a_browser_elsewhere() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let nowhere = url::Url::parse("http://127.0.0.1:1/").unwrap();
    let mut person = None;
    let tokens = device::login(&http(), &server, &client(), soon(), |prompt| {
        assert!(prompt.user_code.len() >= 8, "{prompt:?}");
        let page = prompt.complete.as_ref().unwrap().to_string();
        assert!(page.contains(&prompt.user_code));
        person = Some(thread::spawn(move || Person::default().goes_to(&page, &nowhere)));
        Ok(())
    })
    .unwrap();
    person.unwrap().join().unwrap();
    refreshed(&server, &tokens.refresh.unwrap());
}

#[test]
fn a_device_login_that_is_refused_ends_at_once() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let nowhere = url::Url::parse("http://127.0.0.1:1/").unwrap();
    let error = device::login(&http(), &server, &client(), soon(), |prompt| {
        Person::who_refuses().goes_to(prompt.complete.as_ref().unwrap().as_str(), &nowhere);
        Ok(())
    })
    .unwrap_err();
    assert!(error.what().contains("not granted"), "{error}");
}

/// A description of a server whose every endpoint is `double`.
fn at(double: &Double) -> Server {
    let url = |path: &str| url::Url::parse(&format!("{}{path}", double.origin())).unwrap();
    Server {
        issuer: double.origin(),
        authorization: url("/authorize"),
        token: url("/token"),
        revocation: Some(url("/revoke")),
        device: Some(url("/device")),
        sends_issuer: false,
    }
}

const BEGUN: &str = r#"{"device_code":"d","user_code":"ABCD","verification_uri":"https://example.com/d","expires_in":120,"interval":1}"#;

#[test]
fn slow_down_is_obeyed() {
    let double = Double::answering(vec![
        Reply::json(200, BEGUN),
        Reply::json(400, r#"{"error":"slow_down"}"#),
        Reply::json(400, r#"{"error":"authorization_pending"}"#),
        Reply::json(200, r#"{"access_token":"a","token_type":"bearer"}"#),
    ]);
    let tokens = device::login(&http(), &at(&double), &client(), soon(), |_| Ok(())).unwrap();
    assert_eq!(tokens.access, "a".into());
    let pauses = double.pauses();
    let seconds: Vec<u64> = pauses.iter().map(|pause| pause.as_millis() as u64).collect();
    assert!(seconds[0] >= 1000 && seconds[1] >= 6000 && seconds[2] >= 6000, "{seconds:?}");
}

#[test]
fn a_bad_gateway_does_not_end_a_device_login() {
    let double = Double::answering(vec![
        Reply::json(200, BEGUN),
        Reply::html(502, "<title>hunter2</title>"),
        Reply::json(200, r#"{"access_token":"a"}"#),
    ]);
    assert!(device::login(&http(), &at(&double), &client(), soon(), |_| Ok(())).is_ok());
}

#[test]
fn a_pause_without_measure_is_no_more_than_a_login_that_nobody_confirms() {
    let begun = BEGUN.replace(r#""interval":1"#, &format!(r#""interval":{}"#, u64::MAX));
    let double = Double::answering(vec![Reply::json(200, &begun)]);
    let error = device::login(&http(), &at(&double), &client(), soon(), |_| Ok(())).unwrap_err();
    assert_eq!(error.exit_code(), 8, "{error}");
}

#[test]
fn a_device_login_nobody_confirms_ends_with_its_deadline() {
    let pending = Reply::json(400, r#"{"error":"authorization_pending"}"#);
    let double = Double::answering(vec![Reply::json(200, BEGUN), pending.clone(), pending.clone(), pending]);
    let started = Instant::now();
    let deadline = started + Duration::from_millis(2500);
    let error = device::login(&http(), &at(&double), &client(), deadline, |_| Ok(())).unwrap_err();
    assert_eq!(error.exit_code(), 8, "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn only_invalid_grant_ends_a_session() {
    let over = r#"{"error":"invalid_grant","error_description":"hunter2"}"#;
    let outcome = |reply: Reply| {
        // A second answer is there to be had, and must not be asked for.
        let double = Double::answering(vec![reply.clone(), reply]);
        let http = Http::new(Duration::from_millis(500));
        let outcome = token::refresh(&http, &at(&double).token, "native-client", &"r".into());
        assert_eq!(double.requests().len(), 1, "a refresh is asked once");
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
        outcome
    };
    assert!(matches!(outcome(Reply::json(400, over)), Refreshed::SessionOver));
    assert!(matches!(outcome(Reply::json(401, over)), Refreshed::SessionOver));
    for trouble in [
        Reply::json(500, over),
        Reply::json(503, over),
        Reply::json(429, over).with("Retry-After: 7"),
        Reply::html(502, "<title>hunter2</title>"),
        Reply::html(200, "hunter2, please log in to the network"),
        Reply::html(400, over),
        Reply::html(403, ""),
        Reply::json(400, r#"{"message":"hunter2"}"#),
        Reply::json(400, r#"{"error":"temporarily_unavailable"}"#),
        Reply::json(200, r#"{"message":"hunter2"}"#),
        Reply::json(200, "[\"hunter2\""),
        Reply::json(302, "").with("Location: https://elsewhere.example/token?hunter2"),
        Reply::json(200, &format!("\"{}\"", "x".repeat(1 << 20))),
        Reply::never(),
        Reply::cut_off(),
    ] {
        let outcome = outcome(trouble.clone());
        let Refreshed::Trouble(failure) = outcome else { panic!("{trouble:?}: {outcome:?}") };
        let error = Error::from(failure);
        assert!(error.hint().is_some() && !error.to_string().contains("hunter2"), "{error}");
    }
    let wrong = outcome(Reply::json(400, r#"{"error":"invalid_scope"}"#));
    assert!(matches!(&wrong, Refreshed::Refused(code) if code == "invalid_scope"), "{wrong:?}");
    let hostile = outcome(Reply::json(400, r#"{"error":"\u001b]0;hunter2\u0007"}"#));
    assert!(matches!(&hostile, Refreshed::Refused(code) if code == "unknown_error"), "{hostile:?}");
}

#[test]
fn a_refresh_sends_what_the_standard_says_and_keeps_the_old_token_where_none_is_sent() {
    let double = Double::answering(vec![Reply::json(200, r#"{"access_token":"new","expires_in":3600}"#)]);
    let outcome = token::refresh(&http(), &at(&double).token, "native-client", &"old refresh".into());
    let Refreshed::Tokens(tokens) = outcome else { panic!("{outcome:?}") };
    assert!(tokens.refresh.is_none());
    let request = &double.requests()[0];
    assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{request}");
    let body: Vec<&str> = request.split("\r\n\r\n").nth(1).unwrap().split('&').collect();
    for field in ["grant_type=refresh_token", "refresh_token=old+refresh", "client_id=native-client"] {
        assert!(body.contains(&field), "{field} {body:?}");
    }
}

#[test]
fn revocation_tells_done_from_unsupported_from_not_now() {
    let outcome = |reply: Reply| {
        let double = Double::answering(vec![reply]);
        let server = at(&double);
        let endpoint = server.revocation.as_ref().unwrap();
        revoke::revoke(&http(), endpoint, "native-client", &"t".into(), revoke::Kind::Access)
    };
    assert_eq!(outcome(Reply::html(200, "")), Ok(Revoked::Done));
    assert_eq!(outcome(Reply::json(400, r#"{"error":"unsupported_token_type"}"#)), Ok(Revoked::Unsupported));
    assert_eq!(outcome(Reply::json(400, r#"{"error":"invalid_client"}"#)).unwrap_err().status(), Some(400));
    assert_eq!(outcome(Reply::html(503, "")).unwrap_err().status(), Some(503));
}

#[test]
fn a_server_without_oidc_is_told_from_one_in_trouble() {
    let found = |reply: Reply| {
        let double = Double::answering(vec![reply]);
        discovery::discover(&http(), &format!("{}/api", double.origin()))
    };
    for none in [
        Reply::json(404, r#"{"message":"hunter2"}"#),
        Reply::html(404, "hunter2"),
        Reply::html(401, ""),
        Reply::html(200, "<title>hunter2</title>"),
        Reply::json(200, r#"{"serviceInfo":{"version":"hunter2"}}"#),
    ] {
        let outcome = found(none.clone());
        assert!(
            matches!(&outcome, Err(DiscoveryError::NoOidc(error)) if !error.to_string().contains("hunter2")),
            "{none:?} {outcome:?}"
        );
    }
    for trouble in [Reply::html(502, "hunter2"), Reply::json(429, "{}"), Reply::cut_off()] {
        let outcome = found(trouble.clone());
        assert!(
            matches!(&outcome, Err(DiscoveryError::Failed(error)) if error.exit_code() == 5),
            "{trouble:?} {outcome:?}"
        );
    }
}

#[test]
fn a_pasted_address_passes_the_same_checks() {
    let provider = Provider::start();
    let server = discovery::discover(&http(), provider.issuer()).unwrap();
    let (pending, address) = come_back(&server);
    assert!(server.sends_issuer, "the provider promises iss, so that its absence can be told");
    let without_issuer: String = address.split("&iss=").next().unwrap().into();
    assert_ne!(without_issuer, address);
    assert_eq!(pending.check(&without_issuer), Err(RedirectError::WrongIssuer));
    let code: Code = pending.check(&format!("  '{address}'\n")).unwrap();
    token::exchange(&http(), &server, &client(), &pending, &code).unwrap();
}

#[test]
fn an_answer_counts_whatever_it_is_wrapped_in() {
    let answer = r#"{"access_token":"a","refresh_token":"r","token_type":"N_A","expires_in":"-1"}"#;
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let refreshed = |reply: Reply| {
        let double = Double::answering(vec![reply]);
        let outcome = token::refresh(&http(), &at(&double).token, "native-client", &"old".into());
        assert!(double.requests()[0].contains("accept-encoding: identity\r\n"), "{:?}", double.requests());
        outcome
    };
    for reply in [
        Reply::html(200, answer),
        Reply::json(201, &format!("\u{feff}{answer}\r\n \n")),
        Reply::bytes(200, "application/octet-stream", gzip(answer)).with("Content-Encoding: gzip"),
        Reply::bytes(200, "application/json", gzip(answer)),
    ] {
        let outcome = refreshed(reply.clone());
        let Refreshed::Tokens(tokens) = outcome else { panic!("{reply:?}: {outcome:?}") };
        assert_eq!(tokens.refresh, Some("r".into()));
    }
    let over = r#"{"error":"invalid_grant"}"#;
    for reply in [
        Reply::bytes(400, "text/plain", over.into()),
        Reply::bytes(400, "text/plain", "invalid_grant".into()),
        Reply::bytes(400, "application/json", gzip(over)).with("Content-Encoding: gzip"),
        Reply::bytes(400, "application/x-www-form-urlencoded", "error=invalid_grant".into()),
        Reply::json(200, over),
    ] {
        assert!(matches!(refreshed(reply.clone()), Refreshed::SessionOver), "{reply:?}");
    }
    for (reply, words) in [
        (
            Reply::bytes(200, "application/json", vec![0x8b, 9, 0x80]).with("Content-Encoding: br"),
            "compressed",
        ),
        (Reply::bytes(200, "application/json", gzip(answer)[..20].to_vec()), "cut off"),
        (Reply::json(200, r#"{"access_token":"hunt"#), "cut off"),
        (Reply::html(200, "<html>"), "a web page"),
        (Reply::json(200, ""), "empty"),
        (
            Reply::json(302, "").with("Location: https://portal.example/login"),
            "redirects to https://portal.example",
        ),
    ] {
        let outcome = refreshed(reply.clone());
        let Refreshed::Trouble(failure) = outcome else { panic!("{reply:?}: {outcome:?}") };
        let error = Error::from(failure);
        assert_eq!(error.exit_code(), 5, "{error}");
        assert!(error.what().contains(words) && !error.to_string().contains("address"), "{error}");
    }
}
