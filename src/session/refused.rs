//! A token that a server has refused although we believe it good. A client that erases it must not get it again
//! at once: git-lfs asks, is refused, erases and asks without end.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Fresh, Sessions, Want};
use crate::error::{Error, Kind, Result};
use crate::os::clock::now;
use crate::os::files;
use crate::provider::ProviderId;
use crate::secret::Secret;
use crate::session::profile::ProfileName;

/// How long a refusal counts. One 401 may be the server's mistake, so not for ever.
const COUNTS: u64 = 300;

#[derive(Serialize, Deserialize)]
struct Refusal {
    token: String,
    at: u64,
    /// Another token was refused shortly before: it is not the token that is wrong.
    #[serde(default)]
    again: bool,
}

/// What a refusal means for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody refused it.
    Good,
    /// It was refused; another one may be worth a try.
    Refused,
    /// It was refused, and so was the one before: another one will be, too.
    Hopeless,
}

impl Sessions<'_> {
    /// Notes that a server refused `token`, if that is the session's.
    pub fn refuse(&self, name: &ProfileName, token: &Secret) -> Result<()> {
        match self.load(name)?.is_some_and(|session| session.access == *token) {
            true => note(&self.of_session(name), token),
            false => Ok(()),
        }
    }

    /// Whether a server refused this token of the session a short while ago.
    pub fn standing(&self, name: &ProfileName, token: &Secret) -> Standing {
        standing(&self.of_session(name), token)
    }

    /// Notes that a server refused a token from outside.
    pub fn refuse_outside(&self, provider: ProviderId, token: &Secret) -> Result<()> {
        self.prepare()?;
        note(&self.of_outside(provider), token)
    }

    /// Whether a server refused this token from outside a short while ago.
    pub fn outside_standing(&self, provider: ProviderId, token: &Secret) -> Standing {
        standing(&self.of_outside(provider), token)
    }

    pub(super) fn forget_refusal(&self, name: &ProfileName) {
        let _ = files::remove(&self.of_session(name));
    }

    fn of_session(&self, name: &ProfileName) -> PathBuf {
        self.paths.store.join(format!("session+{name}.refused"))
    }

    fn of_outside(&self, provider: ProviderId) -> PathBuf {
        self.paths.store.join(format!("outside+{}.refused", provider.name()))
    }

    /// Another token than `refused`; nothing where the login gives no other.
    pub fn renewed(&self, name: &ProfileName, refused: &Secret) -> Result<Option<Fresh>> {
        let can_renew = self.load(name)?.is_some_and(|session| session.refresh_token().is_some());
        if !can_renew {
            return Ok(None);
        }
        match self.fresh(name, &Want { not: Some(refused), ..Want::default() }) {
            Ok(fresh) => Ok((fresh.token != *refused).then_some(fresh)),
            Err(error) if error.kind() == Kind::SessionEnded => Err(error),
            Err(_) => Ok(None),
        }
    }
}

fn note(path: &Path, token: &Secret) -> Result<()> {
    let token = super::journal::fingerprint(token);
    let again = read(path).is_some_and(|before| before.again || before.token != token);
    let refusal = Refusal { token, at: now(), again };
    let bytes = serde_json::to_vec(&refusal).map_err(|error| Error::failed(error.to_string()))?;
    files::replace(path, &bytes)
        .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))
}

fn standing(path: &Path, token: &Secret) -> Standing {
    match read(path) {
        Some(refusal) if refusal.again => Standing::Hopeless,
        Some(refusal) if refusal.token == super::journal::fingerprint(token) => Standing::Refused,
        _ => Standing::Good,
    }
}

/// The refusal that still counts.
fn read(path: &Path) -> Option<Refusal> {
    let refusal: Refusal = serde_json::from_slice(&files::read(path, 1024).ok()??).ok()?;
    // One from the future is from before the clock was set back; hosts that share a home differ by less.
    (now().abs_diff(refusal.at) < COUNTS).then_some(refusal)
}
