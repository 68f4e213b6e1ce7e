//! The loopback listener against requests that nobody honest sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use seqera_credential_helper::oauth::authorize::{Pending, RedirectError};
use seqera_credential_helper::oauth::discovery::Server;
use seqera_credential_helper::oauth::loopback::{Arrival, Loopback, Ports, Serving};
use seqera_credential_helper::oauth::page::Page;
use url::Url;

use crate::support::home::until;

/// A listener that waits for a login, and the good request it waits for.
struct Waiting {
    port: u16,
    state: String,
    arrived: mpsc::Receiver<Arrival>,
    serving: Serving,
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
        Waiting { port, state, arrived, serving: serving.unwrap() }
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

/// Loops that never stop: who comes with something to say gets in between.
#[test]
fn connections_that_say_nothing_give_way_however_many_they_are() {
    let waiting = Waiting::begin();
    let port = waiting.port;
    let over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut idle = std::collections::VecDeque::new();
                while !over.load(Ordering::Relaxed) {
                    idle.extend(TcpStream::connect(("127.0.0.1", port)));
                    if idle.len() > 200 {
                        idle.pop_front();
                    }
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        until(Duration::from_secs(20), "the places are full", || waiting.serving.turned_out() > 0);
        waiting.still_works();
        over.store(true, Ordering::Relaxed);
    });
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
fn only_the_first_redirect_counts_and_a_browser_that_fetches_it_again_sees_the_same() {
    let waiting = Waiting::begin();
    waiting.still_works();
    let again = waiting.send(waiting.good().as_bytes());
    assert!(again.starts_with("HTTP/1.1 200 ") && again.contains("You are logged in"), "{again:.40}");
    let other = waiting.send(waiting.good().replace("code=good", "code=other").as_bytes());
    assert!(other.starts_with("HTTP/1.1 409 ") && !other.contains("You are logged in"), "{other:.40}");
    assert!(waiting.arrived.try_recv().is_err());
}

#[test]
fn two_fetches_of_the_redirect_at_once_both_see_how_it_went() {
    let waiting = Waiting::begin();
    let streams: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut stream = waiting.connect();
            stream.write_all(waiting.good().as_bytes()).unwrap();
            stream
        })
        .collect();
    let arrival = waiting.arrived.recv_timeout(Duration::from_secs(10)).unwrap();
    arrival.browser.show(Page::success("Product", "You are logged in", &[]));
    for stream in streams {
        assert!(read(stream).contains("You are logged in"));
    }
}

#[test]
fn the_way_to_the_login_is_open_once() {
    let waiting = Waiting::begin();
    let entrance = waiting.serving.entrance().clone();
    assert!(!entrance.as_str().contains(&waiting.state));
    let request = format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", entrance.path(), waiting.port);
    let elsewhere = request.replace("Host: 127.0.0.1", "Host: evil.example");
    assert!(waiting.send(elsewhere.as_bytes()).starts_with("HTTP/1.1 400 "));
    let sent_on = waiting.send(request.as_bytes());
    assert!(sent_on.starts_with("HTTP/1.1 302 "), "{sent_on:.40}");
    assert!(sent_on.contains("\r\nLocation: https://example.com/authorize?"), "{sent_on}");
    assert!(sent_on.contains("\r\nReferrer-Policy: no-referrer\r\n"), "{sent_on}");
    assert!(waiting.send(request.as_bytes()).starts_with("HTTP/1.1 404 "));
    waiting.still_works();
}

/// As root, other users are at hand to try.
#[test]
fn another_user_of_the_machine_gets_nothing() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: it takes root to be another user");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let somebody = |id: u32| {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={id}")).arg(format!("--regid={id}")).args(["--clear-groups", "--"]);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped());
        command
    };
    let mut listener = somebody(54321)
        .arg(&copy)
        .args(["--exact", "oauth::listener::somebody_who_listens", "--ignored", "--nocapture"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
    let asked = lines.find_map(|line| line.unwrap().split("ASK ").nth(1).map(str::to_owned)).unwrap();
    let (port, path) = asked.split_once(' ').unwrap();
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}; \
         printf 'GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n' >&3; head -1 <&3"
    );
    let answer = |id: u32| {
        let output = somebody(id).args(["bash", "-c", &script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (stranger, own) = (answer(54322), answer(54321));
    let _ = listener.kill();
    let _ = listener.wait();
    assert!(stranger.starts_with("HTTP/1.1 403 "), "{stranger:?}");
    assert!(own.starts_with("HTTP/1.1 302 "), "{own:?}");
}

#[test]
#[ignore = "run by the test above, as another user"]
fn somebody_who_listens() {
    let waiting = Waiting::begin();
    println!("ASK {} {}", waiting.port, waiting.serving.entrance().path());
    thread::sleep(Duration::from_secs(30));
}

#[test]
fn somebody_who_holds_the_other_loopback_address_has_the_port() {
    let Ok(stranger) = std::net::TcpListener::bind("[::1]:0") else { return };
    let port = stranger.local_addr().unwrap().port();
    let error = Loopback::bind(Ports::only(port), "/callback").unwrap_err();
    assert!(error.what().contains(&format!("port {port} is taken")), "{error}");
    assert!(Loopback::bind(Ports::from(port), "/callback").unwrap().port() > port);
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
