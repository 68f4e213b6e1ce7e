//! The authorization request, and judging the address the browser comes back with.

use std::collections::HashMap;
use std::fmt;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use url::Url;

use super::discovery::Server;
use super::{Client, word};
use crate::error::Error;
use crate::secret::Secret;

/// More than any address a server sends a browser to.
const MAX_ADDRESS: usize = 16 * 1024;

/// A login that has begun: what the browser was sent with, against which its return is judged.
#[derive(Debug)]
pub struct Pending {
    url: Url,
    redirect: Url,
    state: Secret,
    verifier: Secret,
    issuer: String,
    issuer_required: bool,
}

/// An authorization code whose `state` and issuer have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(pub(super) Secret);

/// What is wrong with an address that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectError {
    /// Not an address the server could have sent the browser to.
    NotOurs,
    /// Ours, but its parameters are not in order (one is given twice, or none says anything).
    Malformed,
    /// From another login.
    WrongState,
    /// From another server than the one that was asked (RFC 9207).
    WrongIssuer,
    /// The person, or the server on their behalf, said no.
    Denied,
    /// The server refused, with this error code.
    Refused(String),
}

impl Pending {
    /// Begins a login that will come back to `redirect`: fresh PKCE (S256, 256 bits) and `state` (256 bits).
    pub fn begin(server: &Server, client: &Client, redirect: &Url) -> Pending {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let oauth = BasicClient::new(ClientId::new(client.id.clone()))
            .set_auth_uri(AuthUrl::from_url(server.authorization.clone()))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let mut request = oauth
            .authorize_url(|| CsrfToken::new_random_len(32))
            .add_scopes(client.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        for (name, value) in &client.parameters {
            request = request.add_extra_param(name, value);
        }
        let (url, state) = request.url();
        Pending {
            url,
            redirect: redirect.clone(),
            state: Secret::new(state.into_secret()),
            verifier: Secret::new(verifier.into_secret()),
            issuer: server.issuer.clone(),
            issuer_required: server.sends_issuer,
        }
    }

    /// The address for the browser.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where the browser comes back to.
    pub fn redirect(&self) -> &Url {
        &self.redirect
    }

    pub(super) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Judges an address as a person pastes it: with quotes around it and line breaks in it, out of a page's source,
    /// with another host in front (a forwarded port), or only its query. What counts is its `state`.
    pub fn check(&self, address: &str) -> Result<Code, RedirectError> {
        let query = self.pasted_query(address).ok_or(RedirectError::NotOurs)?;
        self.check_query(&query)
    }

    /// The same where a slip is not an attack: what does not fit is not complete, and nothing of it is used.
    pub fn check_pasted(&self, address: &str) -> Result<Code, RedirectError> {
        let query = self.pasted_query(address).ok_or(RedirectError::NotOurs)?;
        self.check_query(&query).map_err(|error| match error {
            RedirectError::WrongIssuer => RedirectError::Malformed,
            RedirectError::WrongState if self.is_cut_off(&query) => RedirectError::Malformed,
            error => error,
        })
    }

    fn pasted_query(&self, address: &str) -> Option<String> {
        let address = unwrapped(address);
        self.query_of(&address).filter(|_| address.len() <= MAX_ADDRESS)
    }

    /// Whether there is no `state`, or only the beginning of ours.
    fn is_cut_off(&self, query: &str) -> bool {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        let state = pairs.find(|(name, _)| name == "state").map(|(_, state)| state.into_owned());
        state.is_none_or(|state| self.state.expose().starts_with(state.as_bytes()))
    }

    fn query_of(&self, address: &str) -> Option<String> {
        let (before, query) = address.split_once('?').unwrap_or(("", address));
        if before.is_empty() {
            let query = query.split('#').next().unwrap_or_default();
            return query.contains('=').then(|| query.into());
        }
        // Browsers show, and some copy, the address without its scheme. Its host may be that of a tunnel, and its
        // path begin with that of a proxy (JupyterHub, code-server): neither says anything about the answer.
        let scheme = if before.contains("://") { "" } else { "http://" };
        let url = Url::parse(&format!("{scheme}{address}")).ok()?;
        let ours = matches!(url.scheme(), "http" | "https") && url.path().ends_with(self.redirect.path());
        ours.then(|| url.query().unwrap_or_default().into())
    }

    /// Judges the query of the redirect. Nothing in it counts before its `state` is right.
    pub(super) fn check_query(&self, query: &str) -> Result<Code, RedirectError> {
        let mut parameters = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // A parameter given twice is an error (RFC 6749 §3.1): which one counts is what attackers play on.
            if parameters.insert(name, value).is_some() {
                return Err(RedirectError::Malformed);
            }
        }
        let state = parameters.get("state").ok_or(RedirectError::WrongState)?;
        if !equal_in_constant_time(state.as_bytes(), self.state.expose()) {
            return Err(RedirectError::WrongState);
        }
        match parameters.get("iss") {
            Some(issuer) if *issuer != self.issuer => return Err(RedirectError::WrongIssuer),
            None if self.issuer_required => return Err(RedirectError::WrongIssuer),
            _ => {}
        }
        if let Some(error) = parameters.get("error") {
            return Err(match word(error) {
                denied if denied == "access_denied" => RedirectError::Denied,
                other => RedirectError::Refused(other),
            });
        }
        match parameters.get("code") {
            Some(code) if !code.is_empty() => Ok(Code(Secret::new(code.as_bytes()))),
            _ => Err(RedirectError::Malformed),
        }
    }
}

