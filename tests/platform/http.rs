//! A small HTTP/1.1 client for the loopback: it plays the browser, and it asks the double what it does.
//!
//! It follows no redirect and needs no TLS; what it gets is what was sent.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

/// Nothing on the loopback takes longer, unless a fault says so.
const DEADLINE: Duration = Duration::from_secs(20);

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; a test that asks for it is sure that it is.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("status {}: not JSON", self.status))
    }
}

/// `GET`, with headers.
pub fn get(url: &str, headers: &[(&str, &str)]) -> std::io::Result<Answer> {
    send("GET", url, headers, "")
}

/// `POST` of a form.
pub fn post_form(url: &str, form: &[(&str, &str)]) -> std::io::Result<Answer> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    send("POST", url, &[("Content-Type", "application/x-www-form-urlencoded")], &body)
}

/// One request on a connection of its own. A connection that closes before the answer is whole is an error.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<Answer> {
    send_within(DEADLINE, method, url, headers, body)
}

/// The same, with the longest silence that is accepted.
pub fn send_within(
    deadline: Duration,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let url = Url::parse(url).map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect(&*url.socket_addrs(|| None)?)?;
    stream.set_read_timeout(Some(deadline))?;
    stream.set_write_timeout(Some(deadline))?;

    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes())?;

    let mut bytes = vec![];
    stream.read_to_end(&mut bytes)?;
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> std::io::Result<Answer> {
    let cut_short = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut_short)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(cut_short)?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let answer = Answer { status, headers, body: body.to_owned() };
    match answer.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if answer.body.len() < length => Err(cut_short()),
        _ => Ok(answer),
    }
}
