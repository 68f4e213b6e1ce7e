//! `seqera store`: where the secrets rest, and moving the key that opens them.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::{Context, TIME};
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::session;
use crate::store::key::{self, KeyPlace, Wish};
use crate::ui;

/// Show where the secrets rest, or move the key that opens them
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Move the key into the keychain, or into a private file beside the store
    Move {
        /// Where to
        to: To,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum To {
    /// The operating system's keychain
    Keychain,
    /// A file that only you can read
    File,
}

impl From<To> for KeyPlace {
    fn from(to: To) -> KeyPlace {
        match to {
            To::Keychain => KeyPlace::Keychain,
            To::File => KeyPlace::File,
        }
    }
}

#[derive(Serialize)]
struct Report {
    path: String,
    /// Where the key is; nothing where no secret was ever stored.
    key: Option<&'static str>,
    secrets: Vec<Secrets>,
}

#[derive(Serialize)]
struct Secrets {
    kind: String,
    count: usize,
}

/// Runs the command.
///
/// # Errors
/// The store, the keychain.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    match args.action {
        Some(Action::Move { to }) => move_key(to.into(), context)?,
        None => show(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens nothing and asks no keychain.
fn show(args: &Args, context: &Context) -> Result<()> {
    let place = key::place(&context.paths)?;
    let counted = session::store(&context.paths, Deadline::after(TIME)).count()?;
    let report = Report {
        path: context.paths.store.display().to_string(),
        key: place.map(KeyPlace::name),
        secrets: counted.into_iter().map(|(kind, count)| Secrets { kind, count }).collect(),
    };
    if args.json {
        return ui::out_json(&report);
    }
    ui::out(&format!("Store:   {}", report.path))?;
    ui::out(match place {
        Some(KeyPlace::Keychain) => "Key:     in the keychain",
        Some(KeyPlace::File) => "Key:     in a file beside the secrets: no better than a private file",
        None => "Key:     made when something is first stored",
    })?;
    let secrets: Vec<String> =
        report.secrets.iter().map(|secrets| format!("{} ({})", secrets.count, secrets.kind)).collect();
    let secrets = if secrets.is_empty() { "none".to_owned() } else { secrets.join(", ") };
    ui::out(&format!("Secrets: {secrets}"))
}

fn move_key(to: KeyPlace, context: &Context) -> Result<()> {
    let is_other = match Wish::from_env()? {
        Wish::Auto => false,
        Wish::Keychain => to != KeyPlace::Keychain,
        Wish::File => to != KeyPlace::File,
    };
    if is_other {
        return Err(Error::usage(
            "SEQERA_HELPER_STORE names the other place, so the key would not be found again",
        )
        .next("unset it first"));
    }
    session::store(&context.paths, Deadline::after(TIME)).move_key(to)?;
    context.tell(match to {
        KeyPlace::Keychain => "The key is in the keychain.",
        KeyPlace::File => "The key is in a private file beside the secrets.",
    });
    Ok(())
}
