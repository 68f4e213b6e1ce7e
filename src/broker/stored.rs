//! What clients stored, for exactly the host it was stored for.

use serde::{Deserialize, Serialize};

use super::{Broker, Kept, OnDisk};
use crate::error::{Kind, Result};
use crate::os::clock::{now, since_1970};
use crate::secret::{Secret, sealed_bytes};
use crate::store::Shelf;
use crate::target::Target;

/// A credential as it rests in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether `plain` is what a box of a client's holds.
    pub fn fits(plain: &[u8]) -> bool {
        serde_json::from_slice::<StoredCredential>(plain).is_ok()
    }

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

/// The server that a credential is for: as precisely as the client named it, and never matched by half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerId {
    /// A server whose spellings we know.
    Known(Target),
    /// What is no [`Target`] (an international name, a dot at the end, a client certificate's file) is only itself, byte
    /// for byte. No platform is ever there.
    Verbatim {
        /// What the client calls the protocol.
        protocol: Vec<u8>,
        /// What it calls the host; may be empty.
        host: Vec<u8>,
    },
}

impl ServerId {
    /// The server, where it is one that a platform may be at.
    pub fn target(&self) -> Option<&Target> {
        match self {
            ServerId::Known(target) => Some(target),
            ServerId::Verbatim { .. } => None,
        }
    }

    fn shelf(&self, kind: &'static str) -> Shelf {
        match self {
            ServerId::Known(target) => Shelf::server(kind, target),
            ServerId::Verbatim { protocol, host } => Shelf::verbatim(kind, protocol, host),
        }
    }
}

impl From<&Target> for ServerId {
    fn from(target: &Target) -> ServerId {
        ServerId::Known(target.clone())
    }
}

impl Broker<'_> {
    /// The live credentials stored under `kind` for exactly `server` that are `wanted`, newest first.
    ///
    /// # Errors
    /// The store; there is none that is `wanted`, and one that cannot be read.
    pub fn find(
        &self,
        kind: &'static str,
        server: &ServerId,
        wanted: impl Fn(&StoredCredential) -> bool,
    ) -> Result<Vec<StoredCredential>> {
        let now = now();
        let mut unreadable = None;
        let mut found = match &self.0 {
            Kept::OnDisk(on_disk) => {
                let on_shelf = on_disk.store.read::<StoredCredential>(&server.shelf(kind))?;
                unreadable = on_shelf.unreadable.first().cloned();
                on_shelf.contents().collect()
            }
            Kept::InMemory(memory) => memory.read(kind, Some(server)),
            Kept::Nowhere(error) => return Err(error.clone()),
        };
        found.retain(|stored| stored.is_live(now) && wanted(stored));
        if let Some(unreadable) = unreadable.filter(|_| found.is_empty()) {
            return Err(unreadable.error());
        }
        found.sort_by_key(|stored| std::cmp::Reverse(stored.stored_at));
        Ok(found)
    }

    /// Keeps `credential`, replacing the one with the same `identity`. What has ended is not kept, and what is kept
    /// already is not written again: git stores a password after each use. Tells what the person should hear when
    /// the store was made just now.
    ///
    /// # Errors
    /// The store.
    pub fn keep(
        &self,
        kind: &'static str,
        server: &ServerId,
        identity: &[u8],
        mut credential: StoredCredential,
    ) -> Result<Option<String>> {
        if !credential.is_live(now()) {
            return Ok(None);
        }
        credential.stored_at = since_1970().as_micros() as u64;
        match &self.0 {
            Kept::OnDisk(on_disk) => on_disk.keep(&server.shelf(kind), identity, credential),
            Kept::InMemory(memory) => {
                memory.put(kind, server, identity, credential);
                Ok(None)
            }
            Kept::Nowhere(error) => Err(error.clone()),
        }
    }

    /// Forgets what is stored under `kind` for exactly `server` and `unwanted`, whether it lives or has ended. What
    /// cannot be read goes if it may have this `identity`, or where none is given.
    ///
    /// # Errors
    /// The store.
    pub fn forget(
        &self,
        kind: &'static str,
        server: &ServerId,
        identity: Option<&[u8]>,
        unwanted: impl Fn(&StoredCredential) -> bool,
    ) -> Result<()> {
        match &self.0 {
            Kept::OnDisk(on_disk) => {
                on_disk.store.remove(&server.shelf(kind), identity, unwanted).map(|_| ())
            }
            Kept::InMemory(memory) => {
                memory.remove(kind, server, unwanted);
                Ok(())
            }
            Kept::Nowhere(error) => Err(error.clone()),
        }
    }

    /// Everything live that is stored under `kind` and can be read.
    pub fn all(&self, kind: &'static str) -> Result<Vec<StoredCredential>> {
        let now = now();
        let mut all: Vec<StoredCredential> = match &self.0 {
            Kept::OnDisk(on_disk) => on_disk.store.read_kind(kind)?.contents().collect(),
            Kept::InMemory(memory) => memory.read(kind, None),
            Kept::Nowhere(error) => return Err(error.clone()),
        };
        all.retain(|stored| stored.is_live(now));
        Ok(all)
    }
}

impl OnDisk<'_> {
    fn keep(
        &self,
        shelf: &Shelf,
        identity: &[u8],
        mut credential: StoredCredential,
    ) -> Result<Option<String>> {
        let on_shelf = self.store.read::<StoredCredential>(shelf)?;
        let has_unreadable = !on_shelf.unreadable.is_empty();
        let kept: Vec<StoredCredential> = on_shelf.contents().collect();
        let newest = kept.iter().map(|kept| kept.stored_at).max().unwrap_or_default();
        let is_same = |kept: &&StoredCredential| {
            **kept == StoredCredential { stored_at: kept.stored_at, ..credential.clone() }
        };
        let same = kept.iter().find(is_same);
        let is_kept = same.is_some();
        if same.is_some_and(|same| same.stored_at == newest) && !has_unreadable {
            return Ok(None);
        }
        // Newer than all others, also by a clock that was set back.
        credential.stored_at = credential.stored_at.max(newest + 1);
        match self.store.put(shelf, identity, &credential) {
            Err(error) if is_kept && error.kind() == Kind::Store => {
                log::warn!("what is stored stays as it is: {error}");
                Ok(None)
            }
            put => put,
        }
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
