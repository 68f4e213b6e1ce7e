//! The hidden `seqera hook-env SHELL`: what a hook runs when something changed.
//!
//! # The command line between a hook and us
//!
//! ```text
//! SEQERA_PROFILE=… seqera hook-env SHELL [--no-export] [--again]   </dev/null 2>/dev/null
//! ```
//!
//! It runs when the mark's generation is another than the shell has seen, or when the mark's `next` has come.
//! `--no-export`: only see to the mark. `--again`: an earlier attempt failed, so do not say it twice.
//!
//! Standard output is one line of statements that the shell evaluates, whatever the exit code is; it may be
//! empty. For a shell whose hook evaluates nothing (`Language::hook_evaluates`) it is a JSON object: `set` (names and
//! values), `unset` (names), `say` (a sentence or null) and `next_in` (seconds until it has to run again, or
//! null). Exit code 0: the shell is as it should be until the mark changes or `next` comes. Any other: the
//! hook tries again after 30 s, then 60 s, up to 8 minutes.
//!
//! A prompt does not wait for the network while the token is good: then the line is printed at once, and
//! `seqera hook-env SHELL --renew` goes on by itself in the background. It prints nothing; its new mark
//! is what the shells notice. A token that is no good is renewed there too, and the prompt waits for it only a
//! few seconds.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::error::{Error, Kind, Result};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::env::Change;
use crate::os::env::{Environment, non_empty};
use crate::os::paths::{FOLDER, Paths};
use crate::secret::Secret;
use crate::session::exports::{self, Ours};
use crate::session::mark::{Mark, NEVER, State};
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Sessions, Want, log_in_again};
use crate::shell::Shell;
use crate::shell::render;

use super::{Context, TIME, answer};

/// What a hook runs.
#[derive(Debug, Args)]
pub struct HookEnvArgs {
    /// The shell that evaluates the answer.
    #[arg(value_enum)]
    shell: Shell,
    /// Only see to the mark.
    #[arg(long)]
    no_export: bool,
    /// An earlier attempt failed: do not say it twice.
    #[arg(long)]
    again: bool,
    /// Renew the token in the background and print nothing.
    #[arg(long)]
    renew: bool,
}

/// Runs `seqera hook-env` for this process.
///
/// # Errors
/// Those of [`run_env`].
pub(super) fn run_hook_env(args: &HookEnvArgs, context: &Context) -> Result<ExitCode> {
    let fresh = |profile: &Profile, min_ttl| {
        let want = Want { min_ttl, ..Want::default() };
        let fresh = Sessions::new(&context.paths, Deadline::after(TIME)).fresh_of(profile.clone(), &want)?;
        Ok((fresh.profile, fresh.token))
    };
    let out = &mut io::stdout().lock();
    run_env(args, &context.paths, context.profile.as_ref(), &non_empty, fresh, context.program(), out)
        .map(ExitCode::from)
}

/// Answers a hook. `fresh` answers the profile, as it then is, with a token that has at least the
/// given seconds to live, or, where none are given, what the session room calls fresh; it refreshes where it
/// must and writes the mark where it did.
///
/// # Errors
/// Only those of standard output: whatever else happens is said in the answer, and returned as the exit code.
pub fn run_env(
    args: &HookEnvArgs,
    paths: &Paths,
    profile: Option<&ProfileName>,
    env: &impl Environment,
    fresh: impl FnOnce(&Profile, Option<u64>) -> Result<(Profile, Secret)>,
    program: &str,
    out: &mut impl Write,
) -> Result<u8> {
    if exports::in_platform_run(env) {
        return Ok(0);
    }
    if args.renew {
        return Ok(renew(paths, profile, fresh).map_or_else(|error| error.exit_code(), |()| 0));
    }
    let (reply, code) = match decide(args, paths, profile, env, fresh) {
        Ok(mut reply) => {
            reply.say = reply.say.map(|words| format!("{program}: {words}"));
            (reply, 0)
        }
        Err(error) => (Reply::failed(&error, args.again, program, env), error.exit_code()),
    };
    reply.write(args.shell, out)?;
    Ok(code)
}

/// Seconds that a token must have left to do for the next command.
const LEAST_LIFE: u64 = 60;

/// What the shell is told.
#[derive(Default)]
struct Reply {
    changes: Vec<Change>,
    say: Option<String>,
    next_in: Option<u64>,
}

