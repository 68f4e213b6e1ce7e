//! Files that belong to the person and to other programs: read whole, replaced whole, and left the files they were
//! (behind the same link, with the same owner, group, mode and other names).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::os::files;
use crate::os::hex::hex;
use crate::os::ownership::{self, Exposed};

/// No honest configuration is larger.
const LIMIT: u64 = 16 * 1024 * 1024;

/// A file of somebody else's, as it was found.
#[derive(Debug)]
pub struct TheirFile {
    /// As the person knows it.
    shown: PathBuf,
    /// Where the links lead.
    path: PathBuf,
    found: Option<fs::Metadata>,
    /// What is in it; nothing where there is no file.
    pub bytes: Option<Vec<u8>>,
}

impl TheirFile {
    /// Reads the file, through links. A link that leads to nothing yet is followed as well, so that a dotfile's link
    /// stays one.
    ///
    /// # Errors
    /// It cannot be read, or is not a regular file.
    pub fn read(shown: &Path) -> Result<TheirFile> {
        TheirFile::read_checked(shown, |_, _| Ok(()))
    }

    /// Reads one whose content is taken for the person's own: nobody else may own or write it.
    ///
    /// # Errors
    /// As [`TheirFile::read`]; somebody else may.
    pub fn read_own(shown: &Path) -> Result<TheirFile> {
        TheirFile::read_checked(shown, ownership::check_foreign_file)
    }

    fn read_checked(
        shown: &Path,
        check: impl FnOnce(&fs::Metadata, &Path) -> io::Result<()>,
    ) -> Result<TheirFile> {
        let path = files::followed(shown)?;
        let (found, bytes) = match read(&path, check) {
            Ok((found, bytes)) => (Some(found), Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(Error::refused(format!("{} is not a regular file", shown.display()))
                    .next("name another, or move it away"));
            }
            Err(error) if Exposed::of(&error).is_some() => {
                return Err(files::failure(format_args!("{} is not taken over", shown.display()), &error));
            }
            Err(error) => return Err(failure("read", shown, &path, &error)),
        };
        let leads_nowhere = found.is_none() && path != shown && !path.parent().is_some_and(Path::is_dir);
        if leads_nowhere {
            return Err(Error::refused(format!(
                "{} is a link to {}, which is not there",
                shown.display(),
                path.display()
            ))
            .next("make that folder, or remove the link"));
        }
        Ok(TheirFile { shown: shown.to_path_buf(), path, found, bytes })
    }

    /// Where it really is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what is in it by `new`. `mode` is for a file that was not there; the umask applies. Answers
    /// how many folders were made for it.
    ///
    /// # Errors
    /// It cannot be written; the old content is then untouched as far as the system lets us.
    pub fn replace(&self, new: &[u8], mode: u32) -> Result<u8> {
        let failed = |error: &io::Error| failure("write", &self.shown, &self.path, error);
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        match &self.found {
            None => {
                let made = make_folders(folder).map_err(|error| failed(&error))?;
                let written = temporary(folder, mode).and_then(|file| persist(file, new, &self.path));
                written.map_err(|error| failed(&error)).map(|()| made)
            }
            Some(found) => {
                match twin(folder, found) {
                    Some(file) => persist(file, new, &self.path),
                    None => overwrite(&self.path, new),
                }
                .map_err(|error| failed(&error))?;
                Ok(0)
            }
        }
    }

    /// Removes the file, and as many of the folders above it as we `made`, where they are empty. A link to it stays.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, made: u8) -> Result<()> {
        remove(&self.path, made).map_err(|error| failure("remove", &self.shown, &self.path, &error))
    }
}

