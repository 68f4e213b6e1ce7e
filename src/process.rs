//! This process, as the system sees it.

use crate::deadline;

/// Keeps secrets in memory out of core dumps and from other processes of the same user (prctl(2),
/// `PR_SET_DUMPABLE`); programs that we start are as before. Where the system has no such thing, nothing. And
/// sees to it that a limit on the size of files is an error like any other.
pub fn harden() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    // A file that may not grow (`ulimit -f`) is a full disk to us; by default the system ends the process.
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// While this lives, neither a signal that asks the process to end (SIGINT, SIGTERM, SIGHUP, SIGQUIT) nor the
/// [`watchdog`](deadline::watchdog) ends it; a signal that came meanwhile ends it afterwards.
pub struct Uninterrupted {
    #[cfg(unix)]
    signals: signals::Deferred,
    _watchdog: deadline::Uninterrupted,
}

impl Uninterrupted {
    /// Begins.
    pub fn begin() -> Uninterrupted {
        Uninterrupted {
            #[cfg(unix)]
            signals: signals::Deferred::begin(),
            _watchdog: deadline::Uninterrupted::begin(),
        }
    }
}

#[cfg(unix)]
pub use signals::is_ignored;

#[cfg(unix)]
impl Drop for Uninterrupted {
    fn drop(&mut self) {
        self.signals.end();
    }
}

#[cfg(unix)]
mod signals {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    const SIGNALS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

    /// Whether a signal may end the process. The library never gives a signal's own effect back, so it is asked
    /// for it, once, and this decides.
    static MAY_END: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
        let may_end = Arc::new(AtomicBool::new(false));
        for signal in ours() {
            let _ = flag::register_conditional_default(signal, Arc::clone(&may_end));
        }
        may_end
    });

    fn ours() -> impl Iterator<Item = i32> {
        SIGNALS.into_iter().filter(|signal| !is_ignored(*signal))
    }

    pub struct Deferred {
        came: Arc<AtomicUsize>,
        ids: Vec<SigId>,
    }

    /// Whether whoever started us wants us, and what we become, to ignore the signal (nohup(1)).
    pub fn is_ignored(signal: i32) -> bool {
        // There is no safe way to ask sigaction(2); proc(5) tells on Linux, and elsewhere nothing does.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        mask & (1 << (signal - 1)) != 0
    }

    impl Deferred {
        pub fn begin() -> Deferred {
            let came = Arc::new(AtomicUsize::new(0));
            MAY_END.store(false, Ordering::SeqCst);
            let note = |signal| flag::register_usize(signal, Arc::clone(&came), signal as usize).ok();
            let ids = ours().filter_map(note).collect();
            Deferred { came, ids }
        }

        pub fn end(&mut self) {
            MAY_END.store(true, Ordering::SeqCst);
            let came = self.came.load(Ordering::SeqCst);
            for id in self.ids.drain(..) {
                low_level::unregister(id);
            }
            if came != 0 {
                let _ = low_level::emulate_default_handler(came as i32);
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::process::{Signal, getpid, kill_process};

    const CHILD: &str = "SEQERA_TEST_SIGNALS";

    /// Sends itself SIGTERM in the second of two such times; only its end may obey.
    #[test]
    fn child() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        drop(Uninterrupted::begin());
        let second = Uninterrupted::begin();
        kill_process(getpid(), Signal::TERM).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        println!("still here");
        drop(second);
        println!("not here");
    }

    #[test]
    fn a_signal_waits_the_second_time_as_well() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process::tests::child", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&child.stdout).into_owned();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.status), Some(15), "{out}");
        assert!(out.contains("still here") && !out.contains("not here"), "{out}");
    }
}
