//! `seqera import git`: the passwords of `git credential-store`, which stand in a file in plain text.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::PathBuf;
use std::process::ExitCode;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::{Plain, TO_STORE, agrees, ended, masked, say_what_is_left};
use crate::broker::{Broker, ServerId, StoredCredential};
use crate::client::edit::TheirFile;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::non_empty;
use crate::protocol::Protocol;
use crate::protocol::git::{Git, KIND, wire};
use crate::secret::Secret;
use crate::ui;

/// The passwords in ~/.git-credentials, of git's own plain store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    plain: Plain,
}

/// A line of the file.
struct Entry {
    /// As git asks for it, the password left out.
    question: Zeroizing<Vec<u8>>,
    password: Secret,
    /// Server and user, as a person may see them.
    shown: String,
}

impl Entry {
    /// Server, path and user, as the store tells one from another.
    fn key(&self) -> Option<(ServerId, Vec<u8>)> {
        let asked = wire::parse(&self.question).ok()?;
        let (path, username) = (asked.path, asked.username);
        let identity = StoredCredential { path, username, ..StoredCredential::default() }.path_and_user();
        Some((asked.server?, identity))
    }
}

/// Runs the command.
///
/// # Errors
/// There is nothing to take over; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut unread = Vec::new();
    let mut read = Vec::new();
    let mut entries = Vec::new();
    for (file, path) in files().into_iter().enumerate() {
        let theirs = TheirFile::read_own(&path)?;
        let bytes = Zeroizing::new(theirs.bytes.clone().unwrap_or_default());
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            if let Some(entry) = std::str::from_utf8(line).ok().and_then(entry) {
                ui::out(&format!("{}: {} {}", path.display(), entry.shown, masked(&entry.password)))?;
                entries.push((file, number, entry));
            } else if !is_note(line) {
                unread.push(format!(
                    "{}, line {number}: not an address with a user and a password",
                    path.display()
                ));
            }
        }
        read.push((path, theirs, bytes));
    }
    let fates = keep_all(context, &entries, args.plain.dry_run)?;
    let stored_at: HashSet<(usize, usize)> = entries
        .iter()
        .zip(&fates)
        .filter(|(_, fate)| **fate == Fate::Stored)
        .map(|((file, number, _), _)| (*file, *number))
        .collect();
    for (file, (path, theirs, bytes)) in read.into_iter().enumerate() {
        let mut left = Zeroizing::new(Vec::new());
        let mut stored = 0;
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            match stored_at.contains(&(file, number)) {
                true => stored += 1,
                false => left.extend_from_slice(line),
            }
        }
        if stored == 0 {
            continue;
        }
        context.tell(&format!("Stored: {stored} of the passwords in {}", path.display()));
        let question = format!("They are still in {} in plain text. Remove them there?", path.display());
        if !(args.plain.remove || agrees(&question)) {
            context.tell(&format!("They are still in plain text in {}", path.display()));
            continue;
        }
        match left.trim_ascii().is_empty() {
            true => theirs.remove(0)?,
            false => drop(theirs.replace(&left, 0o600)?),
        }
        context.tell(&format!("Removed from {}", path.display()));
    }
    say_what_is_left(&unread);
    if entries.is_empty() {
        return Err(Error::not_logged_in("git's own plain store has no passwords").next("see: seqera doctor"));
    }
    ended(fates.iter().filter(|fate| **fate == Fate::AnotherHere).count())
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stored,
    /// It stays: another password is here, and it may be the newer one.
    AnotherHere,
    /// It stays for another reason, or nothing was to be done.
    Left,
}

/// Stores what git would use. Of several for the same user at the same place git takes the first; and the newest one
/// here is the first that it gets, so that they are stored from the last to the first.
fn keep_all(context: &Context, entries: &[(usize, usize, Entry)], dry_run: bool) -> Result<Vec<Fate>> {
    let keys: Vec<_> = entries.iter().map(|(_, _, entry)| entry.key()).collect();
    let firsts = firsts(&keys);
    let mut fates = vec![Fate::Left; entries.len()];
    for (at, (_, _, entry)) in entries.iter().enumerate().rev().filter(|(at, _)| firsts[*at] == *at) {
        let shown = &entry.shown;
        if is_another_here(context, entry)? {
            fates[at] = Fate::AnotherHere;
            ui::say(&format!("{shown}: another one is here; not replaced"));
        } else if dry_run {
            continue;
        } else if keep(context, entry)? {
            fates[at] = Fate::Stored;
        } else {
            ui::say(&format!("{shown} stays where it is: it is answered from elsewhere"));
        }
    }
    for (at, (_, _, entry)) in entries.iter().enumerate().filter(|(at, _)| firsts[*at] != *at) {
        let first = firsts[at];
        match entries[first].2.password == entry.password {
            true => fates[at] = fates[first],
            false => ui::say(&format!(
                "{} is there twice, and git uses the first: the other one stays where it is",
                entry.shown
            )),
        }
    }
    Ok(fates)
}

