//! The mark: one line that tells a prompt everything without a process, a network home or a secret.
//!
//! ```text
//! 1 prod.42 1795311000 1795312900 1795313500 1800 3700 4300 fresh acme/research@prod sekuire
//! │ │       │          │          │          │              │     │                  └ the platform, if not the first
//! │ │       │          │          │          │              │     └ what the prompt shows
//! │ │       │          │          │          │              └ state when written
//! │ │       │          │          │          └ the three times, in seconds after the file was written
//! │ │       │          │          └ end: when the person has to log in again
//! │ │       │          └ warn: from when the prompt says that the end is near
//! │ │       └ next: when the hook has to run `seqera hook-env`
//! │ └ profile and generation: what a shell compares with what it has exported
//! └ the format
//! ```
//!
//! Times are seconds since 1970 with ten digits, so that a shell can compare them as text and never does
//! arithmetic with what a file says. `PROFILE.mark` is a profile's; `mark` is that of the chosen profile,
//! which shells without a `SEQERA_PROFILE` follow. Beside each stand `….due`, an empty file whose
//! modification time is `next`, for shells whose only clock is `test -nt`, and `….csh`, which tcsh can source.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::os::clock::now;
use crate::os::files;
use crate::os::paths::Paths;
use crate::provider::ProviderId;
use crate::session::label;
use crate::session::profile::{Profile, ProfileName};

/// A time that never comes, with ten digits.
pub const NEVER: u64 = 9_999_999_999;

/// Times are compared as text, hence with ten digits.
const EARLIEST: u64 = 1_000_000_000;

const LIMIT: u64 = 1024;
const DAY: u64 = 24 * 60 * 60;

/// How a login stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Good for a while.
    Fresh,
    /// The person has to log in again soon.
    Ending,
    /// The person has to log in again.
    Ended,
    /// Nobody is logged in.
    Out,
}

impl State {
    /// The word for it in a mark and in a prompt's format.
    pub fn word(self) -> &'static str {
        match self {
            State::Fresh => "fresh",
            State::Ending => "ending",
            State::Ended => "ended",
            State::Out => "out",
        }
    }

    fn of_word(word: &str) -> Option<State> {
        [State::Fresh, State::Ending, State::Ended, State::Out].into_iter().find(|s| s.word() == word)
    }
}

/// What a prompt needs to know of a profile. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// `PROFILE.GENERATION`; generation 0 is "logged out".
    pub generation: String,
    /// When the hook has to ask for a newer token.
    pub next: u64,
    /// From when the end is near.
    pub warn: u64,
    /// When the person has to log in again.
    pub end: u64,
    /// The state at the time of writing.
    pub state: State,
    /// `ORGANIZATION[/WORKSPACE][@PROFILE]`: letters, marks and digits of every script, `_ - ?` and those separators.
    pub label: String,
    /// The platform: its variables tell whether the person has brought a token of their own.
    pub provider: ProviderId,
    written_at: u64,
}

impl Mark {
    /// The mark of a login at `now`.
    pub fn of(profile: &Profile, now: u64) -> Mark {
        let end = end_of(profile).clamp(EARLIEST, NEVER);
        let warn = match end {
            NEVER => NEVER,
            end => end - warning(end.saturating_sub(profile.logged_in_at)),
        };
        let state = match now {
            _ if profile.ended_at.is_some() => State::Ended,
            now if now >= end => State::Ended,
            now if now >= warn => State::Ending,
            _ => State::Fresh,
        };
        Mark {
            generation: format!("{}.{}", profile.name, profile.generation.max(1)),
            next: match state {
                State::Ended => NEVER,
                _ => next_of(profile, now).clamp(EARLIEST, NEVER),
            },
            warn: warn.max(EARLIEST),
            end,
            state,
            label: label::of(profile),
            provider: profile.provider,
            written_at: now,
        }
    }

    /// The mark that a logout leaves, so that running shells drop what they exported.
    pub fn logged_out(name: &ProfileName, now: u64) -> Mark {
        Mark {
            generation: format!("{name}.0"),
            next: NEVER,
            warn: NEVER,
            end: NEVER,
            state: State::Out,
            label: String::from("-"),
            provider: ProviderId::first(),
            written_at: now,
        }
    }

    /// Reads the mark of a profile, or of the chosen one; nothing where there is none that makes sense.
    pub fn read(paths: &Paths, name: Option<&ProfileName>) -> Option<Mark> {
        folders(paths).find_map(|dir| Mark::read_in(dir, name))
    }

    fn read_in(dir: &Path, name: Option<&ProfileName>) -> Option<Mark> {
        if !is_private(dir) {
            return None;
        }
        let bytes = files::read(&mark_file(dir, name), LIMIT).ok()??;
        Mark::parse(std::str::from_utf8(&bytes).ok()?)
    }

