//! One workspace. The Platform is told the workspace of a call by the query `workspaceId` or in the path, of some in
//! the body, too ([`carried`](super::carried)); a call that names none is one of the person's own workspace.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;

use super::path::{Asked, Readings, decoded_once};
use super::rules::Allow;
use crate::error::Error;

/// The number of a workspace, as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace(String);

/// What is above all workspaces: a `workspaceId` does not make a call to it one of a workspace.
const ABOVE: &[&str] = &[
    "admin",
    "audit-logs",
    "avatars",
    "billing",
    "organizations",
    "orgs",
    "service-info",
    "ssh-keys",
    "teams",
    "user",
    "user-info",
    "users",
    "v1",
    "workspaces",
];

impl fmt::Display for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Workspace {
    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Judges all but the body; `named` are the rules that let it through.
    pub(super) fn judge(
        &self,
        asked: &Asked<'_>,
        readings: &Readings,
        named: &[&Allow],
    ) -> Result<(), String> {
        let id = &self.0;
        let (in_query, in_segments) = (parameters_of(asked.query), parameters_in_path(asked.path));
        let mut parameters = in_query.iter().chain(&in_segments);
        if parameters.any(|(_, value)| value != id)
            || readings.any(|path| in_path(path).is_some_and(|other| other != id))
        {
            return Err(format!("this relay is for workspace {id}, and the request names another"));
        }
        let is_itself = !asked.reads() && readings.any(is_whole);
        if is_itself && !named.iter().any(|rule| rule.says("workspaces")) {
            let Asked { method, path, .. } = asked;
            return Err(format!(
                "{method} {path} makes, changes or removes a whole workspace, which this relay refuses unless \
                 --allow names it"
            ));
        }
        let is_in_query = in_query.iter().any(|(name, _)| name == "workspaceId");
        let is_own = (is_in_query && !readings.any(is_above)) || self.is_in_path(readings);
        let is_allowed = named.iter().any(|rule| rule.names(is_above));
        if is_own || is_allowed || (asked.reads() && readings.all(|path, _| tells_who_one_is(path))) {
            return Ok(());
        }
        Err(format!("this relay is for workspace {id}, and the request is not: it needs workspaceId={id}"))
    }

    /// Whether a header names another.
    pub(super) fn is_not_in(&self, headers: &HeaderMap) -> bool {
        headers.iter().any(|(name, value)| {
            names_workspace(name.as_str()) && value.as_bytes().trim_ascii() != self.0.as_bytes()
        })
    }

    /// Whether the path is that of this workspace, in every reading.
    pub(super) fn is_in_path(&self, readings: &Readings) -> bool {
        readings.all(|path, _| in_path(path) == Some(&self.0))
    }
}

fn is_above(path: &[String]) -> bool {
    path.first().is_some_and(|first| ABOVE.iter().any(|above| is_word(first, above)))
}

/// A workspace as a whole, or all of them.
fn is_whole(path: &[String]) -> bool {
    match path {
        [first] | [first, _] => is_word(first, "workspaces"),
        [first, _, second] | [first, _, second, _] => is_word(first, "orgs") && is_word(second, "workspaces"),
        _ => false,
    }
}

impl FromStr for Workspace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Workspace, Error> {
        match text.parse::<u64>() {
            Ok(number) if number.to_string() == text && number != 0 => Ok(Workspace(text.to_owned())),
            _ => Err(Error::usage(format!("'{}' is not the number of a workspace", text.escape_debug()))
                .next("see: seqera workspace list")),
        }
    }
}

/// Every parameter of the query that has to do with a workspace, however it is spelt and separated.
fn parameters_of(query: &str) -> Vec<(String, String)> {
    query
        .split(['&', ';'])
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let [name, value] = [name, value].map(|text| decoded_once(&text.replace('+', " ")));
            names_workspace(&decoded_once(&name)).then_some((name, value))
        })
        .collect()
}

