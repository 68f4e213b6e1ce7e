//! `seqera exec`: a program with a fresh token in its environment.

mod job;
mod live;

use std::ffi::OsString;
use std::process::ExitCode;

use super::lent::Limits;
use super::{Context, child};
use crate::error::{Error, Result};
use crate::os::env::non_empty;
use crate::session::{exports, outside};

/// Run a command with a fresh token in its environment
///
/// The command takes the place of this process: signals reach it, and its exit status is ours. It is never run
/// without a token.
///
/// An access token ends after an hour or so. For longer runs there are two ways:
///
/// --live: the command gets an address on this machine and a random word instead of the token. What it sends there
/// goes on to the Platform (and to the AI backend) with a token that is fresh at that moment. Neither the command
/// nor what it starts can read the token, and it can be given fewer rights: --read-only, --allow, --workspace.
/// Requests that make, list or end tokens are refused unless --allow names them.
///
/// --job-token: a real token, for commands that pass it on to a service elsewhere: the wave command, and Nextflow
/// with wave.enabled.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Give it a personal access token of its own, which does not end while it runs, and delete that afterwards
    #[arg(long)]
    job_token: bool,
    /// Lend it a live token through a relay on this machine, for runs of hours and for agents
    #[arg(long, conflicts_with = "job_token")]
    live: bool,
    #[command(flatten)]
    limits: Limits,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. Comes back only after a job or a live run, or where the command could not be run.
///
/// # Errors
/// There is no token; the command cannot be run.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let [program, rest @ ..] = args.command.as_slice() else { return Ok(ExitCode::from(2)) };
    let mut command = child::command(program)?;
    command.args(rest);
    if args.limits.are_given() && !args.live {
        return Err(Error::usage("--read-only, --allow, --workspace and --log need --live")
            .next("a token itself has all rights of its user"));
    }
    if args.job_token {
        return job::run(command, context);
    }
    if args.live {
        return live::run(command, &args.limits, context);
    }
    if let Some(advice) = context.outside_token()?.and_then(|(name, token)| outside::advice(name, &token)) {
        context.tell(&format!("seqera: {advice}"));
    }
    child::apply(&mut command, &exports::with_one_token(context.changes()?, &non_empty))?;
    child::become_program(command)
}