    /// Parses a mark; nothing where it makes no sense.
    pub fn parse(line: &str) -> Option<Mark> {
        let fields: Vec<&str> = line.strip_suffix('\n').unwrap_or(line).split(' ').collect();
        let (fields, rest) = fields.split_at_checked(10)?;
        let &["1", generation, next, warn, end, next_rel, _, _, state, label] = fields else { return None };
        let provider = match rest {
            [] => ProviderId::first(),
            [name] => name.parse().ok()?,
            _ => return None,
        };
        let next: u64 = next.parse().ok()?;
        let (name, number) = generation.rsplit_once('.')?;
        (name.parse::<ProfileName>().is_ok() && number.parse::<u64>().is_ok() && !number.starts_with('+'))
            .then_some(())?;
        Some(Mark {
            generation: generation.into(),
            next,
            warn: warn.parse().ok()?,
            end: end.parse().ok()?,
            state: State::of_word(state)?,
            label: (label == "-" || label::is_label(label)).then(|| label.into())?,
            provider,
            written_at: next.saturating_sub(next_rel.parse().ok()?),
        })
    }

    /// The state at `now`, which may be later than the one written.
    pub fn state_at(&self, now: u64) -> State {
        match self.state {
            State::Ended | State::Out => self.state,
            _ if now >= self.end => State::Ended,
            _ if now >= self.warn => State::Ending,
            _ => State::Fresh,
        }
    }

    /// Writes the mark of a login; `is_chosen` where its profile is [`Profile::chosen`].
    ///
    /// # Errors
    /// No folder for marks can be written. A prompt is then wrong; a login is not harmed.
    pub fn write(paths: &Paths, profile: &Profile, is_chosen: bool) -> Result<()> {
        Mark::of(profile, now()).put(paths, &profile.name, is_chosen)
    }

    /// Writes the mark that says that `name` is logged out.
    ///
    /// # Errors
    /// As [`Mark::write`].
    pub fn write_logged_out(paths: &Paths, name: &ProfileName, is_chosen: bool) -> Result<()> {
        Mark::logged_out(name, now()).put(paths, name, is_chosen)
    }

    /// Writes the marks of `name` that are missing or say something else than `profile`, and what hooks know of
    /// folders. Answers the right mark, and whether anything was written. What cannot be written makes a prompt
    /// wrong and nothing else, so it is not an error.
    pub fn restore(paths: &Paths, name: &ProfileName, profile: Option<&Profile>) -> (Mark, bool) {
        let now = now();
        let right = profile.map_or_else(|| Mark::logged_out(name, now), |profile| Mark::of(profile, now));
        let is_chosen = Profile::chosen(paths) == *name;
        let mut kept = None;
        let mut wrote = false;
        for dir in folders(paths) {
            for name in names(name, is_chosen) {
                match Mark::read_in(dir, name).filter(|mark| mark.says_the_same(&right)) {
                    Some(mark) => {
                        seal_again(&mark_file(dir, name));
                        kept = kept.or(Some(mark));
                    }
                    None => wrote |= right.put_in(dir, name).is_ok(),
                }
            }
        }
        super::folders::restore(paths);
        (kept.filter(|_| !wrote).unwrap_or(right), wrote)
    }

    fn says_the_same(&self, other: &Mark) -> bool {
        let ended = |mark: &Mark| mark.state == State::Ended;
        self.generation == other.generation && self.label == other.label && ended(self) == ended(other)
    }

    /// Forgets a profile that was removed or renamed. The chosen profile's mark stays: it says whatever is
    /// written next.
    ///
    /// # Errors
    /// A file that is there and cannot be removed.
    pub fn remove(paths: &Paths, name: &ProfileName) -> Result<()> {
        for dir in folders(paths) {
            let path = mark_file(dir, Some(name));
            for path in [with(&path, ".csh"), with(&path, ".due"), with(&path, SEAL), path] {
                files::remove(&path)
                    .map_err(|e| Error::io(format_args!("cannot remove {}", path.display()), &e))?;
            }
        }
        Ok(())
    }

    /// One folder that can be written is enough: hooks look into all.
    fn put(&self, paths: &Paths, name: &ProfileName, is_chosen: bool) -> Result<()> {
        let put_in = |dir: &Path| {
            names(name, is_chosen)
                .try_for_each(|name| self.put_in(dir, name))
                .map_err(|e| Error::io(format_args!("cannot write {}", dir.display()), &e))
        };
        let mut outcomes: Vec<Result<()>> = folders(paths).map(put_in).collect();
        match outcomes.iter().position(Result::is_ok) {
            Some(_) => Ok(()),
            None => outcomes.swap_remove(0),
        }
    }

    fn put_in(&self, dir: &Path, name: Option<&ProfileName>) -> io::Result<()> {
        files::private_dir(dir)?;
        self.put_as(&mark_file(dir, name))
    }

