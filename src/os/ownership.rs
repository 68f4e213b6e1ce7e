//! Whether a file or a folder is ours alone: who owns it, who may write it, and who could put another in its
//! place. Where modes mean nothing (Windows) everything passes.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use super::env::non_empty;

/// Accepts parents and modes as they are: for a volume or a container that only one person uses.
const TRUST: &str = "SEQERA_HELPER_TRUST_HOME";

/// A file or folder that others own or may change.
#[derive(Debug)]
pub struct Exposed {
    what: String,
    next: String,
}

impl Exposed {
    /// As an I/O error, which says `what` is wrong and what to do `next`.
    pub fn error(what: impl Into<String>, next: impl Into<String>) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, Exposed { what: what.into(), next: next.into() })
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.next
    }

    /// The one in an I/O error, where that is what it is.
    pub fn of(error: &io::Error) -> Option<&Exposed> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Exposed {}

/// Whether the person said that nobody else is here.
pub fn trusts() -> bool {
    non_empty(TRUST).is_some_and(|value| value != "0")
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Metadata, OpenOptions, Permissions};
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::PathBuf;
    use std::sync::{Mutex, OnceLock};

    use rustix::fs::OFlags;
    use rustix::process::{getegid, geteuid};

    use super::*;
    use crate::os::paths;

    const WRITABLE: u32 = 0o022;
    const STICKY: u32 = 0o1000;

    /// Folders that this process found in order, with everything above them; and whether they are ours, or only
    /// above something of ours.
    static CHECKED: Mutex<Vec<(PathBuf, bool)>> = Mutex::new(Vec::new());

    pub fn me() -> u32 {
        static ME: OnceLock<u32> = OnceLock::new();
        *ME.get_or_init(|| geteuid().as_raw())
    }

    /// Checks a folder of ours, and what is above it. Write access of others to it is taken away.
    pub fn check_dir(dir: &Path) -> io::Result<()> {
        if is_checked(dir, true) {
            return Ok(());
        }
        let Some(folder) = open_dir(dir)? else { return Ok(()) };
        let found = folder.metadata()?;
        own_dir(dir, &found)?;
        close(&folder, dir, found.mode(), !WRITABLE)?;
        check_parents(dir)?;
        remember(dir);
        Ok(())
    }

    /// The folder, opened; nothing where there is none. Never through a link.
    pub fn open_dir(dir: &Path) -> io::Result<Option<File>> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
        match OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(dir) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => match fs::symlink_metadata(dir) {
                Ok(found) => own_dir(dir, &found).and(Err(error)),
                Err(_) => Err(error),
            },
        }
    }

    fn own_dir(dir: &Path, found: &Metadata) -> io::Result<()> {
        match () {
            () if found.is_symlink() => Err(Exposed::error(
                "it is a link, not a folder of your own",
                format!("replace the link {} by the folder itself", dir.display()),
            )),
            () if !found.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
            () if found.uid() != me() && !trusts() => Err(Exposed::error(
                format!("it belongs to {}, so it is not a folder of your own", user(found.uid())),
                give_back(dir),
            )),
            () => Ok(()),
        }
    }

    /// Takes from others what `keep` does not let them have. A system that does not let us (a read-only
    /// file system, one that ignores modes) is not a fault as long as nobody else can write.
    pub fn close(opened: &File, path: &Path, mode: u32, keep: u32) -> io::Result<()> {
        if mode & 0o077 & !keep == 0 {
            return Ok(());
        }
        let closed = opened.set_permissions(Permissions::from_mode(mode & 0o7777 & (keep | !0o077)));
        if let Err(error) = &closed {
            log::debug!("the mode of {} cannot be changed: {error}", path.display());
        }
        let left = opened.metadata()?.mode();
        if left & WRITABLE == 0 || trusts() {
            return Ok(());
        }
        Err(Exposed::error(
            match closed {
                Ok(()) => "others may write there: its file system ignores modes",
                Err(_) => "others may write there",
            },
            format!(
                "set SEQERA_HELPER_HOME to a folder on another file system; \
                 or, if nobody else can reach {}, set {TRUST}=1",
                path.display()
            ),
        ))
    }

    /// Checks what is above `path`: somebody who may write a folder can replace what is in it.
    pub fn check_parents(path: &Path) -> io::Result<()> {
        if trusts() {
            return Ok(());
        }
        let mut has_link = false;
        for dir in path.ancestors().skip(1) {
            if is_checked(dir, false) {
                break;
            }
            match fs::symlink_metadata(dir) {
                Ok(found) if found.is_symlink() => {
                    has_link = true;
                    check_owner(dir, &found)?;
                }
                Ok(found) => check_parent(dir, &found)?,
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if has_link && let Some(parent) = path.parent() {
            return match fs::canonicalize(parent) {
                Ok(real) => check_parents(&real.join("_")),
                Err(error) if is_absent(&error) => Ok(()),
                Err(error) => Err(error),
            };
        }
        Ok(())
    }

    fn is_absent(error: &io::Error) -> bool {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    }

    fn check_parent(dir: &Path, found: &Metadata) -> io::Result<()> {
        check_owner(dir, found)?;
        let mode = found.mode();
        if mode & WRITABLE == 0 || mode & STICKY != 0 {
            return Ok(());
        }
        if mode & 0o002 == 0 && is_only_mine(found.gid()) {
            return Ok(());
        }
        // One of ours, to which somebody gave more than we did (an orchestrator at each start of a container).
        if found.uid() == me()
            && paths::is_ours(dir)
            && let Some(folder) = open_dir(dir)?
        {
            return close(&folder, dir, mode, !WRITABLE);
        }
        Err(Exposed::error(
            format!("others may write {}, the folder above it", dir.display()),
            format!(
                "close it with: chmod go-w {}; or, if nobody else can reach it, set {TRUST}=1",
                dir.display()
            ),
        ))
    }

    fn check_owner(dir: &Path, found: &Metadata) -> io::Result<()> {
        let owner = found.uid();
        if owner == me() || owner == 0 || is_unmapped(owner) {
            return Ok(());
        }
        let next = match me() {
            0 => format!(
                "run it as that user; or set SEQERA_HELPER_HOME to a folder of root's; \
                 or, if nobody else can reach it, set {TRUST}=1"
            ),
            _ => "set SEQERA_HELPER_HOME to a folder of your own".to_owned(),
        };
        Err(Exposed::error(
            format!("{}, the folder above it, belongs to {}", dir.display(), user(owner)),
            next,
        ))
    }

    /// In a user namespace those who own the system outside have no number inside (user_namespaces(7)).
    fn is_unmapped(owner: u32) -> bool {
        const OVERFLOW: u32 = 65534;
        let is_everybodys = || {
            let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
            map.split_whitespace().eq(["0", "0", "4294967295"]) || map.is_empty()
        };
        owner == OVERFLOW && !is_everybodys()
    }

    /// Whether nobody but root and us is in the group: root's own, or one that has our name or number and no
    /// other member, as most distributions make it for each user.
    fn is_only_mine(gid: u32) -> bool {
        if gid == 0 {
            return true;
        }
        if gid != getegid().as_raw() {
            return false;
        }
        let line_of = |file: &str, id: u32| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.split(':').nth(2) == Some(&id.to_string()));
            line.map(str::to_owned)
        };
        let my_name = line_of("/etc/passwd", me()).and_then(|line| Some(line.split(':').next()?.to_owned()));
        match line_of("/etc/group", gid) {
            Some(line) => {
                let name = line.split(':').next();
                let mut members = line.split(':').nth(3).unwrap_or_default().split(',');
                let is_named_so = gid == me() || (name.is_some() && name == my_name.as_deref());
                is_named_so && members.all(|member| member.is_empty() || Some(member) == my_name.as_deref())
            }
            None => gid == me(),
        }
    }

    /// Checks an opened file of ours, as it was `found`. Write access of others is taken away.
    pub fn check_file(file: &File, found: &Metadata, path: &Path) -> io::Result<()> {
        if found.uid() != me() && found.uid() != 0 && !trusts() {
            return Err(stranger(path, found));
        }
        close(file, path, found.mode(), !WRITABLE)
    }

    /// Checks an opened file of another program, as it was `found`: nothing is changed about it.
    pub fn check_foreign_file(found: &Metadata, path: &Path) -> io::Result<()> {
        if found.uid() != me() && found.uid() != 0 && !trusts() {
            return Err(stranger(path, found));
        }
        let for_me_alone = found.mode() & 0o002 == 0 && is_only_mine(found.gid());
        if found.mode() & WRITABLE != 0 && !for_me_alone && !trusts() {
            return Err(Exposed::error(
                "others may write it",
                format!("see what is in it, and close it with: chmod go-w {}", path.display()),
            ));
        }
        check_parents(path)
    }

    /// Why a file could not be opened, where it or its folder is another user's.
    pub fn why_denied(path: &Path, error: io::Error) -> io::Error {
        let visible = path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
        match visible {
            Some((path, found)) if error.kind() == io::ErrorKind::PermissionDenied && found.uid() != me() => {
                stranger(path, &found)
            }
            _ => error,
        }
    }

    fn stranger(path: &Path, found: &Metadata) -> io::Error {
        Exposed::error(format!("it belongs to {}", user(found.uid())), give_back(path))
    }

    fn give_back(path: &Path) -> String {
        let is_in_mine = || {
            let parent = path.parent().and_then(|parent| fs::symlink_metadata(parent).ok());
            parent.is_some_and(|parent| parent.uid() == me())
        };
        // Somebody else's home is not to be taken away.
        if !paths::is_ours(path) && !is_in_mine() {
            return "set SEQERA_HELPER_HOME to a folder of your own".to_owned();
        }
        match me() {
            0 => format!("run it as that user, or, if it is root's, chown root {}", path.display()),
            me => format!("give it back with: sudo chown -R {me} {}", path.display()),
        }
    }

    fn user(uid: u32) -> String {
        if uid == 0 { "root".to_owned() } else { format!("user {uid}") }
    }

    /// Whether a folder is a runtime folder as the XDG Base Directory Specification wants it: ours, and nobody
    /// else can write it or replace it.
    pub fn is_private(dir: &Path) -> bool {
        let Ok(Some(folder)) = open_dir(dir) else { return false };
        let Ok(found) = folder.metadata() else { return false };
        found.uid() == me() && found.mode() & WRITABLE == 0 && check_parents(dir).is_ok()
    }

    /// Whether the socket at `path` was made by us or by root, where nobody else could have put it.
    pub fn is_own_socket(path: &Path) -> bool {
        let Ok(found) = fs::metadata(path) else { return true };
        (found.uid() == me() || found.uid() == 0) && check_parents(path).is_ok()
    }

    /// Gives what root makes in somebody's home to that person.
    pub fn follow_owner(dir: &Path) -> io::Result<()> {
        let Some(parent) = dir.parent().filter(|_| me() == 0) else { return Ok(()) };
        let above = fs::metadata(parent)?;
        match above.uid() {
            0 => Ok(()),
            uid => std::os::unix::fs::lchown(dir, Some(uid), Some(above.gid())),
        }
    }

    fn is_checked(dir: &Path, as_ours: bool) -> bool {
        let is_it = |(known, is_ours): &(PathBuf, bool)| known == dir && (*is_ours || !as_ours);
        CHECKED.lock().is_ok_and(|checked| checked.iter().any(is_it))
    }

    fn remember(dir: &Path) {
        if let Ok(mut checked) = CHECKED.lock() {
            checked.extend(dir.ancestors().map(|above| (above.to_owned(), above == dir)));
        }
    }

    /// Whether others may read the file, so that no secret of ours may be in it as it is.
    pub fn is_readable_by_others(found: &Metadata) -> bool {
        found.mode() & 0o077 != 0 && !trusts()
    }
}

#[cfg(unix)]
pub use unix::{
    check_dir, check_file, check_foreign_file, check_parents, close, follow_owner, is_own_socket, is_private,
    is_readable_by_others, open_dir, why_denied,
};

#[cfg(not(unix))]
mod elsewhere {
    use std::fs::Metadata;

    use super::*;

    pub fn check_dir(dir: &Path) -> io::Result<()> {
        match std::fs::symlink_metadata(dir) {
            Ok(found) if !found.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
            _ => Ok(()),
        }
    }

    pub fn check_file(_: &File, _: &Metadata, _: &Path) -> io::Result<()> {
        Ok(())
    }

    pub fn check_foreign_file(_: &Metadata, _: &Path) -> io::Result<()> {
        Ok(())
    }

    pub fn why_denied(_: &Path, error: io::Error) -> io::Error {
        error
    }

    pub fn is_private(dir: &Path) -> bool {
        dir.is_dir()
    }

    pub fn is_readable_by_others(_: &Metadata) -> bool {
        false
    }
}

#[cfg(not(unix))]
pub use elsewhere::{
    check_dir, check_file, check_foreign_file, is_private, is_readable_by_others, why_denied,
};
