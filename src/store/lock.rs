//! One writer at a time, across processes and, on a shared home, across hosts.
//!
//! The lock is a file of its own: a data file is replaced by rename, and a lock on the file that was renamed
//! away protects nothing. The kernel frees the lock when its holder dies. Where the file system cannot lock
//! (NFS without a lock daemon), [`owner`] takes over.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use fs2::FileExt;

use super::owner::{self, Owner};
use crate::error::{Error, Result, io_words};
use crate::os::deadline::Deadline;

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock(Held);

#[derive(Debug)]
enum Held {
    Kernel(File),
    Owner(Owner),
}

impl Drop for Lock {
    fn drop(&mut self) {
        match &self.0 {
            // A child that was started meanwhile may share the handle: closing ours would not be enough.
            Held::Kernel(file) => drop(FileExt::unlock(file)),
            Held::Owner(owner) => owner.release(),
        }
    }
}

impl Lock {
    /// Takes the lock at `path`, waiting until `deadline`.
    ///
    /// # Errors
    /// [`Kind::TimedOut`](crate::error::Kind::TimedOut) when somebody else holds it all that time.
    pub fn acquire(path: &Path, deadline: Deadline) -> Result<Lock> {
        let mut pause = Pause::default();
        loop {
            if let Some(lock) = Lock::try_acquire(path)? {
                return Ok(lock);
            }
            if deadline.passed() {
                return Err(Error::timed_out(format!("another process holds {}", path.display()))
                    .next(if_it_stays_so(path)));
            }
            pause.wait(deadline);
        }
    }

    /// Takes the lock at `path` if nobody holds it.
    pub fn try_acquire(path: &Path) -> Result<Option<Lock>> {
        let failed = |error: io::Error| {
            Error::store(format!("{} cannot be locked: {}", path.display(), io_words(&error)))
        };
        let mut options = OpenOptions::new();
        // Opened for writing because an exclusive lock on NFS needs it (flock(2)).
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
        }
        let file = options.open(path).map_err(failed)?;
        if owner::forced() {
            return Ok(Owner::claim(path).map_err(failed)?.map(|owner| Lock(Held::Owner(owner))));
        }
        match file.try_lock_exclusive() {
            Ok(()) => Ok(Some(Lock(Held::Kernel(file)))),
            Err(error) if error.kind() == fs2::lock_contended_error().kind() => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) if cannot_lock(&error) => {
                Ok(Owner::claim(path).map_err(failed)?.map(|owner| Lock(Held::Owner(owner))))
            }
            Err(error) => Err(failed(error)),
        }
    }
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

/// The pauses between two tries: they grow, and differ between processes so that a crowd spreads out.
#[derive(Debug, Default)]
pub struct Pause(u32);

impl Pause {
    /// Sleeps for 1 to 4 ms at first, up to 10 to 40 ms later, and never past `deadline`.
    pub fn wait(&mut self, deadline: Deadline) {
        self.0 = (self.0 + 1).min(10);
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
}
