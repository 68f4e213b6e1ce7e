//! The names under which clients look for the helper: links beside the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Change, program_dir};
use crate::error::{Error, Result};
use crate::protocol::PROGRAM;

fn with_suffix(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// The change that makes the helper known as `name`.
pub fn plan(name: &str) -> Result<Change> {
    let dir = program_dir()?;
    let helper = dir.join(with_suffix(PROGRAM));
    if !helper.is_file() {
        return Err(Error::failed(format!("{} is missing", helper.display()))
            .next("install both programs side by side"));
    }
    Ok(Change::Link { path: dir.join(with_suffix(name)) })
}

/// Whether `path` leads to the helper beside it.
pub fn is_ours(path: &Path) -> bool {
    let helper = path.with_file_name(with_suffix(PROGRAM));
    match (fs::canonicalize(path), fs::canonicalize(helper)) {
        (Ok(link), Ok(helper)) => link == helper || (cfg!(windows) && path.is_file()),
        _ => false,
    }
}

/// Makes the link. What stands there and is not ours stays.
pub fn make(path: &Path) -> Result<()> {
    let failed = |error: &io::Error| {
        Error::io(format_args!("{} cannot be made", path.display()), error)
            .next("run this once as the user who installed the programs")
    };
    let target = with_suffix(PROGRAM);
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(&target, path);
    // Links need a privilege on Windows; a second name for the same file does not.
    #[cfg(not(unix))]
    let made = fs::hard_link(path.with_file_name(&target), path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::refused(format!("{} exists and is not ours", path.display()))
                .next("move it away first"))
        }
        other => other.map_err(|error| failed(&error)),
    }
}

/// Removes the link.
pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path)
        .map_err(|error| Error::io(format_args!("{} cannot be removed", path.display()), &error))
}

/// The first program called `name` on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(with_suffix(name))).find(|file| file.is_file())
}

/// Whether a client that looks on `PATH` finds the helper as `name` in `dir`: what is there now, or what will
/// be once the link is made.
pub fn will_be_found(name: &str, dir: &Path) -> bool {
    match on_path(name) {
        Some(found) => is_ours(&found),
        None => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|entry| entry == dir)
        }
    }
}
