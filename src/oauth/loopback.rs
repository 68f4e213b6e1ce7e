//! The listener the browser comes back to (RFC 8252 §7.3).
//!
//! Anything on this machine, and any web page in its browser, can send requests here. So what is not exactly
//! the redirect of the pending login is answered and forgotten, and the login goes on; no connection can hold
//! up another; and only the first redirect counts.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use url::Url;

use super::authorize::{Code, Pending, RedirectError};
use super::page::Page;
use crate::error::{Error, Result, io_words};
use crate::os::peer;

/// The largest request head that is read.
const MAX_HEAD: usize = 16 * 1024;

/// How long a connection may take for its request, and again for taking our answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the browser is kept waiting for the page while tokens are fetched.
const VERDICT: Duration = Duration::from_secs(60);

/// How many connections are served at once. When one more comes the oldest goes that is not the redirect.
const CONNECTIONS: usize = 128;

/// The ports a listener may take.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    first: u16,
    count: u16,
}

impl Ports {
    /// This port and no other; 0 lets the system choose.
    pub fn only(port: u16) -> Ports {
        Ports { first: port, count: 1 }
    }

    fn all(self) -> Vec<u16> {
        (0..self.count).filter_map(|n| self.first.checked_add(n)).collect()
    }

    /// This port or one of the next nine: for servers that accept any port of the loopback redirect.
    pub fn from(port: u16) -> Ports {
        Ports { first: port, count: if port == 0 { 1 } else { 10 } }
    }
}

/// Sockets that listen already but are not served yet: bound before the browser opens, so that the port in the
/// redirect address is surely ours.
#[derive(Debug)]
pub struct Loopback {
    sockets: Vec<TcpListener>,
    redirect: Url,
}

impl Loopback {
    /// Listens on 127.0.0.1 and, where it can, on ::1, on one of `ports`; the redirect address is
    /// `http://127.0.0.1:PORT` and `path` (on a machine without IPv4, `http://[::1]:PORT`).
    pub fn bind(ports: Ports, path: &str) -> Result<Loopback> {
        let mut refusal = io::Error::from(io::ErrorKind::AddrInUse);
        // A port that the system chose may be taken on the other address.
        let ports_to_try = if ports.first == 0 { vec![0; 10] } else { ports.all() };
        for port in ports_to_try {
            match Loopback::sockets(port) {
                Ok(sockets) => return Loopback::new(sockets, path),
                Err(error) => refusal = error,
            }
        }
        Err(match (refusal.kind(), ports.count) {
            (io::ErrorKind::AddrInUse, 1) => {
                Error::failed(format!("port {} is taken, perhaps by another login", ports.first))
                    .next("finish the other login, or choose another port")
            }
            (io::ErrorKind::AddrInUse, n) => {
                let last = ports.first.saturating_add(n - 1);
                Error::failed(format!("the ports {} to {last} are all taken", ports.first))
                    .next("finish other logins, or choose another port")
            }
            (io::ErrorKind::PermissionDenied, _) => {
                Error::failed(format!("the system does not let you listen on port {}", ports.first))
                    .next("ports below 1024 are usually for root alone: choose a higher one")
            }
            _ => Error::failed(format!("cannot listen on port {}: {}", ports.first, io_words(&refusal)))
                .next("choose another port"),
        })
    }

