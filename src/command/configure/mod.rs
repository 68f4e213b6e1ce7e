//! `seqera configure`: makes a client use the helper, and takes that back exactly.

use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::Context;
use crate::client::record::{Done, Held, Record};
use crate::client::{self, CLIENTS, Change, Client, Options, Seen};
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::session;
use crate::ui;

/// Make a client use the helper, or take that back
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The client
    #[arg(required_unless_present_any = ["list", "undo_all"], value_parser = clients())]
    client: Option<String>,
    /// git: only for servers at this URL, such as https://github.com or 'https://*.example.com'
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// docker: only for this registry (may be repeated); without it, for all
    #[arg(long, value_name = "HOST")]
    registry: Vec<String>,
    /// Take back what was configured
    #[arg(long, conflicts_with_all = ["list", "url", "registry"])]
    undo: bool,
    /// Take back what was configured for every client, before this program is removed
    #[arg(long, conflicts_with_all = ["client", "list", "url", "registry", "undo"])]
    undo_all: bool,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "list")]
    dry_run: bool,
    /// Show every client, and what is configured
    #[arg(long, conflicts_with_all = ["client", "url", "registry"])]
    list: bool,
    /// The list as one JSON object
    #[arg(long, requires = "list")]
    json: bool,
}

fn clients() -> PossibleValuesParser {
    PossibleValuesParser::new(
        CLIENTS.iter().map(|client| PossibleValue::new(client.name()).help(client.about())),
    )
}

