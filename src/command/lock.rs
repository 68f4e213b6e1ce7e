//! `seqera lock`: the next look into the store asks the keychain again.

use super::Context;
use crate::error::Result;
use crate::store::key;

/// Forget the cached key of the store
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: &Args, context: &Context) -> Result<()> {
    key::forget(&context.paths)
}
