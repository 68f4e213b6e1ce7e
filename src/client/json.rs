//! One key of somebody else's JSON, changed without touching anything else in the text.
//!
//! It is read as Go reads it, which docker is written in (`encoding/json`): of a key that stands there twice the last
//! one counts, objects that stand there twice are one, and the letters of a field's name may be of either case.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Why a text cannot be read or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is not one JSON object, or has something else where an object belongs.
    NotAnObject,
    /// What stands under the key is neither text nor null.
    NotText,
}

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Absent,
    /// The value null.
    Null,
    /// A text.
    Text(String),
}

/// What stands under `key` of the text's object, or of the object `within` it.
///
/// # Errors
/// See [`Unfit`].
pub fn get(text: &str, within: Option<&str>, key: &str) -> Result<Held, Unfit> {
    let Some(top) = parse(text)? else { return Ok(Held::Absent) };
    let found = match within {
        None => field(&top, key),
        Some(name) => objects(&top, name)?.into_iter().rev().find_map(|holder| entry(holder, key)),
    };
    match found.map(|property| &property.value) {
        None => Ok(Held::Absent),
        Some(Value::NullKeyword(_)) => Ok(Held::Null),
        Some(Value::StringLit(value)) => Ok(Held::Text(value.value.to_string())),
        Some(_) => Err(Unfit::NotText),
    }
}

