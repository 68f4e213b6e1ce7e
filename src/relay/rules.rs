//! What may pass. The Platform's tokens have all rights of their user; a relay can lend fewer.

use std::str::FromStr;

use http::Method;

use super::path::{Asked, Readings, decoded_once};
use super::workspace::Workspace;
use crate::error::Error;

/// What a relay lets through: everything but what hands out or ends secrets, unless something narrower is said.
#[derive(Debug, Default, Clone)]
pub struct Rules {
    /// Only GET, HEAD and OPTIONS, and what [`Rules::allow`] adds.
    pub read_only: bool,
    /// Only these, where there are any (and what `read_only` lets through).
    pub allow: Vec<Allow>,
    /// Only calls of this workspace, and those that tell who one is.
    pub workspace: Option<Workspace>,
    /// The paths of the token and revocation endpoints, below the base, where they have other names than usual.
    pub secret_paths: Vec<String>,
}

/// `METHOD /path`, with `*` for any method, for any one segment, and at the end for everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    method: Option<Method>,
    /// Written with the relay's `/api` before it: of the API alone.
    is_api: bool,
    path: Vec<String>,
    below: bool,
}

impl Rules {
    /// Whether the request may pass. Answers how its path can be read.
    ///
    /// # Errors
    /// It may not; the text says why.
    pub fn judge(&self, asked: &Asked<'_>) -> Result<Readings, String> {
        let Asked { method, path, .. } = asked;
        if matches!(**method, Method::CONNECT | Method::TRACE) {
            return Err(format!("{method} is not relayed"));
        }
        let Some(readings) = Readings::of(path) else {
            return Err("a path with '..', control characters or layers of encoding is not relayed".into());
        };
        let named: Vec<&Allow> = self.allow.iter().filter(|rule| rule.fits(asked, &readings)).collect();
        let is_secret = readings.any(|path| self.is_secret(method, path));
        if is_secret && !named.iter().any(|rule| rule.names(|path| self.is_secret(method, path))) {
            return Err(format!(
                "{method} {path} makes, shows or ends credentials, which the relay refuses unless --allow names it"
            ));
        }
        let narrow = self.read_only || !self.allow.is_empty();
        if narrow && named.is_empty() && !(self.read_only && asked.reads()) {
            return Err(match self.read_only {
                true => format!("{method} {path} changes something, and this relay is read-only"),
                false => format!("no --allow of this relay lets {method} {path} through"),
            });
        }
        // What makes or ends a credential is of no workspace, and was named.
        if let Some(workspace) = self.workspace.as_ref().filter(|_| !is_secret) {
            workspace.judge(asked, &readings, &named)?;
        }
        Ok(readings)
    }

    /// Whether nothing is refused but what hands out or ends secrets.
    pub fn are_wide(&self) -> bool {
        !self.read_only && self.allow.is_empty() && self.workspace.is_none()
    }

    /// What mints, shows or ends a credential of the person: the API's `/tokens`, the OAuth endpoints, the login of
    /// the web pages, and the end of the account itself.
    fn is_secret(&self, method: &Method, path: &[String]) -> bool {
        // Some servers drop an extension.
        let first = path.first().and_then(|first| first.split('.').next()).unwrap_or_default();
        let ends_account = matches!(first, "user" | "users")
            && (*method == Method::DELETE || path.iter().skip(1).any(|segment| segment == "delete"));
        let own = |secret: &String| {
            Readings::of(secret)
                .is_some_and(|secret| secret.any(|secret| !secret.is_empty() && path.starts_with(secret)))
        };
        SECRET.contains(&first) || ends_account || self.secret_paths.iter().any(own)
    }
}

/// The first segments of what mints or ends secrets.
const SECRET: &[&str] = &[
    "tokens",
    "token",
    "oauth",
    "oauth2",
    "authorize",
    "revoke",
    "introspect",
    "register",
    "device",
    "device_authorization",
    "login",
    "logout",
    "gate",
    "scim",
];

impl Allow {
    fn fits(&self, asked: &Asked<'_>, readings: &Readings) -> bool {
        self.method.as_ref().is_none_or(|own| own == asked.method)
            && (asked.is_api || !self.is_api)
            && readings.all(|path, is_lower| self.fits_path(path, is_lower))
    }