    /// The mark itself comes last: a shell that sees it finds the other two.
    fn put_as(&self, path: &Path) -> io::Result<()> {
        let due = UNIX_EPOCH + Duration::from_secs(self.next);
        swap_in(&with(path, ".due"), b"", |file| file.set_modified(due))?;
        let Mark { generation, next, warn, end, state, label, provider, .. } = self;
        // The '?' of a label would stand for any letter of a file's name.
        let csh = format!(
            "set __seqera_g={generation} __seqera_n={next} __seqera_w={warn} __seqera_x={end} \
             __seqera_s={} __seqera_l='{label}' __seqera_p={}\n",
            state.word(),
            provider.name()
        );
        swap_in(&with(path, ".csh"), csh.as_bytes(), |_| Ok(()))?;
        put_sealed(path, format!("{self}\n").as_bytes())
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark { generation, next, warn, end, state, label, provider, written_at } = self;
        let after = |time: &u64| time.saturating_sub(*written_at);
        write!(f, "1 {generation} {next} {warn} {end} ")?;
        write!(f, "{} {} {} {} {label}", after(next), after(warn), after(end), state.word())?;
        // The first platform goes without saying, as in marks of before there was another.
        if *provider == ProviderId::first() { Ok(()) } else { write!(f, " {}", provider.name()) }
    }
}

/// When the person has to log in again: the end of the session where it renews itself, else of the token.
fn end_of(profile: &Profile) -> u64 {
    let end = if profile.renews { profile.session_expires_at } else { profile.access_expires_at };
    [profile.ended_at, end].into_iter().flatten().min().unwrap_or(NEVER)
}

/// How long before the end of a login of this many seconds the prompt says so: a tenth, at most a day.
fn warning(life: u64) -> u64 {
    (life / 10).clamp(5 * 60, DAY).min(life)
}

/// When to ask for a newer token: a tenth of its life before its end where it renews itself, else at its end.
/// Never at once: where tokens live for seconds, each would be asked for twice.
fn next_of(profile: &Profile, now: u64) -> u64 {
    let Some(end) = profile.access_expires_at else { return NEVER };
    let left = end.saturating_sub(now);
    let early = if profile.renews { (left / 10).clamp(30, 10 * 60).min(left / 2) } else { 0 };
    end - early
}

/// The profile that a mark's file is for; none for the chosen one.
fn mark_file(dir: &Path, name: Option<&ProfileName>) -> PathBuf {
    match name {
        Some(name) => dir.join(format!("{name}.mark")),
        None => dir.join("mark"),
    }
}

/// The marks that follow a profile: its own, and the one of shells without a profile of their own.
fn names(name: &ProfileName, is_chosen: bool) -> impl Iterator<Item = Option<&ProfileName>> {
    [Some(Some(name)), is_chosen.then_some(None)].into_iter().flatten()
}

/// The folders of marks: this machine's, and the one in the home, by which others follow.
pub fn folders(paths: &Paths) -> impl Iterator<Item = &Path> {
    let home = Some(paths.home_run.as_path()).filter(|home| *home != paths.run);
    [Some(paths.run.as_path()), home].into_iter().flatten()
}

/// A folder that is a link, another user's, or that others may write, is not there.
fn is_private(dir: &Path) -> bool {
    let Ok(found) = std::fs::symlink_metadata(dir) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0
    }
    #[cfg(not(unix))]
    found.is_dir()
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// What a file's seal is called behind its name.
const SEAL: &str = ".seal";

/// Puts a file in its place, and first an empty one as old beside it. A shell that cannot see how long a file is
/// (dash) reads none that is newer than its seal: somebody else wrote it.
pub fn put_sealed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let now = SystemTime::now();
    swap_in(&with(path, SEAL), b"", |file| file.set_modified(now))?;
    swap_in(path, bytes, |file| file.set_modified(now))
}

/// Whether a file is as it was when [`put_sealed`] put it there.
pub fn is_sealed(path: &Path) -> bool {
    written(path).is_some_and(|file| is_sealed_at(path, file))
}

fn is_sealed_at(path: &Path, file: SystemTime) -> bool {
    written(&with(path, SEAL)).is_some_and(|seal| file <= seal)
}

fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()
}

/// Seals a file whose content was found right; its own time stays, from which fish counts.
fn seal_again(path: &Path) {
    if let Some(written) = written(path)
        && !is_sealed_at(path, written)
    {
        let _ = swap_in(&with(path, SEAL), b"", |file| file.set_modified(written));
    }
}

/// Like [`files::replace`] without waiting for the disk: a mark lost in a power cut is written again by the
/// first prompt that misses it.
fn swap_in(path: &Path, bytes: &[u8], prepare: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    new.write_all(bytes)?;
    prepare(new.as_file())?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_profile_and_a_number_are_a_generation() {
        let parsed = |generation: &str| {
            Mark::parse(&format!(
                "1 {generation} 1795311000 1795312900 1795313500 1800 3700 4300 fresh acme\n"
            ))
        };
        assert_eq!(parsed("prod.42").unwrap().generation, "prod.42");
        for odd in ["\u{7}d2", "d2", "prod.", "prod.x", ".1", "$(id).1", "a/b.1", "prod.4\u{661}"] {
            assert!(parsed(odd).is_none(), "{odd:?}");
        }
    }
}
