//! A sealed box: one secret, readable only with the store's key and only under the name it was sealed for.
//!
//! Layout: magic, id of the key, nonce, XChaCha20-Poly1305 of the content. The associated data is everything
//! in front of the box and its full name, so that a box opened under another name, or with another header,
//! is refused. 24 random bytes are enough nonce for any number of boxes.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::os::hex::{hex, unhex};
use crate::secret;

const MAGIC: &[u8; 8] = b"sqrabox1";
const ID: usize = 8;
const NONCE: usize = 24;
const HEADER: usize = MAGIC.len() + ID + NONCE;

/// The largest box: a git password may be large, and takes up to six times its length as JSON. A file that is
/// larger is not ours.
pub const LIMIT: u64 = 8 * 1024 * 1024;

/// Says which key sealed a box, without saying anything about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; ID]);

impl KeyId {
    /// As it stands in files and keychains.
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// Reads what [`KeyId::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<KeyId> {
        unhex(text)?.try_into().ok().map(KeyId)
    }
}

/// The key of a store. It stays where it is: a copy that was moved away would be left behind.
#[derive(Clone)]
pub struct Key(Arc<Zeroizing<[u8; 32]>>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

impl Key {
    /// A new one, from the system's randomness.
    pub fn generate() -> Result<Key> {
        let mut bytes = Zeroizing::new([0; 32]);
        random(&mut *bytes)?;
        Ok(Key::new(&bytes))
    }

    /// Takes 32 bytes as a key; nothing where there are more or fewer.
    pub fn from_bytes(bytes: &[u8]) -> Option<Key> {
        bytes.try_into().ok().map(Key::new)
    }

    fn new(bytes: &[u8; 32]) -> Key {
        let key = Key(Arc::new(Zeroizing::new(*bytes)));
        secret::keep_in_memory(key.expose());
        key
    }

    /// The bytes, for the place where the key is kept.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        let digest = Sha256::new().chain_update(b"key id\0").chain_update(self.expose()).finalize();
        let mut id = [0; ID];
        id.copy_from_slice(&digest[..ID]);
        KeyId(id)
    }

    /// A file name for `identity`, always the same and telling nothing about it.
    pub fn name(&self, identity: &[u8]) -> String {
        let mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(self.expose()).map(|mac| mac.chain_update(identity));
        // HMAC takes keys of any length; an empty name would be refused by the file system.
        mac.map(|mac| hex(&mac.finalize().into_bytes()[..16])).unwrap_or_default()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.expose().into())
    }

    /// Seals `content` under `name`.
    pub fn seal(&self, name: &str, content: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = Vec::with_capacity(HEADER + content.len() + 16);
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&self.id().0);
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        sealed.extend_from_slice(&nonce);
        let aad = [&sealed[..], name.as_bytes()].concat();
        let boxed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: content, aad: &aad })
            .map_err(|_| Error::failed("the secret is too large to be sealed"))?;
        sealed.extend_from_slice(&boxed);
        Ok(sealed)
    }

    /// Opens what was sealed under `name`.
    ///
    /// # Errors
    /// Which of the three ways it is not ours.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        if sealed.len() < HEADER || &sealed[..MAGIC.len()] != MAGIC {
            return Err(Unopened::NotABox);
        }
        let (header, boxed) = sealed.split_at(HEADER);
        if header[MAGIC.len()..MAGIC.len() + ID] != self.id().0 {
            return Err(Unopened::OtherKey);
        }
        let aad = [header, name.as_bytes()].concat();
        let nonce = XNonce::try_from(&header[MAGIC.len() + ID..]).map_err(|_| Unopened::NotABox)?;
        self.cipher()
            .decrypt(&nonce, Payload { msg: boxed, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| Unopened::Damaged)
    }
}

/// Why a box does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unopened {
    /// It is not a box of this format: cut off, or of a newer version.
    NotABox,
    /// Another key sealed it.
    OtherKey,
    /// It was changed, or moved from another name.
    Damaged,
}

/// Fills `bytes` from the system's randomness.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::failed("the system gives no random numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_opens_only_whole_under_its_name_and_with_its_key() {
        let key = Key::generate().unwrap();
        let sealed = key.seal("git https://h/a", b"content").unwrap();
        assert_eq!(key.open("git https://h/a", &sealed).unwrap().as_slice(), b"content");
        assert_eq!(key.open("git https://h/b", &sealed), Err(Unopened::Damaged));
        assert_eq!(Key::generate().unwrap().open("git https://h/a", &sealed), Err(Unopened::OtherKey));
        for cut in [0, 3, HEADER - 1, HEADER, sealed.len() - 1] {
            assert!(key.open("git https://h/a", &sealed[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("git https://h/a", &changed).is_err(), "changed at {at}");
        }
        assert!(!sealed.windows(7).any(|window| window == b"content"));
    }
}
