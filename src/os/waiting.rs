//! Waits that a person may wonder about. What waits says so here; a program with a person in front of it shows that
//! where it lasts.

use std::sync::OnceLock;

/// Shows that something is waited for, until what it returns is dropped.
pub type Show = fn(String) -> Box<dyn Send>;

static SHOW: OnceLock<Show> = OnceLock::new();

/// From here on, waits are shown in this way.
pub fn show_with(show: Show) {
    let _ = SHOW.set(show);
}

/// Begins a wait, which ends when the answer is dropped. `what` is our own text.
#[must_use]
pub fn begin(what: impl FnOnce() -> String) -> Option<Box<dyn Send>> {
    SHOW.get().map(|show| show(what()))
}
