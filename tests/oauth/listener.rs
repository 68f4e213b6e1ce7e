//! The loopback listener against requests that nobody honest sends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use seqera_credential_helper::oauth::authorize::{Pending, RedirectError};
use seqera_credential_helper::oauth::discovery::Server;
use seqera_credential_helper::oauth::loopback::{Arrival, Loopback, Ports, Serving};
use seqera_credential_helper::oauth::page::Page;
use url::Url;

/// A listener that waits for a login, and the good request it waits for.
struct Waiting {
    port: u16,
    state: String,
    arrived: mpsc::Receiver<Arrival>,
    _serving: Serving,
}

impl Waiting {
    fn begin() -> Waiting {
        let url = |text: &str| Url::parse(text).unwrap();
        let server = Server {
            issuer: "https://example.com".into(),
            authorization: url("https://example.com/authorize"),
            token: url("https://example.com/token"),
            revocation: None,
            device: None,
            sends_issuer: false,
        };
        let listener = Loopback::bind(Ports::only(0), "/callback").unwrap();
        let pending = Arc::new(Pending::begin(&server, &super::client(), listener.redirect()));
        let state = pending.url().query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let (arrivals, arrived) = mpsc::channel();
        let port = listener.port();
        let serving = listener.serve(pending, "Product", super::soon(), move |arrival| {
            let _ = arrivals.send(arrival);
        });
        Waiting { port, state, arrived, _serving: serving.unwrap() }
    }

    fn good(&self) -> String {
        let Waiting { port, state, .. } = self;
        format!("GET /callback?code=good&state={state} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        stream
    }

    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        read(stream)
    }

    /// The good request works: it arrives, and shows the page it is given.
    fn still_works(&self) {
        let mut stream = self.connect();
        stream.write_all(self.good().as_bytes()).unwrap();
        let arrival = self.arrived.recv_timeout(Duration::from_secs(10)).expect("the good request arrives");
        assert!(arrival.outcome.is_ok(), "{:?}", arrival.outcome);
        let page = thread::spawn(move || read(stream));
        arrival.browser.show(Page::success("Product", "You are logged in", &[]));
        assert!(page.join().unwrap().contains("You are logged in"));
    }
}

fn read(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_request_that_is_not_ours_is_answered_and_the_login_goes_on() {
    let waiting = Waiting::begin();
    let (port, state) = (waiting.port, &waiting.state);
    let host = format!("Host: 127.0.0.1:{port}");
    let good = format!("/callback?code=good&state={state}");
    let long = "a".repeat(20_000);
    let cases: Vec<(String, &str)> = vec![
        (format!("GET /favicon.ico HTTP/1.1\r\n{host}"), "404"),
        (format!("GET / HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /callback/?code=good&state={state} HTTP/1.1\r\n{host}"), "404"),
        (format!("GET /%63allback?code=good&state={state} HTTP/1.1\r\n{host}"), "404"),
        (format!("POST {good} HTTP/1.1\r\n{host}\r\nContent-Length: 0"), "405"),
        (format!("HEAD {good} HTTP/1.1\r\n{host}"), "405"),
        (format!("OPTIONS {good} HTTP/1.1\r\n{host}\r\nOrigin: https://evil.example"), "405"),
        (format!("GET {good} HTTP/1.1\r\nHost: evil.example:{port}"), "400"),
        (format!("GET {good} HTTP/1.1\r\nHost: 127.0.0.1.evil.example:{port}"), "400"),
        (format!("GET {good} HTTP/1.1\r\nHost: 127.0.0.1"), "400"),
        (format!("GET {good} HTTP/1.1\r\nHost: 127.0.0.1:1"), "400"),
        (format!("GET {good} HTTP/1.1\r\n{host}\r\nHost: evil.example"), "400"),
        (format!("GET {good} HTTP/1.1\r\nX: y"), "400"),
        (format!("GET {good} HTTP/2\r\n{host}"), "400"),
        (format!("GET {good}\r\n{host}"), "400"),
        (format!("GET http://127.0.0.1:{port}{good} HTTP/1.1\r\n{host}"), "400"),
        (format!("GET  {good} HTTP/1.1\r\n{host}"), "400"),
        (format!("GET {good}\u{1} HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback?code=bad&state=other HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback?code=bad HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback?error=access_denied HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback?code=a&code=b&state={state} HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback HTTP/1.1\r\n{host}"), "400"),
        (format!("GET /callback?{long} HTTP/1.1\r\n{host}"), "431"),
        (format!("GET {good} HTTP/1.1\r\n{host}\r\nX: {long}"), "431"),
        ("\0\0\0\0".into(), "400"),
        ("".into(), "400"),
    ];
    for (request, status) in cases {
        let answer = waiting.send(format!("{request}\r\n\r\n").as_bytes());
        let shown = &request[..request.len().min(90)];
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown:?} got {answer:.40}");
        assert!(answer.contains("Content-Security-Policy: default-src 'none'"), "{shown:?}");
        assert!(!answer.contains("code=") && !answer.contains(state.as_str()), "{shown:?}");
    }
    let answer = waiting.send(b"GET /\xff HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:.40}");
    assert!(waiting.arrived.try_recv().is_err(), "none of these counts as the login's end");
    waiting.still_works();
}

