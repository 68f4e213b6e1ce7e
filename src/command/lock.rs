//! `seqera lock`: the next look into the store asks the keychain again.

use super::Context;
use crate::error::Result;
use crate::store::key;
use std::process::ExitCode;

/// Forget the cached key of the store
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, context: &Context) -> Result<ExitCode> {
    key::forget(&context.paths)?;
    Ok(ExitCode::SUCCESS)
}
