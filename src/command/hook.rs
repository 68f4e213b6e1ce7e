//! `seqera hook SHELL` prints a hook; the hidden `seqera hook-env SHELL` is what the hook runs.
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
//! empty. For nu, elvish and xonsh, whose hooks evaluate nothing, it is a JSON object: `set` (names and
//! values), `unset` (names), `say` (a sentence or null) and `next_in` (seconds until it has to run again, or
//! null). Exit code 0: the shell is as it should be until the mark changes or `next` comes. Any other: the
//! hook tries again after 30 s, then 60 s, up to 8 minutes.
//!
//! A prompt does not wait for the network while the token is good: then the line is printed at once, and
//! `seqera hook-env SHELL --renew` goes on by itself in the background. It prints nothing; its new mark
//! is what the shells notice. A token that is no good is renewed there too, and the prompt waits for it only a
//! few seconds.

use std::io::{self, Write};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::error::{Error, Kind, Result};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::env::Change;
use crate::os::env::{Environment, non_empty};
use crate::os::files;
use crate::os::paths::Paths;
use crate::provider;
use crate::secret::Secret;
use crate::session::exports;
use crate::session::mark::{Mark, NEVER, State};
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Sessions, Want, log_in_again};
use crate::shell::Shell;
use crate::shell::render;

use super::{Context, TIME, answer, answer_shell};

/// Print the hook that keeps a shell's token fresh, for eval "$(seqera hook bash)".
///
/// In the start-up file of each shell, at its end:
///   bash         eval "$(seqera hook bash)"
///   zsh          eval "$(seqera hook zsh)"
///   fish         seqera hook fish | source
///   sh, ksh      eval "$(seqera hook posix)"; seqera_with nextflow tw
///   powershell   Invoke-Expression (& seqera hook powershell | Out-String)
///   elvish       eval (seqera hook elvish | slurp)
///   xonsh        execx($(seqera hook xonsh))
///   tcsh         eval "`seqera hook tcsh`"
///   nu           once: mkdir $nu.user-autoload-dirs.0
///                seqera hook nu | save -f ($nu.user-autoload-dirs.0 | path join seqera.nu)
///
/// --off is taken in the same way, and in nu by: seqera hook nu --off | from json | load-env
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct HookArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
    /// Export nothing; only keep the prompt's segment.
    #[arg(long)]
    no_export: bool,
    /// Take the hook, and what it exported, out of the running shell.
    #[arg(long, conflicts_with = "no_export")]
    off: bool,
    /// bash before 5.3: also before each command, through a DEBUG trap.
    #[arg(long)]
    preexec: bool,
}

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

