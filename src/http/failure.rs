//! Why a request did not work: one case for each thing a person would do something different about.

use std::fmt;
use std::io;
use std::time::Duration;

use ::http::Response;
use url::Url;

use super::retry_after;
use crate::error::{Error, Kind};
use crate::os::clock::now;
use crate::target::Target;

/// A request that did not work, and where. Holds no query, no body, no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    place: Place,
    trouble: Trouble,
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The server's name has no address, or nothing answers questions about names.
    NoName,
    /// The machine is there and nothing listens.
    ConnectionRefused,
    /// No way to the machine.
    NoRoute,
    /// The proxy wants a password, or another one.
    ProxyLogin,
    /// The proxy cannot be reached, or does not let this through.
    ProxyRefused,
    /// Nobody we trust vouches for the server's certificate.
    Untrusted,
    /// The certificate belongs to another name.
    WrongName,
    /// By this machine's clock the certificate is not valid yet, or no longer.
    NotValidNow,
    /// No secure connection, for another reason.
    Tls,
    /// The system's certificates could not be read.
    Certificates,
    /// No answer in time. `sent`: the request may have reached the server.
    TimedOut {
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// The connection ended before the answer was complete.
    Dropped,
    /// The server sends us elsewhere, and we do not go.
    Redirected(Option<Target>),
    /// An answer with a status that is not success.
    Status {
        /// The HTTP status.
        code: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// Whether it came without a body.
        empty: bool,
    },
    /// Success, but with something that is not JSON: a login page of the network, the wrong address.
    NotJson,
    /// JSON, but not what this question is answered with.
    BadAnswer,
    /// More than [`super::MAX_BODY`].
    TooLong,
    /// Plain `http` to another machine.
    InTheClear,
    /// The address or a header cannot be sent at all.
    BadRequest,
    /// The system gives us no event loop.
    NoRuntime,
}

/// Origin and path of an address, as it may be shown: without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    host: String,
    address: String,
}

impl Place {
    /// What may be shown of `url`. A parsed URL is ASCII without control characters.
    pub fn of(url: &Url) -> Place {
        let Some(target) = Target::from_url(url.as_str()) else { return Place::unknown() };
        let path: String = url.path().chars().filter(char::is_ascii_graphic).take(200).collect();
        Place { host: target.authority(), address: format!("{target}{path}") }
    }

