//! In the shell: exports, hooks, prompts, in real shells.

mod hook;
mod round_trip;
mod terminal;

use std::path::{Path, PathBuf};

/// The program of this name on PATH. A test needs the real thing, so its absence is a failure.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: see what `make test` installs"))
}

/// Nushell, which comes from npm and is named by `NU` where it is not on PATH.
fn nu() -> PathBuf {
    match std::env::var_os("NU") {
        Some(nu) => PathBuf::from(nu),
        None => program("nu"),
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
