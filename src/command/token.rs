//! `seqera token`: a fresh token, for a program that takes one from a variable or a pipe; and the tokens that jobs
//! were given.

use clap::Subcommand;
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;

use super::{Context, TIME};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::http::Http;
use crate::os::deadline::Deadline;
use crate::session::jobs::{JobToken, JobTokens};
use crate::session::{Want, at};
use crate::ui;

/// Print a fresh access token; list and revoke the tokens of jobs
#[derive(Debug, Default, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Renew the token unless it lives this many seconds more
    #[arg(long, value_name = "SECONDS")]
    min_ttl: Option<u64>,
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// The tokens that 'exec --job-token' made and that are not deleted yet
    List {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Delete tokens of jobs: those named, else those that a job left behind
    Revoke {
        /// Every one, also those whose jobs run
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// As 'token list' shows them
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

#[derive(Serialize)]
struct Tokens {
    tokens: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    /// Nothing where the server has not told.
    id: Option<String>,
    endpoint: Endpoint,
    made_at: Option<String>,
    host: String,
    process: u32,
    left_behind: bool,
}

/// One server is waited for so long.
const EACH: Duration = Duration::from_secs(10);

/// Runs the command. A token from the environment is printed as it is: it cannot be renewed.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    match &args.command {
        None => print(args, context),
        Some(Sub::List { json }) => list(*json, context),
        Some(Sub::Revoke { all, names }) => revoke(*all, names, context),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn print(args: &Args, context: &Context) -> Result<()> {
    let token = match context.outside_token()? {
        Some((_, token)) => token,
        None => context.fresh(&Want { min_ttl: args.min_ttl, ..Want::default() })?.token,
    };
    super::answer(&mut std::io::stdout().lock(), token.expose())
}

fn noted(context: &Context) -> JobTokens<'_> {
    JobTokens::new(&context.paths, Deadline::after(TIME))
}

fn list(json: bool, context: &Context) -> Result<()> {
    let tokens = noted(context).list()?;
    if json {
        return ui::out_json(&Tokens { tokens: tokens.iter().map(row).collect() });
    }
    if tokens.is_empty() {
        context.tell("No job has a token.");
    }
    tokens.iter().try_for_each(|token| {
        let owner = format!("process {} on {}", token.owner.pid, token.owner.host);
        let state = if token.is_left_behind() { "left behind by" } else { "of" };
        ui::out(&format!("{} {} {state} {owner}, {}", token.name, at(token.made_at), token.endpoint))
    })
}

fn row(token: &JobToken) -> Row {
    let made_at = i64::try_from(token.made_at).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    Row {
        name: token.name.clone(),
        id: token.id.clone(),
        endpoint: token.endpoint.clone(),
        made_at: made_at.map(|then| then.to_string()),
        host: token.owner.host.clone(),
        process: token.owner.pid,
        left_behind: token.is_left_behind(),
    }
}

fn revoke(all: bool, names: &[String], context: &Context) -> Result<()> {
    let notes = noted(context);
    let mut tokens = notes.list()?;
    if let Some(unknown) = names.iter().find(|name| !tokens.iter().any(|token| token.name == **name)) {
        return Err(Error::usage(format!("no job has a token '{unknown}'")).next("see: seqera token list"));
    }
    tokens.retain(|token| match names {
        [] => all || token.is_left_behind(),
        names => names.contains(&token.name),
    });
    if tokens.is_empty() {
        context.tell("There is nothing to revoke.");
        return Ok(());
    }
    let http = Http::new(EACH);
    let mut outcome = Ok(());
    for token in tokens {
        match notes.delete(&token, &http) {
            Ok(()) => {
                context.tell(&format!("Revoked: {}", token.name));
                notes.forget(std::slice::from_ref(&token))?;
            }
            // One server that is gone must not keep the others.
            Err(failure) => {
                let error = Error::from(failure);
                let what = format!("the token '{}' is not revoked: {}", token.name, error.what());
                outcome = Err(Error::new(error.kind(), what).next("try again"));
            }
        }
    }
    outcome
}
