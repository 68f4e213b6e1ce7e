//! The base of a platform's API: parsed once, where it comes in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use crate::error::{Error, Result};
use crate::target::Target;

/// An `http` or `https` address with a host, without a user, a query or a fragment; kept as it was written, without
/// slashes at its end.
#[derive(Clone)]
pub struct Endpoint {
    text: String,
    url: Url,
    origin: Target,
}

impl Endpoint {
    /// An address that stands in the source.
    ///
    /// # Panics
    /// It is not one.
    pub fn fixed(text: &'static str) -> Endpoint {
        text.parse().expect("an address in the source is one")
    }

    /// As it is shown and stored.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Target {
        &self.origin
    }

    /// The whole address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The address of what is below it, each segment encoded: none leaves the base.
    pub fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.url.clone();
        // An address with a host can be a base.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Makes sure that a token may travel there.
    ///
    /// # Errors
    /// It is plain http to another machine.
    pub fn must_be_private(&self) -> Result<()> {
        if self.origin.is_private_enough() {
            return Ok(());
        }
        let what = format!("{} is plain http, which is allowed only for this machine", self.origin);
        Err(Error::refused(what).next("use the https address"))
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Endpoint> {
        let text = text.trim_end_matches('/');
        let wrong = |why: &str| {
            Error::usage(format!("the endpoint is not the address of an API: {why}"))
                .next("give it as https://HOST/api; leave it out for the platform's own")
        };
        let origin = Target::from_url(text).filter(|_| !text.contains(['?', '#']));
        let origin = origin.ok_or_else(|| wrong(flaw(text)))?;
        if !matches!(origin.scheme(), "https" | "http") {
            return Err(wrong(&format!("it begins with {}:// instead of https://", origin.scheme())));
        }
        let url = Url::parse(text).map_err(|_| wrong("its host is not the name of one"))?;
        Ok(Endpoint { text: text.to_owned(), url, origin })
    }
}

/// Why an address is none.
fn flaw(endpoint: &str) -> &'static str {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = host.map_or(authority, |(host, _)| host);
    if matches!(authority, "" | "https:" | "http:") {
        "it names no host"
    } else if !scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')) {
        "it begins with something else than https://"
    } else if authority.contains('@') {
        "it has a user or a password in it"
    } else if host.ends_with('.') {
        "its host ends with a dot"
    } else if rest.contains(['?', '#']) {
        "it has a query or a fragment (? or #)"
    } else if rest.contains(char::is_whitespace) {
        "it has a blank in it"
    } else if Target::new("https", host).is_some() {
        "its port is not a number from 1 to 65535"
    } else {
        "its host is not the name of one"
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Endpoint) -> bool {
        self.text == other.text
    }
}

impl Eq for Endpoint {}

impl PartialEq<str> for Endpoint {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: Error| de::Error::custom(error.what()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Endpoint> {
        text.parse()
    }

    #[test]
    fn what_is_added_is_below_the_base_and_cannot_leave_it() {
        let url = |base: &str, path: &[&str]| parsed(base).unwrap().join(path.iter().copied()).to_string();
        assert_eq!(url("https://tower.example/api/", &["user-info"]), "https://tower.example/api/user-info");
        assert_eq!(url("https://api.example", &["orgs"]), "https://api.example/orgs");
        assert_eq!(
            url("https://tower.example/api", &["tokens", "../user?x#y"]),
            "https://tower.example/api/tokens/..%2Fuser%3Fx%23y"
        );
    }

    #[test]
    fn it_is_stored_as_it_was_written() {
        let one = parsed("https://Tower.Example:443/api").unwrap();
        assert_eq!(one.origin(), parsed("https://tower.example").unwrap().origin());
        let stored = serde_json::to_string(&one).unwrap();
        assert_eq!(stored, r#""https://Tower.Example:443/api""#);
        assert_eq!(serde_json::from_str::<Endpoint>(&stored).unwrap(), one);
        assert!(serde_json::from_str::<Endpoint>(r#""tower.example""#).is_err());
    }

    #[test]
    fn what_is_not_an_address_is_said_exactly() {
        for (endpoint, words) in [
            ("ftp://h/api", "begins with ftp://"),
            ("https://tower.example.:8443", "host ends with a dot"),
            ("https://", "names no host"),
            ("https:///api", "names no host"),
            ("https://a b/", "a blank"),
            ("https://h/?x", "a query or a fragment"),
            ("https://u:p@h", "a user or a password"),
            ("https://h:99999", "port is not a number"),
            ("https://h\u{e4}", "not the name of one"),
            ("https://300.300.300.300", "not the name of one"),
        ] {
            let error = parsed(endpoint).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{endpoint}");
            assert!(error.what().contains(words), "{endpoint}: {error}");
        }
    }

    #[test]
    fn a_token_travels_in_the_clear_on_this_machine_only() {
        assert_eq!(parsed("http://tower.example/api").unwrap().must_be_private().unwrap_err().exit_code(), 7);
        for good in ["http://127.0.0.1:1/api", "https://tower.example/api"] {
            assert!(parsed(good).unwrap().must_be_private().is_ok(), "{good}");
        }
    }
}
