//! `seqera import env`: the token that stands in a file which shells read when they start.

use std::path::Path;
use std::process::ExitCode;

use super::{Plain, agrees, foretell, keep_token, masked};
use crate::client::edit::TheirFile;
use crate::command::Context;
use crate::command::login::sekuire::{Options, Replacing, enter};
use crate::command::plain::{Found, addresses_in, start_up_files, tokens_in};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::provider::LoginWay;
use crate::provider::sekuire::{Device, key};
use crate::session::profile::{Method, Profile};
use crate::ui;

/// The token in a start-up file of a shell: .bashrc, .zshenv, config.fish and their like
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The API that the token is for; that of the environment, or the platform's own, where nothing is said
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    #[command(flatten)]
    plain: Plain,
}

/// Runs the command. Of several tokens the first is taken over, and the others are named.
///
/// # Errors
/// There is none; its server does not accept it; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let home =
        dirs::home_dir().ok_or_else(|| Error::failed("your home folder is not known").next("set HOME"))?;
    let files = start_up_files(&home);
    let found: Vec<Found> = files.iter().flat_map(|file| tokens_in(file)).collect();
    let first = found.iter().find_map(|one| Some((one, one.token.clone()?)));
    let Some((first, token)) = first else {
        return Err(Error::not_logged_in("no token stands in the start-up files of your shells")
            .next("log in with: seqera login"));
    };
    for one in &found {
        let shown = one.token.as_ref().map(masked).unwrap_or_default();
        let name = one.variable.unwrap_or("a token");
        ui::out(&format!("{}, line {}: {name} {shown}", one.path.display(), one.line))?;
    }
    TheirFile::read_own(&first.path)?;
    let platform = first.provider;
    let endpoint = match &args.endpoint {
        Some(named) => platform.endpoint(named)?,
        None => endpoint_beside(first)?,
    };
    match platform.login_way() {
        LoginWay::OAuth => {
            let name = context.name_for(first.provider)?;
            let profile = Profile::new(name, first.provider, endpoint, Method::Token);
            if args.plain.dry_run {
                foretell(context, &profile, &token)?;
                return Ok(ExitCode::SUCCESS);
            }
            keep_token(context, profile, &token)?;
        }
        LoginWay::ApiKey if args.plain.dry_run => {
            ui::out(&format!("would store {} for {endpoint}", masked(&token)))?;
            return Ok(ExitCode::SUCCESS);
        }
        LoginWay::ApiKey => {
            let may = Replacing { agreed: false, named: args.endpoint.is_some() };
            enter(context, &key(&token)?, endpoint, Device::here(), &Options::default(), may)?;
        }
    }
    let copies: Vec<&Found> = found.iter().filter(|one| one.token.as_ref() == Some(&token)).collect();
    remove(&copies, args.plain.remove, context)?;
    if found.iter().any(|one| one.token.as_ref().is_some_and(|other| *other != token)) {
        context.tell("There are other tokens; take the next one over with: seqera import env --profile NAME");
    }
    context.tell("Shells get the token from the hook: eval \"$(seqera hook bash)\" (or your shell)");
    Ok(ExitCode::SUCCESS)
}

/// The endpoint that the file of a token names beside it; else that of the environment, or the platform's own.
fn endpoint_beside(found: &Found) -> Result<Endpoint> {
    let (platform, path) = (found.provider, found.path.display());
    let unclear = |what: String| Error::refused(what).next("name the API of the token with --endpoint URL");
    let named = addresses_in(&found.path, platform.variables().endpoints)
        .map_err(|line| unclear(format!("{path}, line {line} computes the endpoint of the token")))?;
    let mut named = named.iter().map(|named| platform.endpoint(named)).collect::<Result<Vec<_>>>()?;
    named.dedup();
    match named.len() {
        0 => platform.outside_endpoint(),
        1 => Ok(named.remove(0)),
        _ => Err(unclear(format!("{path} names several endpoints"))),
    }
}

fn remove(copies: &[&Found], without_asking: bool, context: &Context) -> Result<()> {
    let mut files: Vec<&Path> = copies.iter().map(|one| one.path.as_path()).collect();
    files.dedup();
    for path in files {
        let lines: Vec<usize> =
            copies.iter().filter(|one| one.path == path && one.is_alone).map(|one| one.line).collect();
        let others = copies.iter().filter(|one| one.path == path && !one.is_alone);
        for other in others {
            context.tell(&format!(
                "{}, line {} holds more than the token, or the lines around need it: take it out by hand",
                path.display(),
                other.line
            ));
        }
        if lines.is_empty() {
            continue;
        }
        let listed = lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        let question = format!("Remove line {listed} of {}?", path.display());
        if without_asking || agrees(&question) {
            without(path, &lines)?;
            context.tell(&format!("Removed: line {listed} of {}", path.display()));
        } else {
            context.tell(&format!("The token is still in {}, line {listed}", path.display()));
        }
    }
    Ok(())
}

/// Takes lines (from 1) out of a file, which keeps its mode; a link to it stays one.
fn without(path: &Path, lines: &[usize]) -> Result<()> {
    let theirs = TheirFile::read(path)?;
    let text = zeroize::Zeroizing::new(theirs.bytes.clone().unwrap_or_default());
    let kept = (1..).zip(text.split_inclusive(|byte| *byte == b'\n'));
    let kept: Vec<&[u8]> = kept.filter(|(number, _)| !lines.contains(number)).map(|(_, line)| line).collect();
    theirs.replace(&zeroize::Zeroizing::new(kept.concat()), 0o600).map(|_| ())
}
