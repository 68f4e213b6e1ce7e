//! One workspace. The Platform is told the workspace of a call by the query `workspaceId` or in the path; a call
//! that names none is one of the person's own workspace.

use std::str::FromStr;

use super::path::{Asked, Readings, decoded_once};
use crate::error::Error;

/// The number of a workspace, as the API writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace(String);

/// What is above all workspaces: a `workspaceId` does not make a call to it one of a workspace.
const ABOVE: &[&str] = &["orgs", "user", "users", "admin", "v1"];

impl Workspace {
    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn judge(
        &self,
        asked: &Asked<'_>,
        readings: &Readings,
        is_allowed_by_name: bool,
    ) -> Result<(), String> {
        let id = &self.0;
        let named = named_in_query(asked.query);
        if named.iter().any(|(_, value)| value != id)
            || readings.any(|path| in_path(path).is_some_and(|other| other != id))
        {
            return Err(format!("this relay is for workspace {id}, and the request names another"));
        }
        let in_query = named.iter().any(|(name, _)| name == "workspaceId");
        let is_above = readings.any(|path| path.first().is_some_and(|first| ABOVE.contains(&first.as_str())));
        let is_own = (in_query && !is_above) || readings.all(|path, _| in_path(path) == Some(id));
        if is_own || is_allowed_by_name || (asked.reads() && readings.all(|path, _| tells_who_one_is(path))) {
            return Ok(());
        }
        Err(format!("this relay is for workspace {id}, and the request is not: it needs workspaceId={id}"))
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
fn named_in_query(query: &str) -> Vec<(String, String)> {
    query
        .split(['&', ';'])
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let [name, value] = [name, value].map(|text| decoded_once(&text.replace('+', " ")));
            let letters: String = decoded_once(&name).chars().filter(char::is_ascii_alphanumeric).collect();
            letters.to_ascii_lowercase().contains("workspace").then_some((name, value))
        })
        .collect()
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
        let rules = Rules { workspace: Some("42".parse().unwrap()), ..Rules::default() };
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        rules.judge(&Asked { method: &method.parse().unwrap(), path, query }).is_ok()
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
