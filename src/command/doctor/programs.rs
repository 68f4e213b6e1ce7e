//! The programs: which `seqera` is first, and whether git and docker find the helper.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Finding;
use crate::client::{docker_config_file, is_our_git_helper, is_ours};
use crate::command::handover;
use crate::error::Error;
use crate::os::deadline::Deadline;
use crate::os::programs;
use crate::provider::ProviderId;

/// A program that answers does so within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the programs.
pub fn look() -> Vec<Finding> {
    let mut findings = vec![first_on_path()];
    findings.extend(git());
    findings.extend(docker());
    findings
}

fn first_on_path() -> Finding {
    const ABOUT: &str = "seqera";
    let ours = handover::is_this_program;
    let candidates = handover::candidates(ProviderId::SEQERA);
    let Some(first) = candidates.first().filter(|_| candidates.iter().any(|path| ours(path))) else {
        let here = std::env::current_exe().ok();
        let here = here.as_deref().and_then(Path::parent).unwrap_or(Path::new("its folder")).display();
        return Finding::wrong(ABOUT, "this program is not on your PATH, so no hook finds it")
            .next(format!("put {here} on your PATH"));
    };
    if !ours(first) {
        return Finding::wrong(ABOUT, format!("'seqera' starts {}, {}", first.display(), whose(first))).next(
            "put the folder of this program before that on your PATH; it hands over what is not its own",
        );
    }
    match candidates.iter().find(|path| !ours(path)) {
        Some(other) => Finding::ok(
            ABOUT,
            format!("{} is first; what it does not know goes to {}", first.display(), other.display()),
        ),
        None => Finding::ok(ABOUT, format!("{} is first, and there is no other", first.display())),
    }
}

fn whose(path: &Path) -> &'static str {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let is_seqeras =
        real.components().any(|part| matches!(part.as_os_str().to_str(), Some("node_modules" | ".seqera")));
    if is_seqeras { "Seqera's own program" } else { "another program" }
}

fn git() -> Vec<Finding> {
    const ABOUT: &str = "git";
    let Some(git) = programs::find("git") else { return vec![Finding::note(ABOUT, "is not installed")] };
    let mut config = Command::new(git);
    config.args(["config", "--global", "-z", "--get-regexp", r"^credential\.(.*\.)?helper$"]);
    let config = match programs::output(config, b"", Deadline::after(PATIENCE)) {
        Ok(config) => config,
        Err(error) => {
            let next = "see what it waits for: git config --global --list";
            return vec![Finding::wrong(ABOUT, Error::io("does not answer", &error).what()).next(next)];
        }
    };
    let config = String::from_utf8_lossy(&config.stdout).into_owned();
    let values = config.split('\0').filter_map(|entry| entry.split_once('\n')).map(|(_, value)| value);
    let ours: Vec<&str> = values.filter(|value| is_our_git_helper(value)).collect();
    if ours.is_empty() {
        let note = Finding::note(ABOUT, "does not use the helper");
        return vec![note.next("make it with: seqera configure git")];
    }
    let found = |value: &&str| reached(ABOUT, "git-credential-seqera", value);
    ours.iter().map(found).collect()
}

/// How a client that is told `value` comes to the helper: by a name on PATH or by a path.
fn reached(about: &'static str, name: &str, value: &str) -> Finding {
    let path = match value.contains('/') {
        true => Some(PathBuf::from(value.trim_start_matches('!').replace(['\'', '"', '\\'], ""))),
        false => programs::find(name),
    };
    match path {
        Some(path) if is_ours(&path) => Finding::ok(about, format!("uses {}", path.display())),
        Some(path) if path.is_file() => {
            Finding::wrong(about, format!("uses {}, which is not this helper", path.display()))
                .next(format!("move it away, then: seqera configure {about}"))
        }
        _ => Finding::wrong(about, format!("is told to use {name}, and does not find it"))
            .next(format!("repair it with: seqera configure {about} --undo; seqera configure {about}")),
    }
}

fn docker() -> Vec<Finding> {
    const ABOUT: &str = "docker";
    let Ok(path) = docker_config_file() else { return Vec::new() };
    let Ok(text) = std::fs::read(&path) else {
        return vec![
            Finding::note(ABOUT, "does not use the helper").next("make it with: seqera configure docker"),
        ];
    };
    let Ok(config) = serde_json::from_slice::<serde_json::Value>(&text) else {
        return vec![
            Finding::wrong(ABOUT, format!("{} is not JSON", path.display())).next("fix it, or move it away"),
        ];
    };
    let is_us = |value: &serde_json::Value| value == "seqera";
    let uses = is_us(&config["credsStore"])
        || config["credHelpers"].as_object().is_some_and(|hosts| hosts.values().any(is_us));
    let mut findings = vec![match uses {
        true => reached(ABOUT, "docker-credential-seqera", "seqera"),
        false => {
            Finding::note(ABOUT, "does not use the helper").next("make it with: seqera configure docker")
        }
    }];
    let plain = config["auths"].as_object().into_iter().flatten();
    let plain: Vec<&str> =
        plain.filter(|(_, auth)| auth["auth"].is_string()).map(|(host, _)| host.as_str()).collect();
    if !plain.is_empty() {
        findings.push(
            Finding::note(ABOUT, format!("{} has plain passwords for {}", path.display(), plain.join(", ")))
                .next("log out of them and in again once docker uses the helper"),
        );
    }
    findings
}