    /// The redirect names 127.0.0.1, so ::1 is only for browsers and forwarders that turn it into `localhost`; a
    /// login works on a machine that does not have it. But where somebody else has this port of it, they would
    /// get what such a browser brings: then the port is taken.
    fn sockets(port: u16) -> io::Result<Vec<TcpListener>> {
        let v4 = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                return Ok(vec![TcpListener::bind((Ipv6Addr::LOCALHOST, port))?]);
            }
            v4 => v4?,
        };
        match TcpListener::bind((Ipv6Addr::LOCALHOST, v4.local_addr()?.port())) {
            Ok(v6) => Ok(vec![v4, v6]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
            Err(_) => Ok(vec![v4]),
        }
    }

    fn new(sockets: Vec<TcpListener>, path: &str) -> Result<Loopback> {
        for socket in &sockets {
            socket.set_nonblocking(true).map_err(unusable)?;
        }
        let address = sockets[0].local_addr().map_err(unusable)?;
        let redirect = Url::parse(&format!("http://{address}{path}"))
            .map_err(|_| Error::failed("the path of the redirect address is not a path"))?;
        Ok(Loopback { sockets, redirect })
    }

    /// The redirect address.
    pub fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.redirect.port_or_known_default().unwrap_or_default()
    }

    /// Serves in a thread of its own until `deadline` or until the [`Serving`] is dropped, and calls `deliver`
    /// with the first redirect that belongs to `pending`, good or bad. `product` stands on the pages. `deliver`
    /// runs in the serving thread and returns at once: it sends on a channel, to which the reader of what a
    /// person pastes sends too.
    pub fn serve(
        self,
        pending: Arc<Pending>,
        product: &str,
        deadline: Instant,
        deliver: impl FnOnce(Arrival) + Send + 'static,
    ) -> Result<Serving> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unusable)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let port = self.port();
        let entrance = format!("/{}", oauth2::CsrfToken::new_random().into_secret());
        let mut address = self.redirect.clone();
        address.set_path(&entrance);
        let (verdict, judged) = watch::channel(None);
        let desk = Arc::new(Desk {
            hosts: HOSTS.map(|host| format!("{host}:{port}")).into_iter().chain(bare(port)).collect(),
            product: product.into(),
            pending,
            entrance: Mutex::new(Some(entrance)),
            first: Mutex::new(None),
            deliver: Mutex::new(Some((Box::new(deliver), verdict))),
            judged,
        });
        let sockets = self.sockets;
        let room = Arc::new(Room::default());
        let seen = Arc::clone(&room);
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                for socket in sockets {
                    if let Ok(socket) = tokio::net::TcpListener::from_std(socket) {
                        tokio::spawn(accept(socket, Arc::clone(&room), Arc::clone(&desk)));
                    }
                }
                let _ = timeout(deadline.saturating_duration_since(Instant::now()), stopped).await;
            });
        });
        Ok(Serving { entrance: address, room: seen, stop: Some(stop), thread: Some(thread) })
    }
}

const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Browsers leave out the port that `http` has by itself.
fn bare(port: u16) -> impl Iterator<Item = String> {
    HOSTS.iter().filter(move |_| port == 80).map(|host| (*host).to_owned())
}

fn unusable(error: io::Error) -> Error {
    Error::io("listening for the browser", &error).next("check the limits on open files and processes")
}

/// A listener at work; dropping it closes the port.
#[derive(Debug)]
pub struct Serving {
    entrance: Url,
    room: Arc<Room>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Serving {
    /// An address here that sends the browser on to the login, once: what starts the browser, and a program that sees
    /// how it was started (`ps`), learns nothing of the login from it.
    pub fn entrance(&self) -> &Url {
        &self.entrance
    }

    /// How many connections had to go because they said nothing and there were too many.
    pub fn turned_out(&self) -> u64 {
        self.room.turned_out.load(Ordering::Relaxed)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            let _ = thread.join();
        }
    }
}

/// A redirect that belongs to the pending login.
#[derive(Debug)]
pub struct Arrival {
    /// The code, or why there is none.
    pub outcome: Result<Code, RedirectError>,
    /// The browser, which waits for a page.
    pub browser: Browser,
}

/// A browser that waits to be told how the login went, so that its page says what is true. Dropped, it shows
/// that the login did not come to an end.
#[derive(Debug)]
pub struct Browser {
    page: watch::Sender<Option<Page>>,
    shown: mpsc::Receiver<()>,
}

impl Browser {
    /// Shows the page and returns when it has been sent (or the browser is gone). A browser that comes for the
    /// same once more is shown the same, as long as the listener is there.
    pub fn show(self, page: Page) {
        if self.page.send(Some(page)).is_ok() {
            // An error is a connection that has gone; there is nobody to show anything to.
            let _ = self.shown.recv_timeout(PATIENCE);
        }
    }
}

type Deliver = Box<dyn FnOnce(Arrival) + Send>;

