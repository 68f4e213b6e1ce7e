//! The wall clock. A clock before 1970 reads as 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    since_1970().as_millis() as u64
}

/// Seconds since 1970.
pub fn now() -> u64 {
    since_1970().as_secs()
}
