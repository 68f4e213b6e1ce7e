//! docker's credential-helper protocol, as docker, podman, skopeo, buildah and their libraries speak it. What
//! clients match to the letter is in the constants.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::target::Target;

/// Not found: the clients compare the whole of standard output with it.
pub const NOT_FOUND: &str = "credentials not found in native keychain";
/// An empty server.
pub const NO_SERVER: &str = "no credentials server URL";
/// `store` without a user.
pub const NO_USERNAME: &str = "no credentials username";

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A credential for a server.
    Get,
    /// Keep a credential.
    Store,
    /// Forget a server.
    Erase,
    /// Every server and its user.
    List,
    /// Our name and version.
    Version,
    /// How we are used.
    Help,
}

impl Operation {
    /// The operation with this name.
    pub fn from_name(name: &str) -> Option<Operation> {
        match name {
            "get" => Some(Operation::Get),
            "store" => Some(Operation::Store),
            "erase" => Some(Operation::Erase),
            "list" => Some(Operation::List),
            "version" | "--version" | "-v" => Some(Operation::Version),
            "help" | "--help" | "-h" => Some(Operation::Help),
            _ => None,
        }
    }
}

/// A server as a client spells it. `https://host`, `//host` and `host` are one place; `http://host` is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Scheme, host and port.
    pub target: Target,
    /// What follows, without slashes at its ends: a repository, where a client asks for one.
    pub path: String,
    /// Whether only exactly this path will do, and not the server as a whole.
    pub exact: bool,
}

/// The one name under which Docker Hub is kept.
pub const HUB: &str = "index.docker.io";

