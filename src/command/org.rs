//! `seqera org`: the organization of a login.

use clap::Subcommand;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::process::ExitCode;

use super::choice::{Choice, choose};
use super::completions;
use super::server::{Server, Source};
use super::{Context, TIME};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::provider::Organization;
use crate::provider::seqera::{Api, Membership, user, vendor};
use crate::session::profile::Profile;
use crate::session::{Sessions, not_logged_in};
use crate::ui::{self, trace};

/// Show, list, choose or clear the organization
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Sub>,
    /// One JSON object
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    trace: trace::Flags,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// The chosen one
    #[command(visible_aliases = ["info", "current"])]
    Show,
    /// Your organizations, as the server lists them; '*' is the chosen one
    List,
    /// Choose an organization; asks on a terminal when none is named
    #[command(visible_aliases = ["select", "change"])]
    Switch {
        /// Its name, its full name or its number
        #[arg(value_name = "NAME|ID", add = ArgValueCandidates::new(completions::organizations))]
        organization: Option<String>,
    },
    /// Choose none
    #[command(visible_alias = "reset")]
    Clear,
}

#[derive(Serialize)]
struct One {
    organization: Option<Organization>,
    /// What Seqera's own program has chosen, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_organization: Option<vendor::Chosen>,
}

#[derive(Serialize)]
struct Organizations {
    organizations: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    organization: Organization,
    plan: Option<String>,
    role: Option<String>,
    chosen: bool,
}

