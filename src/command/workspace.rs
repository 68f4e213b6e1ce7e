//! `seqera workspace`: the workspace that is exported as `TOWER_WORKSPACE_ID`.

use clap::Subcommand;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::process::ExitCode;

use super::Context;
use super::choice::{Choice, choose};
use super::completions;
use super::org::{login, sessions};
use super::server::Server;
use crate::error::Result;
use crate::provider::seqera::{Api, user};
use crate::provider::{Organization, Workspace};
use crate::session::profile::Profile;
use crate::ui;

/// Show, list, choose or clear the workspace
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
    /// Your workspaces, as the server knows them; '*' is the chosen one
    List,
    /// Choose a workspace; asks on a terminal when none is named
    Switch {
        /// ORGANIZATION/NAME, its name where only one is called so, or its number
        #[arg(value_name = "ORG/NAME|NAME|ID", add = ArgValueCandidates::new(completions::workspaces))]
        workspace: Option<String>,
    },
    /// Choose none: your personal workspace
    Clear,
}

#[derive(Serialize)]
struct One {
    workspace: Option<Workspace>,
}

#[derive(Serialize)]
struct Workspaces {
    workspaces: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    workspace: Workspace,
    chosen: bool,
}

/// Runs the command.
///
/// # Errors
/// Not logged in; no such workspace; those of asking the server.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    match &args.command {
        None => show(&login(context)?, args.json),
        Some(Sub::List) => list(args, context),
        Some(Sub::Switch { workspace }) => switch(workspace.as_deref(), args, context),
        Some(Sub::Clear) => clear(args, context),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn show(profile: &Profile, json: bool) -> Result<()> {
    if json {
        return ui::out_json(&One { workspace: profile.workspace.clone() });
    }
    match &profile.workspace {
        Some(workspace) => ui::out(&line(workspace)),
        None => {
            ui::out("No workspace is chosen: your personal one counts. Choose with: seqera workspace switch")
        }
    }
}

fn line(workspace: &Workspace) -> String {
    format!("{} {}", full_name(workspace), workspace.id)
}

fn full_name(workspace: &Workspace) -> String {
    format!("{}/{}", workspace.organization, workspace.name)
}

/// What there is, each with the number of the organization it is in, where that is known.
fn ask(context: &Context) -> Result<(Profile, Vec<Workspace>, Vec<Organization>)> {
    let profile = login(context)?;
    let mut server = Server::of(context, &profile.name)?;
    let (workspaces, memberships) = server.ask(|s| {
        let (api, user) = (Api::new(&s.http, &s.endpoint), user(&s.http, &s.endpoint, &s.token)?);
        Ok((api.workspaces(&s.token, &user)?, api.organizations(&s.token, &user)?))
    })?;
    Ok((profile, workspaces, memberships.into_iter().map(|membership| membership.organization).collect()))
}

fn list(args: &Args, context: &Context) -> Result<()> {
    let (profile, workspaces, _) = ask(context)?;
    if profile.workspaces != known(&workspaces) {
        // Only completion misses them where nothing can be written.
        let _ = sessions(context).change(&profile.name, |profile| profile.workspaces = known(&workspaces));
    }
    let chosen = profile.workspace.map(|workspace| workspace.id);
    if args.json {
        let row = |workspace: Workspace| Row { chosen: chosen.as_ref() == Some(&workspace.id), workspace };
        return ui::out_json(&Workspaces { workspaces: workspaces.into_iter().map(row).collect() });
    }
    if workspaces.is_empty() {
        context.tell("Your account has no workspace but the personal one.");
    }
    let cells = |workspace: &Workspace| {
        let mark = if chosen.as_ref() == Some(&workspace.id) { "*" } else { " " };
        [mark.to_owned(), full_name(workspace), workspace.id.clone()]
    };
    ui::out_rows(&workspaces.iter().map(cells).collect::<Vec<_>>(), " ")
}

/// What is kept of them for completion.
pub(super) fn known(workspaces: &[Workspace]) -> Vec<Workspace> {
    workspaces.iter().take(KNOWN).cloned().collect()
}

/// A profile is small: with more workspaces, people know what theirs is called.
const KNOWN: usize = 150;

fn switch(wanted: Option<&str>, args: &Args, context: &Context) -> Result<()> {
    let (profile, workspaces, organizations) = ask(context)?;
    let known = known(&workspaces);
    let choices = workspaces
        .into_iter()
        .map(|workspace| Choice {
            names: vec![full_name(&workspace), workspace.name.clone(), workspace.id.clone()],
            remark: workspace.id.clone(),
            value: workspace,
        })
        .collect();
    let workspace = choose("workspace", wanted, choices)?;
    let set = format!("Workspace set: {}", full_name(&workspace));
    let organization = organizations.into_iter().find(|one| one.name == workspace.organization);
    let profile = sessions(context).change(&profile.name, |profile| {
        // The prompt shows one organization, so it has to be one.
        profile.organization = organization.or(profile.organization.take());
        profile.workspace = Some(workspace);
        profile.workspaces = known;
    })?;
    context.tell(&set);
    if args.json { show(&profile, true) } else { Ok(()) }
}

fn clear(args: &Args, context: &Context) -> Result<()> {
    let name = login(context)?.name;
    let profile = sessions(context).change(&name, |profile| profile.workspace = None)?;
    context.tell("No workspace is chosen now: your personal one counts.");
    if args.json { show(&profile, true) } else { Ok(()) }
}
