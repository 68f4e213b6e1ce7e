//! `selected_organization` in `auth-metadata.json`: to whom an AI session is billed.
//!
//! Seqera's program compares the number with `===`, so it keeps the type that it has there.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Value, json};

use super::{LIMIT, METADATA, Remembered, folder};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::os::files;
use crate::provider::{Organization, seqera};

/// The organization that Seqera's program has chosen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Chosen {
    /// Its number, as text.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What became of [`follow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Followed {
    /// The file says so now.
    Written,
    /// It said so already, or there is nothing of that program here.
    Nothing,
    /// Its login is at another server, whose organizations are not ours.
    Elsewhere,
}

const KEY: &str = "selected_organization";

/// The organization that Seqera's program has chosen; nothing where it has none, or is not here. Only where its
/// login is that of the server at `endpoint`.
pub fn chosen(endpoint: &Endpoint) -> Option<Chosen> {
    let bytes = files::read_foreign(&folder()?.join(METADATA), LIMIT).ok()??;
    let found: Value = serde_json::from_slice(&bytes).ok()?;
    if !is_of(endpoint, found["authDomain"].as_str()) {
        return None;
    }
    let selected = found.get(KEY).filter(|selected| selected.is_object())?;
    let id = match &selected["org_id"] {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Some(Chosen { id, name: selected["org_name"].as_str().unwrap_or_default().to_owned() })
}

/// Makes Seqera's program choose the same, where its folder is. Everything else in its file, the order and the mode
/// stay as they are.
///
/// # Errors
/// The file is not what that program writes, or cannot be written; it is then as it was.
pub fn follow(
    endpoint: &Endpoint,
    organization: Option<&Organization>,
    plan: Option<&str>,
) -> Result<Followed> {
    let Some(folder) = folder().filter(|folder| folder.is_dir()) else { return Ok(Followed::Nothing) };
    if let Some(Remembered { authority: Some(authority), .. }) = Remembered::read()
        && !is_of(endpoint, Some(&authority))
    {
        return Ok(Followed::Elsewhere);
    }
    let path = folder.join(METADATA);
    let failed = |doing: &str, error: &io::Error| {
        Error::io(format_args!("{} cannot be {doing}", path.display()), error)
    };
    let before = files::read_foreign(&path, LIMIT).map_err(|error| failed("read", &error))?;
    let bad = || {
        Error::failed(format!("{} is not what Seqera's program writes", path.display()))
            .next("move it away, and choose again")
    };
    let before = before.map(String::from_utf8).transpose().map_err(|_| bad())?;
    let after = match (&before, organization) {
        (None, None) => return Ok(Followed::Nothing),
        (None, Some(organization)) => {
            let one = json!({ KEY: entry(None, organization, plan) });
            serde_json::to_string_pretty(&one).map_err(|_| bad())? + "\n"
        }
        (Some(text), organization) => changed(text, organization, plan).ok_or_else(bad)?,
    };
    if before.as_deref() == Some(&after) {
        return Ok(Followed::Nothing);
    }
    write(&path, &after).map_err(|error| failed("written", &error))?;
    Ok(Followed::Written)
}

/// Whether an authority is the server of a login at `endpoint`; one that is not named is.
fn is_of(endpoint: &Endpoint, authority: Option<&str>) -> bool {
    authority.is_none_or(|authority| authority.is_empty() || seqera::is_of(authority, endpoint))
}

/// The entry for an organization, with the number in the type that `before` has it in: the Platform's is a number.
fn entry(before: Option<&Value>, organization: &Organization, plan: Option<&str>) -> Value {
    let number = organization.id.parse::<u64>().ok();
    let id = match (before.map(|before| &before["org_id"]), number) {
        (Some(Value::String(_)), _) | (_, None) => json!(organization.id),
        (_, Some(number)) => json!(number),
    };
    let same = before.filter(|before| before["org_id"] == id);
    let kind =
        plan.map(|plan| json!(plan)).or_else(|| same.and_then(|before| before.get("org_type")).cloned());
    let mut entry = json!({ "org_id": id, "org_name": organization.name });
    if let Some(kind) = kind {
        entry["org_type"] = kind;
    }
    entry
}

/// The text with the entry set or taken out; nothing where it is not a JSON object.
fn changed(text: &str, organization: Option<&Organization>, plan: Option<&str>) -> Option<String> {
    // Strictly JSON, as that program reads it.
    let known: Value = serde_json::from_str(text).ok()?;
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).ok()?.value?;
    let Node::Object(top) = parsed else { return None };
    let found = top.properties.iter().rposition(|property| property.name.as_str() == KEY);
    let Some(organization) = organization else {
        return Some(found.map_or_else(|| text.to_owned(), |at| without(text, &top, at)));
    };
    let entry = entry(known.get(KEY), organization, plan);
    if known.get(KEY) == Some(&entry) {
        return Some(text.to_owned());
    }
    let indent = top.properties.first().map_or("\n  ", |first| between(text, &top, first));
    let value = indented(&entry, indent)?;
    Some(match (found, top.properties.last()) {
        (Some(at), _) => {
            let value_at = &top.properties[at].value;
            [&text[..value_at.start()], &value, &text[value_at.end()..]].concat()
        }
        (None, Some(last)) => {
            let (before, after) = text.split_at(last.end());
            format!("{before},{indent}\"{KEY}\": {value}{after}")
        }
        (None, None) => format!("{{\n  \"{KEY}\": {value}\n}}\n"),
    })
}

