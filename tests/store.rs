//! The sealed store and the programs' door before it: nothing is lost, nothing is torn, nothing waits, and
//! whatever comes in has an answer that was thought of.

mod crowd;
mod damage;
mod docker_input;
mod door;
mod git_input;
mod key;
mod torn;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::home::{Home, Run, run};
use crate::support::session::paths;

fn git(home: &Home, operation: &str, input: impl AsRef<[u8]>) -> Run {
    home.run("git-credential-seqera", &[operation], input)
}

fn docker(home: &Home, operation: &str, input: impl AsRef<[u8]>) -> Run {
    home.run("docker-credential-seqera", &[operation], input)
}

fn at(host: &str) -> String {
    format!("protocol=https\nhost={host}\n")
}

fn keep(home: &Home, host: &str, user: &str, password: &str) {
    git(home, "store", format!("{}username={user}\npassword={password}\n", at(host))).ok();
}

fn answer(user: &str, password: &str) -> String {
    format!("username={user}\npassword={password}\n")
}

fn store_of(home: &Home) -> PathBuf {
    paths(home).store
}

/// The one box on a shelf.
fn the_box(home: &Home, shelf: &str) -> PathBuf {
    let mut files = names(&store_of(home).join(shelf));
    assert_eq!(files.len(), 1, "{files:?}");
    store_of(home).join(shelf).join(files.remove(0))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A refusal by the store: its exit code, one line of words, nothing on standard output.
#[track_caller]
fn refused(run: Run, words: &str) {
    let run = run.expect(6);
    assert!(run.stdout.is_empty() && run.err().lines().count() == 1 && run.err().contains(words), "{run:?}");
}
