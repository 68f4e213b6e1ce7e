//! Subcommands that are not ours: they go to the next program called as we are, with a fresh token.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::process::ExitCode;

use super::{Context, child};
use crate::error::{Error, Kind, Result};
use crate::os::env::Change;
use crate::os::env::{env_text, non_empty};
use crate::provider::seqera::CLOUD;
use crate::provider::{ProviderId, provider};
use crate::secret::Secret;
use crate::session::Want;
use crate::session::exports::{self, EXPIRES_AT, MARKER};
use crate::session::profile::Profile;
use crate::ui;

/// `PID:DEPTH:PATHS`: who handed over to whom in this process, and how often in all.
const TRAIL: &str = "SEQERA_HANDED_OVER";

/// Deeper nobody nests agents that run agents; a program that hands back to us does.
const DEEPEST: u32 = 20;

/// Hands `words`, the subcommand first, over. Comes back only where that cannot be done.
///
/// # Errors
/// There is no other program ([`Kind::NoProgram`]), or it cannot be run.
pub fn run(words: &[OsString], context: &Context) -> Result<ExitCode> {
    let mut trail = Trail::read();
    let program = trail.next_program(context.called).ok_or_else(|| nobody(words, context.called))?;
    let (words, given) = without_token(words);
    let mut command = Command::new(&program);
    command.args(words);
    child::apply(&mut command, &changes(given, context)?)?;
    for (name, value) in installation(context) {
        command.env(name, value);
    }
    trail.passed.push(program);
    command.env(TRAIL, trail.write(context.program())?);
    child::become_program(command)
}

fn nobody(words: &[OsString], called: ProviderId) -> Error {
    let name = called.name();
    let install = provider(called).own_program();
    let word = words.first().map(|word| ui::plain(&word.to_string_lossy())).unwrap_or_default();
    Error::no_program(format!(
        "'{word}' is no command of this program, and there is no other program called {name} to hand it to"
    ))
    .next(format!("see: {name} --help; {install}"))
}

/// What changes in the environment. Who is not logged in gets the program without a token: it has a login of
/// its own.
fn changes(given: Option<Secret>, context: &Context) -> Result<Vec<Change>> {
    if let Some(token) = given {
        let tokens = provider(context.called).variables().exported_tokens;
        let mut changes: Vec<Change> = tokens.iter().map(|name| Change::Set(name, token.clone())).collect();
        changes.extend([MARKER, EXPIRES_AT].map(Change::Unset));
        return Ok(changes);
    }
    if exports::in_platform_run(&non_empty) || context.outside_token()?.is_some() {
        return Ok(Vec::new());
    }
    let without = Ok(exports::unset_ours(&non_empty));
    let Some(profile) = Profile::load(&context.paths, &context.name()?)? else { return without };
    if profile.provider != context.called {
        return without;
    }
    if context.profile.is_none()
        && let Some(variable) = exports::foreign_endpoint(&profile, &non_empty)
    {
        let program = context.program();
        context.tell(&format!(
            "{program}: {variable} names another server than your login, which stays out of it"
        ));
        return without;
    }
    match context.fresh(&Want::default()) {
        Ok(fresh) => Ok(match context.profile.is_some() {
            true => exports::for_profile(&fresh.profile, &fresh.token, &non_empty),
            false => exports::without_the_persons(
                exports::for_profile(&fresh.profile, &fresh.token, &non_empty),
                &non_empty,
            ),
        }),
        Err(error) if error.kind() == Kind::NotLoggedIn => without,
        Err(error) => {
            context.tell(&format!("{}: going on without a token: {error}", context.program()));
            without
        }
    }
}

/// An installation of one's own is named under the names that Seqera's program has for it. So is that of a login
/// which was named, in the place of another that the environment names.
fn installation(context: &Context) -> Vec<(&'static str, String)> {
    let profile = context.name().and_then(|name| Profile::load(&context.paths, &name)).ok().flatten();
    let own = profile.filter(|profile| profile.provider == ProviderId::Seqera);
    let Some(profile) = own else { return Vec::new() };
    let elsewhere = exports::foreign_endpoint(&profile, &non_empty);
    if elsewhere.is_some() && context.profile.is_none() {
        return Vec::new();
    }
    let names = ["SEQERA_AUTH_DOMAIN", "SEQERA_PLATFORM_API_URL"].into_iter();
    let is_missing = |name| non_empty(name).is_none() && profile.endpoint != CLOUD;
    names
        .filter(|name| is_missing(*name) || elsewhere == Some(*name))
        .map(|name| (name, profile.endpoint.clone()))
        .collect()
}

/// Takes `--token T` of `seqera ai`, which its newer versions do not know, out of the arguments: there every
/// user of the machine could read it.
fn without_token(words: &[OsString]) -> (Vec<OsString>, Option<Secret>) {
    if words.first().is_none_or(|word| word != "ai") {
        return (words.to_vec(), None);
    }
    let (mut kept, mut token) = (Vec::new(), None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let bytes = word.as_encoded_bytes();
        let is_short =
            |next: Option<&OsString>| word == "-t" && next.is_some_and(|next| looks_like_token(next));
        if bytes == b"--" {
            kept.push(word.clone());
            kept.extend(words.by_ref().cloned());
        } else if bytes == b"--token" || is_short(words.clone().next()) {
            token = words.next().map(|token| Secret::new(token.as_encoded_bytes())).or(token);
        } else if let Some(value) = bytes.strip_prefix(b"--token=") {
            token = Some(Secret::new(value));
        } else {
            kept.push(word.clone());
        }
    }
    (kept, token.filter(|token| !token.is_empty()))
}