#[test]
fn connections_that_say_nothing_or_never_finish_hold_up_nobody() {
    let waiting = Waiting::begin();
    let mut idle: Vec<TcpStream> = (0..60).map(|_| waiting.connect()).collect();
    let mut slow: Vec<TcpStream> = (0..40).map(|_| waiting.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /callback?code=").unwrap();
    }
    let begun = Instant::now();
    waiting.still_works();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // And each of them is closed in its turn, without a word.
    let stream = idle.pop().unwrap();
    assert_eq!(read(stream), "");
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    drop((idle, slow));
}

#[test]
fn more_connections_than_are_served_at_once_only_make_the_browser_wait() {
    let waiting = Waiting::begin();
    let idle: Vec<TcpStream> = (0..200).map(|_| waiting.connect()).collect();
    waiting.still_works();
    drop(idle);
}

#[test]
fn a_request_in_small_pieces_is_read_as_one() {
    let waiting = Waiting::begin();
    let mut stream = waiting.connect();
    for piece in waiting.good().as_bytes().chunks(7) {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    assert!(waiting.arrived.recv_timeout(Duration::from_secs(5)).unwrap().outcome.is_ok());
}

#[test]
fn only_the_first_redirect_counts() {
    let waiting = Waiting::begin();
    waiting.still_works();
    let again = waiting.send(waiting.good().as_bytes());
    assert!(again.starts_with("HTTP/1.1 409 "), "{again:.40}");
    assert!(waiting.arrived.try_recv().is_err());
}

#[test]
fn a_refusal_that_belongs_to_the_login_arrives() {
    let waiting = Waiting::begin();
    let mut stream = waiting.connect();
    let request = format!(
        "GET /callback?error=access_denied&state={} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n",
        waiting.state, waiting.port
    );
    stream.write_all(request.as_bytes()).unwrap();
    let arrival = waiting.arrived.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(arrival.outcome, Err(RedirectError::Denied));
    drop(arrival.browser);
    assert!(
        read(stream).contains("The login did not finish"),
        "a browser that nobody answers is not left alone"
    );
}

#[test]
fn the_listener_is_there_on_both_loopback_addresses_and_gone_afterwards() {
    let waiting = Waiting::begin();
    let port = waiting.port;
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    assert!(TcpStream::connect(("::1", port)).is_ok());
    drop(waiting);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(TcpStream::connect(("::1", port)).is_err());
}

#[test]
fn a_taken_port_is_said_or_passed_over() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Loopback::bind(Ports::only(port), "/callback").unwrap_err();
    assert!(error.what().contains(&format!("port {port} is taken")), "{error}");
    let next = Loopback::bind(Ports::from(port), "/callback").unwrap();
    assert!(next.port() > port && next.port() < port + 10);
}
