//! This process, as the system sees it.

use crate::deadline;

/// Keeps secrets in memory out of core dumps and from other processes of the same user (prctl(2),
/// `PR_SET_DUMPABLE`); programs that we start are as before. Where the system has no such thing, nothing.
pub fn harden() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// While this lives, neither a signal that asks the process to end (SIGINT, SIGTERM, SIGHUP) nor the
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
        noting: Vec<SigId>,
    }

    impl Deferred {
        pub fn begin() -> Deferred {
            let (came, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
            let mut noting = Vec::new();
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                // The library never gives a signal's own effect back, so it is asked for it from `end` on.
                let _ = flag::register_conditional_default(signal, Arc::clone(&over));
                noting.extend(flag::register_usize(signal, Arc::clone(&came), signal as usize));
            }
            Deferred { came, over, noting }
        }

        pub fn end(&mut self) {
            self.over.store(true, Ordering::SeqCst);
            let came = self.came.load(Ordering::SeqCst);
            for id in self.noting.drain(..) {
                low_level::unregister(id);
            }
            if came != 0 {
                let _ = low_level::emulate_default_handler(came as i32);
            }
        }
    }
}
