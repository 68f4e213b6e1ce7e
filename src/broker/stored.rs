//! What clients stored, for exactly the host it was stored for.

use serde::{Deserialize, Serialize};

use super::Broker;
use crate::error::Result;
use crate::os::clock::{now, since_1970};
use crate::secret::{Secret, sealed_bytes};
use crate::store::{Opened, Shelf};
use crate::target::Target;

/// A credential as it rests in the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StoredCredential {
    /// The path it was stored for; none is the whole server.
    #[serde(with = "sealed_bytes::option", default)]
    pub path: Option<Secret>,
    /// The user.
    #[serde(with = "sealed_bytes::option", default)]
    pub username: Option<Secret>,
    /// The password.
    #[serde(with = "sealed_bytes::option", default)]
    pub password: Option<Secret>,
    /// The scheme of an `Authorization` header, where that is what was stored …
    #[serde(with = "sealed_bytes::option", default)]
    pub authtype: Option<Secret>,
    /// … and the rest of the header.
    #[serde(with = "sealed_bytes::option", default)]
    pub credential: Option<Secret>,
    /// When it ends, in seconds since 1970.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// Kept for the client.
    #[serde(with = "sealed_bytes::option", default)]
    pub oauth_refresh_token: Option<Secret>,
    /// The server as the client spelt it, where it wants that back.
    #[serde(default)]
    pub server_url: Option<String>,
    /// When it was stored, in microseconds since 1970: the newest answers.
    #[serde(default)]
    pub stored_at: u64,
}

impl StoredCredential {
    fn is_live(&self, now: u64) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// Its path and user: what makes it one credential and not another where a server has several.
    pub fn path_and_user(&self) -> Vec<u8> {
        let mut identity = Vec::new();
        for part in [&self.path, &self.username] {
            match part {
                // A length in front keeps ("a", "bc") and ("ab", "c") apart.
                Some(part) => {
                    identity.extend_from_slice(&(part.expose().len() as u64).to_be_bytes());
                    identity.extend_from_slice(part.expose());
                }
                None => identity.push(0xff),
            }
        }
        identity
    }
}

impl Broker<'_> {
    /// The live credentials stored under `kind` for exactly `target` that `wanted` wants, newest first.
    pub fn find(
        &self,
        kind: &'static str,
        target: &Target,
        wanted: impl Fn(&StoredCredential) -> bool,
    ) -> Result<Vec<StoredCredential>> {
        let now = now();
        let on_shelf: Vec<Opened<StoredCredential>> = self.store.read(&Shelf::server(kind, target))?;
        let mut found: Vec<StoredCredential> = on_shelf.into_iter().map(|opened| opened.content).collect();
        found.retain(|login| login.is_live(now) && wanted(login));
        found.sort_by_key(|login| std::cmp::Reverse(login.stored_at));
        Ok(found)
    }

    /// Keeps `login` in the place of the one with the same `identity`. What has ended is not kept. Tells what
    /// the person should hear when the store was made just now.
    pub fn keep(
        &self,
        kind: &'static str,
        target: &Target,
        identity: &[u8],
        mut login: StoredCredential,
    ) -> Result<Option<String>> {
        if !login.is_live(now()) {
            return Ok(None);
        }
        login.stored_at = since_1970().as_micros() as u64;
        self.store.put(&Shelf::server(kind, target), identity, &login)
    }

    /// Forgets what is stored under `kind` for exactly `target` and `unwanted`, whether it lives or has ended.
    pub fn forget(
        &self,
        kind: &'static str,
        target: &Target,
        unwanted: impl Fn(&StoredCredential) -> bool,
    ) -> Result<()> {
        self.store.remove(&Shelf::server(kind, target), unwanted).map(|_| ())
    }

    /// Everything live that is stored under `kind`.
    pub fn all(&self, kind: &'static str) -> Result<Vec<StoredCredential>> {
        let now = now();
        let all: Vec<Opened<StoredCredential>> = self.store.read_kind(kind)?;
        Ok(all.into_iter().map(|opened| opened.content).filter(|login| login.is_live(now)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_never_run_together() {
        let login = |path: Option<&str>, username: Option<&str>| {
            StoredCredential {
                path: path.map(Secret::from),
                username: username.map(Secret::from),
                ..StoredCredential::default()
            }
            .path_and_user()
        };
        let all = [
            login(Some("a"), Some("bc")),
            login(Some("ab"), Some("c")),
            login(None, Some("abc")),
            login(Some("abc"), None),
            login(None, None),
            login(Some(""), None),
            login(None, Some("")),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }
}
