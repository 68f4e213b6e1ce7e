//! A token that a server has refused although we believe it good. A client that erases it must not get it again
//! at once: git-lfs asks, is refused, erases and asks without end.

use serde::{Deserialize, Serialize};

use super::{Fresh, Sessions, Want};
use crate::broker::now;
use crate::error::{Error, Kind, Result};
use crate::profile::ProfileName;
use crate::secret::Secret;
use crate::store::file;

/// How long a refused token stays refused. One 401 may be the server's mistake, so not for ever.
const REFUSED: u64 = 300;

#[derive(Serialize, Deserialize)]
struct Refusal {
    token: String,
    at: u64,
}

impl Sessions<'_> {
    pub(super) fn refusal_path(&self, name: &ProfileName) -> std::path::PathBuf {
        self.paths.store.join(format!("session+{name}.refused"))
    }

    /// Notes that a server refused `token`, if that is the session's.
    pub fn refuse(&self, name: &ProfileName, token: &Secret) -> Result<()> {
        if self.load(name)?.is_none_or(|session| session.access != *token) {
            return Ok(());
        }
        let path = self.refusal_path(name);
        let refusal = Refusal { token: super::journal::fingerprint(token), at: now() };
        let bytes = serde_json::to_vec(&refusal).map_err(|error| Error::failed(error.to_string()))?;
        file::replace(&path, &bytes)
            .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))
    }

    /// Whether a server refused this very token a short while ago.
    pub fn is_refused(&self, name: &ProfileName, token: &Secret) -> bool {
        let bytes = file::read(&self.refusal_path(name), 1024).ok().flatten();
        let refusal = bytes.and_then(|bytes| serde_json::from_slice::<Refusal>(&bytes).ok());
        refusal.is_some_and(|refusal| {
            refusal.token == super::journal::fingerprint(token) && now().saturating_sub(refusal.at) < REFUSED
        })
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
