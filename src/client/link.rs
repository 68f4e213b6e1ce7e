//! The names under which clients look for the helper: links beside the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::os::programs;
use crate::protocol::PROGRAM;

fn with_suffix(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// Where the helper is, or will be, known as `name`.
///
/// A folder on `PATH` that leads to this program counts before the folder it really is in: a package manager's folder
/// of one version goes with the next one, and the link to it stays.
///
/// # Errors
/// The helper is not beside this program.
pub fn place(name: &str) -> Result<PathBuf> {
    let unknown = |error: &io::Error| Error::io("cannot find out where this program is", error);
    let here = std::env::current_exe().map_err(|error| unknown(&error))?;
    let here = here.parent().unwrap_or(Path::new("/")).to_path_buf();
    let helper = here.join(with_suffix(PROGRAM));
    let ours = fs::canonicalize(&helper).map_err(|_| {
        Error::failed(format!("{} is missing", helper.display())).next("install both programs side by side")
    })?;
    let leads_here = |folder: &PathBuf| {
        fs::canonicalize(folder.join(with_suffix(PROGRAM))).is_ok_and(|found| found == ours)
    };
    let mut folders: Vec<PathBuf> = programs::folders().into_iter().filter(leads_here).collect();
    folders.push(here.clone());
    let files = || folders.iter().map(|folder| folder.join(with_suffix(name)));
    let known = files().find(|file| is_ours(file));
    Ok(known
        .or_else(|| files().find(|file| can_be_made(file)))
        .unwrap_or_else(|| here.join(with_suffix(name))))
}

#[cfg(unix)]
fn can_be_made(path: &Path) -> bool {
    path.parent().is_some_and(|folder| rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok())
}

#[cfg(not(unix))]
fn can_be_made(_: &Path) -> bool {
    true
}

/// Whether `path` leads to the helper beside it.
pub fn is_ours(path: &Path) -> bool {
    let helper = path.with_file_name(with_suffix(PROGRAM));
    match (fs::canonicalize(path), fs::canonicalize(&helper)) {
        (Ok(link), Ok(helper)) => link == helper || (cfg!(windows) && is_copy(&link, &helper)),
        _ => false,
    }
}

/// On Windows the link is a second name of the same file, and after an update of the program one of the old file: then
/// it is made anew.
fn is_copy(link: &Path, helper: &Path) -> bool {
    let length = |path| fs::metadata(path).map(|found| found.len()).ok();
    length(link) == length(helper)
        && fs::read(link).ok().is_some_and(|bytes| fs::read(helper).ok() == Some(bytes))
}

/// Makes the link. What stands there and is not ours stays, but for a link that we recorded (`is_recorded`) on a system
/// where it does not follow an update by itself. Answers whether it was made now.
///
/// # Errors
/// It cannot be made.
pub fn make(path: &Path, is_recorded: bool) -> Result<bool> {
    if is_ours(path) {
        return Ok(false);
    }
    if cfg!(windows) && is_recorded {
        let _ = fs::remove_file(path);
    }
    let target = with_suffix(PROGRAM);
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(&target, path);
    // Links need a privilege on Windows; a second name for the same file does not.
    #[cfg(not(unix))]
    let made = fs::hard_link(path.with_file_name(&target), path);
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Error::refused(format!("{} exists and is not ours", path.display()))
                .next("move it away first"))
        }
        Err(error) => Err(Error::io(format_args!("cannot make {}", path.display()), &error)
            .next("run this once as the user who installed the programs")),
    }
}

/// Whether a link that we made is gone, or leads to no program any more: then it goes, too.
pub fn is_gone(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        Ok(_) => {
            let is_left_behind =
                !path.exists() && fs::read_link(path).is_ok_and(|to| to == Path::new(&with_suffix(PROGRAM)));
            is_left_behind && fs::remove_file(path).is_ok()
        }
    }
}

/// Removes the link.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::io(format_args!("cannot remove {}", path.display()), &error))
}

/// Whether a client that looks on `PATH` finds the helper at `path`, now or once the link is made. An error says what
/// to do where it does not.
///
/// # Errors
/// It will not be found, or another program of that name comes first.
pub fn will_be_found(client: &str, path: &Path) -> Result<()> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("/"));
    match programs::find(&name) {
        Some(found) if is_ours(&found) => Ok(()),
        Some(found) => {
            Err(Error::refused(format!("{} comes first on your PATH and is not ours", found.display()))
                .next(format!("put {} before it on your PATH, or move it away", folder.display())))
        }
        None if programs::folders().iter().any(|known| known == folder) => Ok(()),
        None => Err(Error::failed(format!("{client} would not find {name}: it looks on your PATH"))
            .next(format!("add {} to your PATH first", folder.display()))),
    }
}
