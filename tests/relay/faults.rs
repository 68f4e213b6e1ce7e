//! Either end goes, at any moment.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use seqera_credential_helper::relay::Rules;

use super::wire::{Client, Connection, Tokens, Upstream, ok, relay_to};

/// Whether the server's end of a connection closes.
fn told_when_gone(connection: &mut Connection, gone: &Mutex<mpsc::Sender<()>>) {
    while !connection.is_closed() {}
    let _ = gone.lock().unwrap().send(());
}

#[test]
fn a_client_that_leaves_while_it_waits_is_waited_for_no_longer() {
    let (gone, is_gone) = mpsc::channel();
    let (came, is_there) = mpsc::channel();
    let (gone, came) = (Mutex::new(gone), Mutex::new(came));
    let upstream = Upstream::start(move |_, connection| {
        came.lock().unwrap().send(()).unwrap();
        told_when_gone(connection, &gone);
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("GET /api/poll", "");
    is_there.recv_timeout(Duration::from_secs(20)).unwrap();
    drop(client);
    is_gone.recv_timeout(Duration::from_secs(20)).expect("the server is left as well");
}

#[test]
fn a_client_that_leaves_an_endless_stream_ends_it() {
    let (gone, is_gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let upstream = Upstream::start(move |_, connection| {
        connection.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        told_when_gone(connection, &gone);
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("GET /api/events", "");
    client.connection.head().unwrap();
    assert_eq!(client.connection.chunk().unwrap(), b"hello");
    drop(client);
    is_gone.recv_timeout(Duration::from_secs(20)).expect("the server is left as well");
}

#[test]
fn a_server_that_goes_in_the_middle_is_not_taken_for_the_end() {
    let upstream = Upstream::start(|head, connection| {
        match head.target.as_str() {
            "/base/chunked" => {
                connection.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            }
            "/base/length" => connection.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"),
            _ => {}
        }
        let _ = connection.stream.shutdown(std::net::Shutdown::Both);
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("GET /api/chunked", "");
    client.connection.head().unwrap();
    assert_eq!(client.connection.chunk().unwrap(), b"hello");
    assert_eq!(client.connection.chunk(), None, "no last chunk");
    let mut client = Client::of(&relay);
    client.head("GET /api/length", "");
    client.connection.head().unwrap();
    assert_eq!(client.connection.rest(), b"hello");
    let answer = Client::of(&relay).ask("POST /api/none", "", "x");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains(r#""message""#), "{answer:?}");
    assert_eq!(upstream.seen().iter().filter(|head| head.method == "POST").count(), 1, "not sent twice");
}

#[test]
fn a_kept_connection_that_the_server_closed_is_no_fault_of_the_client() {
    let upstream = Upstream::start(|_, connection| {
        ok(connection, "once");
        // Says nothing of it, as servers do that are tired of waiting.
        let _ = connection.stream.shutdown(std::net::Shutdown::Both);
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    for _ in 0..50 {
        assert_eq!(client.ask("GET /api/x", "", "").status, 200);
    }
}

#[test]
fn a_server_that_is_not_there_is_said_and_the_relay_goes_on() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let relay = relay_to(&origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    for _ in 0..3 {
        let answer = client.ask("GET /api/x", "", "");
        assert_eq!(answer.status, 502);
        assert!(answer.text().contains("127.0.0.1"), "{answer:?}");
    }
}

#[test]
fn a_client_that_ends_before_its_body_is_not_sent_on() {
    let upstream = Upstream::start(|_, connection| ok(connection, "in"));
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("POST /api/x", "Content-Length: 10\r\n");
    client.connection.say("half");
    drop(client);
    // The relay is there for the next one.
    assert_eq!(Client::of(&relay).ask("GET /api/x", "", "").text(), "in");
    assert!(upstream.seen().iter().all(|head| head.method == "GET"));
}

#[test]
fn it_ends_with_streams_open() {
    let upstream = Upstream::start(|_, connection| {
        connection.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        while !connection.is_closed() {}
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("GET /api/events", "");
    client.connection.head().unwrap();
    assert_eq!(client.connection.chunk().unwrap(), b"hello");
    drop(relay);
    assert_eq!(client.connection.chunk(), None);
}
