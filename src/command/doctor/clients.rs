//! The clients that are configured, asked as they ask: through the client itself.

use std::process::Command;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Finding;
use crate::broker::Broker;
use crate::client::record::Record;
use crate::client::{
    CLIENTS, Change, Client, Options, Seen, ask, ask_docker, docker_config_file, git_reset_here, registry_key,
};
use crate::command::Context;
use crate::command::import::masked;
use crate::error::Kind;
use crate::os::deadline::Deadline;
use crate::os::programs;
use crate::protocol::docker::Docker;
use crate::protocol::docker::wire::HUB;
use crate::protocol::{HELPER, Protocol};
use crate::secret::Secret;
use crate::session::mark::{Mark, State};
use crate::session::profile::Profile;

/// A client that answers does so within this.
const PATIENCE: Duration = Duration::from_secs(15);

/// More registries than this are not asked about.
const MOST: usize = 5;

/// Looks at the clients.
pub fn look(context: &Context, findings: &mut Vec<Finding>) {
    let record = match Record::load(&context.paths) {
        Ok(record) => record,
        Err(error) => {
            findings.push(Finding::of_error("configure", &error));
            return;
        }
    };
    for client in CLIENTS {
        let changes: Vec<&Change> =
            record.steps().filter(|step| step.client == client.name()).map(|step| &step.change).collect();
        if changes.is_empty() {
            continue;
        }
        let name = client.name();
        let undone: Vec<Finding> = changes
            .iter()
            .filter(|change| !change.is_done())
            .map(|change| {
                if let Err(error) = change.can_be_read() {
                    return Finding::of_error(name, &error);
                }
                Finding::wrong(name, format!("what was configured is not there any more: {}", change.words()))
                    .next(format!("configure it again with: seqera configure {name}"))
            })
            .collect();
        match undone.is_empty() {
            true => findings.extend(reaches(*client, &changes, context)),
            false => findings.extend(undone),
        }
    }
    findings.extend(git_answer(context, &record));
    let registries = registries(context);
    findings.extend(docker_answers(&registries));
    findings.extend(containers_answers(&record, &registries));
    findings.extend(git_reset_here().map(|file| {
        Finding::note(
            "git",
            format!("in this folder it does not reach the helper: an empty 'helper =' in {file}"),
        )
        .next("remove that line, or work with what the repository names")
    }));
}

/// Whether the client starts the helper, for each server that it was configured for.
fn reaches(client: &dyn Client, changes: &[&Change], context: &Context) -> Vec<Finding> {
    let mut scopes: Vec<Options> = changes.iter().filter_map(|change| scope(change)).collect();
    if scopes.is_empty() {
        scopes.push(Options::default());
    }
    let is_for_all = scopes.iter().any(|scope| scope.url.is_none());
    let exceptions = if is_for_all { client.exceptions(&context.paths) } else { Vec::new() };
    let name = client.name();
    let again =
        || format!("configure it again with: seqera configure {name} --undo; seqera configure {name}");
    let found = |options: &Options| match client.ask(options) {
        Ok(Seen::Yes) => Finding::ok(name, format!("asked itself, it reaches the helper{}", server(options))),
        Ok(Seen::NotAsked(why)) => {
            Finding::note(name, format!("whether it reaches the helper is not known: {why}")).next(again())
        }
        Ok(Seen::No(why)) => {
            let why = why.trim_start_matches([':', ' ']);
            Finding::wrong(name, format!("does not reach the helper{}: {why}", server(options))).next(again())
        }
        Err(error) => Finding::of_error(name, &error),
    };
    scopes.iter().chain(&exceptions).map(found).collect()
}

fn server(options: &Options) -> String {
    options.url.as_ref().map(|url| format!(" for {url}")).unwrap_or_default()
}

/// What a change is for, where it is not for all servers.
fn scope(change: &Change) -> Option<Options> {
    match change {
        Change::GitConfig { key, .. } => {
            let url = key.strip_prefix("credential.").and_then(|rest| rest.strip_suffix(".helper"));
            Some(Options { url: url.map(str::to_owned), registries: Vec::new() })
        }
        Change::JsonKey { within: Some(_), key, .. } => {
            Some(Options { url: None, registries: vec![key.clone()] })
        }
        _ => None,
    }
}