/// An address without what terminals, mail programs, chats and shells put around it and into it.
fn unwrapped(address: &str) -> String {
    // Terminals that bracket what is pasted leave these where nobody reads them (xterm's mode 2004).
    let address = address.replace("\x1b[200~", "").replace("\x1b[201~", "");
    let mut text: String = address
        .chars()
        .filter(|c| !(c.is_whitespace() || c.is_control() || is_invisible(*c) || *c == '\\'))
        .collect();
    for and in ["&amp;", "&#38;", "&#x26;", "&AMP;"] {
        text = text.replace(and, "&");
    }
    let around = |c: char| {
        matches!(
            c,
            '"' | '\'' | '<' | '>' | '`' | '(' | ')' | '[' | ']' | '\u{ab}' | '\u{bb}' | '\u{2018}'
                ..='\u{201f}'
        )
    };
    text.trim_matches(around).to_owned()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

impl RedirectError {
    /// Whether it is the answer to this very login, if a bad one. Anything else may be anybody's, and the
    /// login goes on waiting.
    pub fn is_final(&self) -> bool {
        matches!(self, RedirectError::WrongIssuer | RedirectError::Denied | RedirectError::Refused(_))
    }
}

impl From<RedirectError> for Error {
    fn from(error: RedirectError) -> Error {
        match error {
            RedirectError::NotOurs => Error::failed("this is not the address your browser was sent back to")
                .next("copy the whole address of the page that could not be opened or that shows the result"),
            RedirectError::Malformed => {
                Error::failed("the address is not complete, or its parts are given twice")
                    .next("copy the whole address from the browser")
            }
            RedirectError::WrongState => Error::failed("this answer belongs to another login")
                .next("use the newest address shown here, in one browser tab"),
            RedirectError::WrongIssuer => {
                Error::refused("the answer comes from another server than the one asked")
                    .next("do not repeat it on this network; tell who runs the server")
            }
            RedirectError::Denied => {
                Error::failed("access was not granted in the browser").next("log in again and allow it")
            }
            RedirectError::Refused(code) => match code.as_str() {
                "server_error" | "temporarily_unavailable" => {
                    Error::unreachable(format!("the server could not log you in just now ({code})"))
                        .next("try again in a minute")
                }
                "login_required"
                | "consent_required"
                | "interaction_required"
                | "account_selection_required" => {
                    Error::failed(format!("the server wants you to log in in the browser first ({code})"))
                        .next("log in again")
                }
                _ => Error::failed(format!("the server refused the login ({code})")).next(
                    "check the client id and the address; this login may not be allowed on that server",
                ),
            },
        }
    }
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Error::from(self.clone()).what())
    }
}