/// For each key the place of the first that is the same. What has no key is like no other.
fn firsts<K: PartialEq>(keys: &[Option<K>]) -> Vec<usize> {
    let first_of = |(at, key): (usize, &Option<K>)| match key {
        Some(_) => keys.iter().position(|other| other == key).unwrap_or(at),
        None => at,
    };
    keys.iter().enumerate().map(first_of).collect()
}

/// An empty line or a comment, which git passes over, too.
fn is_note(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.is_empty() || line.starts_with(b"#")
}

/// Where `git credential-store` keeps them (git-credential-store(1), FILES).
fn files() -> Vec<PathBuf> {
    let home = dirs::home_dir();
    let config = non_empty("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let own = home.map(|home| home.join(".git-credentials"));
    own.into_iter().chain(config.map(|config| config.join("git/credentials"))).collect()
}

/// Whether another password of the same user at the same place is stored here.
fn is_another_here(context: &Context, entry: &Entry) -> Result<bool> {
    let Some((server, identity)) = entry.key() else { return Ok(false) };
    let broker = Broker::new(&context.paths, Deadline::after(TO_STORE));
    let here = broker.find(KIND, &server, |kept| kept.path_and_user() == identity)?;
    Ok(here.iter().any(|kept| kept.password.as_ref() != Some(&entry.password)))
}

/// Stores one and reads it back. Answers whether it came back.
fn keep(context: &Context, entry: &Entry) -> Result<bool> {
    let broker = || Broker::new(&context.paths, Deadline::after(TO_STORE));
    let talk = |operation: &str, input: &[u8]| {
        let mut answer = Zeroizing::new(Vec::new());
        Git.talk(&[operation.to_owned()], &mut Cursor::new(input), &mut *answer, &broker()).map(|_| answer)
    };
    let password = Zeroizing::new([b"password=", entry.password.expose(), b"\n"].concat());
    let whole = Zeroizing::new([&entry.question[..], &password, b"\n"].concat());
    talk("store", &whole)?;
    let answer = talk("get", &[&entry.question[..], b"\n"].concat())?;
    Ok(answer.split_inclusive(|byte| *byte == b'\n').any(|line| line == &password[..]))
}

/// `SCHEME://USER:PASSWORD@HOST[/PATH]`, with percent signs where a character stands for something.
fn entry(line: &str) -> Option<Entry> {
    let (scheme, rest) = line.trim_end_matches(['\r', '\n']).split_once("://")?;
    let (login, place) = rest.split_once('@')?;
    let (user, password) = login.split_once(':')?;
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let decoded = |text: &str| {
        let bytes = Zeroizing::new(percent_decode_str(text).collect::<Vec<u8>>());
        (!bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0))).then_some(bytes)
    };
    let mut question = Zeroizing::new(Vec::new());
    for (name, value) in [("protocol", scheme), ("host", host), ("path", path), ("username", user)] {
        if !value.is_empty() {
            question.extend_from_slice(name.as_bytes());
            question.push(b'=');
            question.extend_from_slice(&decoded(value)?);
            question.push(b'\n');
        }
    }
    let password = Secret::new(decoded(password)?.to_vec());
    let is_one = !scheme.is_empty() && !host.is_empty() && !password.is_empty();
    is_one.then(|| Entry { question, password, shown: format!("{scheme}://{user}@{place}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_key_is_like_no_other() {
        assert_eq!(firsts(&[Some(1), None, Some(2), None, Some(1)]), [0, 1, 2, 3, 0]);
    }

    #[test]
    fn a_line_is_read_as_git_reads_it() {
        let one = entry("https://a%40b:p%3Aw%2F@git.example:8443/x/y.git\n").unwrap();
        assert_eq!(&one.question[..], b"protocol=https\nhost=git.example:8443\npath=x/y.git\nusername=a@b\n");
        assert_eq!(one.password, "p:w/".into());
        assert!(!one.shown.contains("p%3A"), "{}", one.shown);
        for bad in
            ["", "\n", "https://host/", "https://user@host", "https://u:p%0Aq@host", "https://u:@host", "# x"]
        {
            assert!(entry(bad).is_none(), "{bad}");
        }
    }
}
