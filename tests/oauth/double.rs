//! A server that answers exactly what a test orders, in order, one connection each.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Nothing: no answer ever comes.
    head: Option<String>,
    body: Vec<u8>,
    cut_off: bool,
}

impl Reply {
    pub fn json(status: u16, body: &str) -> Reply {
        Reply::bytes(status, "application/json; charset=utf-8", body.into())
    }

    pub fn html(status: u16, body: &str) -> Reply {
        Reply::bytes(status, "text/html", body.into())
    }

    /// Any bytes, under any media type.
    pub fn bytes(status: u16, kind: &str, body: Vec<u8>) -> Reply {
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n");
        Reply { head: Some(head), body, cut_off: false }
    }

    /// Adds a header line.
    pub fn with(mut self, header: &str) -> Reply {
        let head = self.head.unwrap_or_default();
        self.head = Some(format!("{head}{header}\r\n"));
        self
    }

    /// The request is read and nothing is ever answered.
    pub fn never() -> Reply {
        Reply { head: None, body: Vec::new(), cut_off: false }
    }

    /// The answer breaks off in the middle of its body.
    pub fn cut_off() -> Reply {
        Reply { cut_off: true, ..Reply::json(200, r#"{"access_token":"hunter2","refresh"#) }
    }
}

pub struct Double {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Double {
    pub fn answering(replies: Vec<Reply>) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for reply in replies {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let request = read_request(&mut stream);
                log.lock().unwrap().push((Instant::now(), request));
                answer(stream, reply);
            }
        });
        Double { address, seen }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far, as they came.
    pub fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    /// The times between the requests.
    pub fn pauses(&self) -> Vec<Duration> {
        let seen = self.seen.lock().unwrap();
        seen.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n = stream.read(&mut chunk).unwrap_or(0);
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        if n == 0 {
            return text;
        }
    }
}

fn answer(mut stream: TcpStream, reply: Reply) {
    let Some(head) = reply.head else {
        // Until the other side gives up.
        let _ = stream.read(&mut [0; 16]);
        return;
    };
    let length = reply.body.len() + if reply.cut_off { 100 } else { 0 };
    let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(&[head.as_bytes(), &reply.body].concat());
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 16]);
}
