//! The kernel's keyring (keyrings(7)): a place in memory for the store's key, so that the keychain, which
//! takes milliseconds to answer, is asked rarely. The key goes by itself when it was not used for a while.
//!
//! It is only ever a help: every failure to keep it means "not kept". The kernel lets a process use a key that it
//! possesses, so the user's keyring is linked into the process's own first; a key gets its time limit in there,
//! and only then goes where it outlives the process.

use std::time::Duration;

use super::sealed::{Key, KeyId};
use crate::error::Result;

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use crate::error::Error;
    use linux_keyutils::{Key as KernelKey, KeyError, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    /// More keys than a user may have without being root (keyrings(7)).
    const MANY: usize = 1024;

    fn description(id: KeyId) -> String {
        format!("seqera-credential-helper:{}", id.to_hex())
    }

    /// This process's keyring and the user's, the second linked into the first where that is allowed: what is in
    /// it is then possessed, also in a session that does not hold it (a container, cron(8), su(1)).
    fn rings() -> Option<(KeyRing, KeyRing)> {
        let own = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?;
        let users = KeyRing::from_special_id(KeyRingIdentifier::User, false).ok()?;
        let _ = own.link_keyring(users);
        Some((own, users))
    }

    pub fn get(id: KeyId, keep: Duration) -> Option<Key> {
        let (_, users) = rings()?;
        let found = users.search(&description(id)).ok()?;
        let mut bytes = Zeroizing::new([0; 33]);
        let length = found.read(&mut *bytes).ok()?;
        let key = Key::from_bytes(bytes.get(..length)?).filter(|key| key.id() == id)?;
        let _ = found.set_timeout(keep.as_secs() as usize);
        Some(key)
    }

    pub fn keep(key: &Key, keep: Duration) {
        let Some((own, users)) = rings() else { return };
        let Ok(kept) = own.add_key(&description(key.id()), key.expose()) else { return };
        if kept.set_timeout(keep.as_secs() as usize).is_ok() {
            let _ = users.link_key(kept);
        }
        let _ = own.unlink_key(kept);
    }

    pub fn forget(id: KeyId) -> Result<()> {
        let Some((_, users)) = rings() else { return Ok(()) };
        for key in kept(users, id)? {
            // A key that may not be changed can still be taken out of the keyring, which is ours.
            let _ = key.invalidate();
            let _ = users.unlink_key(key);
        }
        match kept(users, id)?.is_empty() {
            true => Ok(()),
            false => Err(Error::store("the kernel's keyring still has the key of the store")
                .next("see it with: keyctl show @u; it goes at the end of its time")),
        }
    }

    /// Asked by name, not by a search: a search does not find what is not possessed.
    fn kept(users: KeyRing, id: KeyId) -> Result<Vec<KernelKey>> {
        let links = match users.get_links(MANY) {
            Ok(links) => links,
            Err(KeyError::KeyDoesNotExist) => return Ok(Vec::new()),
            Err(_) => {
                return Err(Error::store("the kernel does not show what is in your keyring").next(
                    "see it with: keyctl show @u; a key that is kept there goes at the end of its time",
                ));
            }
        };
        let name = description(id);
        let is_it = |key: &KernelKey| key.metadata().is_ok_and(|key| key.get_description() == name);
        Ok(links.iter().filter_map(|link| link.as_key()).filter(is_it).collect())
    }
}

/// The key with this id, if it is kept; it then stays for another `keep`.
pub fn get(id: KeyId, keep: Duration) -> Option<Key> {
    #[cfg(target_os = "linux")]
    return linux::get(id, keep);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (id, keep);
        None
    }
}

/// Keeps the key for `keep` from its last use.
pub fn keep(key: &Key, keep: Duration) {
    #[cfg(target_os = "linux")]
    linux::keep(key, keep);
    #[cfg(not(target_os = "linux"))]
    let _ = (key, keep);
}

/// Forgets the key.
///
/// # Errors
/// It stays, or the kernel does not say.
pub fn forget(id: KeyId) -> Result<()> {
    #[cfg(target_os = "linux")]
    return linux::forget(id);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = id;
        Ok(())
    }
}
