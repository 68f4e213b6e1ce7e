//! Both ends of a relay, byte by byte: a server that a test scripts, and a client that says what it likes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seqera_credential_helper::error::Result;
use seqera_credential_helper::relay::{Relay, Route, Rules, Settings, Token, TokenSource};
use seqera_credential_helper::secret::Secret;

/// Who waits longer than this waits for nothing.
const DEADLINE: Duration = Duration::from_secs(30);

/// A request line and its headers.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub method: String,
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn token(&self) -> &str {
        self.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
    }
}

/// One connection at either end.
pub struct Connection {
    pub stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Connection {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Connection { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    pub fn say(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(text.as_ref());
    }

    /// The next line, without its end; `None` at the end of the connection.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(1..) => Some(line.trim_end().to_owned()),
            _ => None,
        }
    }

    /// A head: its first line, and its headers.
    pub fn head(&mut self) -> Option<(String, Vec<(String, String)>)> {
        let first = self.line()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some((first, headers));
            }
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Exactly so many bytes.
    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// One chunk of a chunked body; an empty one is the last, `None` a connection that ended before it.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let length = usize::from_str_radix(self.line()?.trim(), 16).ok()?;
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).ok()?;
        self.line()?;
        Some(bytes)
    }

    /// Whatever comes until the connection ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.reader.read_to_end(&mut bytes);
        bytes
    }

    /// Whether the other end has gone.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.reader.read(&mut [0]), Ok(0) | Err(_))
    }

    /// Reads a body as its head says, `count` being told of each piece.
    fn body(&mut self, headers: &[(String, String)], mut count: impl FnMut(&[u8])) {
        let find = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        if find("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().filter(|chunk| !chunk.is_empty()) {
                count(&chunk);
            }
        } else if let Some((_, length)) = find("content-length") {
            let mut left: usize = length.parse().unwrap();
            let mut buffer = vec![0; 64 * 1024];
            while left > 0 {
                let want = left.min(buffer.len());
                let Ok(read @ 1..) = self.reader.read(&mut buffer[..want]) else { return };
                count(&buffer[..read]);
                left -= read;
            }
        }
    }
}

type Handler = dyn Fn(&Head, &mut Connection) + Send + Sync;

/// A server that answers as a test says. Bodies above a megabyte are counted and dropped.
pub struct Upstream {
    pub origin: String,
    seen: Arc<Mutex<Vec<Head>>>,
}

impl Upstream {
    pub fn start(handler: impl Fn(&Head, &mut Connection) + Send + Sync + 'static) -> Upstream {
        Upstream::start_at(true, handler)
    }

    /// One that reads no body: the handler does.
    pub fn reading_heads(handler: impl Fn(&Head, &mut Connection) + Send + Sync + 'static) -> Upstream {
        Upstream::start_at(false, handler)
    }

    fn start_at(
        reads_body: bool,
        handler: impl Fn(&Head, &mut Connection) + Send + Sync + 'static,
    ) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (seen, handler) = (Arc::new(Mutex::new(Vec::new())), Arc::new(handler));
        let upstream = Upstream { origin, seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (handler, seen) = (Arc::clone(&handler) as Arc<Handler>, Arc::clone(&seen));
                std::thread::spawn(move || {
                    serve(Connection::new(stream.unwrap()), reads_body, &*handler, &seen)
                });
            }
        });
        upstream
    }

    pub fn seen(&self) -> Vec<Head> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut connection: Connection, reads_body: bool, handler: &Handler, seen: &Mutex<Vec<Head>>) {
    while let Some((first, headers)) = connection.head() {
        let mut words = first.split(' ').map(str::to_owned);
        let mut head =
            Head { method: words.next().unwrap(), target: words.next().unwrap(), headers, body: Vec::new() };
        if reads_body {
            let headers = head.headers.clone();
            connection.body(&headers, |piece| {
                if head.body.len() < 1 << 20 {
                    head.body.extend_from_slice(piece);
                }
            });
        }
        seen.lock().unwrap().push(head.clone());
        handler(&head, &mut connection);
    }
}

/// `200` with a body.
pub fn ok(connection: &mut Connection, body: &str) {
    connection.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
}

/// An answer with a status and no body.
pub fn status(connection: &mut Connection, line: &str) {
    connection.say(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n"));
}

/// Tokens `token-1`, `token-2`, …: the next one where the last was refused.
#[derive(Clone, Default)]
pub struct Tokens(Arc<AtomicUsize>);

impl Tokens {
    /// How often the relay was refused a token and asked for another.
    pub fn renewals(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl TokenSource for Tokens {
    fn token(&self, refused: Option<&Secret>) -> Result<Option<Token>> {
        let name = |number: usize| format!("token-{}", number + 1);
        let now = self.0.load(Ordering::SeqCst);
        let number = match refused.and_then(Secret::expose_str) == Some(name(now).as_str()) {
            true => self.0.fetch_add(1, Ordering::SeqCst) + 1,
            false => now,
        };
        Ok(Some(Token { secret: Secret::new(name(number)), expires_at: None }))
    }
}

/// A relay to `origin`, with the API's prefix on both sides.
pub fn relay_to(origin: &str, rules: Rules, tokens: impl TokenSource) -> Relay {
    Relay::start(settings(origin, rules), tokens).unwrap()
}

pub fn settings(origin: &str, rules: Rules) -> Settings {
    let base = format!("{origin}/base").parse().unwrap();
    Settings { routes: vec![Route { prefix: "/api", base }], rules, log: None, socket: None, port: None }
}

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A client of a relay.
pub struct Client {
    pub connection: Connection,
    host: String,
    word: String,
}

impl Client {
    pub fn of(relay: &Relay) -> Client {
        let host = relay.url().strip_prefix("http://").unwrap().to_owned();
        let connection = Connection::new(TcpStream::connect(&host).unwrap());
        Client { connection, host, word: relay.word().expose_str().unwrap().to_owned() }
    }

    /// Sends a request line and headers, with `Host` and the word.
    pub fn head(&mut self, line: &str, more: &str) {
        let Client { host, word, .. } = self;
        let head = format!("{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {word}\r\n{more}\r\n");
        self.connection.say(head);
    }

    /// A whole exchange.
    pub fn ask(&mut self, line: &str, more: &str, body: &str) -> Answer {
        let length = match body {
            "" => String::new(),
            body => format!("Content-Length: {}\r\n", body.len()),
        };
        self.head(line, &format!("{more}{length}"));
        self.connection.say(body);
        self.answer(line.starts_with("HEAD"))
    }

    /// The next answer.
    #[track_caller]
    pub fn answer(&mut self, has_no_body: bool) -> Answer {
        let (line, headers) = self.connection.head().expect("an answer");
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = Vec::new();
        if !has_no_body {
            self.connection.body(&headers, |piece| body.extend_from_slice(piece));
        }
        Answer { status, headers, body }
    }
}
