//! Where a server's endpoints are: `{authority}/.well-known/openid-configuration`.

use serde::Deserialize;
use url::Url;

use crate::error::Error;
use crate::http::{Failure, Http, Trouble};
use crate::target::Target;

/// An authorization server, as it describes itself.
#[derive(Debug, Clone)]
pub struct Server {
    /// What the server calls itself; its redirects carry it as `iss`.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization: Url,
    /// Where tokens come from.
    pub token: Url,
    /// Where tokens are given back, if anywhere.
    pub revocation: Option<Url>,
    /// Where a device login begins, if the server has it.
    pub device: Option<Url>,
    /// Whether every redirect of this server carries `iss` (RFC 9207).
    pub sends_issuer: bool,
}

/// Why there is no [`Server`].
#[derive(Debug, Clone)]
pub enum DiscoveryError {
    /// The place answers and has no OpenID Connect: an old server, one where it is not set up, or the wrong
    /// address. Holds the error to show where there is no other way to log in.
    NoOidc(Error),
    /// Anything else: network, certificate, a description that must not be followed.
    Failed(Error),
}

impl From<DiscoveryError> for Error {
    fn from(error: DiscoveryError) -> Error {
        match error {
            DiscoveryError::NoOidc(error) | DiscoveryError::Failed(error) => error,
        }
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

/// Asks `authority`, the base address of a server (`https://cloud.seqera.io/api`), for its description.
pub fn discover(http: &Http, authority: &str) -> Result<Server, DiscoveryError> {
    let base = parse(authority).ok_or_else(|| {
        let error = Error::usage("the address of the login server is not one this program can use");
        DiscoveryError::Failed(error.next("give it as https://HOST or https://HOST/PATH"))
    })?;
    let mut url = base.clone();
    url.set_path(&format!("{}/.well-known/openid-configuration", base.path().trim_end_matches('/')));
    let document = http.get_json::<Document>(&url, None).map_err(|failure| no_document(&base, failure))?;
    accept(&base, document).map_err(DiscoveryError::Failed)
}

fn no_document(base: &Url, failure: Failure) -> DiscoveryError {
    // Some gateways answer 401 or 403 for paths that do not exist, and others the page of the web interface.
    match failure.trouble() {
        Trouble::NotJson(_)
        | Trouble::BadAnswer
        | Trouble::Status { code: 401 | 403 | 404 | 405 | 410 | 501, .. } => {
            let what = format!("{} offers no login through the browser", shown(base));
            DiscoveryError::NoOidc(
                Error::failed(what)
                    .next("check the address; where the server is older or not set up for it, use a token"),
            )
        }
        _ => DiscoveryError::Failed(failure.into()),
    }
}

fn accept(base: &Url, document: Document) -> Result<Server, Error> {
    let issuer = parse(&document.issuer).ok_or_else(|| unusable(base, "issuer"))?;
    if place(&issuer) != place(base) {
        let what = format!("{} describes the login of another server, {}", shown(base), shown(&issuer));
        return Err(Error::refused(what).next("if that is the one you mean, log in to its address"));
    }
    if document
        .code_challenge_methods_supported
        .is_some_and(|known| !known.iter().any(|method| method == "S256"))
    {
        let what =
            format!("the login of {} cannot be protected (it does not know PKCE with S256)", shown(base));
        return Err(Error::refused(what).next("ask who runs the server to enable it, or use a token"));
    }
    let endpoint = |name, text: &str| endpoint(base, text).ok_or_else(|| unusable(base, name));
    let optional = |name, text: Option<String>| text.map(|text| endpoint(name, &text)).transpose();
    let server = Server {
        authorization: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
        token: endpoint("token_endpoint", &document.token_endpoint)?,
        revocation: optional("revocation_endpoint", document.revocation_endpoint)?,
        device: optional("device_authorization_endpoint", document.device_authorization_endpoint)?,
        sends_issuer: document.authorization_response_iss_parameter_supported.unwrap_or(false),
        issuer: document.issuer,
    };
    if !server.sends_issuer {
        server.must_be_in_one_place()?;
    }
    Ok(server)
}

impl Server {
    /// Makes sure that everything of a login happens in one place: at one origin, or at the issuer's own hosts.
    ///
    /// Else a description could send the person to the pages of an honest server, and us with the code to
    /// another one (mix-up, RFC 9700 §4.4). An answer that carries `iss` tells the two apart by itself.
    ///
    /// # Errors
    /// It does not.
    pub fn must_be_in_one_place(&self) -> Result<(), Error> {
        let all =
            || [&self.authorization, &self.token].into_iter().chain(&self.revocation).chain(&self.device);
        let origin = self.authorization.origin();
        let is_one_origin = all().all(|endpoint| endpoint.origin() == origin);
        let issuer = Url::parse(&self.issuer).ok();
        let is_own = |endpoint: &Url| issuer.as_ref().is_some_and(|issuer| host(issuer) == host(endpoint));
        if is_one_origin || all().all(is_own) {
            return Ok(());
        }
        let other = all().find(|endpoint| endpoint.origin() != origin).unwrap_or(&self.token);
        let what = format!(
            "the login that {} describes is spread over different servers, {} and {}",
            self.issuer_shown(),
            origin.ascii_serialization(),
            other.origin().ascii_serialization()
        );
        Err(Error::refused(what).next(
            "one of them could be posing as the other; check the address, or log in with a token (--with-token)",
        ))
    }

    fn issuer_shown(&self) -> String {
        Url::parse(&self.issuer).map_or_else(|_| "the server".to_owned(), |issuer| shown(&issuer))
    }
}

fn unusable(base: &Url, field: &str) -> Error {
    Error::refused(format!(
        "the login that {} describes cannot be used: {field} is not safe to follow",
        shown(base)
    ))
    .next("the server's own address must be https; tell who runs it")
}

/// An endpoint is at `https`, or on this machine where the server itself is.
fn endpoint(base: &Url, text: &str) -> Option<Url> {
    let url = parse_any(text)?;
    (url.scheme() == "https" || base.scheme() == "http").then_some(url)
}

/// An absolute address without user, query and fragment.
fn parse(text: &str) -> Option<Url> {
    parse_any(text).filter(|url| url.query().is_none())
}

fn parse_any(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let safe = Target::from_url(url.as_str())?.is_private_enough() && url.fragment().is_none();
    safe.then_some(url)
}

/// The place a login belongs to, in which an issuer must agree with the address it was asked from.
///
/// OpenID Connect Discovery §4.3 wants the two equal. Seqera's Cloud, and every server that has an `api.` host
/// or an `/api` path beside its web address, is one server with two addresses, so exactly these two are left
/// out of the comparison; scheme, host, port and any other path are not.
fn place(url: &Url) -> (Host<'_>, &str) {
    let path = url.path().trim_end_matches('/');
    (host(url), path.strip_suffix("/api").unwrap_or(path))
}

/// Scheme, host and port, in which an `api.` host and the web host beside it are one.
type Host<'a> = (&'a str, &'a str, Option<u16>);

fn host(url: &Url) -> Host<'_> {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("api.").filter(|rest| rest.contains('.')).unwrap_or(host);
    (url.scheme(), host, url.port_or_known_default())
}

fn shown(url: &Url) -> String {
    crate::http::Place::of(url).to_string().trim_end_matches('/').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(issuer: &str, token: &str) -> Document {
        let at = |path: &str| {
            Url::parse(token).and_then(|url| url.join(path)).map_or_else(|_| token.into(), String::from)
        };
        Document {
            issuer: issuer.into(),
            authorization_endpoint: at("/authorize"),
            token_endpoint: token.into(),
            revocation_endpoint: None,
            device_authorization_endpoint: None,
            code_challenge_methods_supported: None,
            authorization_response_iss_parameter_supported: None,
        }
    }

    fn accepted(authority: &str, issuer: &str) -> bool {
        accept(&parse(authority).unwrap(), document(issuer, "https://example.com/token")).is_ok()
    }

    #[test]
    fn a_login_happens_in_one_place_or_says_who_answers() {
        let cloud = "https://cloud.seqera.io/api";
        let judge = |endpoints: [&str; 4], promises: bool| {
            let [authorization, token, revocation, device] =
                endpoints.map(|host| format!("https://{host}/x"));
            let document = Document {
                authorization_endpoint: authorization,
                revocation_endpoint: Some(revocation),
                device_authorization_endpoint: Some(device),
                authorization_response_iss_parameter_supported: Some(promises),
                ..document(cloud, &token)
            };
            accept(&parse(cloud).unwrap(), document)
        };
        const WEB: &str = "cloud.seqera.io";
        const API: &str = "api.cloud.seqera.io";
        const OTHER: &str = "login.example";
        for good in [[WEB; 4], [API; 4], [WEB, API, WEB, API], [API, API, API, WEB], [OTHER; 4]] {
            assert!(judge(good, false).is_ok(), "{good:?}");
        }
        for bad in [
            [WEB, OTHER, WEB, WEB],
            [OTHER, WEB, WEB, WEB],
            [WEB, WEB, OTHER, WEB],
            [WEB, WEB, WEB, OTHER],
            [WEB, "cloud.seqera.io:8443", WEB, WEB],
            [WEB, "x.cloud.seqera.io", WEB, WEB],
            [WEB, "cloud.seqera.io.evil.example", WEB, WEB],
            [OTHER, "api.login.example", OTHER, OTHER],
        ] {
            let error = judge(bad, false).unwrap_err();
            assert_eq!(error.exit_code(), 7, "{bad:?}");
            // In a browser the answer says whose it is; on a device nothing does.
            let server = judge(bad, true).unwrap();
            assert_eq!(server.must_be_in_one_place().unwrap_err().exit_code(), 7, "{bad:?}");
        }
    }

    #[test]
    fn one_server_may_have_two_addresses_and_no_other_server_passes_for_it() {
        for (authority, issuer) in [
            ("https://api.cloud.seqera.io", "https://cloud.seqera.io/api"),
            ("https://cloud.seqera.io/api", "https://cloud.seqera.io/api"),
            ("https://seqera.example.com/api/", "https://seqera.example.com/api"),
            ("https://seqera.example.com/api", "https://seqera.example.com"),
            ("https://seqera.example.com:443", "https://seqera.example.com"),
            ("https://one.example.com/tenant/", "https://one.example.com/tenant"),
        ] {
            assert!(accepted(authority, issuer), "{authority} {issuer}");
        }
        for (authority, issuer) in [
            ("https://api.cloud.seqera.io", "https://seqera.io"),
            ("https://evil.example", "https://cloud.seqera.io/api"),
            ("https://api.example", "https://example"),
            ("https://example.com", "https://example.com:8443"),
            ("https://example.com/a", "https://example.com/b"),
            ("https://example.com", "http://example.com"),
            ("https://example.com", "https://example.com?x=1"),
            ("https://example.com", "https://example.com@evil.example"),
            ("http://127.0.0.1:1", "http://127.0.0.1:2"),
        ] {
            assert!(!accepted(authority, issuer), "{authority} {issuer}");
        }
    }

    #[test]
    fn endpoints_in_the_clear_are_not_followed() {
        let token = |authority: &str, token| {
            accept(&parse(authority).unwrap(), document(authority, token))
                .map(|server| server.token.to_string())
        };
        for bad in [
            "http://example.com/token",
            "http://127.0.0.1/token",
            "file:///token",
            "javascript:alert(1)",
            "https://u:p@example.com/token",
            "https://example.com/token#x",
            "/token",
        ] {
            assert!(token("https://example.com", bad).is_err(), "{bad}");
        }
        assert!(token("https://example.com", "https://tokens.example.net/token").is_ok());
        assert!(token("http://127.0.0.1:9", "http://127.0.0.1:9/token").is_ok());
    }

    #[test]
    fn a_server_without_s256_is_refused() {
        let base = parse("https://example.com").unwrap();
        let with = |methods: &[&str]| Document {
            code_challenge_methods_supported: Some(methods.iter().map(|m| m.to_string()).collect()),
            ..document("https://example.com", "https://example.com/token")
        };
        assert!(accept(&base, with(&["plain"])).is_err());
        assert!(accept(&base, with(&["plain", "S256"])).is_ok());
    }
}
