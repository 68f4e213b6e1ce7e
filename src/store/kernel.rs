//! The kernel's keyring (keyrings(7)): a place in memory for the store's key, so that the keychain, which
//! takes milliseconds to answer, is asked rarely. The key goes by itself when it was not used for a while.
//!
//! It is only ever a help: every failure here means "not kept". The kernel lets a process read the key only
//! where a session keyring possesses it, as pam_keyinit(8) arranges at login and plain containers do not.

use std::time::Duration;

use super::sealed::{Key, KeyId};

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use linux_keyutils::{Key as KernelKey, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    fn ring() -> Option<KeyRing> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false).ok()
    }

    fn description(id: KeyId) -> String {
        format!("seqera-credential-helper:{}", id.to_hex())
    }

    fn find(id: KeyId) -> Option<KernelKey> {
        ring()?.search(&description(id)).ok()
    }

    pub fn get(id: KeyId, keep: Duration) -> Option<Key> {
        let found = find(id)?;
        let mut bytes = Zeroizing::new([0; 33]);
        let length = found.read(&mut *bytes).ok()?;
        let key = Key::from_bytes(bytes.get(..length)?).filter(|key| key.id() == id)?;
        let _ = found.set_timeout(keep.as_secs() as usize);
        Some(key)
    }

    pub fn keep(key: &Key, keep: Duration) {
        let Some(ring) = ring() else { return };
        let Ok(kept) = ring.add_key(&description(key.id()), key.expose()) else { return };
        let readable = find(key.id()).is_some();
        if !readable || kept.set_timeout(keep.as_secs() as usize).is_err() {
            let _ = kept.invalidate();
        }
    }

    pub fn forget(id: KeyId) {
        if let Some(found) = find(id) {
            let _ = found.invalidate();
        }
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
pub fn forget(id: KeyId) {
    #[cfg(target_os = "linux")]
    linux::forget(id);
    #[cfg(not(target_os = "linux"))]
    let _ = id;
}
