//! `seqera lock`: the next look into the store asks the keychain again.

use super::Context;
use crate::error::Result;
use std::process::ExitCode;

use crate::store::key::{self, KeyPlace};

/// Forget the cached key of the store
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// The kernel still has the key.
pub fn run(_args: &Args, context: &Context) -> Result<ExitCode> {
    key::forget(&context.paths)?;
    if key::place(&context.paths)? == Some(KeyPlace::File) {
        context.tell(
            "The key of this store is in a file, which stays open to you; to keep it in the keychain: \
             seqera store move keychain",
        );
    }
    Ok(ExitCode::SUCCESS)
}
