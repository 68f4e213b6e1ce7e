//! `seqera import sekuire`: the API key of Sekuire's own program.

use std::process::ExitCode;

use super::agrees;
use crate::command::Context;
use crate::command::login::sekuire::{Options, Replacing, endpoint, enter};
use crate::error::{Error, Result};
use crate::provider::sekuire::auth_file::{self, AuthFile};
use crate::provider::sekuire::{self, Device, masked};
use crate::ui;

/// The API key in ~/.sekuire/auth.json, of Sekuire's own program
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backend that the key is for; Sekuire's own where nothing else is said
    #[arg(long, visible_alias = "backend", value_name = "URL")]
    endpoint: Option<String>,
    /// Remove the plain file once the key is stored, without asking
    #[arg(long, conflicts_with = "auth_file")]
    remove: bool,
    /// Show what would be taken over, and do nothing
    #[arg(long, conflicts_with = "remove")]
    dry_run: bool,
    #[command(flatten)]
    options: Options,
}

/// Runs the command.
///
/// # Errors
/// There is nothing to take over; the key is not good; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
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
    if args.dry_run {
        ui::out(&format!("would take over the API key {} from {}", masked(&key), path.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut device = Device::here();
    // The key is bound to this machine as it was called then.
    if let Some(fingerprint) = file.fingerprint() {
        fingerprint.clone_into(&mut device.fingerprint);
    }
    let may = Replacing { agreed: false, named: args.endpoint.is_some() };
    let profile = enter(context, &key, endpoint(args.endpoint.as_deref())?, device, &args.options, may)?;
    if profile.api_key.is_some_and(|key| key.auth_file) {
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("The key is still in {} in plain text. Remove that file?", path.display());
    if args.remove || agrees(&question) {
        if auth_file::remove_if(&key)? {
            context.tell(&format!("Removed: {}", path.display()));
        }
    } else {
        context.tell(&format!("The key is still in plain text; remove it with: rm {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