    fn fits_path(&self, path: &[String], is_lower: bool) -> bool {
        let enough = match self.below {
            true => path.len() > self.path.len(),
            false => path.len() == self.path.len(),
        };
        enough
            && self.path.iter().zip(path).all(|(own, segment)| match is_lower {
                true => own == "*" || own.to_lowercase() == *segment,
                false => own == "*" || own == segment,
            })
    }

    /// Whether one of the rule's segments is this word.
    pub(super) fn says(&self, word: &str) -> bool {
        self.path.iter().any(|segment| segment == word)
    }

    /// Whether what the rule says in letters is already `what`: `/tokens/*` names tokens, `/*` names nothing.
    pub(super) fn names(&self, what: impl Fn(&[String]) -> bool) -> bool {
        let letters: Vec<String> =
            self.path.iter().take_while(|segment| *segment != "*").map(|s| s.to_lowercase()).collect();
        let below = letters.iter().position(|segment| segment != "api").unwrap_or(letters.len());
        !letters[below..].is_empty() && what(&letters[below..])
    }
}

impl FromStr for Allow {
    type Err = Error;

    fn from_str(text: &str) -> Result<Allow, Error> {
        let bad = |why: &str| {
            Error::usage(format!("'{}' is not a rule: {why}", text.escape_debug()))
                .next("write a method and a path, as in: --allow 'GET /workflow/*'")
        };
        let (method, path) = text.trim().split_once(' ').ok_or_else(|| bad("it has no method or no path"))?;
        let method = match method {
            "*" => None,
            method if method.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                let method = method.to_ascii_uppercase();
                Some(Method::from_bytes(method.as_bytes()).map_err(|_| bad("its method is unknown"))?)
            }
            _ => return Err(bad("its method is unknown")),
        };
        let path = path.trim();
        let inner = path.strip_prefix('/').ok_or_else(|| bad("its path does not begin with '/'"))?;
        if path.contains(['?', '#', ' ']) || Readings::of(path).is_none() {
            return Err(bad("its path is one that no request may have"));
        }
        let mut path: Vec<String> =
            inner.split('/').filter(|segment| !segment.is_empty()).map(decoded_once).collect();
        if path.iter().any(|segment| segment.contains('*') && segment != "*") {
            return Err(bad("'*' stands for a whole segment"));
        }
        let is_api = path.first().is_some_and(|first| first == "api");
        if is_api {
            path.remove(0);
        }
        let below = path.last().is_some_and(|last| last == "*");
        if below {
            path.pop();
        }
        Ok(Allow { method, is_api, path, below })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(rules: &Rules, request: &str) -> bool {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        rules.judge(&Asked { is_api: true, method: &method.parse().unwrap(), path, query }).is_ok()
    }

    fn allowing(rules: &[&str]) -> Rules {
        Rules { allow: rules.iter().map(|rule| rule.parse().unwrap()).collect(), ..Rules::default() }
    }

    #[test]
    fn credentials_are_refused_in_every_spelling() {
        let wide = Rules::default();
        for refused in [
            "POST /tokens",
            "GET /tokens",
            "DELETE /tokens/17",
            "DELETE /tokens/delete-all",
            "POST //tokens",
            "POST /%74okens",
            "POST /%2574okens",
            "POST /Tokens",
            "POST /tokens;a=b",
            "POST /tokens/",
            "POST /tokens.json",
            "POST /tokens%3f",
            "POST /api/tokens",
            "POST /a/../tokens",
            "POST /user-info/%2e%2e/tokens",
            "POST /user-info/..;/tokens",
            "POST /user-info%2f..%2ftokens",
            "POST /oauth/access_token",
            "POST /token",
            "POST /revoke",
            "GET /authorize",
            "POST /gate/access",
            "DELETE /users/1",
            "POST /user/1/delete",
            "TRACE /user-info",
            "CONNECT /",
        ] {
            assert!(!passes(&wide, refused), "{refused}");
        }
        for passing in [
            "GET /user-info",
            "POST /workflow/launch?workspaceId=1",
            "POST /license/token/",
            "GET /data-links/1/browse/tokens",
            "GET /data-links/1/browse/a%2Fb",
            "DELETE /workflow/x",
            "POST /workflow/delete",
            "GET /",
            "POST /v1/cli/sessions",
        ] {
            assert!(passes(&wide, passing), "{passing}");
        }
    }

