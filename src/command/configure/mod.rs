//! `seqera configure`: makes a client use the helper, and takes that back exactly.

mod containers;
mod docker;
mod git;
mod json;
mod link;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::files;
use crate::os::paths::Paths;
use crate::session;
use crate::ui;

pub(super) use docker::config_file as docker_config_file;
pub(super) use link::{is_ours, on_path};

/// Make a client use the helper, or take that back
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The client
    #[arg(required_unless_present = "list")]
    client: Option<Client>,
    /// git: only for servers at this URL, such as https://github.com
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// docker: only for this registry (may be repeated); without it, for all
    #[arg(long, value_name = "HOST")]
    registry: Vec<String>,
    /// Take back what was configured
    #[arg(long, conflicts_with_all = ["list", "url", "registry"])]
    undo: bool,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "list")]
    dry_run: bool,
    /// Show what is configured
    #[arg(long, conflicts_with = "client")]
    list: bool,
    /// The list as one JSON object
    #[arg(long, requires = "list")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    /// git and what runs it
    Git,
    /// docker and what reads its configuration
    Docker,
    /// podman, skopeo and buildah
    Containers,
}

impl Client {
    fn name(self) -> &'static str {
        match self {
            Client::Git => "git",
            Client::Docker => "docker",
            Client::Containers => "containers",
        }
    }
}

/// What `configure` did, in the order it was done; undoing goes the other way.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    client: String,
    change: Change,
}

/// One change, with what it takes to reverse it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    /// A link was made.
    Link { path: PathBuf },
    /// A value was added to a key of git's configuration, in `file`, which we may have created.
    GitConfig { key: String, value: String, file: PathBuf, created: bool },
    /// A key of a JSON file was set, `within` an object of it or at its top.
    JsonKey {
        file: PathBuf,
        within: Option<String>,
        key: String,
        value: String,
        before: Option<String>,
        created: bool,
    },
    /// A file of our own was written.
    File { path: PathBuf },
}

impl Record {
    fn path(paths: &Paths) -> PathBuf {
        paths.state.join("configured.json")
    }

    fn load(paths: &Paths) -> Result<Record> {
        let path = Record::path(paths);
        let bytes = files::read(&path, 1024 * 1024)
            .map_err(|error| Error::io(format_args!("{} cannot be read", path.display()), &error))?;
        match bytes {
            None => Ok(Record::default()),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                Error::failed(format!("{} is damaged", path.display())).next("remove it, and undo by hand")
            }),
        }
    }

    /// Whether we made the change for another client and not yet for this one: two clients may look for the
    /// helper under one name, and the link stays until both are taken back.
    fn is_shared(&self, client: Client, change: &Change) -> bool {
        let mut clients = self.steps.iter().filter(|step| &step.change == change).map(|step| &step.client);
        clients.clone().next().is_some() && clients.all(|other| other != client.name())
    }

    fn save(&self, paths: &Paths) -> Result<()> {
        let path = Record::path(paths);
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::failed(error.to_string()))?;
        files::private_dir(&paths.state)
            .and_then(|()| files::replace(&path, &bytes))
            .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))
    }
}

impl Change {
    fn words(&self) -> String {
        match self {
            Change::Link { path } => format!("link {}", path.display()),
            Change::GitConfig { key, value, file, .. } => format!("{key} = {value} in {}", file.display()),
            Change::JsonKey { file, within, key, value, .. } => match within {
                Some(object) => format!("{object}.\"{key}\" = \"{value}\" in {}", file.display()),
                None => format!("{key} = \"{value}\" in {}", file.display()),
            },
            Change::File { path } => format!("file {}", path.display()),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Change::Link { path } => link::is_ours(path),
            Change::GitConfig { key, value, file, .. } => git::has(file, key, value),
            Change::JsonKey { file, within, key, value, .. } => {
                json::get(file, within.as_deref(), key).is_ok_and(|found| found.as_ref() == Some(value))
            }
            Change::File { path } => containers::is_written(path),
        }
    }

    fn make(&self) -> Result<()> {
        match self {
            Change::Link { path } => link::make(path),
            Change::GitConfig { key, value, file, .. } => git::add(file, key, value),
            Change::JsonKey { file, within, key, value, .. } => {
                json::set(file, within.as_deref(), key, value)
            }
            Change::File { path } => containers::write(path),
        }
    }