/// The space before a property.
fn between<'a>(text: &'a str, top: &Object<'_>, first: &ObjectProp<'_>) -> &'a str {
    &text[top.start() + 1..first.start()]
}

/// The entry as the rest of the file is written: over lines where that is.
fn indented(entry: &Value, space: &str) -> Option<String> {
    if !space.contains('\n') {
        return serde_json::to_string(entry).ok();
    }
    let step = space.rsplit('\n').next().unwrap_or_default();
    let lines = serde_json::to_string_pretty(entry).ok()?;
    let mut text = String::new();
    for (number, line) in lines.lines().enumerate() {
        let inner = line.trim_start();
        let depth = usize::from(inner.len() != line.len()) + usize::from(number > 0);
        if number > 0 {
            text.push('\n');
            text.push_str(&step.repeat(depth));
        }
        text.push_str(inner);
    }
    Some(text)
}

fn without(text: &str, top: &Object<'_>, at: usize) -> String {
    let properties = &top.properties;
    let (start, end) = match (at.checked_sub(1), properties.get(at + 1)) {
        (Some(previous), _) => (properties[previous].end(), properties[at].end()),
        (None, Some(next)) => (properties[at].start(), next.start()),
        (None, None) => (properties[at].start(), properties[at].end()),
    };
    [&text[..start], &text[end..]].concat()
}

/// Replaces the file whole, with the mode that it had; a new one is private.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    new.write_all(text.as_bytes())?;
    if let Ok(found) = fs::metadata(path) {
        new.as_file().set_permissions(found.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> Organization {
        Organization { id: "2001".into(), name: "acme".into() }
    }

    #[test]
    fn the_number_keeps_its_type_and_the_rest_its_order() {
        let text = "{\n  \"z\": 1,\n  \"selected_organization\": {\n    \"org_id\": \"7\",\n    \"org_name\": \"old\",\n    \"org_type\": \"pro\"\n  },\n  \"a\": [1,2]\n}\n";
        let after = changed(text, Some(&acme()), Some("basic")).unwrap();
        let expected = text.replace("\"7\"", "\"2001\"").replace("old", "acme").replace("pro", "basic");
        assert_eq!(after, expected);
        let number = changed(&text.replace("\"7\"", "7"), Some(&acme()), None).unwrap();
        assert!(number.contains("\"org_id\": 2001,") && !number.contains("org_type"), "{number}");
        assert_eq!(changed(&after, Some(&acme()), None).unwrap(), after, "the plan of the same one stays");
        let none = changed(text, None, None).unwrap();
        assert_eq!(none, "{\n  \"z\": 1,\n  \"a\": [1,2]\n}\n");
        assert_eq!(changed(&none, None, None).unwrap(), none);
    }

    #[test]
    fn it_is_added_in_the_form_of_the_file() {
        let one = changed("{\"user\":\"a\"}", Some(&acme()), None).unwrap();
        assert_eq!(
            one,
            "{\"user\":\"a\",\"selected_organization\": {\"org_id\":2001,\"org_name\":\"acme\"}}"
        );
        let lines = changed("{\n\t\"user\": \"a\"\n}", Some(&acme()), None).unwrap();
        assert_eq!(
            lines,
            "{\n\t\"user\": \"a\",\n\t\"selected_organization\": {\n\t\t\"org_id\": 2001,\n\t\t\"org_name\": \"acme\"\n\t}\n}"
        );
        let empty = changed("{}", Some(&acme()), Some("pro")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&empty).unwrap()[KEY]["org_type"], "pro");
        for bad in ["", "[]", "{,}", "null", "{} // note"] {
            assert_eq!(changed(bad, Some(&acme()), None), None, "{bad}");
        }
    }

    #[test]
    fn the_organizations_of_another_server_are_not_its_own() {
        let is_of = |endpoint, authority| is_of(&Endpoint::fixed(endpoint), authority);
        assert!(is_of("https://api.cloud.seqera.io", Some("https://cloud.seqera.io/api")));
        assert!(is_of("https://tower.example/api", None));
        assert!(!is_of("https://tower.example/api", Some("https://cloud.seqera.io/api")));
    }
}
