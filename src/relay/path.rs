//! How a path may be read. What stands before a server, and the server itself, may each decode, cut or fold a path
//! in a way of its own, so a rule that forbids looks at every reading, and a rule that allows must hold in all.

use http::Method;

/// What the rules look at: the request's method, and its path and query below the base.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whether it goes to the API, and not to the server beside it.
    pub is_api: bool,
    /// The method.
    pub method: &'a Method,
    /// The path, as sent.
    pub path: &'a str,
    /// The query, as sent.
    pub query: &'a str,
}

impl Asked<'_> {
    /// Whether the method changes nothing (RFC 9110 §9.2.1); TRACE, which would show the token, never passes.
    pub fn reads(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }
}

/// A request's path below the base of the API, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// Split first and then decoded once: what RFC 3986 says.
    strict: Vec<String>,
    /// Decoded until nothing is left to decode, then split; empty segments dropped, and `;parameters` and what
    /// would begin a query.
    loose: Vec<String>,
}

impl Readings {
    /// Nothing for a path that names a place only after it was resolved (`.`, `..` in any spelling), or that
    /// no client of the API sends (control characters, a fragment).
    pub fn of(path: &str) -> Option<Readings> {
        let decoded = decoded_to_the_end(path)?;
        if !path.starts_with('/') || decoded.contains('\u{fffd}') || decoded.chars().any(char::is_control) {
            return None;
        }
        let loose: Vec<String> = decoded
            .replace('\\', "/")
            .split('/')
            .map(|segment| segment.split([';', '?', '#']).next().unwrap_or_default().trim().to_lowercase())
            .filter(|segment| !segment.is_empty())
            .collect();
        if loose.iter().any(|segment| segment.bytes().all(|byte| byte == b'.')) {
            return None;
        }
        let strict = path.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
        Some(Readings { strict: strict.map(decoded_once).collect(), loose })
    }

    /// Whether `fits` holds for any reading. Segments are in lower case.
    pub fn any(&self, fits: impl Fn(&[String]) -> bool) -> bool {
        let lower: Vec<String> = self.strict.iter().map(|segment| segment.to_lowercase()).collect();
        // Where a base without `/api` is used, the API is below it.
        let below = self.loose.iter().position(|segment| segment != "api").unwrap_or(self.loose.len());
        fits(&lower) || fits(&self.loose) || fits(&self.loose[below..])
    }

    /// Whether `fits` holds for every reading; the strict one has its own letter case.
    pub fn all(&self, fits: impl Fn(&[String], bool) -> bool) -> bool {
        fits(&self.strict, false) && fits(&self.loose, true)
    }
}

/// Percent-decodes until nothing changes. Nothing for more layers than anybody has a reason to wrap.
fn decoded_to_the_end(text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..5 {
        let next = decoded_once(&text);
        if next == text {
            return Some(text);
        }
        text = next;
    }
    None
}

/// Percent-decodes once; what is not UTF-8 shows as U+FFFD.
pub fn decoded_once(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_place_is_seen() {
        for spelling in [
            "/tokens",
            "//tokens",
            "/tokens/",
            "/TOKENS",
            "/%74okens",
            "/%2574okens",
            "/%2Ftokens",
            "/tokens;x=1",
            "/;x/tokens",
            "/tokens%3bx",
            "/%5ctokens",
            "/api/tokens",
            "/api//Api/tokens",
            "/tokens%20",
            "/tokens%2f",
            "/tokens%3fx=1",
            "/tokens%23x",
        ] {
            let readings = Readings::of(spelling).unwrap_or_else(|| panic!("{spelling}"));
            assert!(readings.any(|path| path.first().is_some_and(|first| first == "tokens")), "{spelling}");
        }
    }

    #[test]
    fn what_must_be_resolved_first_is_no_path() {
        for bad in [
            "/a/../tokens",
            "/./tokens",
            "/a/%2e%2e/tokens",
            "/a/%252E%252e/tokens",
            "/a/..;/tokens",
            "/a/..%2ftokens",
            "/a/.%2e\\tokens",
            "/tokens%00",
            "/tokens%0d%0aX: y",
            "/%ff",
            "tokens",
            "*",
            "/%25252525252525252541",
        ] {
            assert_eq!(Readings::of(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_encoded_slash_is_one_segment_or_two() {
        let readings = Readings::of("/data-links/1/browse/Dir%2Ffile").unwrap();
        assert_eq!(readings.strict, ["data-links", "1", "browse", "Dir/file"]);
        assert_eq!(readings.loose, ["data-links", "1", "browse", "dir", "file"]);
        assert!(Readings::of("/").unwrap().strict.is_empty());
    }
}
