//! What a refresh was about to do, written down before the server is asked.
//!
//! A server that rotates refresh tokens may have done so although its answer never came, and asking again with
//! the old token may then end the session. A process that finds an intent that nobody is at work on knows that this
//! may be so, and a waiter for a refresh that failed learns how it failed. Never holds a token.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Session;
use super::backoff::{self, LONGEST_WAIT};
use crate::error::{Error, Kind, Result};
use crate::http::Failure;
use crate::os::hex::hex;
use crate::os::paths::Paths;
use crate::os::process::Identity;
use crate::os::{disk, files};
use crate::secret::Secret;
use crate::session::profile::ProfileName;

/// A refresh that began, and how it ended if it ended badly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The session's generation.
    generation: u64,
    /// Which refresh token, without saying it.
    token: String,
    /// Who was at work.
    pub who: Identity,
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// Set where no new tokens came.
    pub failed: Option<Failed>,
}

/// How a refresh failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Not to be tried again before, in seconds since 1970, while the old token lives.
    wait_until: u64,
    /// Not to be tried again before, in milliseconds since 1970, by anybody.
    #[serde(default)]
    again_at_ms: u64,
    /// How many failures in a row this was.
    #[serde(default)]
    row: u32,
    /// Whether the server may have acted all the same.
    pub may_have_arrived: bool,
    words: String,
    hint: Option<String>,
    kind: Kind,
}

impl Failed {
    /// Whether it is too early to try again. A time that is further off is from before the clock was set back.
    pub fn holds_off(&self, now: u64) -> bool {
        (now + 1..=now.saturating_add(LONGEST_WAIT)).contains(&self.wait_until)
    }

    /// The failure as it was.
    pub fn error(&self) -> Error {
        let error = Error::new(self.kind, self.words.as_str());
        match &self.hint {
            Some(hint) => error.next(hint.as_str()),
            None => error,
        }
    }

    /// For how many milliseconds nobody asks.
    pub fn left_ms(&self, now_ms: u64) -> Option<u64> {
        let left = self.again_at_ms.checked_sub(now_ms).filter(|left| *left > 0)?;
        // As above.
        (left <= LONGEST_WAIT * 1000).then_some(left)
    }

    /// Notes a failure, the next one after `before`. `failure` is what the connection says of it.
    pub fn note(
        error: &Error,
        failure: Option<&Failure>,
        may_have_arrived: bool,
        now_ms: u64,
        before: Option<&Failed>,
    ) -> Failed {
        let told = failure.and_then(Failure::retry_after).map(|wait| wait.as_secs().clamp(1, LONGEST_WAIT));
        let reached = failure.is_none_or(|failure| failure.may_have_arrived() || failure.status().is_some());
        let row = before.map_or(0, |before| before.row).saturating_add(1);
        let mut spread = [0; 1];
        // Without randomness a crowd merely spreads less well.
        let _ = getrandom::fill(&mut spread);
        let pause = told.map_or_else(|| backoff::pause_ms(row, reached, spread[0]), |wait| wait * 1000);
        Failed {
            at_ms: now_ms,
            wait_until: now_ms / 1000 + told.unwrap_or(backoff::LIVING),
            again_at_ms: now_ms.saturating_add(pause),
            row,
            may_have_arrived,
            words: error.what().to_owned(),
            hint: error.hint().map(str::to_owned),
            kind: error.kind(),
        }
    }
}

impl Intent {
    /// The intent to refresh `session`.
    pub fn of(session: &Session, refresh_token: &Secret, now: u64) -> Intent {
        Intent {
            generation: session.generation,
            token: fingerprint(refresh_token),
            who: Identity::here(),
            at: now,
            failed: None,
        }
    }

    /// Whether it was about this very refresh token.
    pub fn concerns(&self, refresh_token: &Secret) -> bool {
        self.token == fingerprint(refresh_token)
    }

    /// Whether the server may have rotated the token without our knowing.
    pub fn is_in_doubt(&self) -> bool {
        self.failed.as_ref().is_none_or(|failed| failed.may_have_arrived)
    }
}

pub(super) fn fingerprint(token: &Secret) -> String {
    let digest = Sha256::new().chain_update(b"refresh token\0").chain_update(token.expose()).finalize();
    hex(&digest[..16])
}

fn path(paths: &Paths, name: &ProfileName) -> std::path::PathBuf {
    paths.store.join(format!("session+{name}.intent"))
}

/// The intent that stands; one that cannot be read is none.
pub fn find(paths: &Paths, name: &ProfileName) -> Option<Intent> {
    let path = path(paths, name);
    let read = || -> Result<Option<Intent>, ()> {
        let bytes = files::read(&path, 16 * 1024).map_err(drop)?;
        bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(drop)
    };
    disk::settled(&path, read).ok().flatten()
}

/// Writes the intent so that it survives a power cut. For the holder of the lock alone: see
/// [`Locked::write_intent`](super::locked::Locked::write_intent).
pub(super) fn write(paths: &Paths, name: &ProfileName, intent: &Intent) -> Result<()> {
    let path = path(paths, name);
    let bytes = serde_json::to_vec(intent).map_err(|error| Error::failed(error.to_string()))?;
    files::replace(&path, &bytes).map_err(|error| {
        Error::store(format!("{} cannot be written: {}", path.display(), crate::error::io_words(&error)))
            .next("the login is untouched; make room there, then try again")
    })
}

/// Removes the intent. One that stays is read as a doubt that there is none: harmless.
pub fn clear(paths: &Paths, name: &ProfileName) {
    let _ = files::remove(&path(paths, name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Place, Trouble};

    fn failed(retry_after: Option<u64>, before: Option<&Failed>) -> Failed {
        let retry_after = retry_after.map(std::time::Duration::from_secs);
        let trouble = Trouble::Status { code: 429, retry_after, empty: true };
        let failure = Failure::new(Place::unknown(), trouble);
        Failed::note(&Error::unreachable("x"), Some(&failure), false, 10_000_000, before)
    }

    #[test]
    fn what_a_server_asks_for_is_kept_and_no_more_than_an_hour() {
        assert_eq!(failed(Some(120), None).left_ms(10_000_000), Some(120_000));
        assert_eq!(failed(Some(120), None).left_ms(10_120_000), None, "it is over");
        assert_eq!(failed(Some(0), None).left_ms(10_000_000), Some(1_000));
        assert_eq!(failed(Some(1_000_000), None).left_ms(10_000_000), Some(LONGEST_WAIT * 1_000));
        assert!(failed(Some(120), None).holds_off(10_119) && !failed(Some(120), None).holds_off(10_120));
        assert_eq!(failed(Some(3_600), None).left_ms(1_000_000), None, "from before the clock was set back");
    }

    #[test]
    fn failures_in_a_row_are_counted() {
        let first = failed(None, None);
        assert_eq!(first.left_ms(10_000_000), None, "once more at once");
        let second = failed(None, Some(&first));
        assert!(second.left_ms(10_000_000).is_some_and(|left| (500..=1_000).contains(&left)));
    }
}