impl Server {
    /// Parses what stands in `ServerURL` or on standard input.
    ///
    /// # Errors
    /// [`NO_SERVER`] for nothing at all, else [`NOT_FOUND`]: what is not a server has no credentials.
    pub fn parse(text: &str) -> Result<Server, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NO_SERVER);
        }
        if text.chars().any(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(NOT_FOUND);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            None => ("https", text.strip_prefix("//").unwrap_or(text)),
        };
        if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(NOT_FOUND);
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let target = Target::new(scheme, authority).ok_or(NOT_FOUND)?;
        let path = path.trim_matches('/').to_owned();
        match target.host() {
            "docker.io" | HUB | "registry-1.docker.io" if target.port().is_none() => Server::hub(&path),
            _ => Ok(Server { target, path, exact: false }),
        }
    }

    /// Docker Hub goes by three names, and docker keeps tokens of the Hub's own login beside the password,
    /// under paths below it: those must never be answered with the password.
    fn hub(path: &str) -> Result<Server, &'static str> {
        let target = Target::new("https", HUB).ok_or(NOT_FOUND)?;
        let exact = matches!(path, "v1/refresh-token" | "v1/access-token");
        Ok(Server { target, path: if exact { path.to_owned() } else { String::new() }, exact })
    }

    /// Whether a credential kept for `kept` (a path of this server) answers a request for this path: it is
    /// the same or one above it.
    pub fn is_within(&self, kept: &str) -> bool {
        let below = self.path.strip_prefix(kept);
        match self.exact {
            true => self.path == kept,
            false => kept.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

/// What `store` brings.
#[derive(Debug)]
pub struct Stored {
    /// The server, as the client spells it.
    pub server_url: String,
    /// The same, parsed.
    pub server: Server,
    /// The user; `<token>` says that the secret is an identity token.
    pub username: String,
    /// The password or identity token.
    pub secret: Secret,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoredJson {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: Zeroizing<String>,
}

/// Parses the input of `store`.
///
/// # Errors
/// The words to print; they never quote the input.
pub fn parse_store(input: &[u8]) -> Result<Stored, &'static str> {
    const NO_OBJECT: &str = "the request to store is not the JSON object it should be";
    // serde would take a list of three strings, too.
    if !input.trim_ascii_start().starts_with(b"{") {
        return Err(NO_OBJECT);
    }
    let json: StoredJson = serde_json::from_slice(input).map_err(|_| NO_OBJECT)?;
    let server = Server::parse(&json.server_url).map_err(|words| match words {
        NO_SERVER => NO_SERVER,
        _ => "the server URL to store for names no host",
    })?;
    if json.username.is_empty() {
        return Err(NO_USERNAME);
    }
    if json.secret.is_empty() {
        return Err("no credentials secret");
    }
    if json.secret.contains('\0') {
        return Err("the secret to store has a NUL in it");
    }
    let secret = Secret::new(json.secret.as_bytes());
    Ok(Stored { server_url: json.server_url, server, username: json.username, secret })
}

#[derive(Serialize)]
struct Got<'a> {
    #[serde(rename = "ServerURL")]
    server_url: &'a str,
    #[serde(rename = "Username")]
    username: &'a str,
    #[serde(rename = "Secret")]
    secret: &'a str,
}

/// The answer to `get`: one line of JSON. The server is echoed as it was sent.
pub fn got(server_url: &str, username: &str, secret: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let got = Got { server_url, username, secret: secret.expose_str()? };
    let mut bytes = Zeroizing::new(serde_json::to_vec(&got).ok()?);
    bytes.push(b'\n');
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        match Server::parse(text) {
            Ok(server) => format!("{} {}", server.target, server.path).trim_end().to_owned(),
            Err(words) => words.to_owned(),
        }
    }

    #[test]
    fn spellings_of_one_registry_are_one() {
        for same in [
            "r.example",
            "r.example\n",
            "  r.example \r\n",
            "//r.example",
            "https://r.example",
            "R.Example:443",
            "r.example/?x#y",
        ] {
            assert_eq!(place(same), "https://r.example", "{same:?}");
        }
        assert_eq!(place("127.0.0.1:15000"), "https://127.0.0.1:15000");
        assert_eq!(place("http://r.example"), "http://r.example");
        assert_eq!(place("r.example/ns/repo/"), "https://r.example ns/repo");
        for hub in [
            "docker.io",
            "index.docker.io",
            "registry-1.docker.io",
            "https://index.docker.io/v1/",
            "docker.io/library/x",
        ] {
            assert_eq!(place(hub), "https://index.docker.io", "{hub}");
        }
        assert_eq!(
            place("https://index.docker.io/v1/refresh-token"),
            "https://index.docker.io v1/refresh-token"
        );
    }

    #[test]
    fn what_is_no_registry_has_no_credentials() {
        for nothing in ["", " ", "\n"] {
            assert_eq!(place(nothing), NO_SERVER, "{nothing:?}");
        }
        for bad in [
            "ftp://h",
            "/host",
            "https:///x",
            "user@host",
            "good\nevil",
            "h\0",
            "https://h:x",
            "h.",
            "münchen.example",
        ] {
            assert_eq!(place(bad), NOT_FOUND, "{bad:?}");
        }
    }

    #[test]
    fn a_path_only_narrows() {
        let within = |asked: &str, kept: &str| Server::parse(asked).unwrap().is_within(kept);
        assert!(within("h/ns/repo", "") && within("h/ns/repo", "ns") && within("h/ns/repo", "ns/repo"));
        assert!(!within("h/ns/repo", "n") && !within("h", "ns") && !within("h/ns", "ns/repo"));
        assert!(
            within("https://index.docker.io/v1/", "")
                && !within("https://index.docker.io/v1/refresh-token", "")
        );
        assert!(within("https://index.docker.io/v1/refresh-token", "v1/refresh-token"));
    }

    #[test]
    fn only_a_whole_credential_is_stored() {
        let stored =
            parse_store(b"{\"ServerURL\":\"h\",\"Username\":\"\\u003ctoken\\u003e\",\"Secret\":\"a\\nb\"}\n")
                .unwrap();
        assert_eq!((stored.username.as_str(), stored.secret.expose()), ("<token>", &b"a\nb"[..]));
        let words = |json: &str| parse_store(json.as_bytes()).unwrap_err();
        assert_eq!(words(r#"{"Username":"u","Secret":"s"}"#), NO_SERVER);
        assert_eq!(words(r#"{"ServerURL":"h","Secret":"s"}"#), NO_USERNAME);
        assert_eq!(words(r#"{"ServerURL":"h","Username":"u"}"#), "no credentials secret");
        for bad in [
            "",
            "[]",
            "{",
            r#"{"ServerURL":"h"} x"#,
            r#"{"ServerURL":1}"#,
            r#"{"ServerURL":"a","ServerURL":"b"}"#,
        ] {
            assert!(words(bad).contains("JSON"), "{bad}");
        }
        assert!(parse_store(b"{\"ServerURL\":\"\xff\"}").is_err());
    }
}
