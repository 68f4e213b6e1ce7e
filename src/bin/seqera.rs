//! The people's door.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use seqera_credential_helper::command::{self, env, hook, prompt};
use seqera_credential_helper::error::{Error, Result};
use seqera_credential_helper::paths::Paths;

#[derive(Parser)]
#[command(name = "seqera", version)]
struct Cli {
    #[command(subcommand)]
    command: Cmd,
}

#[derive(Subcommand)]
enum Cmd {
    Env(env::EnvArgs),
    Hook(hook::HookArgs),
    #[command(hide = true)]
    HookEnv(hook::HookEnvArgs),
    Prompt(prompt::PromptArgs),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "seqera: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    let (paths, env, out) = (Paths::from_env()?, &command::process_env, &mut std::io::stdout().lock());
    let nobody = || Error::not_logged_in("nobody is logged in").next("log in: seqera login");
    match cli.command {
        Cmd::Env(args) => env::run(&args, env, |_| Err(nobody()), out).map(|()| 0),
        Cmd::Hook(args) => hook::run(&args, &paths, env, out).map(|()| 0),
        Cmd::HookEnv(args) => hook::run_env(&args, &paths, None, env, |_, _| Err(nobody()), out),
        Cmd::Prompt(args) => prompt::run(&args, &paths, None, env, out).map(|()| 0),
    }
}
