//! Can a login be kept here? Found out before anybody goes to a browser for it.

use std::io;
use std::path::Path;

use crate::error::{Error, Result, io_words};
use crate::os::files;
use crate::os::paths::Paths;

/// Makes sure that the login's folders are ours and can be written.
///
/// # Errors
/// They are another user's (`sudo -E` keeps HOME), root has spoilt them, or the disk does not take anything.
pub fn must_take_a_login(paths: &Paths) -> Result<()> {
    owner::must_be_ours(paths)?;
    [&paths.state, &paths.store].into_iter().try_for_each(|folder| {
        let written = files::private_dir(folder)
            .and_then(|()| tempfile::Builder::new().prefix(".try-").tempfile_in(folder))
            .and_then(|file| file.close());
        written.map_err(|error| not_writable(folder, &error))
    })
}

fn not_writable(folder: &Path, error: &io::Error) -> Error {
    Error::store(format!("a login cannot be kept in {}: {}", folder.display(), io_words(error)))
        .next("make the folder writable, or set SEQERA_HELPER_HOME to a folder of your own")
}

#[cfg(unix)]
mod owner {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    use super::{Error, Paths, Result};
    use crate::os::ownership;

    /// More than a store has: a person with more finds out later.
    const MOST: usize = 2000;

    pub fn must_be_ours(paths: &Paths) -> Result<()> {
        if ownership::trusts() {
            return Ok(());
        }
        let us = rustix::process::geteuid().as_raw();
        let folders = [&paths.config, &paths.state, &paths.store];
        for folder in folders {
            for (path, owner) in above(folder).into_iter().chain(inside(folder)) {
                if owner == us {
                    continue;
                }
                // Folders of the system's own, as /tmp, are above everybody's.
                if owner == 0 && !is_at_home(&path) && !folders.iter().any(|ours| path.starts_with(ours)) {
                    continue;
                }
                return Err(not_ours(&path, owner, us));
            }
        }
        Ok(())
    }

    fn not_ours(path: &Path, owner: u32, us: u32) -> Error {
        let path = path.display();
        if us == 0 {
            return Error::refused(format!(
                "{path} belongs to another user (uid {owner}), and you are root here"
            ))
            .next(
                "log in without sudo, or as root for root alone: sudo -H seqera login; or set SEQERA_HELPER_HOME \
                 to a folder of root's",
            );
        }
        if owner == 0 {
            return Error::store(format!("{path} belongs to root, perhaps after a sudo"))
                .next(format!("take it back: sudo chown -R \"$(id -un)\" '{path}'"));
        }
        Error::refused(format!("{path} belongs to another user (uid {owner})"))
            .next("check HOME, or set SEQERA_HELPER_HOME to a folder of your own")
    }

    /// The nearest folder that exists, which decides who owns what is made in it; those above it as long as they
    /// are in the home.
    fn above(folder: &Path) -> Vec<(PathBuf, u32)> {
        let existing =
            folder.ancestors().filter_map(|path| Some((path.to_owned(), fs::metadata(path).ok()?.uid())));
        let mut found: Vec<_> = existing.collect();
        let at_home = found.iter().filter(|(path, _)| is_at_home(path)).count();
        found.truncate(at_home.max(1));
        // The outermost first: taking that back takes back the rest.
        found.reverse();
        found
    }

    /// The root of the file system is nobody's home, whatever HOME says: a container's user may have none.
    fn is_at_home(path: &Path) -> bool {
        dirs::home_dir().is_some_and(|home| home.parent().is_some() && path.starts_with(home))
    }

    /// What is in a folder of ours, a few levels down.
    fn inside(folder: &Path) -> Vec<(PathBuf, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                if found.len() >= MOST {
                    return found;
                }
                if metadata.is_dir() && depth < 3 {
                    folders.push((entry.path(), depth + 1));
                }
                found.push((entry.path(), metadata.uid()));
            }
        }
        found
    }
}

#[cfg(not(unix))]
mod owner {
    use super::{Paths, Result};

    pub fn must_be_ours(_: &Paths) -> Result<()> {
        Ok(())
    }
}