/// The error for a file that the system does not let us `doing`, with what to do about it.
fn failure(doing: &str, shown: &Path, path: &Path, error: &io::Error) -> Error {
    let file = shown.display();
    let failed = Error::io(format_args!("cannot {doing} {file}"), error);
    match error.kind() {
        io::ErrorKind::ResourceBusy => Error::failed(format!(
            "cannot {doing} {file}: it is a mount of its own and cannot be replaced (device or resource busy)"
        ))
        .next("unmount it, or mount the folder that it is in, then try again"),
        io::ErrorKind::PermissionDenied => failed.next(let_us_in(path)),
        io::ErrorKind::ReadOnlyFilesystem => failed.next("make its file system writable, then try again"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failed.next("make room there, then try again")
        }
        _ => failed.next(format!("see what is there: ls -ld {file}")),
    }
}

/// What gives us access to a file, or to the first folder above it that can be seen.
#[cfg(unix)]
fn let_us_in(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    let seen = path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
    let Some((path, found)) = seen else { return "see who may use the folders above it".into() };
    let shown = path.display();
    match found.uid() {
        owner if owner != me => format!(
            "{shown} belongs to {}: run it as that user, or give it back with: sudo chown {me} {shown}",
            if owner == 0 { "root".into() } else { format!("user {owner}") }
        ),
        _ if found.is_dir() => format!("open it with: chmod u+rwx {shown}"),
        _ => format!("open it with: chmod u+rw {shown}"),
    }
}

#[cfg(not(unix))]
fn let_us_in(path: &Path) -> String {
    format!("see who may write {}", path.display())
}

