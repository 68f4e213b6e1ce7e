//! Files that only their owner may read, replaced whole or not at all.

#[cfg(target_os = "linux")]
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ownership::{self, Exposed};
use super::{fault, paths};
use crate::error::{Error, io_words};

/// Makes `dir`, and what is missing above it, mode 0700 whatever the umask. An existing folder is taken only if
/// it is a real folder of ours that nobody else can replace; one that others can enter is closed to them.
///
/// # Errors
/// What the system says, and [`io::ErrorKind::PermissionDenied`] for a link, another user's folder, or one
/// below a folder that others may write.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    paths::must_be_known(dir)?;
    make_dir(dir)?;
    #[cfg(unix)]
    if let Some(folder) = ownership::open_dir(dir)? {
        use std::os::unix::fs::MetadataExt;
        ownership::check_dir(dir)?;
        ownership::close(&folder, dir, folder.metadata()?.mode(), !0o077)?;
    }
    #[cfg(not(unix))]
    ownership::check_dir(dir)?;
    paths::leave_mark(dir)
}

/// Makes the folders that are missing. Each is made closed: none is there for a moment with another mode.
fn make_dir(dir: &Path) -> io::Result<()> {
    match fs::symlink_metadata(dir) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = dir.parent() {
        // What is above may be a link: a home often is.
        if !parent.exists() {
            make_dir(parent)?;
        }
    }
    #[cfg(unix)]
    ownership::check_parents(dir)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => settle(dir),
        // Somebody else made it just now: what it is, the caller looks at.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A umask may have taken our own access away, and root does not make folders of root's in somebody's home.
#[cfg(unix)]
fn settle(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if fs::symlink_metadata(dir)?.permissions().mode() & 0o700 != 0o700 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    if paths::is_ours(dir) { Ok(()) } else { ownership::follow_owner(dir) }
}

#[cfg(not(unix))]
fn settle(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Checks a folder of ours that is to be read, as [`private_dir`] does; no folder is fine.
pub fn only_own_dir(dir: &Path) -> io::Result<()> {
    ownership::check_dir(dir)
}

/// Puts `bytes` at `path`, mode 0600: a reader sees the old content or the new, after a power cut too.
/// A link at `path` is replaced, never followed.
///
/// # Errors
/// What the system says; the old content is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let new = written(dir, bytes)?;
    fault::point("written");
    new.persist(path).map_err(|error| error.error)?;
    fault::point("renamed");
    sweep(dir, LEFT_BEHIND);
    sync_dir(dir);
    Ok(())
}

/// Puts `bytes` at `path` as [`replace`] does, if nothing is there. Answers whether it did: of several processes
/// on any number of hosts that try, one succeeds.
///
/// # Errors
/// What the system says.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let made = match written(dir, bytes)?.persist_noclobber(path) {
        Ok(_) => true,
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => false,
        // Neither a rename that replaces nothing nor a link: what is left is to write it in its place.
        Err(_) => match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => {
                close_new(&file)?;
                file.write_all(bytes).and_then(|()| sync(&file)).inspect_err(|_| {
                    let _ = fs::remove_file(path);
                })?;
                true
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        },
    };
    sync_dir(dir);
    Ok(made)
}

/// A file under a name of its own, with `bytes` on the disk.
fn written(dir: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir)?;
    close_new(new.as_file())?;
    new.write_all(bytes)?;
    sync(new.as_file())?;
    Ok(new)
}

/// A umask may have taken our own access away.
pub fn close_new(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o777 != 0o600 {
            // A file system that ignores modes: who may not read it is up to the folder.
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
    let _ = file;
    Ok(())
}

/// Where a link leads in the end, also where nothing is there yet; a path that is not a link is its own end.
///
/// # Errors
/// The links lead round in a circle.
pub fn followed(path: &Path) -> Result<PathBuf, Error> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("/")).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::refused(format!("{} is a link that leads round in a circle", path.display())))
}

/// As many links as Linux follows (path_resolution(7)).
const LINKS: usize = 40;

/// Does what needs a file of ours, and once more where a umask had made the file without our own access.
///
/// # Errors
/// Those of `use_it`.
pub fn reopening<T>(path: &Path, mut use_it: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match use_it() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_reopened(path) => use_it(),
        done => done,
    }
}

/// Gives us access again to a file of our own that a umask made without. Answers whether it was one.
#[cfg(unix)]
fn is_reopened(path: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let is_closed_to_us = |found: &fs::Metadata| {
        found.is_file() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o600 != 0o600
    };
    fs::symlink_metadata(path).is_ok_and(|found| is_closed_to_us(&found))
        && fs::set_permissions(path, fs::Permissions::from_mode(0o600)).is_ok()
}

/// Elsewhere there is no umask.
#[cfg(not(unix))]
fn is_reopened(_: &Path) -> bool {
    false
}

/// Waits until a file is on the disk, where its file system knows how to.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if cannot_sync(&error) => Ok(()),
        synced => synced,
    }
}

#[cfg(unix)]
fn cannot_sync(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::ROFS | Errno::BADF))
}

