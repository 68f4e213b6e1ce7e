//! Beside the platform's own program: what is its to answer, its commands in our help, and words that are nearly one
//! of ours.

pub mod login;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory;

use super::{Cli, handover};
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::provider::ProviderId;
use crate::ui;

/// The commands that are handed over, where there is a program to take them.
pub fn taken(called: ProviderId) -> &'static [&'static str] {
    if another(called).is_some() { called.own_commands() } else { &[] }
}

fn another(called: ProviderId) -> Option<PathBuf> {
    handover::candidates(called).into_iter().find(|path| !handover::is_this_program(path))
}

/// What of the command line (the program's name first) is the other program's, although it does not begin with a
/// command: the question of its completion script, and help on a command of its own.
pub fn whole(args: &[OsString]) -> Option<Vec<OsString>> {
    let words = args.get(1..)?;
    let is_theirs = match words.first()?.to_str()? {
        "--get-yargs-completions" => true,
        "help" => words.get(1).is_some_and(|word| !is_ours(word)),
        _ => false,
    };
    is_theirs.then(|| words.to_vec())
}

fn is_ours(word: &OsString) -> bool {
    let Some(word) = word.to_str() else { return false };
    let is_one = |command: &clap::Command| command.get_name_and_visible_aliases().contains(&word);
    word == "help" || word.starts_with('-') || Cli::command().get_subcommands().any(is_one)
}

/// What stands at the end of our help: the commands that are handed over, where there is a program to take them.
pub fn help(args: &[OsString], called: ProviderId) -> Option<String> {
    let is_asked = match args {
        [_] => true,
        [_, word] => word == "--help" || word == "-h" || word == "help",
        _ => false,
    };
    let other = another(called).filter(|_| is_asked)?;
    let owner = called.title();
    Some(format!(
        "{owner}'s own program ({}) takes:\n  {}",
        other.display(),
        called.own_commands().join(", ")
    ))
}

/// Makes sure that a command that is not ours is not one of ours, mistyped.
///
/// # Errors
/// It is.
pub fn not_mistyped(words: &[OsString], called: ProviderId) -> Result<()> {
    let Some(word) = words.first().and_then(|word| word.to_str()) else { return Ok(()) };
    let alone = || another(called).is_none();
    let theirs = called.own_commands().contains(&word);
    match nearest(word, &[]) {
        Some((off, name)) if (off == 1 && !theirs) || alone() => Err(mistyped(word, &name, called)),
        _ => Ok(()),
    }
}

/// That the relay is turned off, where it is, or why that is not known.
pub fn without_relay(config: &Config) -> Option<String> {
    match config.relays() {
        Ok(true) => None,
        Ok(false) => {
            let origin = config.get(config::setting("seqera.relay").ok()?).1;
            Some(format!("seqera ai gets the token itself, since the relay is turned off ({origin})"))
        }
        Err(error) => Some(error.to_string()),
    }
}

/// The error for a word that is not a command of either program; nothing for one that is, or that begins with a dash.
pub fn not_a_command(words: &[OsString], called: ProviderId) -> Option<Error> {
    let word = words.first()?.to_string_lossy();
    if called.own_commands().contains(&&*word) || word.starts_with('-') {
        return None;
    }
    Some(match nearest(&word, called.own_commands()) {
        Some((_, name)) => mistyped(&word, &name, called),
        None => Error::usage(format!("'{}' is not a command", ui::plain(&word)))
            .next(format!("see: {} --help", called.name())),
    })
}

/// The command that was most likely meant, and how many letters are wrong.
fn nearest(word: &str, theirs: &[&str]) -> Option<(usize, String)> {
    let cli = Cli::command();
    let ours = cli.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
    let near = ours.chain(theirs.iter().copied()).map(|name| (distance(word, name), name));
    let (off, name) = near.min()?;
    let is_near = word.len() > 2 && (off == 1 || (off == 2 && word.len() > 4));
    is_near.then(|| (off, name.to_owned()))
}

fn mistyped(word: &str, meant: &str, called: ProviderId) -> Error {
    Error::usage(format!("'{}' is not a command", ui::plain(word)))
        .next(format!("did you mean: {} {meant}", called.name()))
}

/// How many letters are wrong, missing, too many or changed places (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().take(64).collect(), other.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_of_the_finger_is_one() {
        for (typed, meant, off) in [
            ("status", "status", 0),
            ("statsu", "status", 1),
            ("stats", "status", 1),
            ("loggin", "login", 1),
            ("ogr", "org", 1),
            ("ai", "org", 3),
            ("", "org", 3),
        ] {
            assert_eq!(distance(typed, meant), off, "{typed}");
        }
    }

    #[test]
    fn what_is_theirs_is_known_by_its_first_words() {
        let whole = |words: &[&str]| {
            let args: Vec<OsString> = ["seqera"].iter().chain(words).map(OsString::from).collect();
            whole(&args).is_some()
        };
        assert!(whole(&["--get-yargs-completions", "seqera", "a"]) && whole(&["help", "ai"]));
        for ours in [&["help"][..], &["help", "login"], &["help", "help"], &["status"], &["ai"], &[]] {
            assert!(!whole(ours), "{ours:?}");
        }
    }
}