/// Runs the command.
///
/// # Errors
/// A change cannot be made or taken back; the client does not reach the helper.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let client = args.client.as_deref().and_then(client::client);
    match client {
        None if args.list => list(&Record::load(&context.paths)?, args.json),
        Some(client) if !args.undo => configure(client, args, context),
        client => undo(client, args.dry_run, context),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A client, and what was done to it.
#[derive(Serialize)]
struct Listed {
    client: &'static str,
    about: &'static str,
    /// Whether it is made to use the helper, by us or by somebody else.
    configured: bool,
    /// What we changed for that.
    changes: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    change: String,
    changed_since: bool,
    /// Only a person reads it: a program sees that it no longer stands.
    #[serde(skip)]
    cannot_be_read: bool,
}

impl Step {
    fn of(change: &Change) -> Step {
        let changed_since = !change.is_done();
        let cannot_be_read = changed_since && change.can_be_read().is_err();
        Step { change: change.words(), changed_since, cannot_be_read }
    }
}

#[derive(Serialize)]
struct List {
    clients: Vec<Listed>,
}

impl Listed {
    fn of(client: &'static dyn Client, record: &Record) -> Listed {
        let changes: Vec<Step> = record.of(Some(client)).map(|step| Step::of(&step.change)).collect();
        // Where nothing of ours stands, it may be made by hand, or by the one who installed the program.
        let by_others =
            || client.plan(&Options::default()).is_ok_and(|plan| plan.changes.iter().all(Change::is_done));
        let configured =
            if changes.is_empty() { by_others() } else { changes.iter().any(|step| !step.changed_since) };
        Listed { client: client.name(), about: client.about(), configured, changes }
    }

    /// One line, which says all of it.
    fn line(&self, width: usize) -> String {
        let name = self.client;
        let steps = self.changes.iter().map(|step| {
            let since = match step.changed_since {
                true if step.cannot_be_read => "  (cannot be read)",
                true => "  (changed since)",
                false => "",
            };
            format!("{}{since}", step.change)
        });
        let steps: Vec<String> = steps.collect();
        match (self.configured, steps.is_empty()) {
            (true, true) => format!("{name:width$}  configured      {}; not by seqera configure", self.about),
            (true, false) => format!("{name:width$}  configured      {}", steps.join("; ")),
            (false, true) => {
                format!("{name:width$}  not configured  {}; seqera configure {name}", self.about)
            }
            (false, false) if self.changes.iter().any(|step| step.cannot_be_read) => {
                format!("{name:width$}  not known       {}", steps.join("; "))
            }
            (false, false) => format!("{name:width$}  not any more    {}", steps.join("; ")),
        }
    }
}

fn list(record: &Record, json: bool) -> Result<()> {
    let clients: Vec<Listed> = CLIENTS.iter().map(|client| Listed::of(*client, record)).collect();
    if json {
        return ui::out_json(&List { clients });
    }
    let width = CLIENTS.iter().map(|client| client.name().len()).max().unwrap_or_default();
    clients.iter().try_for_each(|listed| ui::out(&listed.line(width)))
}

fn configure(client: &dyn Client, args: &Args, context: &Context) -> Result<()> {
    let options = Options { url: args.url.clone(), registries: args.registry.clone() };
    takes(client, &options)?;
    if args.dry_run {
        let plan = client.plan(&options)?;
        let missing = Record::load(&context.paths)?.missing(client, plan.changes);
        if missing.is_empty() {
            context.tell(&format!("{} already uses the helper.", client.name()));
        }
        return missing.iter().try_for_each(|change| ui::out(&format!("would set {}", change.words())));
    }
    let mut held = Held::take(&context.paths)?;
    // Planned once nobody else changes anything.
    let plan = client.plan(&options)?;
    held.forget_gone_links(client, &plan.changes)?;
    let missing = held.record.missing(client, plan.changes);
    if missing.is_empty() {
        context.tell(&format!("{} already uses the helper.", client.name()));
        return ask(client, &options, context);
    }
    // Where the store's key lives is settled here, with a person looking, and not when a client first stores.
    let store = session::store(&context.paths, Deadline::after(Duration::from_secs(60)));
    if let Some(notice) = store.prepare()? {
        context.tell(&notice);
    }
    held.make(client, missing, |done| {
        context.tell(&words(&done));
        if let Done::Made(Change::JsonKey { before: Some(before), .. }) = &done
            && !before.is_empty()
        {
            let client = client.name();
            context.tell(&format!("It was \"{before}\"; seqera configure {client} --undo puts that back."));
        }
    })?;
    plan.notes.iter().for_each(|note| context.tell(note));
    ask(client, &options, context)
}

/// An option that says nothing to this client would be left out, and everything configured.
fn takes(client: &dyn Client, options: &Options) -> Result<()> {
    let name = client.name();
    let asked = [(options.url.is_some(), "--url"), (!options.registries.is_empty(), "--registry")];
    match asked.into_iter().find(|(is_given, option)| *is_given && client.option() != Some(*option)) {
        Some((_, option)) => {
            Err(Error::usage(format!("{name} takes no {option}")).next(match client.option() {
                Some(its) => format!("see what {its} does: seqera configure --help"),
                None => format!("configure it for all with: seqera configure {name}"),
            }))
        }
        None => Ok(()),
    }
}

/// What was configured may still be dead: the client itself knows.
fn ask(client: &dyn Client, options: &Options, context: &Context) -> Result<()> {
    let name = client.name();
    match client.ask(options)? {
        Seen::Yes => context.tell(&format!("Asked {name} itself: it reaches the helper.")),
        Seen::NotAsked(why) => {
            context.tell(&format!("Whether {name} reaches the helper is not known: {why}."))
        }
        Seen::No(why) => return Err(unreached(name, "", &why)),
    }
    if options.url.is_some() {
        return Ok(());
    }
    // The servers that it is known to be needed for are asked about by their names.
    for server in client.exceptions(&context.paths) {
        if let Seen::No(why) = client.ask(&server)? {
            return Err(unreached(name, &format!(" for {}", server.url.unwrap_or_default()), &why));
        }
    }
    Ok(())
}

fn unreached(name: &str, server: &str, why: &str) -> Error {
    Error::failed(format!("{name} does not reach the helper{server}: {why}"))
        .next(format!("to take it back: seqera configure {name} --undo"))
}

fn undo(client: Option<&dyn Client>, dry_run: bool, context: &Context) -> Result<()> {
    let record = Record::load(&context.paths)?;
    let mut steps = record.of(client).rev().peekable();
    if steps.peek().is_none() {
        let what = client.map_or("nothing", Client::name);
        context.tell(&match client {
            Some(_) => format!("{what} was not configured by us: nothing to take back."),
            None => "Nothing was configured by us: nothing to take back.".to_owned(),
        });
        return Ok(());
    }
    if dry_run {
        return steps.try_for_each(|step| ui::out(&format!("would take back {}", step.change.words())));
    }
    Held::take(&context.paths)?.take_back(client, |done| context.tell(&words(&done)))
}

fn words(done: &Done) -> String {
    match done {
        Done::Made(change) => format!("Set {}", change.words()),
        Done::TakenBack(change) => format!("Took back {}", change.words()),
        Done::Kept(change) => format!("Kept, for another client: {}", change.words()),
        Done::Changed(change) => format!("Left as it is, for it was changed since: {}", change.words()),
    }
}
