//! Time that runs out: nothing in this house waits for ever.

use std::time::{Duration, Instant};

/// A moment by which something must be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment `span` from now.
    pub fn after(span: Duration) -> Self {
        Deadline(Instant::now() + span)
    }

    /// What is left; zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether nothing is left.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// A moment `span` before this one.
    #[must_use]
    pub fn but(self, span: Duration) -> Self {
        Deadline(self.0.checked_sub(span).unwrap_or_else(Instant::now))
    }

    /// The earlier of this and the moment `span` from now.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        Deadline(self.0.min(Instant::now() + span))
    }
}

/// The exit code of a process that the [`watchdog`] ends.
pub const TIMED_OUT: u8 = 8;

/// Ends the process with [`TIMED_OUT`] once `deadline` has passed, for what no other deadline reaches: a network
/// file system that hangs, a client that does not take the answer. It has no words, since a process that is
/// stuck in the middle of anything may not have any.
pub fn watchdog(deadline: Deadline) {
    // Where there is no timer to be had the process goes on without the net under it.
    let _ = platform::watch(deadline);
}

/// Keeps the [`watchdog`] from ending the process while it lives. What is done meanwhile must have deadlines of
/// its own.
pub use platform::Uninterrupted;

/// A timer and a signal: a thread would cost every `get` a tenth of its time.
#[cfg(target_os = "linux")]
mod platform {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, LazyLock};
    use std::time::Duration;

    use nix::sys::signal::{SigEvent, SigevNotify, Signal};
    use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
    use nix::time::ClockId;
    use signal_hook::consts::SIGALRM;
    use signal_hook::flag;

    use super::{Deadline, TIMED_OUT};

    static ARMED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

    pub fn watch(deadline: Deadline) -> io::Result<()> {
        flag::register_conditional_shutdown(SIGALRM, TIMED_OUT.into(), Arc::clone(&ARMED))?;
        let alarm = SigevNotify::SigevSignal { signal: Signal::SIGALRM, si_value: 0 };
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(alarm))?;
        // Again and again, for the process that could not be ended the first time; and a little late, so that
        // who ends in time by the same deadline can still say so.
        let first = deadline.left() + Duration::from_millis(250);
        let times = Expiration::IntervalDelayed(first.into(), Duration::from_millis(250).into());
        timer.set(times, TimerSetTimeFlags::empty())?;
        // Dropping it would stop it.
        std::mem::forget(timer);
        Ok(())
    }

    /// See above.
    #[derive(Debug)]
    pub struct Uninterrupted(());

    impl Uninterrupted {
        /// Begins.
        pub fn begin() -> Uninterrupted {
            ARMED.store(false, Ordering::SeqCst);
            Uninterrupted(())
        }
    }

    impl Drop for Uninterrupted {
        fn drop(&mut self) {
            ARMED.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::{Deadline, TIMED_OUT};

    static CRITICAL: Mutex<()> = Mutex::new(());

    pub fn watch(deadline: Deadline) -> io::Result<()> {
        let watch = move || {
            std::thread::sleep(deadline.left());
            let _uninterrupted = Uninterrupted::begin();
            #[allow(clippy::disallowed_methods, reason = "ending the process is what a watchdog is for")]
            std::process::exit(TIMED_OUT.into());
        };
        std::thread::Builder::new().name("watchdog".into()).stack_size(64 * 1024).spawn(watch).map(|_| ())
    }

    /// See above.
    #[derive(Debug)]
    pub struct Uninterrupted(#[allow(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

    impl Uninterrupted {
        /// Begins.
        pub fn begin() -> Uninterrupted {
            Uninterrupted(CRITICAL.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}
