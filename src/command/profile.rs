//! `seqera profile`: several accounts side by side.

use std::path::{Component, Path, PathBuf};

use clap::{Subcommand, ValueHint};
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::process::ExitCode;

use super::Context;
use super::completions;
use super::logout::{Servers, logout};
use super::status::Login;
use crate::config;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::non_empty;
use crate::session::Sessions;
use crate::session::folders;
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
    /// Use a profile in a folder and all below it, in your own configuration; without arguments, show the folders
    Bind {
        /// The folder, the current one where none is named, and the profile
        #[arg(
            value_name = "DIR] [NAME",
            num_args = 0..=2,
            value_hint = ValueHint::DirPath,
            add = ArgValueCandidates::new(completions::profiles)
        )]
        args: Vec<String>,
        /// Take a folder's profile away
        #[arg(long)]
        remove: bool,
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
        Some(Sub::Bind { args: words, remove }) => bind(words, *remove, args, context),
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
    ui::out_rows(&logins.iter().map(Login::cells).collect::<Vec<_>>(), "  ")
}

fn choose(name: &ProfileName, context: &Context) -> Result<()> {
    let profile = Profile::load(&context.paths, name)?.ok_or_else(|| unknown(name, context))?;
    Profile::choose(&context.paths, name)?;
    sessions(context).mark(&profile);
    context.tell(&format!("Profile in use: {name}"));
    if non_empty("SEQERA_PROFILE").is_some() {
        context.tell("In this shell SEQERA_PROFILE overrides that; unset it to follow.");
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

#[derive(Serialize)]
struct Bound {
    folder: String,
    profile: String,
}

fn bind(words: &[String], remove: bool, args: &Args, context: &Context) -> Result<()> {
    let (folder, name) = match (words, remove) {
        ([], false) => return show_folders(args, context),
        ([name], false) => (".", Some(name)),
        ([folder, name], false) => (folder.as_str(), Some(name)),
        ([], true) => (".", None),
        ([folder], true) => (folder.as_str(), None),
        _ => return Err(Error::usage("--remove takes a folder and no profile")),
    };
    let folder = absolute(folder)?;
    let Some(name) = name else {
        let turn = context.turn_at_config()?;
        let before = config::bind_folder(&context.paths, &folder, None)?;
        let before = before
            .ok_or_else(|| Error::usage(format!("{folder} is not bound")).next("see: seqera profile bind"))?;
        rewrite_marks(context);
        drop(turn);
        context.tell(&format!("{folder} no longer uses '{before}'."));
        return Ok(());
    };
    let name: ProfileName = name.parse()?;
    if Profile::load(&context.paths, &name)?.is_none() {
        return Err(unknown(&name, context));
    }
    let turn = context.turn_at_config()?;
    config::bind_folder(&context.paths, &folder, Some(name.as_str()))?;
    rewrite_marks(context);
    drop(turn);
    context.tell(&format!("In {folder}, and all below it, the profile is '{name}' now."));
    if non_empty("SEQERA_PROFILE").is_some() {
        context.tell("In this shell SEQERA_PROFILE overrides that; unset it to follow.");
    }
    Ok(())
}

fn show_folders(args: &Args, context: &Context) -> Result<()> {
    let folders = config::folders(&context.paths)?;
    if args.json {
        let bound = |(folder, profile)| Bound { folder, profile };
        return ui::out_json(&folders.into_iter().map(bound).collect::<Vec<_>>());
    }
    if folders.is_empty() {
        context.tell("No folder is bound to a profile. Bind one with: seqera profile bind DIR NAME");
    }
    folders.iter().try_for_each(|(folder, name)| ui::out(&format!("{folder}  {name}")))
}

/// A folder as the person's shell names it, from the root.
fn absolute(folder: &str) -> Result<String> {
    let cannot = |why: &str| Error::usage(format!("cannot bind {}: {why}", ui::plain(folder)));
    if !Path::new(folder).is_dir() {
        return Err(cannot("it is not a folder"));
    }
    let here = folders::here().ok_or_else(|| cannot("the current folder is gone"))?;
    let mut path = PathBuf::new();
    for part in here.join(folder).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    let text = path.into_os_string().into_string().map_err(|_| cannot("its name is not UTF-8"))?;
    if text.contains(char::is_control) { Err(cannot("its name holds control characters")) } else { Ok(text) }
}

/// Shells look again where a mark has changed, and find the folders.
fn rewrite_marks(context: &Context) {
    folders::restore(&context.paths);
    for name in Profile::list(&context.paths).unwrap_or_default() {
        if let Ok(Some(profile)) = Profile::load(&context.paths, &name) {
            sessions(context).mark(&profile);
        }
    }
}