/// Runs the command.
///
/// # Errors
/// Not logged in; no such organization; those of asking the server.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    args.trace.apply();
    match &args.command {
        None | Some(Sub::Show) => show(&login(context)?, args.json),
        Some(Sub::List) => list(args, context),
        Some(Sub::Switch { organization }) => switch(organization.as_deref(), args, context),
        Some(Sub::Clear) => clear(args, context),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The login in use, of a platform that has organizations and workspaces.
pub(super) fn login(context: &Context) -> Result<Profile> {
    let name = context.name()?;
    let profile = Profile::load(&context.paths, &name)?.ok_or_else(|| not_logged_in(&name))?;
    if profile.provider.has_organizations() {
        return Ok(profile);
    }
    let title = profile.provider.title();
    Err(Error::failed(format!(
        "the login '{name}' is not for Seqera but for {title}, which has no organizations to choose from"
    ))
    .next("name another with --profile; there are: seqera profile list"))
}

fn show(profile: &Profile, json: bool) -> Result<()> {
    let id = profile.organization.as_ref().map(|organization| &organization.id);
    let theirs = vendor::chosen(&profile.endpoint).filter(|theirs| Some(&theirs.id) != id);
    if json {
        let organization = profile.organization.clone();
        return ui::out_json(&One { organization, vendor_organization: theirs });
    }
    match &profile.organization {
        Some(organization) => ui::out(&format!("{} ({})", organization.name, organization.id)),
        None => ui::out("No organization is chosen. Choose one with: seqera org switch"),
    }?;
    match theirs {
        Some(theirs) => ui::out(&format!(
            "Seqera's own program has another: {} ({}). Make them agree with: seqera org switch NAME",
            theirs.name, theirs.id
        )),
        None => Ok(()),
    }
}

/// Makes Seqera's own program choose the same, where it is here and the person's settings let us.
pub(super) fn tell_vendor(context: &Context, profile: &Profile, plan: Option<&str>) {
    if !Config::load(&context.paths).is_ok_and(|config| config.syncs_organization()) {
        return;
    }
    match vendor::follow(&profile.endpoint, profile.organization.as_ref(), plan) {
        Ok(vendor::Followed::Written) => context.tell("Seqera's own program has the same organization now."),
        Ok(vendor::Followed::Elsewhere) => {
            context.tell("Seqera's own program is logged in to another server, and keeps its organization.");
        }
        Ok(vendor::Followed::Nothing) => {}
        Err(error) => ui::say(&format!("Seqera's own program keeps its organization: {error}")),
    }
}

fn ask(context: &Context) -> Result<(Profile, Vec<Membership>)> {
    let profile = login(context)?;
    let mut server = Server::of(context, &profile.name)?;
    let memberships = server.ask(|s| {
        let user = user(&s.http, &s.endpoint, &s.token)?;
        Ok(Api::new(&s.http, &s.endpoint).organizations(&s.token, &user)?)
    })?;
    match server.source {
        Source::Login(profile) => Ok((*profile, memberships)),
        Source::Variable(_) => Ok((profile, memberships)),
    }
}

fn list(args: &Args, context: &Context) -> Result<()> {
    let (profile, memberships) = ask(context)?;
    let chosen = profile.organization.map(|organization| organization.id);
    let rows: Vec<Row> = memberships
        .into_iter()
        .map(|Membership { organization, plan, role, .. }| Row {
            chosen: chosen.as_ref() == Some(&organization.id),
            organization,
            plan,
            role,
        })
        .collect();
    if args.json {
        return ui::out_json(&Organizations { organizations: rows });
    }
    if rows.is_empty() {
        context.tell("Your account is in no organization.");
    }
    let cells = |Row { organization, plan, chosen, .. }: Row| {
        let mark = if chosen { "*" } else { " " };
        [mark.to_owned(), organization.name, organization.id, remark(plan.as_deref())]
    };
    ui::out_rows(&rows.into_iter().map(cells).collect::<Vec<_>>(), " ")
}

fn remark(plan: Option<&str>) -> String {
    plan.map(|plan| format!("({plan})")).unwrap_or_default()
}

/// The organizations as they are offered.
pub(super) fn choices(memberships: Vec<Membership>) -> Vec<Choice<Organization>> {
    let is_shared =
        |name: &str| memberships.iter().filter(|other| other.organization.name == name).count() > 1;
    let choice = |Membership { organization, full_name, plan, .. }: &Membership| {
        let number =
            if is_shared(&organization.name) { format!("{} ", organization.id) } else { String::new() };
        Choice {
            names: vec![
                organization.name.clone(),
                full_name.clone().unwrap_or_default(),
                organization.id.clone(),
            ],
            remark: format!("{number}{}", remark(plan.as_deref())),
            value: organization.clone(),
        }
    };
    memberships.iter().map(choice).collect()
}

fn switch(wanted: Option<&str>, args: &Args, context: &Context) -> Result<()> {
    let (profile, memberships) = ask(context)?;
    let known = memberships.iter().map(|membership| membership.organization.clone()).collect();
    let plans = memberships.iter().map(|m| (m.organization.id.clone(), m.plan.clone()));
    let plans: Vec<(String, Option<String>)> = plans.collect();
    let organization = choose("organization", wanted, choices(memberships))?;
    let left = profile.workspace.filter(|workspace| workspace.organization != organization.name);
    let name = organization.name.clone();
    let plan = plans.into_iter().find(|(id, _)| *id == organization.id).and_then(|(_, plan)| plan);
    let profile = sessions(context).change(&profile.name, |profile| {
        profile.workspace =
            profile.workspace.take().filter(|workspace| workspace.organization == organization.name);
        profile.organization = Some(organization);
        profile.organizations = known;
    })?;
    context.tell(&format!("Organization set: {name}"));
    tell_vendor(context, &profile, plan.as_deref());
    if let Some(workspace) = left {
        context.tell(&format!(
            "The workspace {}/{} is not in it and is cleared; choose another with: seqera workspace switch",
            workspace.organization, workspace.name
        ));
    }
    if args.json { show(&profile, true) } else { Ok(()) }
}

fn clear(args: &Args, context: &Context) -> Result<()> {
    let name = login(context)?.name;
    let profile = sessions(context).change(&name, |profile| profile.organization = None)?;
    context.tell("No organization is chosen now.");
    tell_vendor(context, &profile, None);
    if args.json { show(&profile, true) } else { Ok(()) }
}

pub(super) fn sessions(context: &Context) -> Sessions<'_> {
    Sessions::new(&context.paths, Deadline::after(TIME))
}
