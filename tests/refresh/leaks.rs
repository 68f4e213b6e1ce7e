//! A token is where it belongs and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::support::home::until;
use crate::support::session::{Token, logged_in};

/// Every file below, links not followed.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
        let kind = entry.file_type().unwrap();
        match () {
            () if kind.is_dir() => found.extend(files(&entry.path())),
            () if kind.is_file() => found.push(entry.path()),
            () => {}
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn after_a_long_life_no_secret_rests_outside_a_sealed_box_or_was_said() {
    let (mut home, platform) = home_and_server();
    home.set("SEQERA_HELPER_LOG", "trace");
    home.set("RUST_LOG", "trace");
    home.set("RUST_BACKTRACE", "full");
    let mut said = Vec::new();
    for fault in
        ["", "box=full", "box=full,rescue=full", "answered=kill", "box=kill", "mark=term", "box=stop"]
    {
        logged_in(&home, &platform, Token::Dead);
        let running = ask_with_fault(&home, fault);
        if fault.ends_with("stop") {
            running.until_stopped();
            running.signal(rustix::process::Signal::KILL);
        }
        said.push(running.finish().stderr);
        let request = git_get(&platform);
        let answer = home.run("git-credential-seqera", &["get"], &request);
        home.run("git-credential-seqera", &["store"], format!("{request}{}", answer.out())).ok();
        said.push(answer.stderr);
        said.push(home.run("docker-credential-seqera", &["get"], platform.url()).stderr);
        for args in [&["env", "--shell", "bash"][..], &["hook-env", "bash"], &["prompt"], &["hook", "zsh"]] {
            said.push(home.run("seqera", args, "").stderr);
        }
    }
    let said = said.concat();
    let secrets = platform.issued_secrets();
    assert!(secrets.len() > 20, "{}", secrets.len());
    let files = files(home.path());
    assert!(
        files.iter().any(|path| path.ends_with("session+default.intent") || path.ends_with("default.json"))
    );
    for secret in &secrets {
        assert!(!contains(&said, secret), "said on standard error");
        for path in &files {
            assert!(!contains(&fs::read(path).unwrap(), secret), "{}", path.display());
        }
    }
}

/// Memory that others may read and cores that are dumped are files, too.
#[test]
fn a_process_with_tokens_in_memory_dumps_no_core() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    let mut command = home.command("sh");
    command.args(["-c", "ulimit -c unlimited && exec seqera token"]);
    break_itself(&mut command, "answered=stop");
    let running = start(command, "");
    running.until_stopped();
    let proc = PathBuf::from(format!("/proc/{}", running.pid().as_raw_nonzero()));
    let command_line = fs::read(proc.join("cmdline")).unwrap();
    let environment = fs::read(proc.join("environ")).unwrap_or_default();
    let children = fs::read_to_string(proc.join(format!("task/{}/children", running.pid().as_raw_nonzero())));
    assert_eq!(children.unwrap_or_default(), "");
    for secret in platform.issued_secrets() {
        assert!(!contains(&command_line, &secret) && !contains(&environment, &secret));
    }
    running.signal(rustix::process::Signal::ABORT);
    running.signal(rustix::process::Signal::CONT);
    let run = running.finish();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&run.status), Some(6), "{run:?}");
    assert!(!std::os::unix::process::ExitStatusExt::core_dumped(&run.status), "{run:?}");
    let core = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("core");
    assert!(!files(home.path()).iter().any(core));
}

#[test]
fn a_login_that_ends_here_leaves_no_trace() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    ask_with_fault(&home, "box=full").finish().ok();
    let request = git_get(&platform);
    let answer = home.run("git-credential-seqera", &["get"], &request).ok();
    home.run("git-credential-seqera", &["erase"], format!("{request}{answer}")).ok();
    login.sessions().end(&login.profile().name).unwrap();
    until(Duration::from_secs(1), "everything is gone", || {
        let left = files(home.path());
        let names = left.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
        // The lock must outlive its holder: whoever waits for it has it open.
        let of_the_login = |name: &String| name.contains("default") && !name.contains(".lock");
        !names.filter(|name| !name.contains(".mark")).any(|name| of_the_login(&name))
    });
}
