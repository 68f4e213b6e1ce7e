//! `seqera profile`: several accounts side by side.

use clap::Subcommand;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::process::ExitCode;

use super::Context;
use super::completions;
use super::logout::{Servers, logout};
use super::status::Login;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::non_empty;
use crate::session::Sessions;
use crate::session::profile::{Profile, ProfileName};
use crate::ui;

/// Show, list, choose, rename or remove logins
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
    /// One JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// All profiles; '*' is the one in use
    List,
    /// Use a profile in all shells without a SEQERA_PROFILE of their own
    Use {
        /// Its name
        #[arg(add = ArgValueCandidates::new(completions::profiles))]
        name: ProfileName,
    },
    /// Give a profile another name
    Rename {
        /// What it is called
        #[arg(add = ArgValueCandidates::new(completions::profiles))]
        old: ProfileName,
        /// What it will be called
        new: ProfileName,
    },
    /// Log out of a profile and forget it
    Remove {
        /// Its name
        #[arg(add = ArgValueCandidates::new(completions::profiles))]
        name: ProfileName,
    },
}

#[derive(Serialize)]
struct Profiles {
    profile: ProfileName,
    #[serde(skip_serializing_if = "Option::is_none")]
    profiles: Option<Vec<Login>>,
}

/// Runs the command.
///
/// # Errors
/// There is no profile of that name, or there is one already; the store.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    match &args.command {
        None => in_use(args, context),
        Some(Sub::List) => list(args, context),
        Some(Sub::Use { name }) => choose(name, context),
        Some(Sub::Rename { old, new }) => rename(old, new, context),
        Some(Sub::Remove { name }) => remove(name, context),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn in_use(args: &Args, context: &Context) -> Result<()> {
    let profile = context.name()?;
    match args.json {
        true => ui::out_json(&Profiles { profile, profiles: None }),
        false => ui::out(profile.as_str()),
    }
}

fn list(args: &Args, context: &Context) -> Result<()> {
    let selected = context.name()?;
    let mut logins = Vec::new();
    for name in Profile::list(&context.paths)? {
        match Profile::load(&context.paths, &name) {
            Ok(profile) => logins.extend(profile.map(|profile| Login::of(profile, name == selected))),
            Err(error) => ui::complain(context.program(), &error),
        }
    }
    if args.json {
        return ui::out_json(&Profiles { profile: selected, profiles: Some(logins) });
    }
    if logins.is_empty() {
        context.tell("There is no login. Begin with: seqera login");
    }
    logins.iter().try_for_each(|login| ui::out(&login.line()))
}

fn choose(name: &ProfileName, context: &Context) -> Result<()> {
    let profile = Profile::load(&context.paths, name)?.ok_or_else(|| unknown(name, context))?;
    Profile::choose(&context.paths, name)?;
    sessions(context).mark(&profile);
    context.tell(&format!("Profile in use: {name}"));
    if non_empty("SEQERA_PROFILE").is_some() {
        context.tell("In this shell SEQERA_PROFILE goes before that; unset it to follow.");
    }
    Ok(())
}

fn rename(old: &ProfileName, new: &ProfileName, context: &Context) -> Result<()> {
    if Profile::load(&context.paths, old)?.is_none() {
        return Err(unknown(old, context));
    }
    sessions(context).rename(old, new)?;
    context.tell(&format!("The profile '{old}' is now called '{new}'."));
    Ok(())
}

fn remove(name: &ProfileName, context: &Context) -> Result<()> {
    if Profile::load(&context.paths, name).is_ok_and(|profile| profile.is_none()) {
        return Err(unknown(name, context));
    }
    logout(context, &mut Servers::default(), name)?;
    // Nothing is left to give back: what the box held went with the logout.
    sessions(context).remove(name)?;
    context.tell(&format!("The profile '{name}' is removed."));
    Ok(())
}

fn sessions(context: &Context) -> Sessions<'_> {
    Sessions::new(&context.paths, Deadline::after(super::TIME))
}

fn unknown(name: &ProfileName, context: &Context) -> Error {
    let known = Profile::list(&context.paths).unwrap_or_default();
    let known: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
    let error = Error::not_logged_in(format!("there is no profile '{name}'"));
    match known.is_empty() {
        true => error.next(format!("make it with: seqera login --profile {name}")),
        false => error.next(format!("there are: {}", known.join(", "))),
    }
}
