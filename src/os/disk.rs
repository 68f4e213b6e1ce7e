//! What a file rests on.

use std::path::Path;
use std::time::{Duration, Instant};

/// Whether `path` is on a disk, or in the memory, of this machine and of no other's. `false` where that is not
/// known.
#[cfg(target_os = "linux")]
pub fn is_local(path: &Path) -> bool {
    // The numbers stand in linux/magic.h; zfs has its own.
    const LOCAL: [i64; 9] = [
        0xEF53,      // ext2 to ext4
        0x5846_5342, // xfs
        0x9123_683E, // btrfs
        0x0102_1994, // tmpfs
        0x8584_58F6, // ramfs
        0x794C_7630, // overlayfs
        0xF2F5_2010, // f2fs
        0xCA45_1A4E, // bcachefs
        0x2FC1_2FC1, // zfs
    ];
    #[allow(clippy::unnecessary_cast, reason = "its type differs between machines")]
    rustix::fs::statfs(path).is_ok_and(|found| LOCAL.contains(&(found.f_type as i64)))
}

/// Whether `path` is on a disk of this machine: not known here.
#[cfg(not(target_os = "linux"))]
pub fn is_local(_: &Path) -> bool {
    false
}

/// How long a host may believe in the size that a file had before another host replaced it: FUSE and NFS remember
/// it for a second or so, and a file that grew meanwhile seems to be cut off.
const REMEMBERED: Duration = Duration::from_millis(2_500);

/// Runs `read`, which reads and understands `path`. Where that fails on a file system that other hosts may write
/// to, it is run again, each time with a file opened anew, before the failure is believed.
///
/// # Errors
/// Those of `read`.
pub fn settled<T, E>(path: &Path, mut read: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let mut outcome = read();
    if outcome.is_ok() || is_local(path) {
        return outcome;
    }
    let began = Instant::now();
    while outcome.is_err() && began.elapsed() < REMEMBERED {
        std::thread::sleep(Duration::from_millis(50));
        outcome = read();
    }
    outcome
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_is_local_and_what_is_not_there_is_not_known() {
        assert!(is_local(Path::new("/dev/shm")));
        assert!(!is_local(Path::new("/proc")));
        assert!(!is_local(Path::new("/no/such/place")));
    }
}
