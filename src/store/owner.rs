//! A lock made of files, for file systems that cannot lock.
//!
//! Beside `lock` stand `lock.1`, `lock.2`, …: each names its owner, and the highest number counts. Taking the
//! lock is giving one's file the next number, which only one process can (link(2) never replaces a file);
//! letting go is replacing one's file by an empty one. Numbers only grow, so a slow process that still
//! believes in an old number can never take the lock from its new owner: it finds a higher one and withdraws.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::os::files;
use crate::os::process::Identity;

/// A lock held by an owner file.
#[derive(Debug)]
pub struct Owner(PathBuf);

impl Owner {
    /// Takes the lock at `path` if it is free or its owner is certainly gone.
    pub fn claim(path: &Path) -> io::Result<Option<Owner>> {
        let highest = highest(path)?;
        if let Some(number) = highest
            && !is_free(&numbered(path, number))?
        {
            return Ok(None);
        }
        let mine = highest.unwrap_or(0) + 1;
        let claimed = numbered(path, mine);
        // Written whole under another name first: an owner that dies in between must not leave a number behind
        // that names nobody.
        let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut owner_file = tempfile::Builder::new().prefix(files::TEMPORARY).tempfile_in(dir)?;
        owner_file.write_all(&serde_json::to_vec(&Identity::here())?)?;
        owner_file.as_file().sync_all()?;
        match owner_file.persist_noclobber(&claimed) {
            Ok(_) => {}
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(failed) => return Err(failed.error),
        }
        if self::highest(path)? != Some(mine) {
            fs::remove_file(&claimed)?;
            return Ok(None);
        }
        for older in 1.max(mine.saturating_sub(8))..mine {
            let _ = fs::remove_file(numbered(path, older));
        }
        Ok(Some(Owner(claimed)))
    }

    /// Who holds the lock at `path`, and by which file; nothing where nobody holds it by a file.
    pub fn of(path: &Path) -> Option<(PathBuf, Identity)> {
        let file = numbered(path, highest(path).ok()??);
        let who = serde_json::from_slice(&files::read(&file, LIMIT).ok()??).ok()?;
        Some((file, who))
    }

    /// Lets go.
    pub fn release(&self) {
        // If this fails the lock stays ours until this process ends, which frees it too.
        let _ = files::replace(&self.0, RELEASED);
    }
}

const RELEASED: &[u8] = b"released\n";
const LIMIT: u64 = 4096;

fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn highest(path: &Path) -> io::Result<Option<u64>> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let prefix = format!("{}.", name.to_string_lossy());
    let mut highest = None;
    for entry in fs::read_dir(dir)? {
        let number = entry?.file_name().to_str().and_then(|name| name.strip_prefix(&prefix)?.parse().ok());
        highest = highest.max(number);
    }
    Ok(highest)
}

/// An owner file that names nobody may be one that another host still writes: its owner is alive, or died
/// within an instant that we let pass before believing it.
fn is_free(path: &Path) -> io::Result<bool> {
    const HALF_WRITTEN: std::time::Duration = std::time::Duration::from_secs(30);
    let Some(bytes) = files::read(path, LIMIT)? else { return Ok(false) };
    if bytes == RELEASED {
        return Ok(true);
    }
    match serde_json::from_slice::<Identity>(&bytes) {
        Ok(owner) => Ok(owner.is_gone()),
        Err(_) => Ok(fs::metadata(path)?.modified()?.elapsed().is_ok_and(|age| age > HALF_WRITTEN)),
    }
}

/// Whether a test asks for owner files where the file system could lock.
pub(super) fn forced() -> bool {
    cfg!(feature = "fault-points") && crate::os::env::env_text("SEQERA_TEST_OWNER_FILES").is_some()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn claim(path: &Path) -> Option<Owner> {
        Owner::claim(path).unwrap()
    }

    #[test]
    fn one_owner_at_a_time_and_numbers_only_grow() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        for _ in 0..3 {
            let owner = claim(&path).unwrap();
            assert!(claim(&path).is_none());
            owner.release();
        }
        assert_eq!(highest(&path).unwrap(), Some(3));
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_an_owner_that_is_certainly_gone_loses_the_lock() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        let here = Identity::here();
        let owned_by = |owner: &Identity| {
            fs::write(numbered(&path, 7), serde_json::to_vec(owner).unwrap()).unwrap();
            let taken = claim(&path).is_some();
            let _ = fs::remove_file(numbered(&path, 8));
            taken
        };
        assert!(!owned_by(&here), "alive");
        let elsewhere = Identity { host: "elsewhere".into(), boot: "another".into(), ..here.clone() };
        assert!(!owned_by(&elsewhere), "another host");
        let namesake = Identity { machine: "another".into(), boot: "another".into(), ..here.clone() };
        assert!(!owned_by(&namesake), "another host of the same name");
        let container = Identity { pid_namespace: "pid:[1]".into(), pid: 1, began: 0, ..here.clone() };
        assert!(!owned_by(&container), "another container on this host");
        assert!(owned_by(&Identity { began: here.began + 1, ..here.clone() }), "number given again");
        assert!(owned_by(&Identity { boot: "an earlier start".into(), ..here.clone() }), "restarted");
        fs::write(numbered(&path, 7), b"{\"host\":").unwrap();
        assert!(claim(&path).is_none(), "being written");
    }

    #[test]
    fn who_believes_in_an_old_number_withdraws() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        claim(&path).unwrap().release();
        let _second = claim(&path).unwrap();
        fs::write(numbered(&path, 9), serde_json::to_vec(&Identity::here()).unwrap()).unwrap();
        fs::remove_file(numbered(&path, 2)).unwrap();
        assert!(claim(&path).is_none());
    }
}