/// What every connection is judged by.
struct Desk {
    hosts: Vec<String>,
    product: String,
    pending: Arc<Pending>,
    /// The path that sends on to the login, until it was used.
    entrance: Mutex<Option<String>>,
    /// The query of the redirect that counted.
    first: Mutex<Option<String>>,
    deliver: Mutex<Option<(Deliver, watch::Sender<Option<Page>>)>>,
    /// The page for the redirect that counted, once there is one.
    judged: watch::Receiver<Option<Page>>,
}

/// The connections that may be closed to make room, the oldest first.
#[derive(Debug, Default)]
struct Room {
    waiting: Mutex<VecDeque<(u64, AbortHandle)>>,
    next: AtomicU64,
    turned_out: AtomicU64,
}

impl Room {
    /// Serves a connection. Where the places are taken the one goes that has had its place for longest: a browser
    /// sends what it wants at once, and who says nothing does not keep it out.
    fn admit(self: &Arc<Self>, stream: TcpStream, from: SocketAddr, desk: &Arc<Desk>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (room, desk) = (Arc::clone(self), Arc::clone(desk));
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= CONNECTIONS {
            self.turn_out(&mut waiting);
        }
        let task = tokio::spawn(async move {
            serve(stream, from, &desk, || room.forget(number)).await;
            room.forget(number);
        });
        waiting.push_back((number, task.abort_handle()));
    }

