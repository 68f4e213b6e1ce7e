//! The session's lock where the file system has none: files that name their owner.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use super::*;
use crate::support::session::{Login, Token, logged_in};

fn on(home: &Home, host: &str, boot: &str) -> Command {
    let mut command = token(home);
    command.env("SEQERA_TEST_OWNER_FILES", "1");
    command.env("SEQERA_TEST_HOST", host).env("SEQERA_TEST_BOOT_ID", boot);
    command
}

fn killed_holding_the_lock(home: &Home, host: &str, boot: &str) {
    let mut command = on(home, host, boot);
    break_itself(&mut command, "locked=kill");
    run(command, "").expect(128 + 9);
}

fn owner_files(login: &Login) -> Vec<String> {
    let names =
        fs::read_dir(&login.paths.store).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let is_owner = |name: &String| {
        let number = name.strip_prefix("session+default.lock.");
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    names.filter(is_owner).collect()
}

#[test]
fn the_lock_of_a_killed_process_heals_itself() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    killed_holding_the_lock(&home, "here", "first");
    assert_eq!(owner_files(&login).len(), 1);
    let run = run(on(&home, "here", "first"), "").expect(0);
    assert!(run.took < Duration::from_secs(5), "{run:?}");
    assert_eq!(owner_files(&login).len(), 1);
}

/// Mounted with `hidepid` (proc(5)), /proc shows nobody a process that dumps no core, as ours are.
#[test]
fn a_process_that_cannot_be_seen_keeps_its_lock() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    let hidden = |mut command: Command| {
        command.env("SEQERA_TEST_HIDEPID", "1").env("SEQERA_HELPER_TIMEOUT_MS", "2200");
        command
    };
    let mut first = hidden(on(&home, "here", "first"));
    break_itself(&mut first, "locked=stop");
    let first = start(first, "");
    first.until_stopped();
    let mut second = hidden(home.command("git-credential-seqera"));
    second.arg("get").env("SEQERA_TEST_OWNER_FILES", "1");
    second.env("SEQERA_TEST_HOST", "here").env("SEQERA_TEST_BOOT_ID", "first");
    run(second, git_get(&platform)).expect(8);
    assert_eq!(refreshes(&platform), 0);
    first.signal(Signal::CONT);
    assert_eq!(first.finish().ok().trim(), login.stored_access());
    assert_eq!(refreshes(&platform), 1);

    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    killed_holding_the_lock(&home, "here", "first");
    run(hidden(on(&home, "here", "first")), "").ok();
}

#[test]
fn the_lock_of_a_host_that_was_restarted_heals_itself() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    killed_holding_the_lock(&home, "here", "first");
    run(on(&home, "here", "second"), "").ok();
    assert_eq!(refreshes(&platform), 1);
}

#[test]
fn the_lock_of_another_host_is_left_alone_and_its_owner_named() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Dead);
    killed_holding_the_lock(&home, "there", "another");
    let mut get = home.command("git-credential-seqera");
    get.arg("get").env("SEQERA_HELPER_TIMEOUT_MS", "2200").env("SEQERA_TEST_OWNER_FILES", "1");
    let refused = run(get, git_get(&platform)).expect(8);
    assert!(refused.err().contains("is being renewed since"), "{refused:?}");
    let [held] = owner_files(&login).try_into().unwrap();
    assert!(refused.err().contains(&held), "{refused:?}");
    assert_eq!(refreshes(&platform), 0);
    fs::remove_file(login.paths.store.join(held)).unwrap();
    ask(&home).ok();
}