    #[test]
    fn credentials_are_allowed_by_name_alone() {
        for rule in ["* /*", "POST /*", "POST /*/*", "GET /tokens", "POST /tokens/*"] {
            assert!(!passes(&allowing(&[rule]), "POST /tokens"), "{rule}");
        }
        assert!(passes(&allowing(&["POST /tokens"]), "POST /tokens"));
        assert!(passes(&allowing(&["DELETE /tokens/*"]), "DELETE /tokens/17"));
        assert!(!passes(&allowing(&["POST /tokens"]), "POST /Tokens"), "a rule is of one letter case");
    }

    #[test]
    fn named_endpoints_are_secret_too() {
        let rules = Rules { secret_paths: vec!["/connect/token".into()], ..Rules::default() };
        assert!(!passes(&rules, "POST /connect/token") && !passes(&rules, "POST /connect//TOKEN"));
        assert!(passes(&rules, "POST /connect/other") && passes(&Rules::default(), "POST /connect/token"));
        let broken = Rules { secret_paths: vec!["/".into(), String::new()], ..Rules::default() };
        assert!(passes(&broken, "GET /user-info"));
    }

    #[test]
    fn read_only_reads() {
        let rules = Rules { read_only: true, ..Rules::default() };
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert!(passes(&rules, &format!("{method} /workflow")));
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "get", "QUERY"] {
            assert!(!passes(&rules, &format!("{method} /workflow")), "{method}");
        }
        let more = Rules { read_only: true, ..allowing(&["POST /workflow/launch"]) };
        assert!(passes(&more, "POST /workflow/launch") && passes(&more, "GET /orgs"));
        assert!(!passes(&more, "POST /workflow/delete"));
    }

    #[test]
    fn rules_let_through_what_they_say_and_no_more() {
        let rules = allowing(&["GET /workflow/*", "POST /workflow/launch", "* /studios/*/start", "GET /"]);
        for passing in [
            "GET /workflow/1",
            "GET /workflow/1/tasks",
            "POST /workflow/launch",
            "PUT /studios/7/start",
            "GET /",
        ] {
            assert!(passes(&rules, passing), "{passing}");
        }
        for refused in [
            "GET /workflow",
            "DELETE /workflow/1",
            "GET /workflows/1",
            "PUT /studios/7/8/start",
            "PUT /studios/7%2F8/start",
            "PUT /studios/start",
            "GET /user-info",
            "GET /workflow/../user-info",
            "GET /workflow/%2e%2e/user-info",
            "GET /x;/workflow/1",
        ] {
            assert!(!passes(&rules, refused), "{refused}");
        }
    }

    #[test]
    fn a_rule_may_be_written_with_the_relays_own_prefix() {
        for (rule, passing) in [
            ("GET /api/workflow/*", "GET /workflow/1"),
            ("GET /api/*", "GET /user-info"),
            ("GET /api/", "GET /"),
            ("POST /api/tokens", "POST /tokens"),
        ] {
            assert!(passes(&allowing(&[rule]), passing), "{rule}");
        }
        assert!(!passes(&allowing(&["POST /api/*"]), "POST /tokens"));
        let beside = Asked { is_api: false, method: &Method::GET, path: "/v1/cli/sessions", query: "" };
        assert!(allowing(&["GET /api/*"]).judge(&beside).is_err(), "the AI backend is not the API");
        assert!(allowing(&["GET /v1/*"]).judge(&beside).is_ok());
    }

    #[test]
    fn what_is_not_a_rule_is_said() {
        for bad in
            ["", "GET", "/x", "GET x", "GET  ", "G*T /x", "GET /a*", "GET /a?b", "GET /../x", "GET /a b"]
        {
            assert!(bad.parse::<Allow>().is_err(), "{bad}");
        }
        assert_eq!("get /x/".parse::<Allow>().unwrap(), "GET /x".parse::<Allow>().unwrap());
    }
}