    fn turn_out(&self, waiting: &mut VecDeque<(u64, AbortHandle)>) {
        if let Some((_, oldest)) = waiting.pop_front() {
            oldest.abort();
            self.turned_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection that has ended, or that must not be ended.
    fn forget(&self, number: u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(other, _)| *other != number);
    }
}

async fn accept(socket: tokio::net::TcpListener, room: Arc<Room>, desk: Arc<Desk>) {
    loop {
        match socket.accept().await {
            Ok((stream, from)) => room.admit(stream, from, &desk),
            // Out of descriptors, most likely: somebody has to go.
            Err(_) => {
                room.turn_out(&mut room.waiting.lock().unwrap_or_else(PoisonError::into_inner));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        // Who was admitted is read from before the next one comes, however many come.
        tokio::task::yield_now().await;
    }
}

async fn serve(mut stream: TcpStream, from: SocketAddr, desk: &Desk, is_the_redirect: impl Fn()) {
    // The sockets are bound to loopback; this is for systems that route it strangely.
    if !is_this_machine(from.ip()) {
        return;
    }
    // A browser that connects ahead of need sends nothing, perhaps for long: it gets no answer.
    let head = match timeout(PATIENCE, read_head(&mut stream)).await {
        Ok(Ok(head)) => head,
        Ok(Err(HeadError::TooLong)) => {
            return answer(stream, desk.refusal("431 Request Header Fields Too Large", "")).await;
        }
        Ok(Err(HeadError::Incomplete)) | Err(_) => return,
    };
    let asked = match desk.asked(&head) {
        Ok(asked) => asked,
        Err(response) => return answer(stream, response).await,
    };
    // Another user of this machine has no business with a login: neither where it begins nor where it ends.
    if stream.local_addr().is_ok_and(|ours| peer::is_another_user(from, ours)) {
        return answer(stream, desk.refusal("403 Forbidden", "")).await;
    }
    let query = match asked {
        Asked::Entrance => return answer(stream, desk.send_on()).await,
        Asked::Redirect(query) => query,
    };
    let outcome = desk.pending.check_query(&query);
    if outcome.as_ref().is_err_and(|error| !error.is_final()) {
        return answer(stream, desk.refusal("400 Bad Request", "")).await;
    }
    is_the_redirect();
    let counted = desk.deliver.lock().ok().and_then(|mut deliver| deliver.take());
    let Some((deliver, page)) = counted else {
        // Browsers, and what looks at pages ahead of them, fetch a page twice: both times it says the same.
        if desk.first.lock().is_ok_and(|first| first.as_ref() != Some(&query)) {
            return answer(stream, desk.refusal("409 Conflict", "")).await;
        }
        return answer(stream, desk.verdict().await).await;
    };
    if let Ok(mut first) = desk.first.lock() {
        *first = Some(query);
    }
    let (shown, is_shown) = mpsc::channel();
    deliver(Arrival { outcome, browser: Browser { page, shown: is_shown } });
    answer(stream, desk.verdict().await).await;
    let _ = shown.send(());
}

fn is_this_machine(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

enum HeadError {
    TooLong,
    Incomplete,
}

/// Reads up to the empty line that ends a request head.
async fn read_head(stream: &mut TcpStream) -> Result<Vec<u8>, HeadError> {
    let mut head = Vec::with_capacity(1024);
    let mut chunk = [0; 1024];
    loop {
        let n = stream.read(&mut chunk).await.map_err(|_| HeadError::Incomplete)?;
        if n == 0 {
            return Err(HeadError::Incomplete);
        }
        head.extend_from_slice(&chunk[..n]);
        if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            head.truncate(end);
            return Ok(head);
        }
        if head.len() > MAX_HEAD {
            return Err(HeadError::TooLong);
        }
    }
}

async fn answer(mut stream: TcpStream, response: Vec<u8>) {
    let send = async {
        stream.write_all(&response).await?;
        stream.shutdown().await?;
        // What the other side still sends is read and dropped: closing on unread data would take the page back
        // before it is shown.
        let mut rest = [0; 1024];
        for _ in 0..64 {
            match timeout(Duration::from_millis(200), stream.read(&mut rest)).await {
                Ok(Ok(n)) if n > 0 => {}
                _ => break,
            }
        }
        io::Result::Ok(())
    };
    // Somebody who does not take the answer does not get it.
    let _ = timeout(PATIENCE, send).await;
}

/// What a good request is for.
enum Asked {
    /// The way to the login.
    Entrance,
    /// The way back, with this query.
    Redirect(String),
}

impl Desk {
    /// What a request asks for that is good in form, or the response to one that is not.
    fn asked(&self, head: &[u8]) -> Result<Asked, Vec<u8>> {
        let bad = || self.refusal("400 Bad Request", "");
        let head = std::str::from_utf8(head).map_err(|_| bad())?;
        let mut lines = head.split("\r\n");
        let request: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let [method, target, "HTTP/1.1" | "HTTP/1.0"] = request[..] else { return Err(bad()) };
        if head.chars().any(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t'))
            || !target.starts_with('/')
        {
            return Err(bad());
        }
        // A page whose own name was pointed at this machine (DNS rebinding) gives itself away here.
        let mut hosts = lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = hosts.next().map(|(_, host)| host.trim().to_ascii_lowercase());
        if hosts.next().is_some() || !host.is_some_and(|host| self.hosts.contains(&host)) {
            return Err(bad());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_entrance = self.entrance.lock().is_ok_and(|entrance| entrance.as_deref() == Some(path));
        if path != self.pending.redirect().path() && !is_entrance {
            return Err(self.refusal("404 Not Found", ""));
        }
        if method != "GET" {
            return Err(self.refusal("405 Method Not Allowed", "Allow: GET\r\n"));
        }
        Ok(if is_entrance { Asked::Entrance } else { Asked::Redirect(query.into()) })
    }

    /// Sends the browser on to the login, once.
    fn send_on(&self) -> Vec<u8> {
        match self.entrance.lock().ok().and_then(|mut entrance| entrance.take()) {
            Some(_) => Page::success(&self.product, "Log in", &[])
                .response("302 Found", &format!("Location: {}\r\n", self.pending.url())),
            None => self.refusal("404 Not Found", ""),
        }
    }

    /// The page that tells how the login went, when that is known.
    async fn verdict(&self) -> Vec<u8> {
        let mut judged = self.judged.clone();
        let page = match timeout(VERDICT, judged.wait_for(Option::is_some)).await {
            Ok(Ok(page)) => page.clone(),
            _ => None,
        };
        let page = page.unwrap_or_else(|| {
            let text = ["Look at the terminal where you started it; log in again if it has ended there."];
            Page::failure(&self.product, "The login did not finish", &text)
        });
        page.response("200 OK", "")
    }

    fn refusal(&self, status: &str, extra: &str) -> Vec<u8> {
        let text = ["Use the address in the terminal where you started the login, or close this page."];
        Page::failure(&self.product, "This is not the login that is waiting", &text).response(status, extra)
    }
}