    /// Takes it back, unless somebody has changed it since: then it is theirs. Answers whether it was ours.
    fn take_back(&self) -> Result<bool> {
        if !self.is_done() {
            return Ok(false);
        }
        match self {
            Change::Link { path } => link::remove(path),
            Change::GitConfig { key, value, file, created } => git::remove(file, key, value, *created),
            Change::JsonKey { file, within, key, before, created, .. } => {
                json::unset(file, within.as_deref(), key, before.as_deref(), *created)
            }
            Change::File { path } => containers::remove(path),
        }?;
        Ok(true)
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut record = Record::load(&context.paths)?;
    match (args.client, args.undo) {
        (None, _) => list(&record, args.json),
        (Some(client), true) => undo(client, &mut record, args.dry_run, context),
        (Some(client), false) => configure(client, &mut record, args, context),
    }?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Listed<'a> {
    client: &'a str,
    change: String,
    changed_since: bool,
}

#[derive(Serialize)]
struct List<'a> {
    configured: Vec<Listed<'a>>,
}

fn list(record: &Record, json: bool) -> Result<()> {
    if json {
        let listed = record.steps.iter().map(|step| Listed {
            client: &step.client,
            change: step.change.words(),
            changed_since: !step.change.is_done(),
        });
        return ui::out_json(&List { configured: listed.collect() });
    }
    if record.steps.is_empty() {
        return ui::out("Nothing is configured. Begin with: seqera configure git");
    }
    for step in &record.steps {
        let state = if step.change.is_done() { "" } else { "  (changed since)" };
        ui::out(&format!("{}: {}{state}", step.client, step.change.words()))?;
    }
    Ok(())
}

fn configure(client: Client, record: &mut Record, args: &Args, context: &Context) -> Result<()> {
    let changes = match client {
        Client::Git => git::plan(args.url.as_deref())?,
        Client::Docker => docker::plan(&args.registry)?,
        Client::Containers => containers::plan()?,
    };
    let missing: Vec<Change> =
        changes.into_iter().filter(|change| !change.is_done() || record.is_shared(client, change)).collect();
    if missing.is_empty() {
        context.tell(&format!("{} already uses the helper.", client.name()));
        return Ok(());
    }
    if args.dry_run {
        return missing.iter().try_for_each(|change| ui::out(&format!("would set {}", change.words())));
    }
    // Where the store's key lives is settled here, with a person looking, and not when a client first stores.
    let store = session::store(&context.paths, Deadline::after(Duration::from_secs(60)));
    if let Some(notice) = store.prepare()? {
        context.tell(&notice);
    }
    for change in missing {
        // Recorded first: a change that was made and not recorded could not be taken back.
        let step = Step { client: client.name().to_owned(), change };
        record.steps.retain(|known| known != &step);
        record.steps.push(step.clone());
        record.save(&context.paths)?;
        if step.change.is_done() {
            continue;
        }
        step.change.make()?;
        context.tell(&format!("Set {}", step.change.words()));
        if let Change::JsonKey { before: Some(before), .. } = &step.change {
            context.tell(&format!(
                "It was \"{before}\"; seqera configure {} --undo puts that back.",
                client.name()
            ));
        }
    }
    Ok(())
}

fn undo(client: Client, record: &mut Record, dry_run: bool, context: &Context) -> Result<()> {
    let steps: Vec<Step> = record.steps.iter().filter(|step| step.client == client.name()).cloned().collect();
    if steps.is_empty() {
        context.tell(&format!("{} was not configured by us: nothing to take back.", client.name()));
        return Ok(());
    }
    for step in steps.iter().rev() {
        if dry_run {
            ui::out(&format!("would take back {}", step.change.words()))?;
            continue;
        }
        record.steps.retain(|known| known != step);
        let is_needed = record.steps.iter().any(|other| other.change == step.change);
        let done = if is_needed {
            "Kept, for another client:"
        } else if step.change.take_back()? {
            "Took back"
        } else {
            "Left as it is, for it was changed since:"
        };
        record.save(&context.paths)?;
        context.tell(&format!("{done} {}", step.change.words()));
    }
    Ok(())
}

/// The folder in which this program is. Where it was called through a link, Linux names the place behind it.
fn program_dir() -> Result<PathBuf> {
    let here =
        std::env::current_exe().map_err(|error| Error::io("this program's place is not known", &error))?;
    let dir = here
        .parent()
        .map(Path::to_path_buf)
        .ok_or_else(|| Error::failed("this program's place is not known"))?;
    Ok(dir)
}

fn home() -> Result<PathBuf> {
    dirs::home_dir().ok_or_else(|| Error::failed("your home folder is not known").next("set HOME"))
}
