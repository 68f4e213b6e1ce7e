//! What does not get through: the server hears nothing of it.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use seqera_credential_helper::relay::{Relay, Rules, Settings};

use super::wire::{Client, Connection, Tokens, Upstream, ok, relay_to, settings};

fn silent() -> Upstream {
    Upstream::start(|_, connection| ok(connection, "reached"))
}

/// Sends bytes as they are, and answers the status.
fn raw(relay: &Relay, request: &str) -> Option<u16> {
    let host = relay.url().strip_prefix("http://").unwrap().to_owned();
    let mut connection = Connection::new(TcpStream::connect(&host).unwrap());
    let word = relay.word().expose_str().unwrap();
    connection.say(request.replace("HOST", &host).replace("WORD", word));
    let (line, headers) = connection.head()?;
    assert!(!headers.iter().any(|(name, _)| name.to_lowercase().starts_with("access-control")));
    Some(line.split(' ').nth(1).unwrap().parse().unwrap())
}

#[test]
fn only_the_word_and_the_very_host_get_in() {
    let upstream = silent();
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let bearer = "Authorization: Bearer WORD\r\n";
    for (request, expected) in [
        ("GET /api/x HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 401),
        ("OPTIONS /api/x HTTP/1.1\r\nHost: HOST\r\nOrigin: http://localhost:3000\r\n\r\n".to_owned(), 401),
        ("GET /api/x HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer other\r\n\r\n".to_owned(), 401),
        ("GET /api/x HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic WORD\r\n\r\n".to_owned(), 401),
        ("GET /api/x?access_token=WORD HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(), 401),
        (format!("GET /api/x HTTP/1.1\r\nHost: HOST\r\n{bearer}{bearer}\r\n"), 401),
        (format!("GET /api/x HTTP/1.1\r\nHost: rebound.example\r\n{bearer}\r\n"), 421),
        (format!("GET /api/x HTTP/1.1\r\nHost: 127.0.0.1:1\r\n{bearer}\r\n"), 421),
        (format!("GET /api/x HTTP/1.1\r\nHost: 127.0.0.1.rebound.example\r\n{bearer}\r\n"), 421),
        (format!("GET /api/x HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n{bearer}\r\n"), 421),
        (format!("GET /api/x HTTP/1.1\r\n{bearer}\r\n"), 421),
        (format!("GET http://elsewhere.example/api/x HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 421),
        (format!("GET https://HOST/api/x HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 421),
        (format!("CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 404),
        (format!("OPTIONS * HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 404),
        (format!("GET /other HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 404),
        (format!("GET /apix HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 404),
        (format!("TRACE /api/x HTTP/1.1\r\nHost: HOST\r\n{bearer}\r\n"), 403),
    ] {
        assert_eq!(raw(&relay, &request), Some(expected), "{request}");
    }
    assert_eq!(upstream.seen().len(), 0);
    let port = relay.url().rsplit(':').next().unwrap().to_owned();
    let absolute =
        format!("GET http://localhost:{port}/api/x HTTP/1.1\r\nHost: localhost:{port}\r\n{bearer}\r\n");
    assert_eq!(raw(&relay, &absolute), Some(200));
    assert_eq!(upstream.seen()[0].target, "/base/x");
}

#[test]
fn a_child_mints_no_token() {
    let upstream = silent();
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    for target in [
        "/api/tokens",
        "/api//tokens",
        "/api/%74okens",
        "/api/a/../tokens",
        "/api/a/%2e%2e/tokens",
        "/api/tokens;x",
        "/api/TOKENS",
        "/api/tokens?workspaceId=1",
        "/api/api/tokens",
        "/api/%2561pi/tokens",
        "/api/..%2f..%2ftokens",
        "/api/\\tokens",
        "/api/oauth/access_token",
        "/api/users/1/delete",
    ] {
        let mut client = Client::of(&relay);
        let answer = client.ask(&format!("POST {target}"), "", r#"{"name":"endless"}"#);
        assert!(matches!(answer.status, 400 | 403), "{target}: {answer:?}");
    }
    let port = relay.url();
    let absolute = Client::of(&relay).ask(&format!("POST {port}/api/tokens"), "", "{}");
    assert_eq!(absolute.status, 403);
    assert!(
        absolute.text().contains(r#"{"message":"#) && absolute.text().contains("--allow"),
        "{absolute:?}"
    );
    assert_eq!(absolute.header("content-type"), Some("application/json"));
    assert_eq!(upstream.seen().len(), 0);
    let allowed = Rules { allow: vec!["POST /tokens".parse().unwrap()], ..Rules::default() };
    let relay = relay_to(&upstream.origin, allowed, Tokens::default());
    assert_eq!(Client::of(&relay).ask("POST /api/tokens", "", "{}").status, 200);
    assert_eq!(Client::of(&relay).ask("GET /api/user-info", "", "").status, 403);
}

#[test]
fn less_than_all_rights() {
    let upstream = silent();
    let ask = |rules: Rules, line: &str| {
        let relay = relay_to(&upstream.origin, rules, Tokens::default());
        Client::of(&relay).ask(line, "", "").status
    };
    let reads = || Rules { read_only: true, ..Rules::default() };
    assert_eq!(ask(reads(), "GET /api/workflow"), 200);
    assert_eq!(ask(reads(), "DELETE /api/workflow/1"), 403);
    let one = || Rules { workspace: Some("7".parse().unwrap()), ..Rules::default() };
    assert_eq!(ask(one(), "DELETE /api/workflow/1?workspaceId=7"), 200);
    assert_eq!(ask(one(), "GET /api/workflow?workspaceId=7&workspaceId=8"), 403);
    let relay = relay_to(&upstream.origin, one(), Tokens::default());
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let answer = Client::of(&relay).ask("POST /api/workflow?workspaceId=7", form, "workspaceId=8");
    assert_eq!(answer.status, 403);
    assert_eq!(upstream.seen().len(), 2);
}

#[test]
fn one_request_is_one_request_whatever_its_length_says() {
    let upstream = silent();
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let smuggled = "GET /api/tokens HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer WORD\r\n\r\n";
    for head in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", smuggled.len() + 5),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", smuggled.len() + 5),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length : 5\r\n".to_owned(),
    ] {
        let before = upstream.seen().len();
        let request = format!(
            "POST /api/x HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer WORD\r\n{head}\r\n0\r\n\r\n{smuggled}"
        );
        let status = raw(&relay, &request);
        let seen = upstream.seen().split_off(before);
        assert!(seen.len() <= 1 && !format!("{seen:?}").contains("tokens"), "{head}: {status:?} {seen:?}");
        assert!(seen.iter().all(|head| head.body.is_empty()), "{head}: {seen:?}");
    }
}

#[test]
fn a_refused_body_is_not_asked_for() {
    let upstream = silent();
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("POST /api/tokens", "Expect: 100-continue\r\nContent-Length: 10\r\n");
    assert_eq!(client.answer(false).status, 403, "no 100 comes first");
    // A body that is wanted is asked for.
    let mut client = Client::of(&relay);
    client.head("POST /api/x", "Expect: 100-continue\r\nContent-Length: 10\r\n");
    let (line, _) = client.connection.head().unwrap();
    assert!(line.contains(" 100 "), "{line}");
    client.connection.say("0123456789");
    assert_eq!(client.answer(false).text(), "reached");
    assert_eq!(upstream.seen()[0].header("expect"), None);
}

#[test]
fn a_socket_is_its_owners() {
    let upstream = silent();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.sock");
    let start = || {
        let settings =
            Settings { socket: Some(path.clone()), ..settings(&upstream.origin, Rules::default()) };
        Relay::start(settings, Tokens::default())
    };
    let relay = start().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let ask = |host: &str, word: &str| {
        use std::io::{Read, Write};
        let mut stream = UnixStream::connect(&path).unwrap();
        let head = format!(
            "GET /api/x HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {word}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[9..12].to_owned()
    };
    let word = relay.word().expose_str().unwrap();
    // Forwarded by SSH, it has any port.
    assert_eq!((ask("localhost", word), ask("127.0.0.1:8080", word)), ("200".into(), "200".into()));
    assert_eq!((ask("evil.example", word), ask("localhost", "x")), ("421".into(), "401".into()));
    assert!(start().unwrap_err().to_string().contains("another program listens"));
    drop(relay);
    assert!(!path.exists(), "it goes with the relay");
    // What a relay left behind that was killed is replaced; anything else is not.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(start().unwrap());
    std::fs::write(&path, "mine").unwrap();
    assert!(start().unwrap_err().to_string().contains("is not a socket"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn no_token_goes_where_it_could_be_read() {
    for origin in ["http://tower.example", "ftp://127.0.0.1"] {
        let refused = Relay::start(settings(origin, Rules::default()), Tokens::default()).unwrap_err();
        assert_eq!(refused.exit_code(), 7, "{refused}");
    }
}
