//! One writer at a time, across processes and across hosts that share a home.
//!
//! A lock has two halves, and its holder has both. The [`Gate`] is the kernel's lock on a file: quick, gone
//! with its holder, and on many shared file systems (sshfs, NFS mounted with `nolock`, Lustre with `localflock`)
//! seen by nobody on another host, although the system says that it worked. The [`owner`] file is what counts
//! between hosts.
//!
//! The gate is a file of its own: a data file is replaced by rename, and a lock on the file that was renamed away
//! protects nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs2::FileExt;

use super::owner::Owner;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::files;
use crate::os::paths::Paths;
use crate::os::waiting;

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    // Dropped in this order: the owner file is released while nobody on this host can be about to claim it.
    _owner: Owner,
    _gate: Gate,
}

impl Lock {
    /// Takes the lock at `path`, waiting until `deadline`.
    ///
    /// # Errors
    /// [`Kind::TimedOut`](crate::error::Kind::TimedOut) when somebody else holds it all that time.
    pub fn acquire(path: &Path, deadline: Deadline) -> Result<Lock> {
        Gate::take(path, deadline)?.lock(deadline)
    }
}

/// The half of a lock that keeps the processes of this host apart; dropping it lets go.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    file: File,
    /// Not where the file system has no locks at all: then the owner file alone decides.
    is_locked: bool,
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Another process may share the handle: closing ours would not be enough.
        if self.is_locked {
            let _ = FileExt::unlock(&self.file);
        }
    }
}

impl Gate {
    /// Takes the gate of the lock at `path` if nobody on this host has it.
    pub fn try_take(path: &Path) -> Result<Option<Gate>> {
        let failed = |error: io::Error| cannot_be_locked(path, &error);
        let mut options = OpenOptions::new();
        // Opened for writing because an exclusive lock on NFS needs it (flock(2)).
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
        }
        let gate_file = gate_file(path);
        let file = files::reopening(&gate_file, || options.open(&gate_file)).map_err(failed)?;
        files::close_new(&file).map_err(failed)?;
        let gate = |is_locked| Gate { path: path.to_path_buf(), file, is_locked };
        match gate(false).try_lock() {
            Ok(gate) => Ok(gate),
            Err(error) => Err(failed(error)),
        }
    }

    fn try_lock(mut self) -> io::Result<Option<Gate>> {
        match self.file.try_lock_exclusive() {
            Ok(()) => self.is_locked = true,
            Err(error) if error.kind() == fs2::lock_contended_error().kind() => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) if !cannot_lock(&error) => return Err(error),
            // The one at work must not be joined by a crowd: the owner file tells.
            Err(_) if Owner::is_held(&self.path) => return Ok(None),
            Err(_) => {}
        }
        Ok(Some(self))
    }

    /// Takes the gate of the lock at `path`, waiting until `deadline`.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub fn take(path: &Path, deadline: Deadline) -> Result<Gate> {
        let mut pause = Pause::default();
        let mut waiting = None;
        loop {
            if let Some(gate) = Gate::try_take(path)? {
                return Ok(gate);
            }
            if deadline.passed() {
                return Err(held(path));
            }
            waiting = waiting.or_else(|| waiting::begin(|| WAITS.to_owned()));
            pause.wait(deadline);
        }
    }

    /// The gate that another process has taken and handed over.
    pub fn handed_over(path: &Path, file: File) -> Gate {
        Gate { path: path.to_path_buf(), file, is_locked: true }
    }

    /// The file to hand over.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Leaves the gate to the process that it was handed to.
    pub fn leave(mut self) {
        // Where handles cannot be handed over, the other one takes it for itself.
        self.is_locked &= cfg!(not(unix));
    }

    /// Completes the lock, waiting until `deadline` for an owner on another host.
    ///
    /// # Errors
    /// Somebody owns the lock all that time; the file system refuses.
    pub fn lock(self, deadline: Deadline) -> Result<Lock> {
        let mut pause = Pause::default();
        let mut waiting = None;
        loop {
            let claimed = Owner::claim(&self.path, self.is_locked);
            if let Some(owner) = claimed.map_err(|error| cannot_be_locked(&self.path, &error))? {
                return Ok(Lock { _owner: owner, _gate: self });
            }
            if deadline.passed() {
                return Err(held(&self.path));
            }
            waiting = waiting.or_else(|| waiting::begin(|| WAITS.to_owned()));
            pause.wait(deadline);
        }
    }
}

