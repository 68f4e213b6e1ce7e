//! Changes of an environment, as text that a shell or a program takes in.

use std::io::Write;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::os::env::Change;
use crate::secret::Secret;

use super::Shell;

/// The changes as one line of statements for the shell, without the newline; for a shell that does not evaluate
/// text, the JSON of [`json`].
///
/// # Errors
/// A value that the shell cannot be given exactly; nothing is rendered then.
pub fn statements(shell: Shell, changes: &[Change]) -> Result<Secret> {
    if !shell.language().evaluates() {
        return json(changes);
    }
    let statements: Result<Vec<String>> = changes.iter().map(|change| statement(shell, change)).collect();
    Ok(Secret::new(statements?.join("; ")))
}

fn statement(shell: Shell, change: &Change) -> Result<String> {
    let language = shell.language();
    let (name, value) = match change {
        Change::Set(name, value) => (name, value.expose()),
        Change::Unset(name) => return Ok(language.unset(name)),
    };
    let value = Some(value).filter(|value| !value.contains(&0));
    let literal = value.and_then(|value| language.literal(value));
    literal
        .map(|literal| language.export(name, &literal))
        .or_else(|| language.export_odd(name, value?))
        .ok_or_else(|| unspeakable(name, language.name()))
}

/// A statement that shows `text` to the person, on standard error where the shell can.
pub fn say(shell: Shell, text: &str) -> String {
    let plain: Vec<u8> = text.bytes().map(|b| if (b' '..=b'~').contains(&b) { b } else { b'?' }).collect();
    shell.language().say(&shell.language().literal(&plain).unwrap_or_default())
}

/// The assignment of a variable that stays inside the shell, for the head of a hook.
///
/// # Errors
/// A value that the shell cannot be given exactly.
pub fn assignment(shell: Shell, name: &'static str, value: &[u8]) -> Result<String> {
    let language = shell.language();
    let value = Some(value).filter(|value| !value.contains(&0));
    let literal = value.and_then(|value| language.literal(value));
    literal.map(|literal| language.assign(name, &literal)).ok_or_else(|| unspeakable(name, language.name()))
}

/// The changes as one JSON object; what is taken away is `null`.
///
/// # Errors
/// A value that is not UTF-8.
pub fn json(changes: &[Change]) -> Result<Secret> {
    let mut object = Map::new();
    for change in changes {
        let value = match change {
            Change::Set(name, value) => text(name, value, "JSON")?.into(),
            Change::Unset(_) => Value::Null,
        };
        object.insert(change.name().into(), value);
    }
    Ok(Secret::new(Value::Object(object).to_string()))
}

/// The values as lines of a `.env` file, in the one spelling all its readers agree on. What is taken away has
/// no form there.
///
/// # Errors
/// A value with a quote, a control character or another byte outside of printable ASCII: the readers differ.
pub fn dotenv(changes: &[Change]) -> Result<Secret> {
    let mut lines = Vec::new();
    for change in changes {
        let Change::Set(name, value) = change else { continue };
        let value = text(name, value, "a .env file")?;
        let bare = |b: u8| b.is_ascii_alphanumeric() || b"_./:@%+=,-".contains(&b);
        if value.bytes().all(bare) {
            lines.push(format!("{name}={value}"));
        } else if value.bytes().all(|b| (b' '..=b'~').contains(&b) && !matches!(b, b'\'' | b'\\' | b'$')) {
            lines.push(format!("{name}='{value}'"));
        } else {
            return Err(unspeakable(name, "a .env file"));
        }
    }
    Ok(Secret::new(lines.join("\n")))
}

/// What GitHub Actions is told: the lines that hide the secret values in the log, for standard output, and
/// what is appended to the file that `GITHUB_ENV` names.
pub struct GitHub {
    /// For standard output, before anything else.
    pub masks: Secret,
    /// For the file.
    pub env_file: Secret,
}

/// Renders for GitHub Actions (*Workflow commands*: `add-mask`, multi-line values). `delimiter` must be
/// something no value can hold by chance; `is_secret` says which values to hide.
///
/// # Errors
/// A value that is not UTF-8, or that holds the delimiter.
pub fn github(changes: &[Change], delimiter: &str, is_secret: impl Fn(&str) -> bool) -> Result<GitHub> {
    let (mut masks, mut file) = (Vec::new(), Vec::new());
    for change in changes {
        let Change::Set(name, value) = change else { continue };
        let value = text(name, value, "GitHub Actions")?;
        if value.contains(delimiter) {
            return Err(unspeakable(name, "GitHub Actions"));
        }
        if is_secret(name) {
            let data = value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
            writeln!(masks, "::add-mask::{data}").map_err(|_| unspeakable(name, "GitHub Actions"))?;
        }
        writeln!(file, "{name}<<{delimiter}\n{value}\n{delimiter}")
            .map_err(|_| unspeakable(name, "GitHub Actions"))?;
    }
    Ok(GitHub { masks: Secret::new(masks), env_file: Secret::new(file) })
}

fn text<'a>(name: &str, value: &'a Secret, form: &str) -> Result<&'a str> {
    match value.expose_str() {
        Some(text) if !text.contains('\0') => Ok(text),
        _ => Err(unspeakable(name, form)),
    }
}

fn unspeakable(name: &str, form: &str) -> Error {
    Error::failed(format!("the value of {name} holds bytes that {form} cannot be given"))
        .next("use another form, such as --json, or: seqera exec -- COMMAND")
}