#[cfg(not(unix))]
fn cannot_sync(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
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
        // A time to come is from before the clock was set back, and tells nothing.
        let is_old = || io::Result::Ok(entry.metadata()?.modified()?.elapsed().is_ok_and(|old| old >= age));
        if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
            && (age.is_zero() || is_old().unwrap_or(false))
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes a rename or a removal in `dir` survive a power cut, where the file system can: some refuse to sync a
/// folder, and what was done is done all the same.
pub fn sync_dir(dir: &Path) {
    if cfg!(unix)
        && let Err(error) = File::open(dir).and_then(|folder| folder.sync_all())
    {
        log::debug!("{} cannot be synced: {error}", dir.display());
    }
}

/// Reads at most `limit` bytes of a regular file of ours, never through a link; nothing where there is no file.
/// The file, its folder and those above are checked: others must not be able to write or replace them.
///
/// # Errors
/// What the system says, [`io::ErrorKind::InvalidData`] for a larger file or something that is not a file, and
/// [`io::ErrorKind::PermissionDenied`] for one that others own or could have put there.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    read_checked(path, limit, |file, found| {
        ownership::check_dir(path.parent().unwrap_or(path))?;
        ownership::check_file(file, found, path)
    })
}

/// Reads a file of another program, as [`read`] does, and changes nothing about it or its folder.
///
/// # Errors
/// As [`read`].
pub fn read_foreign(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    read_checked(path, limit, |_, found| ownership::check_foreign_file(found, path))
}

/// Reads as [`read`] does, with a check of the caller's.
///
/// # Errors
/// As [`read`].
pub fn read_checked(
    path: &Path,
    limit: u64,
    check: impl FnOnce(&File, &Metadata) -> io::Result<()>,
) -> io::Result<Option<Vec<u8>>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32,
    );
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(ownership::why_denied(path, error)),
    };
    let found = file.metadata()?;
    if !found.is_file() || found.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of ours"));
    }
    check(&file, &found)?;
    let bytes = read_whole(&mut file, found.len() as usize, limit)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of ours")),
        false => Ok(Some(bytes)),
    }
}

/// The names of what is in a folder. On Linux past the C library, which under musl has an allocator of its own to set
/// up first: that takes longer than the reading.
///
/// # Errors
/// What the system says.
pub fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Dir, Mode, OFlags};
        use std::os::unix::ffi::OsStrExt;

        let folder =
            rustix::fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::new(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }
    #[cfg(not(target_os = "linux"))]
    fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// Reads a file that had `length` bytes just now. A file that ends where it ended then is not asked again.
fn read_whole(file: &mut File, length: usize, limit: u64) -> io::Result<Vec<u8>> {
    // With room for all of it: a buffer that grows leaves copies of a secret behind.
    let mut bytes = vec![0; length + 1];
    let mut filled = 0;
    while filled <= length {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if filled == length {
            break;
        }
    }
    bytes.truncate(filled);
    if filled > length {
        file.take((limit + 1).saturating_sub(filled as u64)).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Removes a file and makes that last; no file is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {
            sync_dir(path.parent().unwrap_or(path));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What to do where nothing can be written.
const ELSEWHERE: &str = "nothing was changed; to keep it elsewhere, set SEQERA_HELPER_HOME to a folder of your own \
                             that can be written";

/// What a person hears of a file or folder of ours that cannot be used: `doing` says what to which.
pub fn failure(doing: impl Display, error: &io::Error) -> Error {
    if let Some(exposed) = Exposed::of(error) {
        return Error::store(format!("{doing}: {exposed}")).next(exposed.hint());
    }
    let failed = Error::store(format!("{doing}: {}", io_words(error)));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failed.next("nothing was changed; make room there, then try again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => failed.next(ELSEWHERE),
        _ => failed.next("nothing was changed"),
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
    fn a_file_is_read_whole_whatever_length_it_says() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("file");
        for length in [0, 1, 4096, 100_000] {
            let bytes = vec![b'x'; length];
            replace(&path, &bytes).unwrap();
            assert_eq!(read(&path, 100_000).unwrap(), Some(bytes.clone()));
            // As if it had grown or shrunk since it was asked.
            for said in [0, length / 2, length + 7] {
                assert_eq!(read_whole(&mut File::open(&path).unwrap(), said, 100_000).unwrap(), bytes);
            }
        }
        let grown = read_whole(&mut File::open(&path).unwrap(), 10, 50).unwrap();
        assert_eq!(grown.len(), 51);
    }

    #[test]
    fn the_names_in_a_folder_are_all_there() {
        let tmp = tempfile::tempdir().unwrap();
        let mut made: Vec<OsString> = (0..1000).map(|at| format!("{at:0200}").into()).collect();
        made.push(std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xff]));
        for name in &made {
            fs::write(tmp.path().join(name), b"").unwrap();
        }
        made.sort();
        let mut found = names(tmp.path()).unwrap();
        found.sort();
        assert_eq!(found, made);
        assert_eq!(names(&tmp.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(names(&tmp.path().join(&made[0])).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("file");
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 1);
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

    #[test]
    fn a_file_that_others_could_write_is_closed_to_them() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("file");
        replace(&path, b"ours").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read(&path, 9).unwrap().is_some());
        assert_eq!(mode(&path), 0o644);
    }

    #[test]
    fn a_folder_in_one_that_others_may_write_is_not_used() {
        let tmp = tempfile::tempdir().unwrap();
        let open = tmp.path().join("open");
        let ours = open.join("ours");
        fs::create_dir_all(&ours).unwrap();
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(ours.join("file"), b"ours").unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        for error in [read(&ours.join("file"), 9).map(drop), private_dir(&open.join("new/below"))] {
            let error = failure("x", &error.unwrap_err()).to_string();
            assert!(error.contains(&format!("chmod go-w {}", open.display())), "{error}");
        }
        assert!(!open.join("new").exists());
        fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
        private_dir(&open.join("new/below")).unwrap();
        assert!(read(&ours.join("file"), 9).unwrap().is_some());
    }
}
