//! The people's door: one file a command, each with its arguments, its flow and its words. All have one shape:
//! `run(&Args, &Context) -> Result<ExitCode>`.

mod child;
mod choice;
mod completions;
mod config;
mod configure;
mod doctor;
mod env;
mod exec;
#[cfg(feature = "generate")]
mod generate;
mod handover;
pub mod hook;
mod hook_env;
mod import;
mod lent;
mod lock;
mod login;
mod logout;
// What only the pages need is no part of the programs that are handed out.
#[cfg_attr(not(feature = "generate"), allow(dead_code))]
mod manual;
mod org;
mod plain;
mod profile;
mod prompt;
mod relay;
mod sekuire;
mod server;
mod shadow;
mod status;
mod store;
mod token;
mod vendor;
mod whoami;
mod workspace;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{FromArgMatches, Parser, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::Change;
use crate::os::env::non_empty;
use crate::os::files;
use crate::os::paths::Paths;
use crate::provider::{self, ProviderId};
use crate::secret::Secret;
use crate::session::exports::{self, Ours};
use crate::session::inherited;
use crate::session::mark::Mark;
use crate::session::profile::{Profile, ProfileName};
use crate::session::{Fresh, Sessions, Want, not_logged_in};
use crate::shell::Shell;
use crate::store::lock::Lock;
use crate::ui;

/// Log in to Seqera and Sekuire once; git, docker, shells and prompts get what they need.
#[derive(Debug, Parser)]
#[command(name = "seqera", version, about, propagate_version = false, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Global {
    /// Say nothing but what was asked for
    #[arg(long, short, global = true)]
    quiet: bool,
    /// The login to use, where you have several
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCandidates::new(completions::profiles))]
    profile: Option<ProfileName>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Login(login::Args),
    Logout(logout::Args),
    Lock(lock::Args),
    Store(store::Args),
    Status(status::Args),
    Whoami(whoami::Args),
    /// Log in, log out, and see who is logged in
    #[command(subcommand, hide = true)]
    Auth(Auth),
    Org(org::Args),
    Workspace(workspace::Args),
    Profile(profile::Args),
    Import(import::Args),
    Token(token::Args),
    Env(env::EnvArgs),
    Exec(exec::Args),
    Relay(relay::Args),
    Hook(hook::HookArgs),
    #[command(hide = true)]
    HookEnv(hook::HookEnvArgs),
    Prompt(prompt::PromptArgs),
    Configure(configure::Args),
    Config(config::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    #[cfg(feature = "generate")]
    #[command(hide = true)]
    Generate(generate::Args),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// `seqera auth whoami`, as other command-line programs have it; Sekuire's own has all four.
#[derive(Debug, Subcommand)]
enum Auth {
    Login(login::Args),
    Logout(logout::Args),
    Status(status::Args),
    Whoami(whoami::Args),
}

impl Command {
    /// Whether a person looks at its terminal and at nothing else meanwhile: a prompt that is drawn or a program that we
    /// start would be in the way of a line that turns.
    fn has_the_terminal(&self) -> bool {
        !matches!(
            self,
            Command::HookEnv(_)
                | Command::Prompt(_)
                | Command::Exec(_)
                | Command::Relay(_)
                | Command::Other(_)
        )
    }

    /// Whether it reads the login in use, and so sees that prompts read the same.
    fn follows_a_login(&self) -> bool {
        matches!(
            self,
            Command::Status(_)
                | Command::Whoami(_)
                | Command::Auth(Auth::Status(_) | Auth::Whoami(_))
                | Command::Org(_)
                | Command::Workspace(_)
                | Command::Token(_)
                | Command::Env(_)
                | Command::Exec(_)
                | Command::Relay(_)
                | Command::Prompt(_)
                | Command::Doctor(_)
                | Command::Other(_)
        )
    }
}

/// What a command works with.
#[derive(Debug)]
struct Context {
    /// The platform whose name the program was called by.
    called: ProviderId,
    paths: Paths,
    quiet: bool,
    profile: Option<ProfileName>,
    /// The login in use, as it was read first.
    in_use: OnceCell<(ProfileName, Option<Profile>)>,
}

/// A command that needs the network ends within this.
const TIME: Duration = Duration::from_secs(30);

impl Context {
    /// The name of the login in use: `--profile`, `SEQERA_PROFILE`, `seqera profile use`, `default`. Called by
    /// another platform's name, it is that platform's.
    fn name(&self) -> Result<ProfileName> {
        match (&self.profile, self.called) {
            (Some(name), _) => Ok(name.clone()),
            (None, called) if called == ProviderId::first() => Profile::selected(&self.paths),
            (None, called) => self.name_for(called),
        }
    }

    /// The name of the login in use, if it is one of this platform or may become one; else the platform's own.
    /// So nobody loses a login of one platform by logging in to the other.
    fn name_for(&self, provider: ProviderId) -> Result<ProfileName> {
        if let Some(name) = &self.profile {
            return match Profile::load(&self.paths, name)? {
                Some(other) if other.provider != provider => {
                    Err(Error::usage(format!("the profile '{name}' is a login of {}", other.provider.name()))
                        .next("name another profile, or log out of that one first"))
                }
                _ => Ok(name.clone()),
            };
        }
        let (selected, home) = (Profile::selected(&self.paths)?, ProfileName::home_of(provider));
        let fits = match Profile::load(&self.paths, &selected)? {
            Some(profile) => profile.provider == provider,
            None => selected != ProfileName::default_name(),
        };
        Ok(if fits { selected } else { home })
    }

    /// The login in use: its name, and its profile where there is one. Its file is read once.
    fn in_use(&self) -> Result<(&ProfileName, Option<&Profile>)> {
        if self.in_use.get().is_none() {
            let name = self.name()?;
            let profile = Profile::load(&self.paths, &name)?;
            let _ = self.in_use.set((name, profile));
        }
        let (name, profile) = self.in_use.get().ok_or_else(|| Error::failed("no login was read"))?;
        Ok((name, profile.as_ref()))
    }

    /// What the program is called.
    fn program(&self) -> &'static str {
        self.called.name()
    }

    /// The token of the login in use.
    fn fresh(&self, want: &Want<'_>) -> Result<Fresh> {
        let (name, profile) = self.in_use()?;
        let profile = profile.ok_or_else(|| not_logged_in(name))?;
        let fresh = Sessions::new(&self.paths, Deadline::after(TIME)).fresh_of(profile.clone(), want)?;
        if let Some(notice) = &fresh.notice {
            self.tell(&format!("{}: {notice}", self.program()));
        }
        Ok(fresh)
    }

    /// The token that the environment gives instead of a login, and the variable it is in. A profile named
    /// on the command line is meant, whatever the environment says.
    fn outside_token(&self) -> Result<Option<(&'static str, Secret)>> {
        if self.profile.is_some() {
            return Ok(None);
        }
        let provider = match self.in_use() {
            // A token from outside needs no home.
            Err(_) if !self.paths.is_known() => self.called,
            in_use => in_use?.1.map_or(self.called, |profile| profile.provider),
        };
        Ok(exports::outside_token(provider, &non_empty)
            .or_else(|| inherited::token(&self.paths, provider, &non_empty)))
    }

    /// What a program needs in its environment to use the token in use.
    fn changes(&self) -> Result<Vec<Change>> {
        if let Some((variable, token)) = self.outside_token()? {
            let is_exported = Ours::in_env(&non_empty).is_some_and(|ours| ours.is_token(token.expose()));
            // What we exported elsewhere is whole as it is.
            let changes = || exports::for_outside(variable, &token, &non_empty);
            return Ok(if is_exported { Vec::new() } else { changes() });
        }
        let fresh = self.fresh(&Want::default())?;
        Self::must_stay_home(&fresh.profile)?;
        // Programs that are started in a shell which was given a login by its name use that one too.
        let is_named = self.profile.is_some() || non_empty(exports::PROFILE).is_some();
        let changes = if is_named { exports::for_named } else { exports::for_profile };
        Ok(changes(&fresh.profile, &fresh.token, &non_empty))
    }

    /// Sees that the marks of the login in use are there and true, for prompts: a restart, another machine or
    /// another runtime folder may have taken them away.
    fn restore_marks(&self) {
        let restore = |name: &ProfileName, profile: Option<&Profile>| {
            // Where nobody has logged in yet, there is nothing to follow.
            if profile.is_some() || self.paths.state.exists() {
                Mark::restore(&self.paths, name, profile);
            }
        };
        // Prompts follow the shell's login, whichever is named on the command line.
        let is_the_shells = self.profile.is_none() && self.called == ProviderId::first();
        if is_the_shells {
            let _ = self.in_use().map(|(name, profile)| restore(name, profile));
        } else if let Ok(name) = Profile::selected(&self.paths)
            && let Ok(profile) = Profile::load(&self.paths, &name)
        {
            restore(&name, profile.as_ref());
        }
    }

    /// Makes sure that the login's token does not come to stand beside the address of another server, to which
    /// programs would send it.
    fn must_stay_home(profile: &Profile) -> Result<()> {
        let Some(variable) = exports::foreign_endpoint_kept(profile, &non_empty) else { return Ok(()) };
        Err(Error::refused(format!(
            "{variable} names another server than the login '{}', whose {} is not put beside it",
            profile.name,
            profile.provider.login_way().secret()
        ))
        .next(format!("unset {variable}, or use a login of that server with --profile")))
    }

    /// A command as the person would have to type it: with the profile that they named here.
    fn typed(&self, command: &str) -> String {
        match &self.profile {
            Some(name) => format!("{command} --profile {name}"),
            None => command.to_owned(),
        }
    }

    /// Our turn to read the person's configuration and to write it anew. Another command may be at it, on this host or
    /// on another that shares the home.
    ///
    /// # Errors
    /// The other one takes too long; the state folder cannot be used.
    fn turn_at_config(&self) -> Result<Lock> {
        files::private_dir(&self.paths.state).map_err(|error| {
            files::failure(format_args!("cannot use {}", self.paths.state.display()), &error)
        })?;
        Lock::acquire(&self.paths.state.join("config.lock"), Deadline::after(TIME))
    }

    /// Tells the person how it goes, unless they asked for quiet.
    fn tell(&self, line: &str) {
        if !self.quiet {
            ui::say(line);
        }
    }
}

