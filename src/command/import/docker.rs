//! `seqera import docker`: the passwords that docker wrote into its configuration.

use std::io::Cursor;
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonc_parser::ast::{ObjectProp, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Plain, TO_STORE, agrees, ended, masked, say_what_is_left};
use crate::broker::{Broker, ServerId, StoredCredential};
use crate::client::docker_config_file;
use crate::client::edit::TheirFile;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::protocol::Protocol;
use crate::protocol::docker::wire::Server;
use crate::protocol::docker::{Docker, KIND};
use crate::secret::Secret;
use crate::ui;

/// The passwords in docker's config.json
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    plain: Plain,
}

/// A login of docker's.
struct Entry {
    registry: String,
    user: String,
    secret: Secret,
}

/// Under this name docker's helpers keep an identity token.
const IDENTITY: &str = "<token>";

/// Runs the command.
///
/// # Errors
/// There is nothing to take over; the file is not JSON; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let path = docker_config_file()?;
    let theirs = TheirFile::read_own(&path)?;
    let text =
        Zeroizing::new(String::from_utf8(theirs.bytes.clone().unwrap_or_default()).unwrap_or_default());
    let config: Value = match text.trim().is_empty() {
        true => Value::Null,
        false => serde_json::from_str(&text).map_err(|_| {
            Error::failed(format!("{} is not JSON", path.display())).next("correct the file, or move it away")
        })?,
    };
    let auths = || config["auths"].as_object().into_iter().flatten();
    let logins: Vec<Entry> = auths().filter_map(entry).collect();
    // What is empty says that a helper has the password.
    let is_unread = |auth: &(&String, &Value)| {
        entry(*auth).is_none()
            && auth.1.as_object().is_none_or(|auth| auth.values().any(|v| v != "" && !v.is_null()))
    };
    let unread: Vec<String> = auths()
        .filter(is_unread)
        .map(|(registry, _)| format!("{}, {registry}: not a user and a password", path.display()))
        .collect();
    say_what_is_left(&unread);
    if logins.is_empty() {
        return Err(Error::not_logged_in(format!("no password stands in {}", path.display()))
            .next("see: seqera doctor"));
    }
    let mut stored = Vec::new();
    let mut others = 0;
    for login in &logins {
        let Entry { registry, user, secret } = login;
        ui::out(&format!("{}: {registry} {user} {}", path.display(), masked(secret)))?;
        if is_another_here(context, login)? {
            others += 1;
            ui::say(&format!("{registry}, {user}: another one is here; not replaced"));
            continue;
        }
        if args.plain.dry_run {
            continue;
        }
        match keep(context, login)? {
            true => stored.push(registry.as_str()),
            false => ui::say(&format!("{registry} stays where it is: it is answered from elsewhere")),
        }
    }
    if stored.is_empty() {
        return ended(others);
    }
    context.tell(&format!("Stored: the passwords of {}", stored.join(", ")));
    let question = format!("They are still in {} in plain text. Remove them there?", path.display());
    if args.plain.remove || agrees(&question) {
        let left = Zeroizing::new(without(&text, &stored).ok_or_else(|| {
            Error::failed(format!("{} is not the JSON object it should be", path.display()))
                .next("take the passwords out by hand")
        })?);
        theirs.replace(left.as_bytes(), 0o600)?;
        context.tell(&format!("Removed from {}", path.display()));
    } else {
        context.tell(&format!("They are still in plain text in {}", path.display()));
    }
    context.tell("docker asks this helper after: seqera configure docker");
    ended(others)
}

fn entry((registry, login): (&String, &Value)) -> Option<Entry> {
    let registry = registry.clone();
    if let Some(token) = login["identitytoken"].as_str().filter(|token| !token.is_empty()) {
        return Some(Entry { registry, user: IDENTITY.to_owned(), secret: Secret::from(token) });
    }
    if let (Some(user), Some(password)) = (login["username"].as_str(), login["password"].as_str())
        && !user.is_empty()
        && !password.is_empty()
    {
        return Some(Entry { registry, user: user.to_owned(), secret: Secret::from(password) });
    }
    let plain = Zeroizing::new(STANDARD.decode(login["auth"].as_str()?).ok()?);
    let (user, password) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
    // docker pads with zero bytes.
    let password = password.trim_end_matches('\0');
    let is_one = !user.is_empty() && !password.is_empty();
    is_one.then(|| Entry { registry, user: user.to_owned(), secret: Secret::from(password) })
}

/// Whether another login of that registry is stored here: docker knows one of each.
fn is_another_here(context: &Context, login: &Entry) -> Result<bool> {
    let Ok(server) = Server::parse(&login.registry) else { return Ok(false) };
    let same_path = |kept: &StoredCredential| {
        kept.path.as_ref().and_then(Secret::expose_str).unwrap_or_default() == server.path
    };
    let broker = Broker::new(&context.paths, Deadline::after(TO_STORE));
    let here = broker.find(KIND, &ServerId::from(&server.target), same_path)?;
    let is_other = |kept: &StoredCredential| {
        kept.password.as_ref() != Some(&login.secret)
            || kept.username.as_ref().and_then(Secret::expose_str) != Some(&login.user)
    };
    Ok(here.iter().any(is_other))
}

/// Stores one and reads it back. Answers whether it came back.
fn keep(context: &Context, login: &Entry) -> Result<bool> {
    let broker = || Broker::new(&context.paths, Deadline::after(TO_STORE));
    let talk = |operation: &str, input: &[u8]| {
        let mut answer = Zeroizing::new(Vec::new());
        Docker.talk(&[operation.to_owned()], &mut Cursor::new(input), &mut *answer, &broker()).map(|_| answer)
    };
    let question = json!({
        "ServerURL": login.registry, "Username": login.user, "Secret": login.secret.expose_str(),
    });
    talk("store", Zeroizing::new(question.to_string()).as_bytes())?;
    let answer = talk("get", login.registry.as_bytes())?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    Ok(answer["Secret"].as_str() == login.secret.expose_str())
}

/// The text with the entries of these registries emptied, as docker leaves them where a helper has the password.
fn without(text: &str, registries: &[&str]) -> Option<String> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).ok()?.value?;
    let Node::Object(top) = parsed else { return None };
    let named = |property: &&ObjectProp<'_>| property.name.as_str() == "auths";
    let Node::Object(auths) = &top.properties.iter().rfind(named)?.value else { return None };
    let mut left = text.to_owned();
    for property in auths.properties.iter().rev() {
        if registries.contains(&property.name.as_str()) {
            left.replace_range(property.value.start()..property.value.end(), "{}");
        }
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_in_both_forms_and_emptied() {
        let text = "{\n\t\"auths\": {\n\t\t\"r.example\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t},\n\t\t\"t.example\": {\"identitytoken\": \"x\"},\n\t\t\"n.example\": {}\n\t},\n\t\"psFormat\": \"y\"\n}\n";
        let config: Value = serde_json::from_str(text).unwrap();
        let read: Vec<_> = config["auths"].as_object().unwrap().into_iter().filter_map(entry).collect();
        let shown: Vec<_> = read.iter().map(|e| (e.registry.as_str(), e.user.as_str())).collect();
        assert_eq!(shown, [("r.example", "u"), ("t.example", IDENTITY)]);
        assert_eq!(read[0].secret, "p".into());
        let left = without(text, &["r.example", "t.example"]).unwrap();
        assert_eq!(
            left,
            "{\n\t\"auths\": {\n\t\t\"r.example\": {},\n\t\t\"t.example\": {},\n\t\t\"n.example\": {}\n\t},\n\t\"psFormat\": \"y\"\n}\n"
        );
    }
}
