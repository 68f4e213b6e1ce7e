//! What a body names. The Platform takes the workspace of some calls from a JSON body, so a relay for one workspace
//! reads bodies before it sends them: up to a limit, and only what can be read as a whole.

use std::cell::Cell;
use std::fmt;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::refusal::Refusal;
use super::workspace::{Workspace, letters};

/// More is not read: a launch is some kilobytes, the reports of a run are some hundred.
const LIMIT: usize = 4 << 20;

/// Reads a body and makes sure that it names no workspace but this one.
pub async fn read(
    workspace: &Workspace,
    path: &str,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Bytes, Refusal> {
    let forbidden = |why: String| Refusal::new(StatusCode::FORBIDDEN, why);
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(forbidden(format!(
            "this relay is for workspace {workspace}, and an encoded body could name another: send it as it is"
        )));
    }
    let read =
        Limited::new(body, LIMIT).collect().await.map_err(|error| match error
            .is::<http_body_util::LengthLimitError>()
        {
            true => forbidden(format!(
                "this relay is for workspace {workspace}, and a body of more than {} MiB could name another",
                LIMIT >> 20
            )),
            false => Refusal::new(StatusCode::BAD_REQUEST, "the request ended before its body"),
        })?;
    let bytes = read.to_bytes();
    match names(&bytes, workspace, theirs(path)) {
        Names::NoOther => Ok(bytes),
        Names::Another => {
            Err(forbidden(format!("this relay is for workspace {workspace}, and the body names another")))
        }
        Names::Unreadable => Err(forbidden(format!(
            "this relay is for workspace {workspace}, and a body that is not JSON could name another"
        ))),
    }
}

/// Whether a file is sent, which no JSON is: where its workspace is in the path, it passes as it comes.
pub fn is_file(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).into_iter();
    let (Some(kind), None) = (kinds.next().and_then(|kind| kind.to_str().ok()), kinds.next()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_known =
        ["multipart/form-data", "application/octet-stream", "text/csv", "text/tab-separated-values"];
    is_known.contains(&kind.as_str()) && !headers.contains_key(CONTENT_ENCODING)
}

#[derive(Debug, PartialEq, Eq)]
enum Names {
    NoOther,
    Another,
    Unreadable,
}

fn names(bytes: &[u8], workspace: &Workspace, theirs: &[&str]) -> Names {
    if bytes.is_empty() {
        return Names::NoOther;
    }
    let another = Cell::new(false);
    let walk = Walk { workspace, theirs, another: &another, names_one: false };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = walk.deserialize(&mut json).and_then(|()| json.end());
    match (another.get(), read) {
        (true, _) => Names::Another,
        (false, Ok(())) => Names::NoOther,
        (false, Err(_)) => Names::Unreadable,
    }
}

/// The keys below which is what a person wrote and the Platform only keeps: Nextflow reports the parameters of a run.
fn theirs(path: &str) -> &'static [&'static str] {
    match path.trim_start_matches('/').split('/').next() {
        Some("trace") => &["params"],
        _ => &[],
    }
}

/// Whether the value of a key is a workspace. Keys that are there twice are both seen.
fn names_workspace(key: &str) -> bool {
    let letters = letters(key);
    letters.contains("workspace") && !NOT_ONE.contains(&letters.as_str())
}

/// The names of secrets of the workspace, and a workspace of Azure's.
const NOT_ONE: &[&str] = &["workspacesecrets", "logworkspaceid"];

/// Reads a value of JSON, whatever it is, in one pass.
#[derive(Clone, Copy)]
struct Walk<'a> {
    workspace: &'a Workspace,
    theirs: &'a [&'a str],
    another: &'a Cell<bool>,
    /// Whether the value is a workspace.
    names_one: bool,
}

impl Walk<'_> {
    fn must_be<E: serde::de::Error>(self, is_it: bool) -> Result<(), E> {
        if self.names_one && !is_it {
            self.another.set(true);
            return Err(E::custom("another workspace"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.must_be(number.to_string() == self.workspace.as_str())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.must_be(false)
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.must_be(false)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.must_be(text == self.workspace.as_str())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while all.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while let Some(key) = all.next_key::<String>()? {
            if self.theirs.contains(&key.as_str()) {
                all.next_value::<IgnoredAny>()?;
                continue;
            }
            // In an object that is a workspace, `id` is its number.
            let is_id = self.names_one && key.eq_ignore_ascii_case("id");
            all.next_value_seed(Walk { names_one: is_id || names_workspace(&key), ..self })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(json: &str, path: &str) -> Names {
        names(json.as_bytes(), &"42".parse().unwrap(), theirs(path))
    }

    #[test]
    fn a_body_of_this_workspace_passes() {
        for json in [
            "",
            "{}",
            "[]",
            " null ",
            r#"{"workspaceId":42}"#,
            r#"{"workspaceId":"42","sourceWorkspaceId":null}"#,
            r#"{"launch":{"workspaceSecrets":["A"],"workDir":"s3://workspace/43","id":43}}"#,
            r#"{"workspace":{"id":42,"name":"research","fullName":"acme"}}"#,
            r#"{"userWorkspaceEnabled":true,"workspaceIds":[42,42]}"#,
            r#"{"config":{"logWorkspaceId":"0b1c"}}"#,
        ] {
            assert_eq!(named(json, "/workflow/launch"), Names::NoOther, "{json}");
        }
        assert_eq!(named(r#"{"workflow":{"params":{"workspace":"x"}}}"#, "/trace/x/begin"), Names::NoOther);
    }

    #[test]
    fn another_workspace_is_found_wherever_it_stands() {
        for json in [
            r#"{"workspaceId":43}"#,
            r#"{"workspaceId":42,"workspaceId":43}"#,
            r#"{"workspaceId":43,"workspaceId":42}"#,
            r#"{"work\u0073paceId":43}"#,
            r#"{"workspace_id":"43"}"#,
            r#"{"WORKSPACEID":43}"#,
            r#"{"a":[{"b":{"targetWorkspaceId":43}}]}"#,
            r#"{"workspaceIds":[42,43]}"#,
            r#"{"workspaceId":{"id":43}}"#,
            r#"{"workspaces":[{"ID":43}]}"#,
            r#"{"workspaceId":42.0}"#,
            r#"{"workspaceId":4.2e1}"#,
            r#"{"workspaceId":-42}"#,
            r#"{"workspaceId":"042"}"#,
            r#"{"workspaceId":" 42"}"#,
            r#"{"workspaceId":18446744073709551658}"#,
            r#"{"workspaceName":"other"}"#,
            r#"{"workspaceId":43} trailing"#,
            r#"{"params":{"workspaceId":43}}"#,
        ] {
            assert_eq!(named(json, "/workflow/launch"), Names::Another, "{json}");
        }
        assert_eq!(named(r#"{"workspaceId":43}"#, "/trace/create"), Names::Another);
    }

    #[test]
    fn what_is_not_json_is_not_passed_on() {
        let deep = "[".repeat(200);
        let wide: Vec<u16> = r#"{"workspaceId":43}"#.encode_utf16().collect();
        let wide: Vec<u8> = wide.into_iter().flat_map(u16::to_le_bytes).collect();
        let own = "42".parse().unwrap();
        for bytes in [
            b"{".as_slice(),
            b"workspaceId=43",
            b"{}{\"workspaceId\":43}",
            b"{'workspaceId':43}",
            b"/* */{}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            deep.as_bytes(),
            &wide,
        ] {
            assert_eq!(names(bytes, &own, &[]), Names::Unreadable, "{bytes:?}");
        }
    }
}