    /// Where the address itself makes no sense.
    pub fn unknown() -> Place {
        Place { host: "the server".into(), address: "the server".into() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl Failure {
    /// `trouble` at `place`.
    pub fn new(place: Place, trouble: Trouble) -> Failure {
        Failure { place, trouble }
    }

    /// The failure that a response without success is.
    pub fn status_of(place: Place, response: &Response<Vec<u8>>) -> Failure {
        let trouble = Trouble::Status {
            code: response.status().as_u16(),
            retry_after: retry_after::of(response.headers(), now()),
            empty: response.body().is_empty(),
        };
        Failure { place, trouble }
    }

    /// What went wrong.
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// The HTTP status, where the server answered with one that is not success.
    pub fn status(&self) -> Option<u16> {
        match self.trouble {
            Trouble::Status { code, .. } => Some(code),
            _ => None,
        }
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.trouble {
            Trouble::Status { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// Whether the server may have acted on the request. `false` only where it surely has not.
    pub fn may_have_arrived(&self) -> bool {
        match &self.trouble {
            Trouble::TimedOut { sent } => *sent,
            Trouble::Status { code, .. } => *code != 429,
            Trouble::Dropped | Trouble::NotJson | Trouble::BadAnswer | Trouble::TooLong => true,
            _ => false,
        }
    }
}

impl Trouble {
    pub(super) fn sort(error: &reqwest::Error) -> Trouble {
        // First the proxy: a proxy that cannot be found must not be told as a server that cannot be found.
        if let Some(trouble) = proxy(error) {
            return trouble;
        }
        if let Some(tls) = chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return certificate(tls);
        }
        if error.is_dns() {
            return Trouble::NoName;
        }
        if error.is_timeout() {
            return Trouble::TimedOut { sent: !error.is_connect() };
        }
        match chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Trouble::ConnectionRefused,
            _ if error.is_connect() => Trouble::NoRoute,
            _ => Trouble::Dropped,
        }
    }
}

type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// The error and what it came of. An `io::Error` says what its inner error came of, but steps over that inner
/// error itself, which is the one that counts; so it is looked into.
fn chain<'a>(error: Cause<'a>) -> impl Iterator<Item = Cause<'a>> {
    std::iter::successors(Some(error), |cause| {
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}

/// The connector's error for proxies is private; its words are all there is to know it by.
fn proxy(error: Cause<'_>) -> Option<Trouble> {
    let words =
        chain(error).map(|cause| cause.to_string()).find(|words| words.starts_with("tunnel error: "))?;
    Some(if words.ends_with("proxy authorization required") {
        Trouble::ProxyLogin
    } else {
        Trouble::ProxyRefused
    })
}

fn certificate(error: &rustls::Error) -> Trouble {
    use rustls::CertificateError::*;
    let rustls::Error::InvalidCertificate(reason) = error else { return Trouble::Tls };
    match reason {
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Trouble::NotValidNow,
        NotValidForName | NotValidForNameContext { .. } => Trouble::WrongName,
        _ => Trouble::Untrusted,
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        let Place { host, address } = &failure.place;
        let (kind, what, next) = match &failure.trouble {
            Trouble::NoName => (
                Kind::Unreachable,
                format!("{host} cannot be found"),
                "check your network connection and the spelling of the address".into(),
            ),
            Trouble::ConnectionRefused => (
                Kind::Unreachable,
                format!("{host} refuses the connection"),
                "check the address and whether the server is running".into(),
            ),
            Trouble::NoRoute => (
                Kind::Unreachable,
                format!("{host} cannot be reached"),
                "check your network connection, VPN and firewall".into(),
            ),
            Trouble::ProxyLogin => (
                Kind::Unreachable,
                format!("the proxy on the way to {host} wants a user and a password"),
                "put them in HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT".into(),
            ),
            Trouble::ProxyRefused => (
                Kind::Unreachable,
                format!("the proxy does not connect to {host}"),
                "check HTTPS_PROXY, or name the server in NO_PROXY where it needs no proxy".into(),
            ),
            Trouble::Untrusted => (
                Kind::Unreachable,
                format!("the certificate of {host} is not trusted on this machine"),
                "where your network has a certificate authority of its own, set SSL_CERT_FILE to its certificate"
                    .into(),
            ),
            Trouble::WrongName => (
                Kind::Unreachable,
                format!("the certificate of {host} belongs to another name"),
                "check the address; something on the way may be answering for the server".into(),
            ),
            Trouble::NotValidNow => (
                Kind::Unreachable,
                format!("the certificate of {host} has expired or is not valid yet, by the clock of this machine"),
                "check the clock; where it is right, the server needs a new certificate".into(),
            ),
            Trouble::Tls => (
                Kind::Unreachable,
                format!("no secure connection to {host} came about"),
                "check that the address speaks https, and what a proxy or firewall does on the way".into(),
            ),
            Trouble::Certificates => (
                Kind::Failed,
                "the certificates of this system could not be read".into(),
                "check that SSL_CERT_FILE and SSL_CERT_DIR name what exists, or install ca-certificates".into(),
            ),
            Trouble::TimedOut { sent } => (
                Kind::TimedOut,
                if *sent {
                    format!("{host} did not answer in time")
                } else {
                    format!("there was no connection to {host} in time")
                },
                "check your network connection and try again".into(),
            ),
            Trouble::Dropped => (
                Kind::Unreachable,
                format!("the connection to {host} broke before the answer was complete"),
                "try again".into(),
            ),
            Trouble::Redirected(to) => (
                Kind::Refused,
                match to {
                    Some(to) => format!("{address} sends on to {to}, which is not followed"),
                    None => format!("{address} sends on to another address, which is not followed"),
                },
                "use the address of the server itself".into(),
            ),
            Trouble::Status { code, retry_after, empty } => status(*code, *retry_after, *empty, address),
            Trouble::NotJson => (
                Kind::Unreachable,
                format!("{address} answered with a page and not with data"),
                "check the address; a network with a login page may be in between".into(),
            ),
            Trouble::BadAnswer => (
                Kind::Unreachable,
                format!("{address} answered with something else than was asked for"),
                "check that the address is right and that the server is recent".into(),
            ),
            Trouble::TooLong => {
                (Kind::Unreachable, format!("{address} sent more than is read"), "check the address".into())
            }
            Trouble::InTheClear => (
                Kind::Refused,
                format!("{host} is only to be reached without encryption"),
                "use its https address".into(),
            ),
            Trouble::BadRequest => (
                Kind::Failed,
                format!("the request to {host} cannot be sent as it is"),
                "check the address and the token for characters that do not belong there".into(),
            ),
            Trouble::NoRuntime => (
                Kind::Failed,
                "the system refuses what a network connection needs".into(),
                "check the limits on open files and processes".into(),
            ),
        };
        Error::new(kind, what).next(next)
    }
}

fn status(code: u16, retry_after: Option<Duration>, empty: bool, address: &str) -> (Kind, String, String) {
    let wait = match retry_after {
        Some(wait) => format!("try again in {} s", wait.as_secs().max(1)),
        None => "try again in a minute".into(),
    };
    match code {
        401 => (
            Kind::NotLoggedIn,
            format!("{address} knows nobody by the token it was sent (HTTP 401)"),
            "log in again".into(),
        ),
        403 => (
            Kind::Failed,
            format!("{address} refuses this (HTTP 403){}", if empty { " and gives no reason" } else { "" }),
            "your account may lack the right to it; check which one you are logged in with".into(),
        ),
        404 => (
            Kind::Failed,
            format!("there is no {address} (HTTP 404)"),
            "check the address, and that the server is recent".into(),
        ),
        407 => (
            Kind::Unreachable,
            format!("the proxy on the way to {address} wants a user and a password"),
            "put them in HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT".into(),
        ),
        429 => (Kind::Unreachable, format!("{address} has been asked too often (HTTP 429)"), wait),
        408 | 500..=599 => (Kind::Unreachable, format!("{address} is in trouble (HTTP {code})"), wait),
        _ => (
            Kind::Failed,
            format!("{address} does not accept this (HTTP {code})"),
            "check the address, and that both sides are recent".into(),
        ),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Error::from(self.clone()).what())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_no_user_query_or_fragment() {
        let url = Url::parse("https://user:hunter2@Example.com/a/b?token=hunter2#hunter2").unwrap();
        assert!(!Place::of(&url).to_string().contains("hunter2"));
        let url = Url::parse("https://Example.com:8443/a/\u{202e}b?token=hunter2#hunter2").unwrap();
        assert_eq!(Place::of(&url).to_string(), "https://example.com:8443/a/%E2%80%AEb");
    }

    #[test]
    fn only_what_surely_was_not_sent_counts_as_not_arrived() {
        let arrived = |trouble| Failure::new(Place::unknown(), trouble).may_have_arrived();
        let status = |code| Trouble::Status { code, retry_after: None, empty: true };
        for trouble in [
            Trouble::TimedOut { sent: true },
            Trouble::Dropped,
            Trouble::NotJson,
            Trouble::BadAnswer,
            status(502),
        ] {
            assert!(arrived(trouble.clone()), "{trouble:?}");
        }
        for trouble in [Trouble::NoName, Trouble::Untrusted, Trouble::TimedOut { sent: false }, status(429)] {
            assert!(!arrived(trouble.clone()), "{trouble:?}");
        }
    }
}
