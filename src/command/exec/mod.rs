//! `seqera exec`: a program with a fresh token in its environment.

mod job;

use std::ffi::OsString;
use std::process::Command;
use std::process::ExitCode;

use super::{Context, child};
use crate::error::Result;

/// Run a command with a fresh token in its environment
///
/// The command takes the place of this process: signals reach it, and its exit status is ours. It is never run
/// without a token.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Give it a personal access token of its own, which does not end while it runs, and delete that afterwards
    #[arg(long)]
    job_token: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. Comes back only after a job, or where the command could not be run.
///
/// # Errors
/// There is no token; the command cannot be run.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let [program, rest @ ..] = args.command.as_slice() else { return Ok(ExitCode::from(2)) };
    let mut command = Command::new(program);
    command.args(rest);
    if args.job_token {
        return job::run(command, context);
    }
    child::apply(&mut command, &context.changes()?)?;
    child::become_program(command)
}