fn cannot_be_locked(path: &Path, error: &io::Error) -> Error {
    files::failure(format_args!("{} cannot be locked", path.display()), error)
}

fn held(path: &Path) -> Error {
    Error::timed_out(format!("another process holds {}", path.display())).next(if_it_stays_so(path))
}

/// Tests stand in for a file system on which each host sees its own locks and no other's.
fn gate_file(path: &Path) -> PathBuf {
    #[cfg(feature = "fault-points")]
    if crate::os::env::env_text("SEQERA_TEST_OWNER_FILES").is_some() {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".on-{}", crate::os::process::host_name()));
        return name.into();
    }
    path.to_path_buf()
}

/// A command's turn at something of the person's that several commands read and write anew: one at a time, on this
/// host and on others that share the home.
///
/// # Errors
/// As [`Lock::acquire`]; the state folder cannot be used.
pub fn turn(paths: &Paths, name: &str, deadline: Deadline) -> Result<Lock> {
    let state = &paths.state;
    files::private_dir(state)
        .map_err(|error| files::failure(format_args!("cannot use {}", state.display()), &error))?;
    Lock::acquire(&state.join(name), deadline)
}

/// What to do about somebody who holds the lock at `path` for too long.
pub fn if_it_stays_so(path: &Path) -> String {
    match Owner::of(path) {
        Some((owner_file, who)) => format!(
            "try again; if it stays so and process {} on {} is certainly gone, remove {}",
            who.pid,
            crate::os::terminal::plain(&who.host),
            owner_file.display()
        ),
        None => format!("try again; if it stays so, see which process has {} open", path.display()),
    }
}

/// What to do about an owner on another host, of which it cannot be known here whether it lives; nothing where
/// nobody elsewhere holds the lock at `path`.
pub fn owner_elsewhere(path: &Path) -> Option<String> {
    let (_, who) = Owner::of(path)?;
    (!who.is_of_this_boot()).then(|| if_it_stays_so(path))
}

#[cfg(unix)]
fn cannot_lock(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP))
}

#[cfg(not(unix))]
fn cannot_lock(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

/// What a person reads while another process is at work.
const WAITS: &str = "Waiting for another process that uses the store ...";

/// The pauses between two tries: they grow, and differ between processes so that a crowd spreads out.
#[derive(Debug, Default)]
pub struct Pause(u32);

impl Pause {
    /// Sleeps for 1 to 4 ms at first, up to 20 to 80 ms later, and never past `deadline`.
    pub fn wait(&mut self, deadline: Deadline) {
        self.0 = (self.0 + 1).min(20);
        let mut jitter = [0; 1];
        // Without randomness the crowd merely spreads less well.
        let _ = getrandom::fill(&mut jitter);
        let micros = u64::from(self.0) * 1_000 + u64::from(self.0) * 3_000 * u64::from(jitter[0]) / 255;
        std::thread::sleep(Duration::from_micros(micros).min(deadline.left()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn one_holder_at_a_time_and_none_after_the_drop() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        let held = Lock::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
        let error = Lock::acquire(&path, Deadline::after(Duration::from_millis(30))).unwrap_err();
        assert_eq!(error.kind(), Kind::TimedOut);
        drop(held);
        Lock::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_gate_that_is_left_to_another_process_stays_closed_until_that_one_lets_go() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        let gate = Gate::try_take(&path).unwrap().unwrap();
        let theirs = Gate::handed_over(&path, gate.file().try_clone().unwrap());
        gate.leave();
        assert!(Gate::try_take(&path).unwrap().is_none());
        drop(theirs);
        assert!(Gate::try_take(&path).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_gate_that_a_umask_closed_to_us_is_opened_again() {
        use std::os::unix::fs::PermissionsExt;
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        for mode in [0, 0o400, 0o200] {
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            drop(Gate::try_take(&path).unwrap().unwrap());
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    /// On such a file system two hosts are both let through the gate, and only one of them gets the lock.
    #[test]
    fn the_owner_file_keeps_apart_whom_the_kernel_does_not() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("lock");
        let here = Lock::acquire(&path, Deadline::after(Duration::ZERO)).unwrap();
        let elsewhere = File::options().write(true).create(true).truncate(false).open(tmp.path().join("g"));
        let gate = Gate::handed_over(&path, elsewhere.unwrap());
        assert_eq!(gate.lock(Deadline::after(Duration::ZERO)).unwrap_err().kind(), Kind::TimedOut);
        drop(here);
    }
}
