//! A login that renews itself is never lost: not to a crowd, not to a signal, not to a full disk, not to a
//! server in trouble. The server rotates refresh tokens and ends the login when one is used twice.

mod blows;
mod broker;
mod crowd;
mod cut_off;
mod disk;
mod leaks;
mod owners;
mod renewer;
mod server;
mod shared;

use std::process::Command;

use crate::platform::{Endpoint, Platform};
use crate::support::home::{Home, Run, Running, break_at, run, start};

/// A home and a server; what is left is to log in.
fn home_and_server() -> (Home, Platform) {
    (Home::with_file_store(), Platform::start())
}

fn token(home: &Home) -> Command {
    let mut command = home.command("seqera");
    command.arg("token");
    command
}

/// `seqera token`, run to its end.
#[track_caller]
fn ask(home: &Home) -> Run {
    run(token(home), "")
}

/// The same where no other process can be started, so that it does the whole work itself, broken at a point.
#[track_caller]
fn ask_with_fault(home: &Home, fault: &str) -> Running {
    let mut command = token(home);
    break_itself(&mut command, fault);
    start(command, "")
}

/// Breaks a program at a point of what otherwise the renewer does.
#[track_caller]
fn break_itself(command: &mut Command, fault: &str) {
    break_at(command, &format!("spawn=full,{fault}"));
}

/// How many refreshes the server saw.
fn refreshes(platform: &Platform) -> usize {
    platform.count_grant("refresh_token")
}

/// A request of git's for the server's own host.
fn git_get(platform: &Platform) -> String {
    let host = platform.url().replace("http://", "");
    format!("protocol=http\nhost={host}\n")
}

/// The value of a key in git's form.
fn value<'a>(answer: &'a str, key: &str) -> Option<&'a str> {
    answer.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

/// How many requests came to the token endpoint at all.
fn token_requests(platform: &Platform) -> usize {
    platform.count(Endpoint::Token)
}
