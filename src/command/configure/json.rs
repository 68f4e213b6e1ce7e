//! One key of somebody else's JSON file, changed without touching anything else in it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};

use crate::error::{Error, Result};

/// The text under `key` of the file's object, or of the object `within` it.
pub fn get(file: &Path, within: Option<&str>, key: &str) -> Result<Option<String>> {
    let Some(root) = parse(file)? else { return Ok(None) };
    let object = top(&root, file)?;
    let object = match within {
        None => Some(object),
        Some(name) => object.object_value(name),
    };
    let value = object.and_then(|object| object.get(key)?.value()?.as_string_lit()?.decoded_value().ok());
    Ok(value)
}

/// Sets the key.
pub fn set(file: &Path, within: Option<&str>, key: &str, value: &str) -> Result<()> {
    let (root, fresh) = match parse(file)? {
        Some(root) => (root, false),
        None => (read_json("{\n}\n").ok_or_else(|| no_object(file))?, true),
    };
    let mut object = top(&root, file)?;
    if let Some(name) = within {
        object = object.object_value_or_create(name).ok_or_else(|| no_object(file))?;
    }
    let value = CstInputValue::String(value.to_owned());
    match object.get(key) {
        Some(property) => property.set_value(value),
        None => drop(object.append(key, value)),
    }
    if fresh {
        let dir = file.parent().unwrap_or(file);
        fs::create_dir_all(dir)
            .map_err(|error| Error::io(format_args!("{} cannot be made", dir.display()), &error))?;
    }
    write(file, &root.to_string())
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
    let Some(root) = parse(file)? else { return Ok(()) };
    let object = top(&root, file)?;
    let holder = match within {
        None => Some(object.clone()),
        Some(name) => object.object_value(name),
    };
    if let Some(property) = holder.and_then(|holder| holder.get(key)) {
        property.remove();
    }
    if let Some(name) = within
        && object.object_value(name).is_some_and(|holder| holder.properties().is_empty())
        && let Some(property) = object.get(name)
    {
        property.remove();
    }
    match created && object.properties().is_empty() {
        true => fs::remove_file(file)
            .map_err(|error| Error::io(format_args!("{} cannot be removed", file.display()), &error)),
        false => write(file, &root.to_string()),
    }
}

fn parse(file: &Path) -> Result<Option<CstRootNode>> {
    match fs::read_to_string(file) {
        Ok(text) => read_json(&text).map(Some).ok_or_else(|| no_object(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(format_args!("{} cannot be read", file.display()), &error)),
    }
}

/// Strictly JSON, as the client reads it: we must not accept what it would refuse.
fn read_json(text: &str) -> Option<CstRootNode> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    CstRootNode::parse(text, &ParseOptions::default()).ok()
}

fn top(root: &CstRootNode, file: &Path) -> Result<CstObject> {
    root.object_value().ok_or_else(|| no_object(file))
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
        round("{}", None, "credsStore");
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
