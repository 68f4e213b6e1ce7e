//! What no honest client sends, and what an honest one sends in an odd way: each has an answer that was thought
//! of. Nothing is printed by half, nothing is stored that should not be, nothing secret is repeated.

mod docker;
mod door;
mod git;

use crate::support::home::{Home, Run, run};
use crate::support::session::paths;

const GIT: &str = "git-credential-seqera";
const DOCKER: &str = "docker-credential-seqera";

fn git(home: &Home, operation: &str, input: impl AsRef<[u8]>) -> Run {
    home.run(GIT, &[operation], input)
}

fn docker(home: &Home, operation: &str, input: impl AsRef<[u8]>) -> Run {
    home.run(DOCKER, &[operation], input)
}

fn at(host: &str) -> String {
    format!("protocol=https\nhost={host}\n")
}

fn answer(user: &str, password: &str) -> String {
    format!("username={user}\npassword={password}\n")
}

fn keep(home: &Home, host: &str, user: &str, password: &str) {
    git(home, "store", at(host) + &answer(user, password)).ok();
}

/// What stands in the store's folder: shelves, key, locks.
fn stored(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(paths(home).store).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
