//! A lock made of files, which every host sees that sees the files.
//!
//! Beside `lock` stand `lock.1`, `lock.2`, …: each names its owner, and the highest number counts. Taking the
//! lock is giving one's file the next number, which only one process can (link(2) never replaces a file);
//! letting go is replacing one's file by one that says so. Numbers only grow, so a slow process that still
//! believes in an old number can never take the lock from its new owner: it finds a higher one and withdraws.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::os::process::Identity;
use crate::os::{disk, files};

/// A lock held by an owner file; dropping it lets go.
#[derive(Debug)]
pub struct Owner(PathBuf);

impl Drop for Owner {
    fn drop(&mut self) {
        // If this fails the lock stays ours until this process ends, which frees it too.
        let _ = write_as(&self.0, RELEASED, |file, path| file.persist(path).map_err(|error| error.error));
    }
}

impl Owner {
    /// Takes the lock at `path` if it is free or its owner is certainly gone. `is_alone`: no other process of this
    /// host can hold it, as far as the kernel's locks tell.
    pub fn claim(path: &Path, is_alone: bool) -> io::Result<Option<Owner>> {
        let highest = highest(path)?;
        if let Some(number) = highest {
            let file = numbered(path, number);
            if !files::reopening(&file, || is_free(&file, is_alone))? {
                return Ok(None);
            }
        }
        let mine = highest.unwrap_or(0) + 1;
        let claimed = numbered(path, mine);
        match write_as(&claimed, &serde_json::to_vec(&Identity::here())?, put_once) {
            Ok(()) => {}
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(failed) => return Err(failed),
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

    /// Whether somebody holds the lock at `path` who is not certainly gone.
    pub fn is_held(path: &Path) -> bool {
        Owner::of(path).is_some_and(|(_, who)| !who.is_gone())
    }
}

const RELEASED: &[u8] = b"released\n";
const LIMIT: u64 = 4096;

/// Puts a file with this content at `path`, whole: it is closed first, so that another host that sees the name
/// sees the content, and an owner that dies in between leaves no number that names nobody. Nothing of it has to
/// survive a power cut.
fn write_as(
    path: &Path,
    content: &[u8],
    put: impl FnOnce(tempfile::TempPath, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(files::TEMPORARY).tempfile_in(dir)?;
    files::close_new(file.as_file())?;
    file.write_all(content)?;
    put(file.into_temp_path(), path)
}

/// Gives the file its name unless there is one of that name.
fn put_once(file: tempfile::TempPath, path: &Path) -> io::Result<()> {
    match fs::hard_link(&file, path) {
        Err(error) if has_no_links(&error) => {
            // Without links a name is still given to one process only; who reads it too early waits.
            let content = fs::read(&file)?;
            fs::File::options().write(true).create_new(true).open(path)?.write_all(&content)
        }
        linked => linked,
    }
}

/// Whether the file system knows no hard links: FAT, some that are shared.
fn has_no_links(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        matches!(errno, Some(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::MLINK))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::Unsupported
    }
}

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
fn is_free(path: &Path, is_alone: bool) -> io::Result<bool> {
    const HALF_WRITTEN: Duration = Duration::from_secs(30);
    let Some(bytes) = files::read(path, LIMIT)? else { return Ok(false) };
    if bytes == RELEASED {
        return Ok(true);
    }
    match serde_json::from_slice::<Identity>(&bytes) {
        Ok(owner) if owner.is_gone() => Ok(true),
        Ok(owner) => Ok(is_alone && has_left(path, &owner)),
        Err(_) => Ok(is_older(path, HALF_WRITTEN)),
    }
}

/// Whether an owner of whose process nothing can be known (another container of this host, the host under an
/// earlier name) is gone: the kernel's locks reach everybody who uses a disk of this machine, and the kernel says
/// that nobody holds this one. A disk may be exported to other hosts, so one of another boot gets time as well.
fn has_left(path: &Path, owner: &Identity) -> bool {
    /// Nobody takes so long: the renewer, which takes longest, has a deadline of two minutes.
    const LONG_AGO: Duration = Duration::from_secs(60 * 60);
    let is_local = || disk::is_local(path);
    match owner.is_of_this_boot() {
        true => !owner.is_visible_here() && is_local(),
        false => is_older(path, LONG_AGO) && is_local(),
    }
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|found| found.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|elapsed| elapsed > age))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn claim(path: &Path) -> Option<Owner> {
        Owner::claim(path, false).unwrap()
    }

    #[test]
    fn one_owner_at_a_time_and_numbers_only_grow() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        for _ in 0..3 {
            let owner = claim(&path).unwrap();
            assert!(claim(&path).is_none());
            drop(owner);
        }
        assert_eq!(highest(&path).unwrap(), Some(3));
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_an_owner_that_is_certainly_gone_loses_the_lock() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        let here = Identity::here();
        let owned_by = |owner: &Identity, is_alone| {
            fs::write(numbered(&path, 7), serde_json::to_vec(owner).unwrap()).unwrap();
            let taken = Owner::claim(&path, is_alone).unwrap().is_some();
            let _ = fs::remove_file(numbered(&path, 8));
            taken
        };
        let elsewhere = Identity { host: "elsewhere".into(), boot: "another".into(), ..here.clone() };
        let namesake = Identity { machine: "another".into(), boot: "another".into(), ..here.clone() };
        for is_alone in [false, true] {
            assert!(!owned_by(&here, is_alone), "alive");
            assert!(!owned_by(&elsewhere, is_alone), "another host");
            assert!(!owned_by(&namesake, is_alone), "another host of the same name");
            let given_again = Identity { began: here.began + 1, ..here.clone() };
            assert!(owned_by(&given_again, is_alone), "number given again");
            let restarted = Identity { boot: "an earlier start".into(), ..here.clone() };
            assert!(owned_by(&restarted, is_alone), "restarted");
        }
        let container = Identity { pid_namespace: "pid:[1]".into(), pid: 1, began: 0, ..here.clone() };
        assert!(!owned_by(&container, false), "another container on this host, which may live");
        fs::write(numbered(&path, 7), b"{\"host\":").unwrap();
        assert!(claim(&path).is_none(), "being written");
    }

    /// Containers come and go, and none can see the processes of the one before.
    #[test]
    fn a_container_that_ended_does_not_keep_the_next_one_out_on_a_disk_of_this_machine() {
        let tmp = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = tmp.path().join("lock");
        let here = Identity::here();
        let container = Identity { pid_namespace: "pid:[1]".into(), pid: 1, began: 0, ..here };
        fs::write(numbered(&path, 7), serde_json::to_vec(&container).unwrap()).unwrap();
        assert!(Owner::claim(&path, false).unwrap().is_none(), "the kernel says nothing");
        assert!(Owner::claim(&path, true).unwrap().is_some(), "the kernel says that nobody has it");
    }

    #[test]
    fn who_believes_in_an_old_number_withdraws() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        drop(claim(&path).unwrap());
        let _second = claim(&path).unwrap();
        fs::write(numbered(&path, 9), serde_json::to_vec(&Identity::here()).unwrap()).unwrap();
        fs::remove_file(numbered(&path, 2)).unwrap();
        assert!(claim(&path).is_none());
    }
}
