//! This process, as the system sees it.

/// Keeps secrets in memory out of core dumps and from other processes of the same user (prctl(2),
/// `PR_SET_DUMPABLE`); programs that we start are as before. Where the system has no such thing, nothing.
pub fn harden() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// While this lives, neither a signal that asks the process to end (SIGINT, SIGTERM, SIGHUP) nor the
/// [`watchdog`](crate::deadline::watchdog) ends it; a signal that came meanwhile ends it afterwards.
pub struct Uninterrupted {
    #[cfg(unix)]
    signals: signals::Deferred,
    _watchdog: std::sync::MutexGuard<'static, ()>,
}

impl Uninterrupted {
    /// Begins.
    pub fn begin() -> Uninterrupted {
        Uninterrupted {
            #[cfg(unix)]
            signals: signals::Deferred::begin(),
            _watchdog: crate::deadline::uninterrupted(),
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    pub struct Deferred {
        came: Arc<AtomicUsize>,
        over: Arc<AtomicBool>,
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
            let (came, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let mut ids = Vec::new();
            for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
                // The library never gives a signal's own effect back, so it is asked for it from `end` on.
                ids.extend(flag::register_conditional_default(signal, Arc::clone(&over)));
                ids.extend(flag::register_usize(signal, Arc::clone(&came), signal as usize));
            }
            Deferred { came, over, ids }
        }

        pub fn end(&mut self) {
            self.over.store(true, Ordering::SeqCst);
            let came = self.came.load(Ordering::SeqCst);
            // The first of each pair stays registered: it is what makes the signal end the process again.
            for id in self.ids.iter().skip(1).step_by(2) {
                low_level::unregister(*id);
            }
            if came != 0 {
                let _ = low_level::emulate_default_handler(came as i32);
            }
        }
    }
}