/// What git gets for the server of the login in use: asked in an empty folder, with nobody to ask.
fn git_answer(context: &Context, record: &Record) -> Option<Finding> {
    const ABOUT: &str = "git";
    let is_for_all = |change: &Change| {
        matches!(change, Change::GitConfig { key, .. } if key == "credential.helper") && change.is_done()
    };
    if !record.steps().any(|step| step.client == ABOUT && is_for_all(&step.change)) {
        return None;
    }
    let profile = Profile::load(&context.paths, &context.name().ok()?).ok()??;
    if Mark::of(&profile, crate::os::clock::now()).state == State::Ended {
        return None;
    }
    let target = profile.endpoint.origin();
    let folder = ask::empty_folder().ok()?;
    let mut git: Command = ask::program(ABOUT)?;
    git.args(["credential", "fill"]).current_dir(folder.path());
    git.env("GIT_CEILING_DIRECTORIES", folder.path().parent()?);
    git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
    let (scheme, host) = (target.scheme(), target.authority());
    let question = format!("protocol={scheme}\nhost={host}\n\n");
    let nothing = || {
        Finding::wrong(ABOUT, format!("gets no answer for {host}, where you are logged in"))
            .next("see why with: SEQERA_HELPER_LOG=debug git credential fill; seqera status --check")
    };
    let answer = match programs::output(git, question.as_bytes(), Deadline::after(PATIENCE)) {
        Ok(answer) => Zeroizing::new(answer.stdout),
        Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            let words = format!("does not get an answer for {host} within {} s", PATIENCE.as_secs());
            return Some(
                Finding::wrong(ABOUT, words)
                    .next("see which helper hangs: git config --get-all credential.helper"),
            );
        }
        Err(_) => return None,
    };
    let field = |name: &str| {
        let lines = answer.split(|byte| *byte == b'\n');
        lines.filter_map(|line| line.strip_prefix(name.as_bytes())).next_back().map(Secret::new)
    };
    let Some(password) = field("password=").or_else(|| field("credential=")) else { return Some(nothing()) };
    let user = field("username=").and_then(|user| user.expose_str().map(str::to_owned)).unwrap_or_default();
    Some(Finding::ok(ABOUT, format!("asked for {host}, it gets {user} {}", masked(&password))))
}

/// The registries that docker and its kin would be given something for.
fn registries(context: &Context) -> Vec<String> {
    let mut answer = Zeroizing::new(Vec::new());
    let broker = Broker::new(&context.paths, Deadline::after(PATIENCE));
    if Docker.talk(&["list".to_owned()], &mut std::io::empty(), &mut *answer, &broker).is_err() {
        return Vec::new();
    }
    let known: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&answer).unwrap_or_default();
    let mut keys: Vec<String> = known.keys().filter_map(|server| registry_key(server)).collect();
    keys.dedup();
    keys.truncate(MOST);
    keys
}

/// What docker would send to each registry that it looks up here.
fn docker_answers(registries: &[String]) -> Vec<Finding> {
    const ABOUT: &str = "docker";
    let Some(config) = docker_config_file().ok().and_then(|file| std::fs::read(file).ok()) else {
        return Vec::new();
    };
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap_or_default();
    let is_ours = |key: &&String| {
        let helper = config["credHelpers"].get(key.as_str()).unwrap_or(&config["credsStore"]);
        // A name without a dot or a port is not a registry in the name of an image.
        helper == HELPER && key.contains(['.', ':'])
    };
    let found = |key: &String| match ask_docker(key, Deadline::after(PATIENCE)) {
        Ok(Some(answer)) => {
            Finding::ok(ABOUT, format!("asked for {key}, it gets {} {}", answer.user, masked(&answer.secret)))
        }
        Ok(None) => Finding::wrong(ABOUT, format!("gets no answer for {key}, which is stored"))
            .next(format!("log in to it again with: docker login {key}")),
        Err(error) if error.kind() == Kind::TimedOut => Finding::of_error(ABOUT, &error),
        Err(error) => Finding::note(ABOUT, format!("what it gets for {key} is not known: {}", error.what()))
            .next("see that docker works: docker version"),
    };
    registries.iter().filter(is_ours).map(found).collect()
}

/// What skopeo, or what is there of its kin, finds for each registry: the user, for it shows no password.
fn containers_answers(record: &Record, registries: &[String]) -> Vec<Finding> {
    const ABOUT: &str = "containers";
    if !record.steps().any(|step| step.client == ABOUT && step.change.is_done()) {
        return Vec::new();
    }
    let Some(name) = ["skopeo", "podman", "buildah"].into_iter().find(|name| programs::find(name).is_some())
    else {
        return Vec::new();
    };
    let found = |key: &String| {
        let host = if key.contains(HUB) { "docker.io" } else { key };
        let mut client = ask::program(name)?;
        client.args(["login", "--get-login", host]);
        let answer = programs::output(client, b"", Deadline::after(PATIENCE)).ok()?;
        let user = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        Some(match answer.status.success() && !user.is_empty() {
            true => Finding::ok(ABOUT, format!("asked for {host}, {name} gets {user} ********")),
            false => Finding::wrong(ABOUT, format!("{name} gets no answer for {host}, which is stored"))
                .next(format!("log in to it again with: {name} login {host}")),
        })
    };
    registries.iter().filter_map(found).collect()
}