/// The same of what stands behind a `;` in a segment of the path.
fn parameters_in_path(path: &str) -> Vec<(String, String)> {
    let path = decoded_once(&decoded_once(path));
    path.split('/')
        .filter_map(|segment| segment.split_once(';'))
        .flat_map(|(_, all)| parameters_of(all))
        .collect()
}

/// Whether a name has to do with a workspace, however it is spelt.
fn names_workspace(name: &str) -> bool {
    letters(name).contains("workspace")
}

/// A name without what only sets its words apart, in small letters.
pub(super) fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The workspace in `/workspaces/ID…` and `/orgs/ORG/workspaces/ID…`.
fn in_path(path: &[String]) -> Option<&String> {
    match path {
        [first, id, ..] if is_word(first, "workspaces") => Some(id),
        [first, _, second, id, ..] if is_word(first, "orgs") && is_word(second, "workspaces") => Some(id),
        _ => None,
    }
}

/// What programs ask before they ask for anything in a workspace.
fn tells_who_one_is(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path[..],
        ["user-info" | "service-info" | "orgs"]
            | ["orgs", _]
            | ["orgs", _, "workspaces"]
            | ["user", _, "workspaces"]
            | ["workflow", "random-name" | "validate"]
    )
}

fn is_word(segment: &str, word: &str) -> bool {
    segment.eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests {
    use super::super::rules::Rules;
    use super::*;

    fn passes(request: &str) -> bool {
        passes_with(&[], request)
    }

    fn passes_with(allow: &[&str], request: &str) -> bool {
        let allow = allow.iter().map(|rule| rule.parse().unwrap()).collect();
        let rules = Rules { workspace: Some("42".parse().unwrap()), allow, ..Rules::default() };
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        rules.judge(&Asked { is_api: true, method: &method.parse().unwrap(), path, query }).is_ok()
    }

    #[test]
    fn the_workspace_itself_is_left_alone_unless_it_is_named() {
        for refused in [
            "DELETE /orgs/1/workspaces/42",
            "PUT /orgs/1/workspaces/42",
            "PATCH /orgs/1/workspaces/42?workspaceId=42",
            "DELETE /workspaces/42",
            "DELETE /workspaces/42/",
            "DELETE /Workspaces/42?workspaceId=42",
            "DELETE /orgs/1/%77orkspaces/42",
            "DELETE /orgs/1/workspaces%2f42",
            "DELETE /orgs/1/workspaces;x=y/42",
            "DELETE /api/orgs/1/workspaces/42",
            "POST /orgs/1/workspaces",
            "POST /orgs/1/workspaces?workspaceId=42",
            "POST /workspaces?workspaceId=42",
            "POST /orgs?workspaceId=42",
            "DELETE /orgs/1?workspaceId=42",
        ] {
            assert!(!passes(refused), "{refused}");
            for wide in ["* /*", "DELETE /orgs/*", "POST /*"] {
                let is_org = refused.ends_with("/orgs/1?workspaceId=42");
                assert!(is_org || !passes_with(&[wide], refused), "{wide}: {refused}");
            }
        }
        assert!(passes("GET /orgs/1/workspaces/42") && passes("PUT /orgs/1/workspaces/42/participants/add"));
        assert!(passes("DELETE /workspaces/42/datasets/7"));
        assert!(passes_with(&["DELETE /orgs/1/workspaces/42"], "DELETE /orgs/1/workspaces/42"));
        assert!(passes_with(&["POST /orgs/1/workspaces"], "POST /orgs/1/workspaces"));
        assert!(!passes_with(&["DELETE /orgs/1/workspaces/*"], "DELETE /orgs/1/workspaces/43"));
    }

    #[test]
    fn a_rule_and_a_workspace_narrow_each_other() {
        let launch = &["POST /workflow/launch", "GET /*"];
        assert!(passes_with(launch, "POST /workflow/launch?workspaceId=42"));
        assert!(!passes_with(launch, "POST /workflow/launch"), "that is the person's own workspace");
        assert!(!passes_with(launch, "GET /workflow") && passes_with(launch, "GET /user-info"));
        // What is above all workspaces, or is a credential, is said by its name.
        assert!(passes_with(&["POST /v1/*"], "POST /v1/cli/sessions"));
        assert!(passes_with(&["POST /tokens"], "POST /tokens"));
        assert!(!passes_with(&["POST /*"], "POST /v1/cli/sessions"));
    }

    #[test]
    fn calls_of_the_workspace_pass() {
        for passing in [
            "GET /workflow?workspaceId=42",
            "POST /workflow/launch?max=1&workspaceId=42",
            "POST /workflow/launch?workspaceId=42&sourceWorkspaceId=42",
            "GET /workspaces/42/datasets",
            "GET /orgs/1/workspaces/42/participants",
            "GET /user-info",
            "GET /service-info",
            "GET /user/1/workspaces",
            "GET /orgs",
            "GET /orgs/1/workspaces",
            "GET /data-links/1/browse/workspaces/7?workspaceId=42",
        ] {
            assert!(passes(passing), "{passing}");
        }
    }

    #[test]
    fn calls_of_any_other_do_not() {
        for refused in [
            "GET /workflow",
            "GET /workflow?workspaceId=43",
            "GET /workflow?workspaceId=42&workspaceId=43",
            "GET /workflow?workspaceId=43&workspaceId=42",
            "GET /workflow?workspaceId=42&workspaceid=43",
            "GET /workflow?workspaceId=42&%77orkspaceId=43",
            "GET /workflow?workspaceId=42&%2577orkspaceId=43",
            "GET /workflow?workspaceId=42&workspace_id=43",
            "GET /workflow?workspaceId=42&workspaceId[]=43",
            "GET /workflow?workspaceId=42;workspaceId=43",
            "GET /workflow?workspaceId=42%26workspaceId=43",
            "GET /workflow?workspaceId=%34%33",
            "GET /workflow?workspaceId=042",
            "GET /workflow?workspaceId=+42",
            "GET /workflow?workspaceId=42,43",
            "GET /workflow?workspaceId=",
            "GET /workflow?workspaceId",
            "GET /workflow?WORKSPACEID=42",
            "POST /workflow/launch?workspaceId=42&sourceWorkspaceId=43",
            "GET /workspaces/43/datasets",
            "GET /workspaces/43/datasets?workspaceId=42",
            "GET /%77orkspaces/43/datasets?workspaceId=42",
            "GET /orgs/1/workspaces/43",
            "GET /orgs/1/workspaces/43?workspaceId=42",
            "PUT /orgs/1?workspaceId=42",
            "DELETE /orgs/1/members/2?workspaceId=42",
            "POST /orgs",
            "POST /user-info",
            "POST /v1/cli/sessions?workspaceId=42",
            "POST /user-info?workspaceId=42",
            "GET /workflow;workspaceId=43?workspaceId=42",
            "GET /workflow/1;a=b;workspace_id=43?workspaceId=42",
            "GET /workflow%3bworkspaceId=43?workspaceId=42",
            "GET /workflow?workspaceId=42&workspaceId=",
            "GET /workflow?workspaceId=42&a;workspaceId=43",
            "GET /workflow?workspaceId=42%00",
            "GET /workflow?workspaceId=%2542",
        ] {
            assert!(!passes(refused), "{refused}");
        }
        assert!(passes("GET /workflow?workspaceId=%34%32"), "the same number");
    }

    #[test]
    fn a_workspace_is_a_number() {
        for bad in ["", "0", "042", "+42", "-1", "acme/ws", "42 ", "99999999999999999999999"] {
            assert!(bad.parse::<Workspace>().is_err(), "{bad}");
        }
    }
}
