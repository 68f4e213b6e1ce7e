//! The people's door: one file a command, each with its arguments, its flow and its words. All have one shape:
//! `run(&Args, &Context) -> Result<ExitCode>`.

mod child;
mod choice;
mod completions;
mod config;
mod configure;
mod context;
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
// Released programs leave out what only the manual pages need.
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

use clap::{FromArgMatches, Parser, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::error::{Error, Result};
use crate::os::paths::Paths;
use crate::provider::{self, ProviderId};
use crate::session::profile::ProfileName;
use crate::shell::Shell;
use crate::ui;

use context::{Context, TIME};

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
