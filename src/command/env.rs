//! `seqera env`: the variables of a login, as text that a shell evaluates.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::error::{Error, Result};
use crate::os::env::Change;
use crate::os::env::{Environment, non_empty};
use crate::session::exports;
use crate::shell::Shell;
use crate::shell::render;

use super::{Context, answer, answer_shell};

/// Print the exports of a login, for eval "$(seqera env)".
///
/// Each shell's own form:
///   bash, zsh, sh   eval "$(seqera env)"
///   fish            seqera env | source
///   nu              seqera env --shell nu | from json | load-env
///   powershell      Invoke-Expression (& seqera env)
///   elvish          eval (seqera env | slurp)
///   xonsh           execx($(seqera env))
///   tcsh            eval "`seqera env`"
///
/// A token that you set yourself overrides a login: it is printed under both names, SEQERA_ACCESS_TOKEN and
/// TOWER_ACCESS_TOKEN, and stays yours, so --unset leaves it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct EnvArgs {
    /// The shell to write for; found out when absent.
    #[arg(long, value_enum)]
    shell: Option<Shell>,
    /// One JSON object; null is a variable to take away.
    #[arg(long, conflicts_with = "shell")]
    json: bool,
    /// Lines of a .env file.
    #[arg(long, conflicts_with_all = ["shell", "json"])]
    dotenv: bool,
    /// For GitHub Actions: hide the token in the log and append to the file that GITHUB_ENV names.
    #[arg(long, conflicts_with_all = ["shell", "json", "dotenv", "unset"])]
    github: bool,
    /// Take away exactly what was exported before.
    #[arg(long)]
    unset: bool,
}

/// Runs the command.
///
/// # Errors
/// Those of [`Context::changes`]; a value the form cannot carry; nothing is printed then.
pub fn run(args: &EnvArgs, context: &Context) -> Result<ExitCode> {
    print(args, &non_empty, || context.changes(), &mut std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what the shell evaluates. `changes` answers what the token in use puts into the environment; it is not called for
/// `--unset`, nor inside a run that the Platform started, where nothing is printed.
///
/// # Errors
/// Those of `changes`; a value the form cannot carry; nothing is printed then.
fn print(
    args: &EnvArgs,
    env: &impl Environment,
    changes: impl FnOnce() -> Result<Vec<Change>>,
    out: &mut impl Write,
) -> Result<()> {
    if exports::in_platform_run(env) && !args.unset {
        return Ok(());
    }
    let form = Form::of(args, env)?;
    let changes = match args.unset {
        true => exports::unset_all(env),
        false => changes()?,
    };
    match form {
        Form::Json => answer(out, render::json(&changes)?.expose()),
        Form::Dotenv => answer(out, render::dotenv(&changes)?.expose()),
        Form::Shell(shell) => answer_shell(shell, out, render::statements(shell, &changes)?.expose()),
        Form::GitHub(file) => {
            let github = render::github(&changes, &delimiter()?, exports::is_token)?;
            out.write_all(github.masks.expose())
                .and_then(|()| out.flush())
                .map_err(|error| Error::io("the token cannot be hidden in the log", &error))?;
            append(Path::new(&file), github.env_file.expose())
        }
    }
}

enum Form {
    Shell(Shell),
    Json,
    Dotenv,
    GitHub(std::ffi::OsString),
}

impl Form {
    fn of(args: &EnvArgs, env: &impl Environment) -> Result<Form> {
        Ok(match args {
            EnvArgs { json: true, .. } => Form::Json,
            EnvArgs { dotenv: true, .. } => Form::Dotenv,
            EnvArgs { github: true, .. } => Form::GitHub(env("GITHUB_ENV").ok_or_else(|| {
                Error::usage("GITHUB_ENV is not set, so this is not a GitHub Actions step")
                    .next("elsewhere, use --dotenv or --json")
            })?),
            EnvArgs { shell: Some(shell), .. } => Form::Shell(*shell),
            EnvArgs { .. } => Form::Shell(Shell::detect()?),
        })
    }
}

fn append(file: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Error::io("the file that GITHUB_ENV names cannot be written", &error))
}

/// A line that no value holds: who could guess it could add variables of their own.
fn delimiter() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| Error::failed("the system gives no random numbers"))?;
    Ok(random.iter().fold(String::from("seqera_"), |text, byte| format!("{text}{byte:02x}")))
}
