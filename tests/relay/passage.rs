//! What goes through, and what of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seqera_credential_helper::relay::Rules;

use super::wire::{Client, Tokens, Upstream, ok, relay_to, settings, status};

#[test]
fn a_request_goes_on_with_the_token_and_its_answer_comes_back() {
    let upstream = Upstream::start(|head, connection| ok(connection, &format!("{} bytes", head.body.len())));
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    let more = "X-Kept: yes\r\nConnection: x-mine\r\nX-Mine: 1\r\nCookie: JWT=1\r\n\
        X-HTTP-Method-Override: DELETE\r\nContent-Type: application/json\r\n";
    let answer = client.ask("POST /api/workflow/launch?workspaceId=7&a=%2F", more, r#"{"a":1}"#);
    assert_eq!((answer.status, answer.text().as_str()), (200, "7 bytes"));
    // On the same connection: it is kept.
    assert_eq!(client.ask("GET /api/user-info", "", "").text(), "0 bytes");
    let seen = upstream.seen();
    assert_eq!(seen[0].target, "/base/workflow/launch?workspaceId=7&a=%2F");
    assert_eq!((seen[0].token(), seen[0].body.as_slice()), ("token-1", &br#"{"a":1}"#[..]));
    assert_eq!((seen[0].header("x-kept"), seen[0].header("content-length")), (Some("yes"), Some("7")));
    for dropped in ["x-mine", "cookie", "x-http-method-override", "transfer-encoding"] {
        assert_eq!(seen[0].header(dropped), None, "{dropped}");
    }
    assert_eq!(seen[0].header("host"), upstream.origin.strip_prefix("http://"));
    client.ask("POST /api/empty", "Content-Length: 0\r\n", "");
    assert_eq!(upstream.seen()[2].header("content-length"), Some("0"));
    assert_eq!((seen[1].header("content-length"), seen[1].target.as_str()), (None, "/base/user-info"));
    let word = relay.word().expose_str().unwrap();
    assert!(!format!("{seen:?}").contains(word), "the word stays here");
}

#[test]
fn an_answer_is_the_servers_but_for_what_gives_rights() {
    let upstream = Upstream::start(|head, connection| match head.target.as_str() {
        "/base/gzip" => connection.say(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nSet-Cookie: JWT=1\r\nConnection: x-y\r\nX-Y: 1\r\n\
             Access-Control-Allow-Origin: *\r\nContent-Length: 4\r\n\r\n\x1f\u{8}\0\0",
        ),
        "/base/none" => connection.say("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"),
        "/base/head" => connection.say("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"),
        _ => status(connection, "503 Busy"),
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    let answer = client.ask("GET /api/gzip", "Origin: https://evil.example\r\n", "");
    assert_eq!((answer.header("content-encoding"), answer.body.len()), (Some("gzip"), 4));
    for dropped in ["set-cookie", "x-y", "access-control-allow-origin"] {
        assert_eq!(answer.header(dropped), None, "{dropped}");
    }
    let answer = client.ask("GET /api/none", "If-None-Match: \"a\"\r\n", "");
    assert_eq!((answer.status, answer.header("etag")), (304, Some("\"a\"")));
    let answer = client.ask("HEAD /api/head", "", "");
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("12345")));
    assert_eq!(client.ask("GET /api/other", "", "").status, 503);
}

#[test]
fn a_redirect_is_not_followed() {
    let upstream = Upstream::start(|head, connection| {
        let to = match head.target.as_str() {
            "/base/near" => "/base/there?x=1",
            _ => "https://elsewhere.example/there",
        };
        connection.say(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"));
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    let answer = client.ask("GET /api/near", "", "");
    assert_eq!((answer.status, answer.header("location")), (302, Some("/api/there?x=1")));
    let answer = client.ask("GET /api/far", "", "");
    assert_eq!((answer.status, answer.header("location")), (302, Some("https://elsewhere.example/there")));
    assert_eq!(upstream.seen().len(), 2, "nobody went there");
}

#[test]
fn a_hundred_at_once() {
    let most = Arc::new(AtomicUsize::new(0));
    let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&most));
    // Each waits until all are there: one after the other, none would ever be answered.
    let upstream = Upstream::start(move |_, connection| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while now.load(Ordering::SeqCst) < 100 && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        ok(connection, "here");
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| assert_eq!(Client::of(&relay).ask("GET /api/x", "", "").text(), "here"));
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 100);
}

#[test]
fn a_protocol_that_both_change_to_is_passed_on() {
    let upstream = Upstream::start(|head, connection| {
        assert_eq!(head.header("upgrade"), Some("websocket"));
        connection
            .say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
        let line = connection.line().unwrap();
        connection.say(format!("you said {line}\n"));
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("GET /api/agent/1/connect", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    let (line, _) = client.connection.head().unwrap();
    assert!(line.contains(" 101 "), "{line}");
    client.connection.say("ping\n");
    assert_eq!(client.connection.line().as_deref(), Some("you said ping"));
    let reads = Rules { read_only: true, ..Rules::default() };
    let relay = relay_to(&upstream.origin, reads, Tokens::default());
    let mut client = Client::of(&relay);
    assert_eq!(client.ask("GET /api/x", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "").status, 403);
}

#[test]
fn the_log_has_one_line_a_request_and_no_secret() {
    let upstream = Upstream::start(|_, connection| ok(connection, "twelve bytes"));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut settings = settings(&upstream.origin, Rules::default());
    settings.log = Some(log.clone());
    let relay = seqera_credential_helper::relay::Relay::start(settings, Tokens::default()).unwrap();
    let mut client = Client::of(&relay);
    client.ask("GET /api/workflow?search=hidden&workspaceId=1", "X-Secret: hidden\r\n", "");
    client.ask("POST /api/tokens", "", r#"{"name":"hidden"}"#);
    // The line is written when the answer is over, which is when the next one has come.
    client.ask("GET /api/last", "", "");
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines[0][1..], ["GET", "/workflow", "200", "12"], "{text}");
    assert_eq!(lines[1][1..4], ["POST", "/tokens", "403"], "{text}");
    assert!(lines[0][0].parse::<jiff::Timestamp>().is_ok(), "{text}");
    assert!(!text.contains("hidden") && !text.contains("token-1"), "{text}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&log).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
