//! Nothing waits for a whole body.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use seqera_credential_helper::relay::Rules;

use super::wire::{Client, Tokens, Upstream, ok, relay_to};

#[test]
fn events_arrive_as_they_are_sent() {
    let (send, events) = mpsc::channel::<String>();
    let events = Mutex::new(events);
    let upstream = Upstream::start(move |head, connection| {
        assert_eq!(head.header("last-event-id"), Some("6"));
        connection
            .say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        for event in events.lock().unwrap().iter() {
            connection.say(format!("{:x}\r\n{event}\r\n", event.len()));
        }
        connection.say("0\r\n\r\n");
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("GET /api/events", "Accept: text/event-stream\r\nLast-Event-ID: 6\r\n");
    let (line, headers) = client.connection.head().unwrap();
    assert!(line.contains(" 200 "), "the head comes before the first event: {line}");
    assert!(headers.iter().any(|(_, value)| value == "text/event-stream"));
    for number in 0..20 {
        let event = format!("id: {number}\ndata: {{}}\n\n");
        send.send(event.clone()).unwrap();
        // The next one is not sent before this one is here.
        assert_eq!(client.connection.chunk().unwrap(), event.as_bytes());
    }
    drop(send);
    assert_eq!(client.connection.chunk(), Some(Vec::new()));
}

#[test]
fn an_upload_arrives_as_it_is_sent() {
    let (send, came) = mpsc::channel();
    let send = Mutex::new(send);
    let upstream = Upstream::reading_heads(move |_, connection| {
        while let Some(chunk) = connection.chunk().filter(|chunk| !chunk.is_empty()) {
            send.lock().unwrap().send(chunk).unwrap();
        }
        ok(connection, "all");
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let mut client = Client::of(&relay);
    client.head("POST /api/upload", "Transfer-Encoding: chunked\r\n");
    for piece in ["one", "two", "three"] {
        client.connection.say(format!("{:x}\r\n{piece}\r\n", piece.len()));
        let arrived = came.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        assert_eq!(arrived, piece.as_bytes());
    }
    client.connection.say("0\r\n\r\n");
    assert_eq!(client.answer(false).text(), "all");
}

/// What this process holds in memory, in KiB: 2nd field of proc_pid_statm(5).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}

#[test]
fn much_passes_both_ways_and_little_is_held() {
    const MUCH: usize = 64 << 20;
    let received = Arc::new(Mutex::new(0));
    let count = Arc::clone(&received);
    let upstream = Upstream::reading_heads(move |head, connection| {
        let piece = vec![b'x'; 1 << 16];
        if head.method == "GET" {
            connection.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {MUCH}\r\n\r\n"));
            (0..MUCH / piece.len()).for_each(|_| connection.say(&piece));
            return;
        }
        assert_eq!(head.header("content-length"), Some(MUCH.to_string().as_str()));
        for _ in 0..MUCH / piece.len() {
            *count.lock().unwrap() += connection.exactly(piece.len()).len();
        }
        ok(connection, "all");
    });
    let relay = relay_to(&upstream.origin, Rules::default(), Tokens::default());
    let before = resident();
    let mut most = 0;
    let mut client = Client::of(&relay);
    client.head("PUT /api/upload", &format!("Content-Length: {MUCH}\r\n"));
    let piece = vec![b'x'; 1 << 16];
    for _ in 0..MUCH / piece.len() {
        client.connection.say(&piece);
        most = most.max(resident());
    }
    assert_eq!(client.answer(false).text(), "all");
    assert_eq!(*received.lock().unwrap(), MUCH);
    client.head("GET /api/download", "");
    let (_, headers) = client.connection.head().unwrap();
    assert!(headers.iter().any(|(_, value)| *value == MUCH.to_string()), "{headers:?}");
    for _ in 0..MUCH / piece.len() {
        client.connection.exactly(piece.len());
        most = most.max(resident());
    }
    // Other tests run in this process at the same time: half of it would be the whole body of one way.
    let held = most.saturating_sub(before);
    println!("relay: 64 MiB each way, {held} KiB more in memory at most");
    assert!(held < 32 << 10, "{held} KiB");
}