/// Runs `seqera hook`.
///
/// # Errors
/// A profile is named; the runtime folder's path cannot be written in this shell; standard output is closed.
pub(super) fn run(args: &HookArgs, context: &Context) -> Result<ExitCode> {
    if let Some(name) = &context.profile {
        return Err(Error::usage("a hook follows the profile in use and takes no --profile")
            .next(format!("set SEQERA_PROFILE={name} in the shell")));
    }
    let out = &mut io::stdout().lock();
    if args.off {
        off(args.shell, &non_empty, out)?;
    } else {
        on(args, &context.paths, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn on(args: &HookArgs, paths: &Paths, out: &mut impl Write) -> Result<()> {
    let shell = args.shell;
    let assign = |name, value: &[u8]| render::assignment(shell, name, value);
    let mut head = vec![
        assign("__seqera_dir", paths.run.as_os_str().as_encoded_bytes())?,
        assign("__seqera_options", if args.no_export { b"--no-export" } else { b"" })?,
    ];
    if shell == Shell::Bash {
        head.push(assign("__seqera_preexec", if args.preexec { b"debug" } else { b"" })?);
    }
    if shell == Shell::Tcsh {
        // What tcsh evaluates is one line, so the hook is a file that it sources at each prompt.
        files::private_dir(&paths.run)
            .and_then(|()| files::replace(&paths.run.join("hook.tcsh"), body(shell).as_bytes()))
            .map_err(|e| Error::io(format_args!("{} cannot be written", paths.run.display()), &e))?;
        return answer(out, format!("{}; source $__seqera_dir:q/hook.tcsh", head.join("; ")).as_bytes());
    }
    answer_shell(shell, out, format!("{}\n{}", head.join("\n"), body(shell).trim_end()).as_bytes())
}

/// The hook as it is printed: with the names of the platforms and their variables.
fn body(shell: Shell) -> String {
    let mut printed = String::new();
    for line in source(shell).lines() {
        for line in filled_in(line) {
            printed.push_str(&line);
            printed.push('\n');
        }
    }
    printed
}

/// What stands for the platform that is meant where nothing else is said.
const FIRST: &str = "SEQERA_HOOK_FIRST";
/// What stands for a platform, in a line that is printed for each of its variables.
const PROVIDER: &str = "SEQERA_HOOK_PROVIDER";
/// What stands for a variable that may hold the person's own token.
const TOKEN: &str = "SEQERA_HOOK_TOKEN";
/// What stands for a variable that is set in a run of a platform.
const RUN: &str = "SEQERA_HOOK_RUN";

/// A line of a hook, once for each variable that it is for.
fn filled_in(line: &str) -> Vec<String> {
    let line = line.replace(FIRST, provider::ALL[0].names()[0]);
    let platforms = provider::ALL.into_iter();
    if line.contains(TOKEN) {
        let tokens = platforms.flat_map(|p| p.variables().tokens.iter().map(move |token| (p, token)));
        return tokens.map(|(p, token)| line.replace(PROVIDER, p.names()[0]).replace(TOKEN, token)).collect();
    }
    if line.contains(RUN) {
        return platforms.flat_map(|p| p.variables().run).map(|name| line.replace(RUN, name)).collect();
    }
    vec![line]
}

fn source(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../shell/hook.bash"),
        Shell::Zsh => include_str!("../../shell/hook.zsh"),
        Shell::Fish => include_str!("../../shell/hook.fish"),
        Shell::Nu => include_str!("../../shell/hook.nu"),
        Shell::PowerShell => include_str!("../../shell/hook.ps1"),
        Shell::Elvish => include_str!("../../shell/hook.elv"),
        Shell::Xonsh => include_str!("../../shell/hook.xsh"),
        Shell::Tcsh => include_str!("../../shell/hook.tcsh"),
        Shell::Posix => include_str!("../../shell/hook.sh"),
    }
}

/// The hook's own way out, where the shell has the hook, and then what it exported.
fn off(shell: Shell, env: &impl Environment, out: &mut impl Write) -> Result<()> {
    let way_out = match shell {
        Shell::Bash | Shell::Zsh | Shell::Posix => {
            "if typeset -f __seqera_off >/dev/null; then __seqera_off; fi"
        }
        Shell::Fish => "functions -q __seqera_off; and __seqera_off",
        Shell::PowerShell => "if (Test-Path Function:__seqera_off) { __seqera_off }",
        // A block would not see a name of the terminal's.
        Shell::Elvish => "var _ = ?(eval __seqera_off)",
        Shell::Xonsh => "__xonsh__.ctx.get('__seqera_off', lambda: None)()",
        Shell::Tcsh => {
            // tcsh expands a variable before it knows whether it will use it. An alias of nothing would be one
            // more than there was.
            "if ( $?__seqera_precmd ) eval 'alias precmd \"$__seqera_precmd:q\"'; \
             if ( \"`alias precmd`\" == '' ) unalias precmd; unset __seqera_*; unsetenv SEQERA_PROMPT"
        }
        Shell::Nu => "",
    };
    let way_out = match shell {
        Shell::Posix => way_out.replace("typeset -f", "command -v"),
        _ => way_out.into(),
    };
    let mut changes = exports::unset_ours(env);
    if shell == Shell::Nu {
        // Without its variable the hook takes itself out at the next prompt.
        changes.extend([Change::Unset("SEQERA_PROMPT"), Change::Unset("__seqera")]);
    }
    let statements = render::statements(shell, &changes)?;
    let mut line = way_out.into_bytes();
    if !line.is_empty() && !statements.is_empty() {
        line.extend_from_slice(b"; ");
    }
    line.extend_from_slice(statements.expose());
    answer_shell(shell, out, &line)
}

/// Runs `seqera hook-env` for this process.
///
/// # Errors
/// Those of [`run_env`].
pub(super) fn run_hook_env(args: &HookEnvArgs, context: &Context) -> Result<ExitCode> {
    let fresh = |profile: &Profile, min_ttl| {
        let want = Want { min_ttl, ..Want::default() };
        let fresh = Sessions::new(&context.paths, Deadline::after(TIME)).fresh(&profile.name, &want)?;
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
        Ok(reply) => (reply, 0),
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
    let name = match profile {
        Some(name) => name.clone(),
        None => Profile::selected(paths)?,
    };
    let (profile, mark) = see_to_mark(paths, &name)?;
    let Some(profile) = profile else {
        return Ok(Reply { changes: exports::unset_ours(env), ..Reply::default() });
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
    let (_, mark) = see_to_mark(paths, &name)?;
    let (profile, token) = answer?;
    let now = now();
    if profile.renews && now >= mark.next {
        // Where it cannot start, the next prompt tries again.
        let _ = renew_in_background(args.shell, &name);
    }
    let changes = exports::without_the_persons(exports::for_profile(&profile, &token, env), env);
    let next_in = (mark.next < NEVER).then(|| mark.next.saturating_sub(now));
    Ok(Reply { changes, say: None, next_in })
}

/// Writes the marks that are missing or say something else than the profile does, and answers the profile and
/// the right mark.
fn see_to_mark(paths: &Paths, name: &ProfileName) -> Result<(Option<Profile>, Mark)> {
    let mut profile = Profile::load(paths, name)?;
    loop {
        let mark = put_right(paths, name, profile.as_ref());
        // Whoever changed the login meanwhile wrote its mark too, and ours may have come over theirs.
        let since = Profile::load(paths, name)?;
        if since == profile {
            return Ok((profile, mark));
        }
        profile = since;
    }
}

/// A mark that cannot be written makes a prompt wrong and nothing else, so it is no error here.
fn put_right(paths: &Paths, name: &ProfileName, profile: Option<&Profile>) -> Mark {
    let now = now();
    let right = profile.map_or_else(|| Mark::logged_out(name, now), |profile| Mark::of(profile, now));
    let says_the_same = |old: Mark| {
        let ended = |mark: &Mark| mark.state == State::Ended;
        old.generation == right.generation && old.label == right.label && ended(&old) == ended(&right)
    };
    let is_chosen = Profile::chosen(paths) == *name;
    let own = Mark::read(paths, Some(name));
    let followed = if is_chosen { Mark::read(paths, None) } else { own.clone() };
    if let (Some(own), Some(followed)) = (own, followed)
        && says_the_same(followed)
        && says_the_same(own.clone())
    {
        return own;
    }
    let _ = match profile {
        Some(profile) => Mark::write(paths, profile, is_chosen),
        None => Mark::write_logged_out(paths, name, is_chosen),
    };
    right
}

/// Asks for a token with more life than the one that is there, unless someone has done so already.
fn renew(
    paths: &Paths,
    profile: Option<&ProfileName>,
    fresh: impl FnOnce(&Profile, Option<u64>) -> Result<(Profile, Secret)>,
) -> Result<()> {
    let name = match profile {
        Some(name) => name.clone(),
        None => Profile::selected(paths)?,
    };
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
        if matches!(shell, Shell::Nu | Shell::Elvish | Shell::Xonsh) {
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
