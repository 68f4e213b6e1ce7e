//! `seqera import`: takes over a login that another program keeps.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::Context;
use super::login::sekuire::{Options, endpoint, enter};
use crate::error::{Error, Result};
use crate::provider::sekuire::auth_file::{self, AuthFile};
use crate::provider::sekuire::{self, Device};
use crate::ui::{self, Keyboard, Typed};

/// Take over a login that another program keeps
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// The API key in ~/.sekuire/auth.json, of Sekuire's own program
    Sekuire {
        /// The backend that the key is for; Sekuire's own where nothing else is said
        #[arg(long, visible_alias = "backend", value_name = "URL")]
        endpoint: Option<String>,
        /// Remove the plain file once the key is stored, without asking
        #[arg(long, conflicts_with = "auth_file")]
        remove: bool,
        #[command(flatten)]
        options: Options,
    },
}

/// Runs the command.
///
/// # Errors
/// There is nothing to take over; the key is not good; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let From::Sekuire { endpoint: named, remove, options } = &args.from;
    let path = auth_file::path()?;
    let file = AuthFile::read()?.ok_or_else(|| {
        Error::not_logged_in(format!("there is no {}", path.display())).next("log in with: sekuire login")
    })?;
    let key = file.key().ok_or_else(|| {
        let what = match file.is_legacy() {
            true => format!("{} holds a token of the older kind and no API key", path.display()),
            false => format!("there is no API key in {}", path.display()),
        };
        Error::not_logged_in(what).next("log in with: sekuire login")
    })?;
    let key = sekuire::key(&key)?;
    let mut device = Device::here();
    // The key is bound to this machine as it was called then.
    if let Some(fingerprint) = file.fingerprint() {
        fingerprint.clone_into(&mut device.fingerprint);
    }
    let profile = enter(context, &key, endpoint(named.as_deref())?, device, options)?;
    if profile.api_key.is_some_and(|key| key.auth_file) {
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("The key is still in {} in plain text. Remove that file?", path.display());
    if *remove || agrees(&question) {
        if auth_file::remove_if(&key)? {
            context.tell(&format!("Removed: {}", path.display()));
        }
    } else {
        context.tell(&format!("The key is still in plain text; remove it with: rm {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// How long a question waits for its answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a person says yes. Nobody there, and no answer, is no.
fn agrees(question: &str) -> bool {
    let Some(keyboard) = Keyboard::open() else { return false };
    ui::prompt(&format!("{question} [y/N] "));
    match keyboard.typed(PATIENCE) {
        Typed::Line(line) => matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"),
        Typed::Nothing | Typed::Closed => {
            ui::say("");
            false
        }
    }
}
