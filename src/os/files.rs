//! Files that only their owner may read, replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use super::fault;

/// Makes `dir`, and what is missing above it, mode 0700. An existing folder is taken only if it is a real
/// folder of ours; one that others can enter is closed to them.
///
/// # Errors
/// What the system says, and [`io::ErrorKind::PermissionDenied`] for a link or another user's folder.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    match fs::symlink_metadata(dir) {
        Ok(found) => close_dir(dir, &found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(dir)
        }
        Err(error) => Err(error),
    }
}

/// Refuses a folder that is a link or another user's, as [`private_dir`] does; no folder is fine.
pub fn only_own_dir(dir: &Path) -> io::Result<()> {
    match fs::symlink_metadata(dir) {
        Ok(found) => own_dir(&found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn own_dir(found: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    let is_ours = std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    let is_ours = true;
    match found.is_dir() && is_ours {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a folder of your own")),
    }
}

#[cfg(unix)]
fn close_dir(dir: &Path, found: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    own_dir(found)?;
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_dir(_: &Path, found: &fs::Metadata) -> io::Result<()> {
    own_dir(found)
}

/// Puts `bytes` at `path`, mode 0600: whoever reads sees the old content or the new, after a power cut too.
/// A link at `path` is replaced, never followed.
///
/// # Errors
/// What the system says; the old content is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    fault::point("written");
    new.persist(path).map_err(|error| error.error)?;
    fault::point("renamed");
    sweep(dir, LEFT_BEHIND);
    sync_dir(dir)
}

/// The beginning of the name of a file that is being written.
pub(crate) const TEMPORARY: &str = ".new-";

/// Nobody takes so long to write a file: one that is older was left behind by a killed process.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// Removes from `dir` what killed writers left, as far as it is older than `age`. Zero is for who knows that
/// nobody is writing.
pub fn sweep(dir: &Path, age: Duration) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let is_old = || entry.metadata()?.modified()?.elapsed().map_err(io::Error::other);
        if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
            && is_old().is_ok_and(|elapsed| elapsed >= age)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes a rename or a removal in `dir` survive a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(dir)?.sync_all(),
        false => Ok(()),
    }
}

/// Reads at most `limit` bytes of a regular file, never through a link; nothing where there is no file.
///
/// # Errors
/// What the system says, and [`io::ErrorKind::InvalidData`] for a larger file or something that is no file.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32,
    );
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if !found.is_file() || found.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of ours"));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize + 1);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of ours")),
        false => Ok(Some(bytes)),
    }
}

/// Removes a file and makes that last; no file is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_dir(path.parent().unwrap_or(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_private_and_whole() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("a/b");
        private_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        let path = dir.join("file");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read(&path, 3).unwrap().as_deref(), Some(&b"two"[..]));
        assert!(read(&path, 2).is_err());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read(&path, 9).unwrap(), None);
    }

    #[test]
    fn a_link_is_never_followed() {
        let tmp = tempfile::tempdir().unwrap();
        let (victim, link) = (tmp.path().join("victim"), tmp.path().join("link"));
        fs::write(&victim, b"precious").unwrap();
        symlink(&victim, &link).unwrap();
        assert!(read(&link, 99).is_err());
        replace(&link, b"mine").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        symlink(tmp.path(), tmp.path().join("dir")).unwrap();
        assert!(private_dir(&tmp.path().join("dir")).is_err());
    }

    #[test]
    fn an_open_folder_is_closed() {
        let tmp = tempfile::tempdir().unwrap();
        fs::set_permissions(tmp.path(), fs::Permissions::from_mode(0o755)).unwrap();
        private_dir(tmp.path()).unwrap();
        assert_eq!(mode(tmp.path()), 0o700);
    }
}
