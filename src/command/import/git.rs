//! `seqera import git`: the passwords of `git credential-store`, which stand in a file in plain text.

use std::io::Cursor;
use std::path::PathBuf;
use std::process::ExitCode;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::{Plain, TO_STORE, agrees, masked, say_what_is_left};
use crate::broker::Broker;
use crate::client::edit::TheirFile;
use crate::command::Context;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::non_empty;
use crate::protocol::Protocol;
use crate::protocol::git::Git;
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

/// Runs the command.
///
/// # Errors
/// There is nothing to take over; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut found = false;
    let mut unread = Vec::new();
    for path in files() {
        let theirs = TheirFile::read_own(&path)?;
        let Some(bytes) = theirs.bytes.clone().map(Zeroizing::new) else { continue };
        let mut left = Zeroizing::new(Vec::new());
        let mut stored = 0;
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let Some(entry) = std::str::from_utf8(line).ok().and_then(entry) else {
                left.extend_from_slice(line);
                if !is_note(line) {
                    unread.push(format!(
                        "{}, line {number}: not an address with a user and a password",
                        path.display()
                    ));
                }
                continue;
            };
            found = true;
            ui::out(&format!("{}: {} {}", path.display(), entry.shown, masked(&entry.password)))?;
            if args.plain.dry_run {
                continue;
            }
            match keep(context, &entry)? {
                true => stored += 1,
                false => {
                    ui::say(&format!("{} stays where it is: it is answered from elsewhere", entry.shown));
                    left.extend_from_slice(line);
                }
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
    if !found {
        return Err(Error::not_logged_in("git's own plain store has no passwords").next("see: seqera doctor"));
    }
    Ok(ExitCode::SUCCESS)
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
