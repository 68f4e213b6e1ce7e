//! Why a request did not work: one case for each thing a person would do something different about.

use std::fmt;
use std::io;
use std::time::Duration;

use ::http::Response;
use url::Url;

use super::body::{self, Oddity};
use super::proxy::Proxy;
use super::retry;
use crate::error::{Error, Kind};
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
    ProxyLogin(Proxy),
    /// The proxy does not let this through.
    ProxyRefused(Proxy),
    /// The proxy itself cannot be reached.
    ProxyUnreachable(Proxy),
    /// No connection through the proxy in time.
    ProxyMute(Proxy),
    /// A variable names a proxy that cannot be used.
    BadProxy {
        /// The variable.
        variable: &'static str,
        /// What is wrong with its value.
        why: &'static str,
    },
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
    /// The same where no server would: the login page of a network, most likely.
    Intercepted(Option<Target>),
    /// An answer with a status that is not success.
    Status {
        /// The HTTP status.
        code: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// Whether it came without a body.
        empty: bool,
    },
    /// Success, but with something that is not JSON.
    NotJson(Oddity),
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
            retry_after: retry::after(response.headers()),
            empty: response.body().is_empty(),
        };
        Failure { place, trouble }
    }

    /// The failure that a response is which has success and not what was asked for.
    pub fn unexpected(place: Place, response: &Response<Vec<u8>>) -> Failure {
        let trouble = match body::is_json(response.body()) {
            true => Trouble::BadAnswer,
            false => Trouble::NotJson(body::oddity(response)),
        };
        Failure { place, trouble }
    }

    /// The same at an endpoint that never redirects: a redirect there is not the server's.
    #[must_use]
    pub fn without_redirects(self) -> Failure {
        match self.trouble {
            Trouble::Redirected(to) => Failure { trouble: Trouble::Intercepted(to), ..self },
            _ => self,
        }
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
            Trouble::Dropped | Trouble::NotJson(_) | Trouble::BadAnswer | Trouble::TooLong => true,
            _ => false,
        }
    }
}

impl Trouble {
    /// What kind of trouble an error of the library is; `proxy` is the one that the request went through.
    pub(super) fn classify(error: &reqwest::Error, proxy: Option<&Proxy>) -> Trouble {
        if let Some(tls) = chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return certificate(tls);
        }
        let refused = chain(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
        // On the way through a proxy it is the proxy that is met: it must not be told as a server that is away.
        if let Some(proxy) = proxy.filter(|_| error.is_connect()) {
            return through(error, proxy.clone(), refused);
        }
        if error.is_dns() {
            return Trouble::NoName;
        }
        if error.is_timeout() {
            return Trouble::TimedOut { sent: !error.is_connect() };
        }
        match refused {
            true => Trouble::ConnectionRefused,
            false if error.is_connect() => Trouble::NoRoute,
            false => Trouble::Dropped,
        }
    }
}

/// The connector's errors for proxies are private; their words are all there is to know them by.
fn through(error: &reqwest::Error, proxy: Proxy, refused: bool) -> Trouble {
    let words: Vec<String> = chain(error).map(|cause| cause.to_string()).collect();
    let says = |end: &str| words.iter().any(|words| words.ends_with(end));
    if says("proxy authorization required")
        || says("credentials not accepted")
        || says("user/pass authentication")
    {
        Trouble::ProxyLogin(proxy)
    } else if error.is_timeout() {
        Trouble::ProxyMute(proxy)
    } else if error.is_dns() && proxy.leaves_names_to_us() {
        Trouble::NoName
    } else if refused || error.is_dns() || says("failed to create underlying connection") {
        Trouble::ProxyUnreachable(proxy)
    } else {
        Trouble::ProxyRefused(proxy)
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
            Trouble::ProxyLogin(proxy) => (
                Kind::Unreachable,
                format!("the proxy on the way to {host} wants a user and a password"),
                format!("it is {proxy}; put them into that variable, as http://USER:PASSWORD@HOST:PORT"),
            ),
            Trouble::ProxyRefused(proxy) => (
                Kind::Unreachable,
                format!("the proxy does not connect to {host}"),
                format!("it is {proxy}; check that variable, or name the server in NO_PROXY where it needs no proxy"),
            ),
            Trouble::ProxyUnreachable(proxy) => (
                Kind::Unreachable,
                format!("the proxy does not connect to {host}"),
                format!("{proxy} cannot be reached: check that variable and the proxy, or unset it where none is needed"),
            ),
            Trouble::ProxyMute(proxy) => (
                Kind::TimedOut,
                format!("the proxy {proxy} did not connect to {host} in time"),
                "check that variable and the proxy; where none is needed, unset it".into(),
            ),
            Trouble::BadProxy { variable, why } => (
                Kind::Unreachable,
                format!("{variable} cannot be used as a proxy: {why}"),
                format!("set {variable} to http://HOST:PORT or socks5h://HOST:PORT, or unset it"),
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
                format!("the TLS connection to {host} failed"),
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
                format!("{address} redirects to {}; redirects are not followed", elsewhere(to.as_ref())),
                "use the address of the server itself".into(),
            ),
            Trouble::Intercepted(to) => (
                Kind::Unreachable,
                format!("{address} redirects to {}; redirects are not followed", elsewhere(to.as_ref())),
                "your network may want you to sign in to it first: open any page in a browser, then try again".into(),
            ),
            Trouble::Status { code, retry_after, empty } => status(*code, *retry_after, *empty, address),
            Trouble::NotJson(oddity) => unexpected(*oddity, address),
            Trouble::BadAnswer => (
                Kind::Unreachable,
                format!("unexpected answer from {address}: JSON without what was asked for"),
                "check that the server is recent; try again".into(),
            ),
            Trouble::TooLong => (
                Kind::Unreachable,
                format!("the answer from {address} is larger than 1 MiB"),
                "something else than the server may be answering; try again".into(),
            ),
            Trouble::InTheClear => (
                Kind::Refused,
                format!("{host} would be asked over plain http, which is allowed only for this machine"),
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

fn elsewhere(to: Option<&Target>) -> String {
    to.map_or_else(|| "another address".to_owned(), Target::to_string)
}

fn unexpected(oddity: Oddity, address: &str) -> (Kind, String, String) {
    let (what, next) = match oddity {
        Oddity::Page => (
            "a web page",
            "a proxy or a network with a login page may be answering; open any page in a browser, then try again",
        ),
        Oddity::Compressed => {
            ("compressed in a way that was not asked for", "check the proxy on the way; try again")
        }
        Oddity::CutOff => ("it is cut off", "try again"),
        Oddity::Empty => ("it is empty", "try again; if it stays so, ask who runs the server"),
        Oddity::Other => ("it is not JSON", "check what answers there; try again"),
    };
    (Kind::Unreachable, format!("unexpected answer from {address}: {what}"), next.into())
}

fn status(code: u16, retry_after: Option<Duration>, empty: bool, address: &str) -> (Kind, String, String) {
    let wait = match retry_after {
        Some(wait) => format!("try again in {} s", wait.as_secs().clamp(1, retry::LONGEST_WAIT)),
        None => "try again in a minute".into(),
    };
    match code {
        401 => (Kind::NotLoggedIn, format!("{address} rejected the token (HTTP 401)"), "log in again".into()),
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
        408 | 500..=599 => (Kind::Unreachable, format!("{address} failed (HTTP {code})"), wait),
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
            Trouble::NotJson(Oddity::Page),
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
