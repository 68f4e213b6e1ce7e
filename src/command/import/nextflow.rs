//! `seqera import nextflow`: the personal access token that `nextflow auth login` wrote down.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::{EACH, Plain, agrees, foretell, keep_token, masked};
use crate::client::edit::TheirFile;
use crate::client::nextflow::{FILE, folder, is_included, without};
use crate::client::nextflow_config::parse;
use crate::command::Context;
use crate::config::Config;
use crate::error::{Error, Result, io_words};
use crate::http::Http;
use crate::os::env::env_text;
use crate::os::files;
use crate::os::ownership::Exposed;
use crate::provider::ProviderId;
use crate::provider::seqera::{Api, CLOUD, user};
use crate::secret::Secret;
use crate::session::Sessions;
use crate::session::profile::{Method, Profile};
use crate::ui;

/// The token in Nextflow's seqera-auth.config
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    plain: Plain,
}

const LIMIT: u64 = 256 * 1024;

/// Runs the command.
///
/// # Errors
/// There is no such file, or no token in it; its server does not accept it; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let folder = folder()?;
    let path = folder.join(FILE);
    let bytes = files::read_foreign(&path, LIMIT).map_err(|error| match Exposed::of(&error) {
        Some(_) => files::failure(format_args!("{} is not taken over", path.display()), &error),
        None => Error::failed(format!("{} cannot be read: {}", path.display(), io_words(&error))),
    })?;
    let text = bytes.map(|bytes| zeroize::Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()));
    let written = text.map(|text| parse(&text)).unwrap_or_default();
    let Some(token) = written.token else {
        return Err(Error::not_logged_in(format!("no token stands in {}", path.display()))
            .next("log in with: seqera login"));
    };
    if written.is_endpoint_unclear {
        return Err(Error::refused(format!("the endpoint in {} cannot be read", path.display()))
            .next("name it there as a plain text: endpoint = 'https://HOST/api'"));
    }
    let endpoint = match written.endpoint {
        Some(endpoint) => endpoint,
        None => usual_endpoint(context)?,
    };
    let endpoint = ProviderId::SEQERA.endpoint(&endpoint)?;
    ui::out(&format!("{}: {} for {endpoint}", path.display(), masked(&token)))?;
    let name = context.name_for(ProviderId::SEQERA)?;
    let profile = Profile::new(name, ProviderId::SEQERA, endpoint, Method::Token);
    if args.plain.dry_run {
        foretell(context, &profile, &token)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (profile, is_new) = keep_token(context, profile, &token)?;
    if let Some(id) = written.workspace
        && is_new
        && let Err(error) = choose(context, &profile, &token, &id)
    {
        ui::say(&format!("The workspace {id} is not chosen: {error}"));
    }
    if written.has_others {
        let what = format!("{} holds other settings, too, and is not removed", path.display());
        if args.plain.remove {
            return Err(Error::refused(what).next("the token is stored here; take the line out by hand"));
        }
        context.tell(&format!("The token is still in plain text; {what}: take the line out by hand"));
        return Ok(ExitCode::SUCCESS);
    }
    let question = format!("The token is still in {} in plain text. Remove that file?", path.display());
    if args.plain.remove || agrees(&question) {
        remove(&folder, &path)?;
        context.tell(&format!("Removed: {}", path.display()));
        context.tell(
            "Nextflow gets the token from its environment: eval \"$(seqera hook bash)\" (or your shell)",
        );
    } else {
        context.tell(&format!("The token is still in plain text in {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The endpoint where the file names none: as for a login.
fn usual_endpoint(context: &Context) -> Result<String> {
    let named = ProviderId::SEQERA.variables().endpoints.iter().find_map(|name| env_text(name));
    Ok(match named {
        Some(named) => named,
        None => Config::load(&context.paths)?.in_file("endpoint").unwrap_or_else(|| CLOUD.to_owned()),
    })
}

fn choose(context: &Context, profile: &Profile, token: &Secret, id: &str) -> Result<()> {
    let http = Http::new(EACH);
    let user = user(&http, &profile.endpoint, token)?;
    let workspaces = Api::new(&http, &profile.endpoint).workspaces(token, &user)?;
    let workspace = workspaces.into_iter().find(|workspace| workspace.id == id);
    let workspace = workspace.ok_or_else(|| Error::failed("your account has no such workspace"))?;
    let deadline = crate::os::deadline::Deadline::after(Duration::from_secs(30));
    Sessions::new(&context.paths, deadline)
        .change(&profile.name, |profile| profile.workspace = Some(workspace))?;
    Ok(())
}

/// The line that includes the file goes first: Nextflow does not start where it includes what is not there.
fn remove(folder: &Path, path: &Path) -> Result<()> {
    let config = folder.join("config");
    if is_included(&config) {
        let theirs = TheirFile::read(&config)?;
        theirs.replace(&without(theirs.bytes.as_deref().unwrap_or_default()), 0o600)?;
    }
    files::remove(path)
        .map_err(|error| Error::io(format_args!("{} cannot be removed", path.display()), &error))
}