/// The keys of the object under `name`.
pub fn keys(text: &str, name: &str) -> Result<Vec<String>, Unfit> {
    let Some(top) = parse(text)? else { return Ok(Vec::new()) };
    let mut keys = Vec::new();
    for holder in objects(&top, name)? {
        for property in &holder.properties {
            let key = property.name.as_str().to_owned();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// The text with the key set. An empty text is an empty object, as docker reads it.
///
/// # Errors
/// See [`Unfit`].
pub fn set(text: &str, within: Option<&str>, key: &str, value: Option<&str>) -> Result<String, Unfit> {
    let (key_text, value) = (quoted(key), value.map_or_else(|| "null".to_owned(), quoted));
    let Some(top) = parse(text)? else {
        let body = match within {
            None => format!("{key_text}: {value}"),
            Some(name) => format!("{}: {{\n\t\t{key_text}: {value}\n\t}}", quoted(name)),
        };
        return Ok(format!("{{\n\t{body}\n}}\n"));
    };
    let Some(name) = within else {
        return Ok(with(text, &top, field(&top, key), &key_text, &value));
    };
    let holders = objects(&top, name)?;
    let holder = holders.iter().rev().find(|holder| entry(holder, key).is_some()).or(holders.last());
    Ok(match holder {
        Some(holder) => with(text, holder, entry(holder, key), &key_text, &value),
        None => with(text, &top, field(&top, name), &quoted(name), &format!("{{{key_text}: {value}}}")),
    })
}

/// The text without the key, and without the object around it where that is then empty. Nothing where nothing else
/// would be left in it.
///
/// # Errors
/// See [`Unfit`].
pub fn without(text: &str, within: Option<&str>, key: &str) -> Result<Option<String>, Unfit> {
    let Some(top) = parse(text)? else { return Ok(None) };
    let (holder, property) = match within {
        None => (&top, field(&top, key)),
        Some(name) => {
            let holders = objects(&top, name)?;
            match holders.into_iter().rev().find_map(|holder| Some((holder, entry(holder, key)?))) {
                Some((holder, _)) if holder.properties.len() == 1 => (&top, field(&top, name)),
                Some((holder, property)) => (holder, Some(property)),
                None => (&top, None),
            }
        }
    };
    let Some(property) = property else { return Ok(Some(text.to_owned())) };
    if std::ptr::eq(holder, &top) && top.properties.len() == 1 {
        return Ok(None);
    }
    Ok(Some(cut(text, holder, property)))
}

/// `text` with the key set in `holder`: in place where it is there, else behind the last one, with the same
/// space in front as the first has.
fn with(text: &str, holder: &Object, there: Option<&ObjectProp>, key_text: &str, value: &str) -> String {
    if let Some(property) = there {
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

/// `text` without a key of `holder`: the reverse of [`with`].
fn cut(text: &str, holder: &Object, property: &ObjectProp) -> String {
    let properties = &holder.properties;
    let at = properties.iter().position(|one| one.start() == property.start()).unwrap_or_default();
    let (start, end) = match (at.checked_sub(1), properties.get(at + 1)) {
        (Some(previous), _) => (properties[previous].end(), property.end()),
        (None, Some(next)) => (property.start(), next.start()),
        (None, None) => (property.start(), property.end()),
    };
    splice(text, start, end, "")
}

fn splice(text: &str, start: usize, end: usize, new: &str) -> String {
    [&text[..start], new, &text[end..]].concat()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A field of a structure of Go's.
fn field<'a, 'b>(object: &'b Object<'a>, name: &str) -> Option<&'b ObjectProp<'a>> {
    object.properties.iter().rev().find(|property| property.name.as_str().eq_ignore_ascii_case(name))
}

/// An entry of a map of Go's.
fn entry<'a, 'b>(object: &'b Object<'a>, name: &str) -> Option<&'b ObjectProp<'a>> {
    object.properties.iter().rev().find(|property| property.name.as_str() == name)
}

/// The objects that make up the map `name`; null empties it.
fn objects<'a, 'b>(top: &'b Object<'a>, name: &str) -> Result<Vec<&'b Object<'a>>, Unfit> {
    let mut found = Vec::new();
    for property in top.properties.iter().filter(|one| one.name.as_str().eq_ignore_ascii_case(name)) {
        match &property.value {
            Value::Object(object) => found.push(object),
            Value::NullKeyword(_) => found.clear(),
            _ => return Err(Unfit::NotAnObject),
        }
    }
    Ok(found)
}

/// Strictly JSON, as the client reads it: we must not accept what it would refuse. Nothing for an empty text.
fn parse(text: &str) -> Result<Option<Object<'_>>, Unfit> {
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| Unfit::NotAnObject)?;
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    match parsed.map(|parsed| parsed.value) {
        Ok(Some(Value::Object(top))) => Ok(Some(top)),
        _ => Err(Unfit::NotAnObject),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets and takes back; what was there must then be there to the byte.
    fn round(before: &str, within: Option<&str>, key: &str) -> String {
        let held = get(before, within, key).unwrap();
        let during = set(before, within, key, Some("seqera")).unwrap();
        assert_eq!(get(&during, within, key).unwrap(), Held::Text("seqera".to_owned()), "{during}");
        serde_json::from_str::<serde::de::IgnoredAny>(&during).unwrap();
        let after = match &held {
            Held::Absent => without(&during, within, key).unwrap(),
            Held::Null => Some(set(&during, within, key, None).unwrap()),
            Held::Text(value) => Some(set(&during, within, key, Some(value)).unwrap()),
        };
        match after {
            Some(after) => assert_eq!(after, before),
            None => assert!(get(before, None, "anything").unwrap() == Held::Absent, "{before}"),
        }
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
        round("{\"b\": 1, \"credsStore\": null}\n", None, "credsStore");
        round(tabs, Some("credHelpers"), "cr.seqera.io");
        round("{\n\t\"credHelpers\": {\n\t\t\"h\": \"other\"\n\t}\n}\n", Some("credHelpers"), "cr.seqera.io");
        for empty in ["{}", "{ }", "{\n}\n", "", " \n"] {
            round(empty, None, "credsStore");
            round(empty, Some("credHelpers"), "h");
        }
    }

    #[test]
    fn of_two_keys_the_one_that_go_takes_is_changed() {
        let twice = "{\"credsStore\": \"seqera\", \"a\": 1, \"credsStore\": \"desktop\"}";
        assert_eq!(get(twice, None, "credsStore"), Ok(Held::Text("desktop".to_owned())));
        assert_eq!(
            round(twice, None, "credsStore"),
            "{\"credsStore\": \"seqera\", \"a\": 1, \"credsStore\": \"seqera\"}"
        );
        let cases = "{\"credsStore\": \"seqera\", \"CREDSSTORE\": \"pass\"}";
        assert_eq!(get(cases, None, "credsStore"), Ok(Held::Text("pass".to_owned())));
        let two_maps = "{\"credHelpers\": {\"h\": \"a\"}, \"credHelpers\": {\"i\": \"b\"}}";
        assert_eq!(get(two_maps, Some("credHelpers"), "h"), Ok(Held::Text("a".to_owned())));
        round(two_maps, Some("credHelpers"), "h");
        round(two_maps, Some("credHelpers"), "new");
        let emptied = "{\"credHelpers\": {\"h\": \"a\"}, \"credHelpers\": null}";
        assert_eq!(get(emptied, Some("credHelpers"), "h"), Ok(Held::Absent));
        assert_eq!(
            set(emptied, Some("credHelpers"), "h", Some("seqera")).unwrap(),
            "{\"credHelpers\": {\"h\": \"a\"}, \"credHelpers\": {\"h\": \"seqera\"}}"
        );
        let two_entries = "{\"credHelpers\": {\"h\": \"a\", \"h\": \"b\"}}";
        assert_eq!(get(two_entries, Some("credHelpers"), "h"), Ok(Held::Text("b".to_owned())));
        assert_eq!(keys(two_entries, "credHelpers").unwrap(), ["h"]);
    }

    #[test]
    fn what_is_not_a_json_object_is_left_alone() {
        for text in ["[]", "{,}", "{\"a\":1,}", "{} // note", "{\"credHelpers\": 5}", "\u{feff}{}"] {
            assert_eq!(set(text, Some("credHelpers"), "h", Some("x")), Err(Unfit::NotAnObject), "{text}");
        }
        assert_eq!(get("{\"credsStore\": 5}", None, "credsStore"), Err(Unfit::NotText));
    }
}
