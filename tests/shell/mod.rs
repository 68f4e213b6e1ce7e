//! In the shell: exports, hooks, prompts, in real shells.

mod agree;
mod care;
mod exports;
mod files;
mod follow;
mod hook;
mod mark;
mod neighbours;
mod newer;
mod off;
mod order;
mod prompts;
mod restart;
mod round_trip;
mod segment;
mod stray;
pub mod terminal;
mod traces;
mod vscode;
mod xonsh;

use std::path::{Path, PathBuf};

/// The program of this name on PATH. A test needs the real thing, so its absence is a failure.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH");
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: see what `make test` installs"))
}

/// A program that is no package of the system, below `target/tools`.
fn tool(path: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(path);
    assert!(file.is_file(), "{} is not there: see what `make test` installs", file.display());
    file
}

/// A program of the Debian or Ubuntu release in the making: `tests/tools/install-shells.sh`.
fn newest(name: &str) -> PathBuf {
    tool(&format!("shells/usr/bin/{name}"))
}

/// Nushell: `npm install --prefix target/tools nushell@0.108.0`.
pub fn nu() -> PathBuf {
    tool("node_modules/@nushell/linux-x64/bin/nu")
}

/// Python with a grammar of PowerShell: `python3 -m venv target/tools/py`, then
/// `target/tools/py/bin/pip install tree-sitter tree-sitter-powershell`.
fn python() -> PathBuf {
    tool("py/bin/python")
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
