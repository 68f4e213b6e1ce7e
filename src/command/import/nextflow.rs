//! `seqera import nextflow`: the personal access token that `nextflow auth login` wrote down.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::{EACH, Plain, agrees, foretell, keep_token, masked};
use crate::client::edit::TheirFile;
use crate::client::nextflow::{FILE, folder, is_included, without};
use crate::command::Context;
use crate::error::{Error, Result, io_words};
use crate::http::Http;
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

/// What `nextflow auth login` wrote.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    token: Option<Secret>,
    endpoint: Option<String>,
    workspace: Option<String>,
}

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
    let endpoint = ProviderId::SEQERA.endpoint(written.endpoint.as_deref().unwrap_or(CLOUD))?;
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

/// The settings of the `tower` scope, as a block or with dots. A value that is computed is none.
fn parse(text: &str) -> Written {
    let mut written = Written::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.rsplit(['.', '{', ' ', '\t']).find(|part| !part.is_empty()).unwrap_or_default();
        let Some(value) = literal(value) else { continue };
        match name {
            "accessToken" => written.token = Some(Secret::from(value)),
            "endpoint" => written.endpoint = Some(value.to_owned()),
            "workspaceId" => written.workspace = Some(value.to_owned()),
            _ => {}
        }
    }
    written
}

fn literal(value: &str) -> Option<&str> {
    let value = value.trim_start();
    let quote = value.chars().next()?;
    let text = match quote {
        '\'' | '"' => value[1..].split(quote).next()?,
        _ => value.split(|c: char| !c.is_ascii_digit()).next()?,
    };
    let is_computed = quote == '"' && text.contains('$');
    (!text.is_empty() && !is_computed).then_some(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nextflow_writes_is_read_and_what_is_computed_is_not() {
        let block = "// Seqera Platform configuration\ntower {\n    accessToken = 'eyJ0aWQ'\n    endpoint = 'https://tower.example/api'\n    enabled = true\n    workspaceId = '3001'  // acme / research [x]\n}\n";
        let written = parse(block);
        assert_eq!(written.token, Some("eyJ0aWQ".into()));
        assert_eq!(written.endpoint.as_deref(), Some("https://tower.example/api"));
        assert_eq!(written.workspace.as_deref(), Some("3001"));
        let dots = parse("tower.accessToken = \"eyJ\"\ntower.workspaceId = 17\n");
        assert_eq!((dots.token, dots.workspace.as_deref()), (Some("eyJ".into()), Some("17")));
        for computed in
            ["tower.accessToken = \"$TOWER_ACCESS_TOKEN\"", "accessToken = System.getenv('X')", ""]
        {
            assert_eq!(parse(computed).token, None, "{computed}");
        }
    }
}
