//! The listener the browser comes back to (RFC 8252 §7.3).
//!
//! Anything on this machine, and any web page in its browser, can send requests here. So what is not exactly
//! the redirect of the pending login is answered and forgotten, and the login goes on; no connection can hold
//! up another; and only the first redirect counts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use url::Url;

use super::authorize::{Code, Pending, RedirectError};
use super::page::Page;
use crate::error::{Error, Result, io_words};

/// The largest request head that is read.
const MAX_HEAD: usize = 16 * 1024;

/// How long a connection may take for its request, and again for taking our answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the browser is kept waiting for the page while tokens are fetched.
const VERDICT: Duration = Duration::from_secs(60);

/// How many connections are served at once; the others wait in the system's queue.
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
        for port in (0..ports.count).filter_map(|n| ports.first.checked_add(n)) {
            let error = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Ok(v4) => return Loopback::beside(v4, path),
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
                        Ok(v6) => return Loopback::new(vec![v6], path),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            refusal = error;
        }
        Err(match (refusal.kind(), ports.count) {
            (io::ErrorKind::AddrInUse, 1) => {
                Error::failed(format!("port {} is taken, perhaps by another login", ports.first))
                    .next("finish the other one, or choose another port")
            }
            (io::ErrorKind::AddrInUse, n) => {
                let last = ports.first.saturating_add(n - 1);
                Error::failed(format!("the ports {} to {last} are all taken", ports.first))
                    .next("finish other logins, or choose another port")
            }
            _ => Error::failed(format!("port {} cannot be listened on: {}", ports.first, io_words(&refusal)))
                .next("choose another port"),
        })
    }

    /// The redirect names 127.0.0.1, so ::1 is only for browsers and forwarders that turn it into `localhost`;
    /// a login works without it.
    fn beside(v4: TcpListener, path: &str) -> Result<Loopback> {
        let port = v4.local_addr().map_err(unusable)?.port();
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok();
        Loopback::new(std::iter::once(v4).chain(v6).collect(), path)
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
    /// runs in the serving thread and returns at once: it sends on a channel, to which whoever reads what a
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
        let desk = Arc::new(Desk {
            hosts: ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")),
            product: product.into(),
            pending,
            deliver: Mutex::new(Some(Box::new(deliver))),
        });
        let sockets = self.sockets;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let room = Arc::new(Semaphore::new(CONNECTIONS));
                for socket in sockets {
                    if let Ok(socket) = tokio::net::TcpListener::from_std(socket) {
                        tokio::spawn(accept(socket, Arc::clone(&room), Arc::clone(&desk)));
                    }
                }
                let _ = timeout(deadline.saturating_duration_since(Instant::now()), stopped).await;
            });
        });
        Ok(Serving { stop: Some(stop), thread: Some(thread) })
    }
}

fn unusable(error: io::Error) -> Error {
    Error::io("listening for the browser", &error).next("check the limits on open files and processes")
}

/// A listener at work; dropping it closes the port.
#[derive(Debug)]
pub struct Serving {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
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
    page: oneshot::Sender<Page>,
    shown: mpsc::Receiver<()>,
}

impl Browser {
    /// Shows the page and returns when it has been sent (or the browser is gone).
    pub fn show(self, page: Page) {
        if self.page.send(page).is_ok() {
            // An error is a connection that has gone; there is nobody to show anything to.
            let _ = self.shown.recv_timeout(PATIENCE);
        }
    }
}

type Deliver = Box<dyn FnOnce(Arrival) + Send>;

/// What every connection is judged by.
struct Desk {
    hosts: [String; 3],
    product: String,
    pending: Arc<Pending>,
    deliver: Mutex<Option<Deliver>>,
}

async fn accept(socket: tokio::net::TcpListener, room: Arc<Semaphore>, desk: Arc<Desk>) {
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match socket.accept().await {
            Ok((stream, from)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    serve(stream, from, &desk).await;
                    drop(place);
                });
            }
            // Out of descriptors, most likely: give the others time to end.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(mut stream: TcpStream, from: SocketAddr, desk: &Desk) {
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
    let query = match desk.query_of(&head) {
        Ok(query) => query,
        Err(response) => return answer(stream, response).await,
    };
    let outcome = desk.pending.check_query(&query);
    if outcome.as_ref().is_err_and(|error| !error.is_final()) {
        return answer(stream, desk.refusal("400 Bad Request", "")).await;
    }
    let deliver = desk.deliver.lock().ok().and_then(|mut deliver| deliver.take());
    let Some(deliver) = deliver else {
        return answer(stream, desk.refusal("409 Conflict", "")).await;
    };
    let (page, verdict) = oneshot::channel();
    let (shown, is_shown) = mpsc::channel();
    deliver(Arrival { outcome, browser: Browser { page, shown: is_shown } });
    let page = match timeout(VERDICT, verdict).await {
        Ok(Ok(page)) => page,
        _ => Page::failure(
            &desk.product,
            "The login did not finish",
            &["Look at the terminal where you started it, and log in again."],
        ),
    };
    answer(stream, page.response("200 OK", "")).await;
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

impl Desk {
    /// The query of a request that is the redirect in form, or the response to one that is not.
    fn query_of(&self, head: &[u8]) -> Result<String, Vec<u8>> {
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
        if path != self.pending.redirect().path() {
            return Err(self.refusal("404 Not Found", ""));
        }
        if method != "GET" {
            return Err(self.refusal("405 Method Not Allowed", "Allow: GET\r\n"));
        }
        Ok(query.into())
    }

    fn refusal(&self, status: &str, extra: &str) -> Vec<u8> {
        let text =
            ["Use the newest address in the terminal where you started the login, or close this page."];
        Page::failure(&self.product, "This is not the login that is waiting", &text).response(status, extra)
    }
}