fn decide(
    args: &HookEnvArgs,
    paths: &Paths,
    profile: Option<&ProfileName>,
    env: &impl Environment,
    fresh: impl FnOnce(&Profile, Option<u64>) -> Result<(Profile, Secret)>,
) -> Result<Reply> {
    let name = name(paths, profile)?;
    let (profile, mark) = see_to_mark(paths, &name)?;
    let Some(profile) = profile else {
        let say = why_nothing(&name, paths, env).filter(|_| !args.again);
        return Ok(Reply { changes: exports::unset_ours(env), say, ..Reply::default() });
    };
    if args.no_export {
        return Ok(Reply::default());
    }
    // The person's own token stays and nothing of ours stands beside it; nor beside an endpoint of theirs.
    if exports::outside_token(profile.provider, env).is_some()
        || exports::foreign_endpoint(&profile, env).is_some()
    {
        return Ok(Reply { changes: exports::unset_ours(env), ..Reply::default() });
    }
    if mark.state == State::Ended {
        return Err(has_ended(&profile));
    }
    // A token that will do for the next command is taken as it is: a prompt waits for no renewal of it.
    let answer = match does(&profile) {
        true => fresh(&profile, Some(LEAST_LIFE)),
        false if !profile.renews => fresh(&profile, None),
        false => wait_for_renewal(args.shell, &profile).and_then(|()| fresh(&profile, None)),
    };
    let (profile, token, mark) = match answer {
        Ok((now_it_is, token)) if now_it_is == profile => (profile, token, mark),
        // It was renewed or ended meanwhile.
        answer => {
            let (_, mark) = see_to_mark(paths, &name)?;
            let (profile, token) = answer.map_err(|error| moved(error, &profile))?;
            (profile, token, mark)
        }
    };
    let now = now();
    if profile.renews && now >= mark.next {
        // Where it cannot start, the next prompt tries again.
        let _ = renew_in_background(args.shell, &name);
    }
    let changes = exports::without_the_persons(exports::for_profile(&profile, &token, env), env);
    let next_in = (mark.next < NEVER).then(|| mark.next.saturating_sub(now));
    Ok(Reply { changes, say: None, next_in })
}

fn name(paths: &Paths, profile: Option<&ProfileName>) -> Result<ProfileName> {
    match profile {
        Some(name) => Ok(name.clone()),
        None => Profile::selected(paths),
    }
}

/// Why a shell gets nothing, where that is not plain: it names a login that there is none of, or looks into other
/// folders than the login is in.
fn why_nothing(name: &ProfileName, paths: &Paths, env: &impl Environment) -> Option<String> {
    let had = Ours::in_env(env).and_then(|ours| ours.profile().map(str::to_owned));
    let lives_elsewhere = moved_state(paths)
        .map(|(variable, usual)| format!("{variable} has changed, and your login is in {}", usual.display()));
    if let Some(elsewhere) = lives_elsewhere {
        return Some(format!("not logged in here: {elsewhere}; unset the variable, or log in here too"));
    }
    let named = env(exports::PROFILE).is_some();
    // Who has just logged out of it in another terminal knows.
    (named && had.as_deref() != Some(name.as_str())).then(|| {
        format!(
            "SEQERA_PROFILE is '{name}', and there is no such login; unset it, or: seqera login --profile {name}"
        )
    })
}

/// The error for a login whose secrets are not there, with the reason where a variable has moved the store.
fn moved(error: Error, profile: &Profile) -> Error {
    if error.kind() != Kind::NotLoggedIn {
        return error;
    }
    match moved_from("XDG_DATA_HOME", ".local/share", "store") {
        Some(usual) => Error::not_logged_in(format!(
            "the tokens of '{}' are not here: XDG_DATA_HOME has changed, and they are in {}",
            profile.name,
            usual.display()
        ))
        .next("unset XDG_DATA_HOME, or log in here too"),
        None => error,
    }
}

/// The folder with the logins that would be looked into without `XDG_STATE_HOME` or `XDG_DATA_HOME`.
fn moved_state(paths: &Paths) -> Option<(&'static str, PathBuf)> {
    if Profile::list(paths).is_ok_and(|names| !names.is_empty()) {
        return None;
    }
    moved_from("XDG_STATE_HOME", ".local/state", "profiles").map(|usual| ("XDG_STATE_HOME", usual))
}

/// Our folder in the usual place, where a variable names another, and what is looked for is there.
fn moved_from(variable: &str, usual: &str, what: &str) -> Option<PathBuf> {
    let set = PathBuf::from(non_empty(variable)?);
    let usual = dirs::home_dir()?.join(usual);
    let is_moved = set != usual && non_empty("SEQERA_HELPER_HOME").is_none();
    let ours = usual.join(FOLDER);
    let holds = std::fs::read_dir(ours.join(what)).is_ok_and(|mut entries| entries.next().is_some());
    (is_moved && holds).then_some(ours)
}

