//! One key of somebody else's JSON file, changed without touching anything else in it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::error::{Error, Result};

/// The text under `key` of the file's object, or of the object `within` it.
pub fn get(file: &Path, within: Option<&str>, key: &str) -> Result<Option<String>> {
    let Some(text) = read(file)? else { return Ok(None) };
    let top = parse(&text, file)?;
    let holder = match within {
        None => Some(&top),
        Some(name) => object(&top, name, file)?,
    };
    Ok(match holder.and_then(|holder| property(holder, key)).map(|property| &property.value) {
        Some(Value::StringLit(value)) => Some(value.value.to_string()),
        _ => None,
    })
}

/// Sets the key.
pub fn set(file: &Path, within: Option<&str>, key: &str, value: &str) -> Result<()> {
    let (key_text, value) = (quoted(key), quoted(value));
    let Some(text) = read(file)? else {
        let dir = file.parent().unwrap_or(file);
        fs::create_dir_all(dir)
            .map_err(|error| Error::io(format_args!("{} cannot be made", dir.display()), &error))?;
        let body = match within {
            None => format!("{key_text}: {value}"),
            Some(name) => format!("{}: {{\n\t\t{key_text}: {value}\n\t}}", quoted(name)),
        };
        return write(file, &format!("{{\n\t{body}\n}}\n"));
    };
    let top = parse(&text, file)?;
    let new = match within {
        None => with(&text, &top, key, &key_text, &value),
        Some(name) => match object(&top, name, file)? {
            Some(holder) => with(&text, holder, key, &key_text, &value),
            None => with(&text, &top, name, &quoted(name), &format!("{{{key_text}: {value}}}")),
        },
    };
    write(file, &new)
}

/// Puts the key back to `before`, or removes it, with the object around it where that is then empty, and the
/// file where we created it and nothing else is in it.
pub fn unset(
    file: &Path,
    within: Option<&str>,
    key: &str,
    before: Option<&str>,
    created: bool,
) -> Result<()> {
    if let Some(before) = before {
        return set(file, within, key, before);
    }
    let Some(text) = read(file)? else { return Ok(()) };
    let top = parse(&text, file)?;
    let (holder, key) = match within {
        None => (Some(&top), key),
        Some(name) => match object(&top, name, file)? {
            Some(holder) if holder.properties.len() == 1 && property(holder, key).is_some() => {
                (Some(&top), name)
            }
            holder => (holder, key),
        },
    };
    let Some(holder) = holder else { return Ok(()) };
    match created && within.is_none_or(|name| name == key) && top.properties.len() == 1 {
        true => fs::remove_file(file)
            .map_err(|error| Error::io(format_args!("{} cannot be removed", file.display()), &error)),
        false => write(file, &without(&text, holder, key)),
    }
}

/// `text` with the key set in `holder`: in place where it is there, else behind the last one, with the same
/// space in front as the first has.
fn with(text: &str, holder: &Object, key: &str, key_text: &str, value: &str) -> String {
    if let Some(property) = property(holder, key) {
        return splice(text, property.value.start(), property.value.end(), value);
    }
    let inside = holder.start() + 1;
    match (holder.properties.first(), holder.properties.last()) {
        (Some(first), Some(last)) => {
            let space = &text[inside..first.start()];
            splice(text, last.end(), last.end(), &format!(",{space}{key_text}: {value}"))
        }
        _ => splice(text, inside, inside, &format!("{key_text}: {value}")),
    }
}

/// `text` without the key of `holder`: the reverse of [`with`].
fn without(text: &str, holder: &Object, key: &str) -> String {
    let properties = &holder.properties;
    let Some(at) = properties.iter().position(|property| property.name.as_str() == key) else {
        return text.to_owned();
    };
    let (start, end) = match (at.checked_sub(1), properties.get(at + 1)) {
        (Some(previous), _) => (properties[previous].end(), properties[at].end()),
        (None, Some(next)) => (properties[at].start(), next.start()),
        (None, None) => (properties[at].start(), properties[at].end()),
    };
    splice(text, start, end, "")
}

