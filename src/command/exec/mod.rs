//! `seqera exec`: a program with a fresh token in its environment.

mod job;

use std::ffi::OsString;
use std::process::Command;

use super::{Context, child, process_env};
use crate::error::Result;
use crate::session::Want;
use crate::shell::exports;
use crate::shell::render::Change;

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
pub fn run(args: &Args, context: &Context) -> Result<u8> {
    let [program, rest @ ..] = args.command.as_slice() else { return Ok(2) };
    let mut command = Command::new(program);
    command.args(rest);
    if args.job_token {
        return job::run(command, context);
    }
    let changes = match context.outside_token()? {
        Some((_, token)) => everywhere(&token),
        None => {
            let fresh = context.fresh(&Want::default())?;
            exports::for_profile(&fresh.profile, &fresh.token, &process_env)
        }
    };
    child::apply(&mut command, &changes)?;
    child::become_program(command)
}

/// A token from outside under every name that programs look for, but never over another that the person set.
fn everywhere(token: &crate::secret::Secret) -> Vec<Change> {
    let mut changes = exports::unset_ours(&process_env);
    for name in ["SEQERA_ACCESS_TOKEN", "TOWER_ACCESS_TOKEN"] {
        let is_ours = changes.iter().any(|change| change.name() == name);
        if is_ours || process_env(name).is_none() {
            changes.retain(|change| change.name() != name);
            changes.push(Change::Set(name, token.clone()));
        }
    }
    changes
}