impl std::error::Error for RedirectError {}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn server() -> Server {
        Server {
            issuer: "https://example.com/api".into(),
            authorization: Url::parse("https://example.com/api/authorize").unwrap(),
            token: Url::parse("https://example.com/api/token").unwrap(),
            revocation: None,
            device: None,
            sends_issuer: false,
        }
    }

    fn pending(sends_issuer: bool) -> (Pending, String) {
        let client = Client {
            id: "cli".into(),
            scopes: vec!["openid".into(), "offline_access".into()],
            parameters: vec![("audience".into(), "platform".into())],
        };
        let redirect = Url::parse("http://127.0.0.1:53682/callback").unwrap();
        let pending = Pending::begin(&Server { sends_issuer, ..server() }, &client, &redirect);
        let state = pending.state.expose_str().unwrap().to_owned();
        (pending, state)
    }

    #[test]
    fn the_browser_is_sent_with_everything_the_standards_want() {
        let (pending, state) = pending(false);
        let query: HashMap<_, _> = pending.url().query_pairs().into_owned().collect();
        let expected = [
            ("response_type", "code"),
            ("client_id", "cli"),
            ("redirect_uri", "http://127.0.0.1:53682/callback"),
            ("scope", "openid offline_access"),
            ("audience", "platform"),
            ("code_challenge_method", "S256"),
            ("state", &state),
        ];
        for (name, value) in expected {
            assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!(query["code_challenge"].len(), 43);
        assert_eq!(pending.verifier().expose().len(), 43);
        assert!(state.len() >= 43);
        assert!(!pending.url().as_str().contains(pending.verifier().expose_str().unwrap()));
    }

    #[test]
    fn every_form_a_person_pastes_is_understood() {
        let (pending, state) = pending(false);
        for form in [
            format!("http://127.0.0.1:53682/callback?code=abc&state={state}"),
            format!("  \"http://127.0.0.1:53682/callback?state={state}&code=abc\"\n"),
            format!("<http://127.0.0.1:53682/callback?state={state}&code=abc#>"),
            format!("127.0.0.1:53682/callback?code=abc&state={state}"),
            format!("?code=abc&state={state}#"),
            format!("code=abc&state={state}&iss=https%3A%2F%2Fexample.com%2Fapi"),
            format!("http://127.0.0.1:53682/call\r\n  back?code=a\nbc&state={state}"),
            format!(
                "http://127.0.0.1:53682/callback?code=abc&amp;state={state}&#38;iss=https://example.com/api"
            ),
            format!("http://localhost:8080/callback?code=abc&state={state}"),
            format!("https://name-53682.app.github.dev/callback?code=abc&state={state}"),
            format!("https://hub.example/user/ada/proxy/53682/callback?code=abc&state={state}"),
            format!("\u{201c}http://127.0.0.1:53682/callback?code=abc&state={state}\u{201d}"),
            format!("\x1b[200~http://127.0.0.1:53682/callback?code=abc&state={state}\x1b[201~"),
            format!("http://127.0.0.1:53682/callback\\?code=abc\\&state={state}"),
            format!("\u{200b}http://127.0.0.1:53682/callback?code=abc&state={state}\u{feff}"),
        ] {
            assert_eq!(pending.check(&form), Ok(Code("abc".into())), "{form}");
        }
    }

    #[test]
    fn each_wrong_answer_is_its_own_error() {
        let (pending, state) = pending(false);
        let at = |query: &str| pending.check(&format!("http://127.0.0.1:53682/callback?{query}"));
        let of = |error: &str| at(&format!("error={error}&state={state}"));
        assert_eq!(at("code=abc&state=other"), Err(RedirectError::WrongState));
        for cut_off in
            ["code=abc&state=", "code=abc", "error=access_denied", &format!("code=abc&state={}", &state[..9])]
        {
            assert_eq!(pending.check_pasted(cut_off), Err(RedirectError::Malformed), "{cut_off}");
            assert_eq!(at(cut_off), Err(RedirectError::WrongState), "{cut_off}");
        }
        assert_eq!(at(&format!("code=abc&code=def&state={state}")), Err(RedirectError::Malformed));
        assert_eq!(at(&format!("code=abc&state={state}&state={state}")), Err(RedirectError::Malformed));
        assert_eq!(at(&format!("state={state}")), Err(RedirectError::Malformed));
        assert_eq!(at(&format!("code=&state={state}")), Err(RedirectError::Malformed));
        let mixed_up = format!("code=abc&state={state}&iss=https://evil.example");
        assert_eq!(at(&mixed_up), Err(RedirectError::WrongIssuer));
        let pasted = pending.check_pasted(&mixed_up);
        assert_eq!(pasted, Err(RedirectError::Malformed), "a slip of the hand raises no alarm");
        assert_eq!(of("access_denied"), Err(RedirectError::Denied));
        assert_eq!(of("invalid_scope"), Err(RedirectError::Refused("invalid_scope".into())));
        assert_eq!(of("%1b[31m"), Err(RedirectError::Refused("unknown_error".into())));
        for not_ours in [
            "".into(),
            "hello".into(),
            "http://127.0.0.1:53682/callback".into(),
            pending.url().to_string(),
            format!("http://127.0.0.1:53682/other?code=abc&state={state}"),
            format!("ftp://127.0.0.1:53682/callback?code=abc&state={state}"),
            format!("http://127.0.0.1:53682/callback/x?code=abc&state={state}"),
            format!("?code={}&state={state}", "a".repeat(MAX_ADDRESS)),
        ] {
            assert_eq!(pending.check(&not_ours), Err(RedirectError::NotOurs), "{not_ours}");
        }
    }

    #[test]
    fn an_issuer_that_is_promised_must_be_there() {
        let (pending, state) = pending(true);
        let missing = format!("code=abc&state={state}");
        assert_eq!(pending.check(&missing), Err(RedirectError::WrongIssuer));
        assert_eq!(pending.check_pasted(&missing), Err(RedirectError::Malformed));
        assert!(pending.check(&format!("?code=abc&state={state}&iss=https://example.com/api")).is_ok());
    }
}