/// Every token of the Platform but the oldest begins with the base64 of `{"`.
fn looks_like_token(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    bytes.starts_with(b"eyJ") || (bytes.len() == 40 && bytes.iter().all(u8::is_ascii_hexdigit))
}

struct Trail {
    depth: u32,
    /// What was run in this very process already: a wrapper that runs us leads nowhere new.
    passed: Vec<PathBuf>,
}

impl Trail {
    fn read() -> Trail {
        let text = env_text(TRAIL).unwrap_or_default();
        let mut fields = text.splitn(3, ':');
        let (pid, depth, paths) = (fields.next(), fields.next(), fields.next());
        let ours = pid.and_then(|pid| pid.parse().ok()) == Some(std::process::id());
        Trail {
            depth: depth.and_then(|depth| depth.parse().ok()).unwrap_or_default(),
            passed: if ours { env::split_paths(paths.unwrap_or_default()).collect() } else { Vec::new() },
        }
    }

    fn write(&self, name: &str) -> Result<OsString> {
        if self.depth >= DEEPEST {
            return Err(Error::failed(format!(
                "the programs called {name} hand over to each other without end"
            ))
            .next("see which one should come first: seqera doctor"));
        }
        let mut text = OsString::from(format!("{}:{}:", std::process::id(), self.depth + 1));
        text.push(env::join_paths(&self.passed).unwrap_or_default());
        Ok(text)
    }

    fn next_program(&self, called: ProviderId) -> Option<PathBuf> {
        let mut known: Vec<Identity> =
            env::current_exe().iter().filter_map(|path| Identity::of(path)).collect();
        known.extend(self.passed.iter().filter_map(|path| Identity::of(path)));
        candidates(called)
            .into_iter()
            .find(|path| Identity::of(path).is_some_and(|found| !known.contains(&found)))
    }
}

/// Every program called as this platform's is, in the order they count, ours among them.
pub fn candidates(called: ProviderId) -> Vec<PathBuf> {
    let name = called.name();
    let path = env::var_os("PATH").unwrap_or_default();
    // A folder that is not absolute is wherever we happen to be: nothing from there gets a token.
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    let home = dirs::home_dir().map(|home| home.join(format!(".{name}")).join("bin"));
    let files = folders.chain(home).flat_map(|folder| {
        endings(cfg!(windows)).iter().map(move |ending| folder.join(format!("{name}{ending}")))
    });
    files.filter(|file| is_executable(file)).collect()
}

/// How the file of a program ends: on Windows npm makes a `.cmd`.
fn endings(windows: bool) -> &'static [&'static str] {
    if windows { &[".exe", ".cmd", ".bat"] } else { &[""] }
}

/// Whether `path` leads to this program.
pub fn is_this_program(path: &Path) -> bool {
    let here = env::current_exe().ok().and_then(|here| Identity::of(&here));
    here.is_some() && Identity::of(path) == here
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Which file it is, whatever it is called and however many links lead to it.
#[derive(PartialEq, Eq)]
#[cfg(unix)]
struct Identity(u64, u64);

#[derive(PartialEq, Eq)]
#[cfg(not(unix))]
struct Identity(PathBuf);

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|found| Identity(found.dev(), found.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Identity> {
        fs::canonicalize(path).ok().map(Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &[&str]) -> (Vec<String>, Option<String>) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (kept, token) = without_token(&words);
        let kept = kept.into_iter().map(|word| word.into_string().unwrap()).collect();
        (kept, token.map(|token| token.expose_str().unwrap().to_owned()))
    }

    #[test]
    fn what_npm_installs_is_found_everywhere() {
        assert!(endings(true).contains(&".cmd") && endings(true)[0] == ".exe");
        assert_eq!(endings(false), [""]);
    }

    #[test]
    fn the_token_of_ai_is_taken_out_and_nothing_else() {
        let hex = "0123456789abcdef0123456789abcdef01234567";
        for (words, kept, token) in [
            (&["ai", "--token", "T", "why?"][..], &["ai", "why?"][..], Some("T")),
            (&["ai", "--token=T", "-v"], &["ai", "-v"], Some("T")),
            (&["ai", "-t", "eyJx", "-v"], &["ai", "-v"], Some("eyJx")),
            (&["ai", "-t", hex], &["ai"], Some(hex)),
            (&["ai", "-t", "dark"], &["ai", "-t", "dark"], None),
            (&["ai", "--", "--token", "T"], &["ai", "--", "--token", "T"], None),
            (&["ai", "--token"], &["ai"], None),
            (&["skill", "--token", "T"], &["skill", "--token", "T"], None),
        ] {
            assert_eq!(
                taken(words),
                (kept.iter().map(|word| (*word).to_owned()).collect(), token.map(str::to_owned))
            );
        }
    }
}
