//! `seqera token`: a fresh token, for a program that takes one from a variable or a pipe.

use super::Context;
use crate::error::Result;
use crate::session::Want;
use std::process::ExitCode;

/// Print a fresh access token
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// At least so many seconds to live
    #[arg(long, value_name = "SECONDS")]
    min_ttl: Option<u64>,
}

/// Runs the command. A token from the environment is printed as it is: it cannot be renewed.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let token = match context.outside_token()? {
        Some((_, token)) => token,
        None => context.fresh(&Want { min_ttl: args.min_ttl, ..Want::default() })?.token,
    };
    super::answer(&mut std::io::stdout().lock(), token.expose())?;
    Ok(ExitCode::SUCCESS)
}