/// Removes a file, and as many of the folders above it as we `made`, where they are empty.
pub fn remove(path: &Path, made: u8) -> io::Result<()> {
    fs::remove_file(path)?;
    for folder in path.ancestors().skip(1).take(made.into()) {
        // A folder with something in it stays: the system refuses.
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Makes what is missing of a folder, for this user alone. Answers how many folders that were.
pub fn make_folders(folder: &Path) -> io::Result<u8> {
    let missing = folder.ancestors().take_while(|folder| fs::symlink_metadata(folder).is_err()).count();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    Ok(missing.try_into().unwrap_or(u8::MAX))
}

fn read(
    path: &Path,
    check: impl FnOnce(&fs::Metadata, &Path) -> io::Result<()>,
) -> io::Result<(fs::Metadata, Vec<u8>)> {
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe without a writer would hold us for ever.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.len() > LIMIT {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    check(&found, path)?;
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok((found, bytes))
}

fn temporary(folder: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".seqera-");
    #[cfg(unix)]
    let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
    #[cfg(unix)]
    builder.permissions(permissions);
    #[cfg(not(unix))]
    let _ = mode;
    builder.tempfile_in(folder)
}

/// A new file that can take the place of the one that was found without anybody's noticing. Where there can be none
/// (it has other names, or an owner, a group or a folder that we may not write for), it is written in place.
fn twin(folder: &Path, found: &fs::Metadata) -> Option<tempfile::NamedTempFile> {
    let file = temporary(folder, 0o600).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        if found.nlink() > 1 {
            return None;
        }
        let made = file.as_file().metadata().ok()?;
        let owner = (made.uid() != found.uid()).then(|| found.uid());
        let group = (made.gid() != found.gid()).then(|| found.gid());
        if owner.is_some() || group.is_some() {
            fchown(file.as_file(), owner, group).ok()?;
        }
    }
    file.as_file().set_permissions(found.permissions()).ok()?;
    Some(file)
}

fn persist(mut file: tempfile::NamedTempFile, new: &[u8], path: &Path) -> io::Result<()> {
    file.write_all(new)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    if let Some(folder) = path.parent().filter(|_| cfg!(unix)) {
        // Not every file system can; the file is complete in any case.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

fn overwrite(path: &Path, new: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(new)?;
    file.set_len(new.len() as u64)?;
    file.sync_all()
}

/// What a change did to a file: enough to undo it to the byte while the file is as the change left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    at: usize,
    removed: String,
    added: String,
    /// Of the whole file afterwards.
    sha256: String,
    /// Whether there was no file before.
    created: bool,
}

impl Patch {
    /// What turns `before` into `after`; nothing where the difference is not text.
    pub fn between(before: Option<&[u8]>, after: &[u8]) -> Option<Patch> {
        let old = before.unwrap_or_default();
        let at = old.iter().zip(after).take_while(|(a, b)| a == b).count();
        let (old_rest, new_rest) = (&old[at..], &after[at..]);
        let same_end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
        let middle = |rest: &[u8]| String::from_utf8(rest[..rest.len() - same_end].to_vec()).ok();
        Some(Patch {
            at,
            removed: middle(old_rest)?,
            added: middle(new_rest)?,
            sha256: sum(after),
            created: before.is_none(),
        })
    }

    /// What the file was before, if it is still as the change left it: `Some(None)` is not a file.
    pub fn undone(&self, now: &[u8]) -> Option<Option<Vec<u8>>> {
        if sum(now) != self.sha256 {
            return None;
        }
        let added = now.get(self.at..)?.strip_prefix(self.added.as_bytes())?;
        let before = [&now[..self.at], self.removed.as_bytes(), added].concat();
        match self.created {
            true => before.is_empty().then_some(None),
            false => Some(Some(before)),
        }
    }
}

fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn a_patch_is_undone_to_the_byte_and_only_where_it_fits() {
        for (before, after) in [
            (None, &b"new"[..]),
            (Some(&b""[..]), b"new"),
            (Some(b"ab"), b"aXb"),
            (Some(b"aaa"), b"aaaa"),
            (Some(b"a\r\nb"), b"a\r\nb\n[c]\n"),
            (Some(b"old"), b"new"),
            (Some(b"\xff"), b"\xffx"),
        ] {
            let patch = Patch::between(before, after).unwrap();
            assert_eq!(patch.undone(after).unwrap().as_deref(), before, "{before:?}");
            assert_eq!(patch.undone(b"something else"), None);
        }
        assert_eq!(Patch::between(Some(b"a"), b"a\xff"), None);
    }

    #[test]
    fn the_file_stays_the_file_it_was() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("real");
        fs::write(&file, "old and longer").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", tmp.path().join("link")).unwrap();
        symlink("link", tmp.path().join("link2")).unwrap();
        let theirs = TheirFile::read(&tmp.path().join("link2")).unwrap();
        theirs.replace(b"new", 0o600).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(tmp.path().join("link2")).unwrap().is_symlink());

        fs::hard_link(&file, tmp.path().join("second")).unwrap();
        TheirFile::read(&file).unwrap().replace(b"3", 0o600).unwrap();
        assert_eq!(fs::read(tmp.path().join("second")).unwrap(), b"3");
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 4, "nothing is left over");
    }

    #[test]
    fn a_link_to_nothing_is_followed_or_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let link = tmp.path().join("link");
        symlink(tmp.path().join("not yet"), &link).unwrap();
        let theirs = TheirFile::read(&link).unwrap();
        assert_eq!(theirs.bytes, None);
        theirs.replace(b"new", 0o600).unwrap();
        assert_eq!(fs::read(tmp.path().join("not yet")).unwrap(), b"new");
        TheirFile::read(&link).unwrap().remove(0).unwrap();
        assert!(fs::symlink_metadata(&link).is_ok() && !link.exists());
        fs::remove_file(&link).unwrap();
        symlink("no/such/folder", &link).unwrap();
        assert!(TheirFile::read(&link).unwrap_err().to_string().contains("which is not there"));
        fs::remove_file(&link).unwrap();
        symlink("link", &link).unwrap();
        assert!(TheirFile::read(&link).unwrap_err().to_string().contains("circle"));
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        for path in [Path::new("/dev/null"), Path::new("/dev/zero"), tmp.path()] {
            let refused = TheirFile::read(path).unwrap_err();
            assert!(refused.to_string().contains("is not a regular file"), "{refused}");
        }
    }

    #[test]
    fn folders_that_were_made_go_again() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("a/b/c");
        let made = TheirFile::read(&file).unwrap().replace(b"x", 0o600).unwrap();
        assert_eq!(made, 2);
        assert_eq!(fs::metadata(tmp.path().join("a")).unwrap().mode() & 0o777, 0o700);
        TheirFile::read(&file).unwrap().remove(made).unwrap();
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }
}