/// Runs the command that `args` (the program's name first) ask for.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if completions::asked(&args) {
        return ExitCode::SUCCESS;
    }
    let called = called(args.first());
    ui::speak_as(called.name());
    if let Some(text) = manual::topic(&args) {
        return match ui::write_out(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let cli = match at_once(&args).map_or_else(|| parse(&args, called), Ok) {
        Ok(cli) => cli,
        Err(error) => {
            say(&error, &args);
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match dispatch(cli, called) {
        Ok(code) => code,
        Err(error) => {
            ui::complain(called.name(), &error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// What clap says quotes the arguments, which may be anybody's: nothing of them acts on a terminal.
fn say(error: &clap::Error, args: &[OsString]) {
    let acts = |arg: &OsString| arg.to_string_lossy().chars().any(ui::acts);
    if error.use_stderr() && args.iter().any(acts) {
        error.render().to_string().lines().for_each(ui::say);
    } else {
        let _ = error.print();
    }
}

/// What scripts and prompts ask for a thousand times a day does not wait for the tree of all commands to be built.
/// Whatever is not plain (a mistake, `--help`) is for the tree, which says it in full.
fn at_once(args: &[OsString]) -> Option<Cli> {
    let [_, words @ ..] = args else { return None };
    match words.first()?.to_str()? {
        "token" if words.len() == 1 => {
            let global = Global { quiet: false, profile: None };
            Some(Cli { global, command: Command::Token(token::Args::default()) })
        }
        "token" => alone(words, Command::Token),
        "env" => alone(words, Command::Env),
        "hook-env" => alone(words, Command::HookEnv),
        "prompt" => alone(words, Command::Prompt),
        "status" => alone(words, Command::Status),
        _ => None,
    }
}

/// One command without the tree it stands in.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
struct Alone<A: clap::Args> {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    args: A,
}

/// Reads a command with its arguments, its name first.
fn alone<A: clap::Args>(words: &[OsString], command: fn(A) -> Command) -> Option<Cli> {
    let Alone { global, args } = Alone::try_parse_from(words).ok()?;
    Some(Cli { global, command: command(args) })
}

/// Reads the command line; what is another program's is left to it.
fn parse(args: &[OsString], called: ProviderId) -> std::result::Result<Cli, clap::Error> {
    if let Some(words) = vendor::whole(args) {
        let global = Global { quiet: false, profile: None };
        return Ok(Cli { global, command: Command::Other(words) });
    }
    if manual::is_asked(args) {
        let matches = manual::help(vendor::help(args, called)).try_get_matches_from(args)?;
        return Cli::from_arg_matches(&matches);
    }
    Cli::try_parse_from(args)
}

/// The name that the program was called by picks the platform: `sekuire` is a link to `seqera`.
fn called(program: Option<&OsString>) -> ProviderId {
    let name = program.and_then(|program| Path::new(program).file_stem());
    let called = name.and_then(|name| provider::called(name.to_str()?));
    called.unwrap_or(ProviderId::first())
}

fn dispatch(cli: Cli, called: ProviderId) -> Result<ExitCode> {
    let Global { quiet, profile } = cli.global;
    // These two can do with a token from outside, wherever they run.
    let paths = match &cli.command {
        Command::Token(_) | Command::Exec(_) => Paths::if_known()?,
        _ => Paths::from_env()?,
    };
    let context = Context { called, paths, quiet, profile, in_use: OnceCell::new() };
    if !quiet && cli.command.has_the_terminal() {
        crate::os::waiting::show_with(ui::waiting);
    }
    // Doctor reports marks that are not true before they are put right.
    let is_doctor = matches!(cli.command, Command::Doctor(_));
    if cli.command.follows_a_login() && !is_doctor {
        context.restore_marks();
    }
    let outcome = run_command(cli.command, &context);
    if is_doctor {
        context.restore_marks();
    }
    outcome
}

fn run_command(command: Command, context: &Context) -> Result<ExitCode> {
    match command {
        Command::Login(args) | Command::Auth(Auth::Login(args)) => login::run(&args, context),
        Command::Logout(args) | Command::Auth(Auth::Logout(args)) => logout::run(&args, context),
        Command::Lock(args) => lock::run(&args, context),
        Command::Store(args) => store::run(&args, context),
        Command::Status(args) | Command::Auth(Auth::Status(args)) => status::run(&args, context),
        Command::Whoami(args) | Command::Auth(Auth::Whoami(args)) => whoami::run(&args, context),
        Command::Org(args) => org::run(&args, context),
        Command::Workspace(args) => workspace::run(&args, context),
        Command::Profile(args) => profile::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Token(args) => token::run(&args, context),
        Command::Exec(args) => exec::run(&args, context),
        Command::Relay(args) => relay::run(&args, context),
        Command::Env(args) => env::run(&args, context),
        Command::Hook(args) => hook::run(&args, context),
        Command::HookEnv(args) => hook_env::run_hook_env(&args, context),
        Command::Prompt(args) => prompt::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Configure(args) => configure::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        #[cfg(feature = "generate")]
        Command::Generate(args) => generate::run(&args, context),
        Command::Other(words) => {
            vendor::not_mistyped(&words, context.called)?;
            handover::run(&words, context)
        }
    }
}

/// Writes a whole answer and a newline in one piece: what evaluates it sees all of it or nothing.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn answer(out: &mut impl Write, text: &[u8]) -> Result<()> {
    let line = zeroize::Zeroizing::new([text, b"\n"].concat());
    out.write_all(&line)
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("the answer cannot be written to standard output", &error))
}

/// The same for a shell that evaluates the answer to `$(…)` or its like.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn answer_shell(shell: Shell, out: &mut impl Write, text: &[u8]) -> Result<()> {
    answer(out, text)?;
    shell.language().after_answer();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_at_once_is_what_would_have_been_parsed() {
        let plain = [
            "token",
            "token --min-ttl 60",
            "token --profile work -q",
            "env",
            "env --shell fish --profile=work",
            "env --json",
            "hook-env bash",
            "prompt",
            "prompt --shell zsh --format {label} --unicode --ascii",
            "prompt --tmux --color never",
            "status",
            "status --json --quiet",
        ];
        for line in plain {
            let args: Vec<OsString> = format!("seqera {line}").split(' ').map(Into::into).collect();
            let parsed = Cli::try_parse_from(&args).unwrap();
            assert_eq!(format!("{:?}", at_once(&args).expect(line)), format!("{parsed:?}"));
        }
    }

    #[test]
    fn what_is_not_plain_is_for_the_tree() {
        for line in [
            "",
            "token --help",
            "env -h",
            "prompt --wrong",
            "status extra",
            "--quiet token",
            "login",
            "help env",
        ] {
            let args: Vec<OsString> = format!("seqera {line}").split_whitespace().map(Into::into).collect();
            assert!(at_once(&args).is_none(), "{line}");
        }
    }
}
