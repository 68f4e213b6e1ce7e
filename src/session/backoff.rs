//! When not to ask a server again: because it said so, because it has just failed, or because an answer may have
//! been lost and another try would risk the session.

use super::refresh::is_behind;
use super::{Session, Sessions, Want, journal};
use crate::error::Error;
pub use crate::http::LONGEST_WAIT;
use crate::os::clock::{now, now_ms};
use crate::session::profile::Profile;

/// How long a failed refresh is not tried again while the old token lives, in seconds.
pub const LIVING: u64 = 30;

/// What a caller gets who is not to ask now.
pub enum HeldOff {
    /// The token at hand lives and will do; the reason why it is not renewed.
    Living(String),
    /// There is none that would do.
    Dead(Error),
}

/// Whether nobody is to ask for the login now.
pub fn held_off(
    sessions: &Sessions<'_>,
    profile: &Profile,
    session: &Session,
    want: &Want<'_>,
) -> Option<HeldOff> {
    if is_behind(profile, session) {
        return None;
    }
    let refresh_token = session.refresh_token()?;
    let intent = journal::find(sessions.paths, &profile.name);
    // Without a failure noted, its owner may be at work right now: the next holder of the lock finds out.
    let failed = intent.filter(|intent| intent.concerns(refresh_token))?.failed?;
    if session.lives(now()) && !want.insists() {
        let wait = failed.holds_off(now()) || failed.may_have_arrived;
        return wait.then(|| HeldOff::Living(failed.error().to_string()));
    }
    failed.left_ms(now_ms()).map(|left| {
        let error = failed.error();
        let wait = format!("try again in {} s", left.div_ceil(1000));
        HeldOff::Dead(Error::new(error.kind(), error.what()).next(wait))
    })
}

/// How many milliseconds nobody asks after the `row`th failure in a row while the token is dead. A first failure
/// may be tried again at once. `spread` (any byte) keeps a crowd from coming back together.
pub fn pause_ms(row: u32, reached: bool, spread: u8) -> u64 {
    // What does not reach the server costs it nothing, and a network comes back at any moment.
    let longest = if reached { 30_000 } else { 4_000 };
    let whole = match row {
        0 | 1 => return 0,
        row => (1_000u64 << (row - 2).min(5)).min(longest),
    };
    whole / 2 + whole / 2 * u64::from(spread) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_end_and_differ() {
        assert_eq!((pause_ms(0, true, 255), pause_ms(1, true, 255)), (0, 0));
        let longest: Vec<u64> = (2..10).map(|row| pause_ms(row, true, 255)).collect();
        assert_eq!(longest, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(pause_ms(u32::MAX, true, 0), 15_000);
        assert_eq!(pause_ms(u32::MAX, false, 255), 4_000);
        for row in 2..9 {
            assert!(pause_ms(row, true, 0) < pause_ms(row, true, 128));
            assert!(pause_ms(row, true, 128) < pause_ms(row, true, 255));
        }
    }
}