fn splice(text: &str, start: usize, end: usize, new: &str) -> String {
    [&text[..start], new, &text[end..]].concat()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn property<'a, 'b>(object: &'b Object<'a>, name: &str) -> Option<&'b ObjectProp<'a>> {
    object.properties.iter().find(|property| property.name.as_str() == name)
}

/// The object under `name`; an error where something else is there.
fn object<'a, 'b>(top: &'b Object<'a>, name: &str, file: &Path) -> Result<Option<&'b Object<'a>>> {
    match property(top, name).map(|property| &property.value) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(no_object(file)),
    }
}

fn read(file: &Path) -> Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format_args!("{} cannot be read", file.display()), &error)),
    }
}

/// Strictly JSON, as the client reads it: we must not accept what it would refuse.
fn parse<'a>(text: &'a str, file: &Path) -> Result<Object<'a>> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| no_object(file))?;
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    match parsed.map(|parsed| parsed.value) {
        Ok(Some(Value::Object(top))) => Ok(top),
        _ => Err(no_object(file)),
    }
}

fn no_object(file: &Path) -> Error {
    Error::failed(format!("{} is not the JSON object it should be", file.display()))
        .next("mend it, then try again")
}

/// Replaces the file whole, where a link leads to it behind the link, with the mode it had.
fn write(file: &Path, text: &str) -> Result<()> {
    let replace = || -> io::Result<()> {
        let file: PathBuf = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
        let mut new = tempfile::NamedTempFile::new_in(file.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        new.write_all(text.as_bytes())?;
        if let Ok(found) = fs::metadata(&file) {
            new.as_file().set_permissions(found.permissions())?;
        }
        new.as_file().sync_all()?;
        new.persist(&file).map(|_| ()).map_err(|error| error.error)
    };
    replace().map_err(|error| Error::io(format_args!("{} cannot be written", file.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets and takes back; what was there must then be there to the byte.
    fn round(before: &str, within: Option<&str>, key: &str) -> String {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("config.json");
        fs::write(&file, before).unwrap();
        let value = get(&file, within, key).unwrap();
        set(&file, within, key, "seqera").unwrap();
        assert_eq!(get(&file, within, key).unwrap().as_deref(), Some("seqera"));
        let during = fs::read_to_string(&file).unwrap();
        serde_json::from_str::<serde_json::Value>(&during).unwrap();
        unset(&file, within, key, value.as_deref(), false).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
        during
    }

    #[test]
    fn other_keys_their_order_and_their_form_stay() {
        let tabs = "{\n\t\"auths\": {\n\t\t\"h\": {}\n\t},\n\t\"psFormat\": \"x\"\n}";
        assert_eq!(
            round(tabs, None, "credsStore"),
            "{\n\t\"auths\": {\n\t\t\"h\": {}\n\t},\n\t\"psFormat\": \"x\",\n\t\"credsStore\": \"seqera\"\n}"
        );
        round("{\"z\":1, \"a\":[1,2 ,3]}", None, "credsStore");
        round("{\n  \"credsStore\": \"desktop\",\n  \"b\": 1\n}\n", None, "credsStore");
        round(tabs, Some("credHelpers"), "cr.seqera.io");
        round("{\n\t\"credHelpers\": {\n\t\t\"h\": \"other\"\n\t}\n}\n", Some("credHelpers"), "cr.seqera.io");
        for empty in ["{}", "{ }", "{\n}\n"] {
            round(empty, None, "credsStore");
            round(empty, Some("credHelpers"), "h");
        }
    }

    #[test]
    fn a_file_of_our_own_goes_when_it_is_empty_again() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("docker/config.json");
        for within in [None, Some("credHelpers")] {
            set(&file, within, "a", "seqera").unwrap();
            unset(&file, within, "a", None, true).unwrap();
            assert!(!file.exists());
            set(&file, within, "a", "seqera").unwrap();
            set(&file, None, "theirs", "x").unwrap();
            unset(&file, within, "a", None, true).unwrap();
            assert_eq!(get(&file, None, "theirs").unwrap().as_deref(), Some("x"));
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn what_is_not_a_json_object_is_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("config.json");
        for text in ["", "[]", "{,}", "{\"a\":1,}", "{} // note", "{\"credHelpers\": 5}"] {
            fs::write(&file, text).unwrap();
            assert!(set(&file, Some("credHelpers"), "h", "seqera").is_err(), "{text}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}
