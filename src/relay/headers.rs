//! Which headers go through. A header that is about one connection ends with it (RFC 9110 §7.6.1), and no header
//! that carries rights passes in either direction: the relay's own token is the only one.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, LOCATION, ORIGIN, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;
use zeroize::Zeroizing;

use crate::secret::Secret;

const ONE_CONNECTION: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// What a request may carry besides: rights of another kind, or words that make a server see another request.
const NOT_TO_THE_SERVER: &[&str] = &[
    "authorization",
    "cookie",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-connection",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// What an answer may carry besides: a session of the web pages, the way to another server, and leave for pages in
/// a browser.
const NOT_TO_THE_CLIENT: &[&str] = &["alt-svc", "keep-alive", "proxy-connection"];

/// Makes the client's headers those of the request to the server. The length is the body's to say.
pub fn to_server(headers: &mut HeaderMap) {
    drop_one_connection(headers);
    for name in [HOST, CONTENT_LENGTH, COOKIE, EXPECT, ORIGIN] {
        headers.remove(name);
    }
    drop_where(headers, |name| NOT_TO_THE_SERVER.contains(&name) || name.starts_with("x-forwarded-"));
}

/// Makes the server's headers those of the answer to the client.
pub fn to_client(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    drop_one_connection(headers);
    headers.remove(SET_COOKIE);
    headers.remove(STRICT_TRANSPORT_SECURITY);
    drop_where(headers, |name| NOT_TO_THE_CLIENT.contains(&name) || name.starts_with("access-control-"));
}

/// `Bearer TOKEN`; nothing for a token that cannot stand in a header.
pub fn bearer(token: &Secret) -> Option<HeaderValue> {
    let text = Zeroizing::new([b"Bearer ", token.expose()].concat());
    let mut value = HeaderValue::from_bytes(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The protocol that a client asks to change to.
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = tokens(headers, &CONNECTION).any(|token| token == "upgrade");
    headers.get(UPGRADE).filter(|_| asked).cloned()
}

/// Turns a redirect that stays below `base` into one that stays at the relay, under `prefix`. Any other is left to
/// the client, to whose word that server listens no more than to any other.
pub fn redirect(headers: &mut HeaderMap, from: &Url, base: &Url, prefix: &str) {
    let Some(to) = headers.get(LOCATION).and_then(|to| to.to_str().ok()) else { return };
    let Ok(to) = from.join(to) else { return };
    let root = base.path().trim_end_matches('/');
    let Some(path) = to.path().strip_prefix(root).filter(|path| path.starts_with('/')) else { return };
    if to.origin() != base.origin() {
        return;
    }
    let query = to.query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(value) = HeaderValue::try_from(format!("{prefix}{path}{query}")) {
        headers.insert(LOCATION, value);
    }
}

fn drop_one_connection(headers: &mut HeaderMap) {
    let named: Vec<String> = tokens(headers, &CONNECTION).collect();
    drop_where(headers, |name| named.iter().any(|named| named == name));
    for name in ONE_CONNECTION {
        headers.remove(name);
    }
}

fn drop_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// The members of a header that is a list, in lower case.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> + 'a {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|token| token.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_of_one_connection_or_of_rights_stays_back() {
        let mut headers = map(&[
            ("connection", "close, X-Mine"),
            ("connection", "x-other"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("host", "127.0.0.1"),
            ("authorization", "Bearer word"),
            ("cookie", "JWT=1"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("expect", "100-continue"),
            ("content-length", "3"),
            ("transfer-encoding", "chunked"),
            ("x-http-method-override", "DELETE"),
            ("x-forwarded-for", "1.2.3.4"),
            ("accept", "text/event-stream"),
            ("accept-encoding", "gzip"),
            ("content-type", "application/json"),
            ("last-event-id", "7"),
        ]);
        to_server(&mut headers);
        assert_eq!(names(&headers), ["accept", "accept-encoding", "content-type", "last-event-id"]);

        let mut headers = map(&[
            ("connection", "keep-alive"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("set-cookie", "JWT=1"),
            ("access-control-allow-origin", "*"),
            ("alt-svc", "h3=\":443\""),
            ("content-encoding", "gzip"),
            ("www-authenticate", "Bearer"),
        ]);
        to_client(&mut headers);
        assert_eq!(names(&headers), ["content-encoding", "www-authenticate"]);
    }

    #[test]
    fn a_redirect_below_the_base_stays_at_the_relay() {
        let base = Url::parse("https://tower.example/api").unwrap();
        let from = Url::parse("https://tower.example/api/a/b").unwrap();
        let redirected = |to: &str| {
            let mut headers = map(&[("location", to)]);
            redirect(&mut headers, &from, &base, "/api");
            headers[LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(redirected("https://tower.example/api/c?d=e"), "/api/c?d=e");
        assert_eq!(redirected("/api/c"), "/api/c");
        assert_eq!(redirected("c"), "/api/a/c");
        for elsewhere in [
            "https://bucket.example/x?signature=1",
            "https://tower.example/login",
            "https://tower.example/apix/c",
            "http://tower.example/api/c",
        ] {
            assert_eq!(redirected(elsewhere), elsewhere);
        }
    }

    #[test]
    fn a_token_that_would_break_the_header_is_none() {
        assert!(bearer(&Secret::from("a\r\nx: y")).is_none());
        assert!(bearer(&Secret::from("a")).unwrap().is_sensitive());
    }
}