/// Sees that the marks are there and true, and answers the profile and the right mark.
fn see_to_mark(paths: &Paths, name: &ProfileName) -> Result<(Option<Profile>, Mark)> {
    let mut profile = Profile::load(paths, name)?;
    loop {
        let (mark, wrote) = Mark::restore(paths, name, profile.as_ref());
        if !wrote {
            return Ok((profile, mark));
        }
        // Another process that changed the login meanwhile wrote its mark too, and ours may have come over it.
        let since = Profile::load(paths, name)?;
        if since == profile {
            return Ok((profile, mark));
        }
        profile = since;
    }
}

/// Asks for a token with more life than the one that is there, unless someone has done so already.
fn renew(
    paths: &Paths,
    profile: Option<&ProfileName>,
    fresh: impl FnOnce(&Profile, Option<u64>) -> Result<(Profile, Secret)>,
) -> Result<()> {
    let name = name(paths, profile)?;
    let (Some(profile), mark) = see_to_mark(paths, &name)? else { return Ok(()) };
    let now = now();
    let Some(end) = profile.access_expires_at.filter(|_| profile.renews) else { return Ok(()) };
    match now >= mark.next {
        true => fresh(&profile, Some(end.saturating_sub(now) + 1))?,
        false if !does(&profile) => fresh(&profile, None)?,
        false => return Ok(()),
    };
    see_to_mark(paths, &name)?;
    Ok(())
}

/// Starts `hook-env --renew`. In a process group of its own: ^C at the prompt is not meant for it, and what a
/// server is asked for must not be cut off.
fn renew_in_background(shell: Shell, name: &ProfileName) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["hook-env", &shell.to_string(), "--renew"]).env("SEQERA_PROFILE", name.as_str());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// The next command needs another token, so the prompt waits for it, but not as long as a server may take.
fn wait_for_renewal(shell: Shell, profile: &Profile) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(4);
    let cannot = |error: &io::Error| Error::io("the login cannot be renewed", error);
    let mut renewal = renew_in_background(shell, &profile.name).map_err(|error| cannot(&error))?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(status) = renewal.try_wait().map_err(|error| cannot(&error))? {
            return outcome(status, profile);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(Error::timed_out("the login is being renewed and the server is slow")
        .next("go on, a later prompt will have the token; or see what is wrong with: seqera status --check"))
}

/// What a renewal's exit code says; it has no other words for us.
fn outcome(status: ExitStatus, profile: &Profile) -> Result<()> {
    let lives = profile.access_expires_at.is_some_and(|end| end > now());
    let error = match status.code() {
        Some(0) => return Ok(()),
        _ if lives => return Ok(()),
        Some(4) => return Err(has_ended(profile)),
        Some(5) => Error::unreachable("the login cannot be renewed: the server cannot be reached"),
        Some(8) => Error::timed_out("the login cannot be renewed in time"),
        _ => Error::failed("the login cannot be renewed"),
    };
    Err(error.next("it will be tried again; see what is wrong with: seqera status --check"))
}

fn has_ended(profile: &Profile) -> Error {
    Error::session_ended(format!("the login of profile '{}' has ended", profile.name)).next(log_in_again(
        profile.provider,
        &profile.name,
        &profile.endpoint,
    ))
}

/// Whether the token at hand does for the next command.
fn does(profile: &Profile) -> bool {
    profile.access_expires_at.is_none_or(|end| end > now() + LEAST_LIFE)
}

impl Reply {
    /// A login that has ended takes its exports along, since they are worth nothing; after any other failure
    /// they stay, since they may still be good.
    fn failed(error: &Error, again: bool, program: &str, env: &impl Environment) -> Reply {
        let over = matches!(error.kind(), Kind::SessionEnded | Kind::NotLoggedIn);
        Reply {
            changes: if over { exports::unset_ours(env) } else { Vec::new() },
            say: (!again).then(|| format!("{program}: {error}")),
            next_in: None,
        }
    }

    fn write(&self, shell: Shell, out: &mut impl Write) -> Result<()> {
        if !shell.language().hook_evaluates() {
            return answer(out, self.json()?.expose());
        }
        let mut line = render::statements(shell, &self.changes)?.expose().to_vec();
        if let Some(say) = &self.say {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(render::say(shell, say).as_bytes());
        }
        let line = Secret::new(line);
        if line.is_empty() { Ok(()) } else { answer(out, line.expose()) }
    }

    fn json(&self) -> Result<Secret> {
        let (mut set, mut unset) = (Map::new(), Vec::new());
        for change in &self.changes {
            match change {
                Change::Set(name, value) => {
                    let value = value.expose_str().ok_or_else(|| Error::failed("the token is not text"))?;
                    set.insert((*name).into(), value.into());
                }
                Change::Unset(name) => unset.push(Value::from(*name)),
            }
        }
        let reply = json!({ "set": set, "unset": unset, "say": self.say, "next_in": self.next_in });
        Ok(Secret::new(reply.to_string()))
    }
}
