//! The clients that are configured, asked as they ask: through the client itself.

use std::process::Command;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Finding;
use crate::client::record::Record;
use crate::client::{CLIENTS, Change, Client, Options, Seen, ask};
use crate::command::Context;
use crate::command::import::masked;
use crate::os::deadline::Deadline;
use crate::os::programs;
use crate::secret::Secret;
use crate::session::mark::{Mark, State};
use crate::session::profile::Profile;
use crate::target::Target;

/// A client that answers does so within this.
const PATIENCE: Duration = Duration::from_secs(15);

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
                Finding::wrong(name, format!("what was configured is not there any more: {}", change.words()))
                    .next(format!("configure it again with: seqera configure {name}"))
            })
            .collect();
        match undone.is_empty() {
            true => findings.extend(reaches(*client, &changes)),
            false => findings.extend(undone),
        }
    }
    findings.extend(git_answer(context, &record));
    findings.extend(docker_answer(&record));
}

/// Whether the client starts the helper, for each server that it was configured for.
fn reaches(client: &dyn Client, changes: &[&Change]) -> Vec<Finding> {
    let mut scopes: Vec<Options> = changes.iter().filter_map(|change| scope(change)).collect();
    if scopes.is_empty() {
        scopes.push(Options::default());
    }
    let name = client.name();
    let again =
        || format!("configure it again with: seqera configure {name} --undo; seqera configure {name}");
    let found = |options: &Options| match client.ask(options) {
        Ok(Seen::Yes) => Finding::ok(name, "asked itself, it reaches the helper"),
        Ok(Seen::NotAsked(why)) => {
            Finding::note(name, format!("whether it reaches the helper is not known: {why}")).next(again())
        }
        Ok(Seen::No(why)) => {
            Finding::wrong(name, format!("does not reach the helper: {}", why.trim_start_matches([':', ' '])))
                .next(again())
        }
        Err(error) => Finding::of_error(name, &error),
    };
    scopes.iter().map(found).collect()
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
    let target = Target::from_url(&profile.endpoint)?;
    let folder = ask::empty_folder().ok()?;
    let mut git: Command = ask::program(ABOUT)?;
    git.args(["credential", "fill"]).current_dir(folder.path());
    git.env("GIT_CEILING_DIRECTORIES", folder.path().parent()?);
    git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
    let scheme = if target.is_loopback() && profile.endpoint.starts_with("http:") { "http" } else { "https" };
    let host = target.authority();
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

/// What docker gets from its helper for the first registry that is stored.
fn docker_answer(record: &Record) -> Option<Finding> {
    const ABOUT: &str = "docker";
    if !record.steps().any(|step| step.client == ABOUT && step.change.is_done()) {
        return None;
    }
    let helper = || programs::find("docker-credential-seqera").map(Command::new);
    let run = |word: &str, input: &[u8]| {
        let mut command = helper()?;
        command.arg(word);
        programs::output(command, input, Deadline::after(PATIENCE))
            .ok()
            .filter(|answer| answer.status.success())
    };
    let list = run("list", b"")?;
    let known: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&list.stdout).ok()?;
    let registry = known.keys().next()?;
    let answer = run("get", registry.as_bytes()).map(|answer| Zeroizing::new(answer.stdout));
    let answer = answer.and_then(|answer| serde_json::from_slice::<serde_json::Value>(&answer).ok());
    let Some(answer) = answer else {
        return Some(
            Finding::wrong(ABOUT, format!("gets no answer for {registry}, which is stored"))
                .next(format!("log in to it again with: docker login {registry}")),
        );
    };
    let text = |name: &str| answer[name].as_str().unwrap_or_default();
    let secret = Secret::from(text("Secret"));
    Some(Finding::ok(
        ABOUT,
        format!("asked for {registry}, it gets {} {}", text("Username"), masked(&secret)),
    ))
}
