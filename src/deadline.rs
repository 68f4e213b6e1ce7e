//! Time that runs out: nothing in this house waits for ever.

use std::sync::{Mutex, MutexGuard, PoisonError};
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

    /// The earlier of this and the moment `span` from now.
    #[must_use]
    pub fn within(self, span: Duration) -> Self {
        Deadline(self.0.min(Instant::now() + span))
    }
}

/// Held while a half-done thing would lose a login; see [`uninterrupted`].
static CRITICAL: Mutex<()> = Mutex::new(());

/// Keeps the [`watchdog`] from ending the process while the guard lives. What is done under it must have
/// deadlines of its own.
pub fn uninterrupted() -> MutexGuard<'static, ()> {
    CRITICAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `end` in a thread of its own once `deadline` has passed, for what no deadline reaches: a client that
/// never closes our standard input, a network file system that hangs.
pub fn watchdog(deadline: Deadline, end: impl FnOnce() + Send + 'static) {
    let watch = move || {
        std::thread::sleep(deadline.left());
        let _uninterrupted = uninterrupted();
        end();
    };
    // Where no thread can be had the process goes on without the net under it.
    let _ = std::thread::Builder::new().name("watchdog".into()).stack_size(64 * 1024).spawn(watch);
}
