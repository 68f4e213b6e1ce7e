//! Bytes that must not be seen: passwords, tokens, keys.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A secret of any bytes. It is wiped when dropped, has no `Display`, and its `Debug` shows nothing.
#[derive(PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; the caller's copy, if any, stays its own to wipe.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Zeroizing::new(bytes.into());
        keep_in_memory(&bytes);
        Secret(bytes)
    }

    /// The bytes. Every call is a place where the secret can leak: keep them few.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, or nothing where it is not UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Keeps the pages of these bytes out of swap, as far as the system lets us (mlock(2), `RLIMIT_MEMLOCK`). They stay
/// locked while the process lives: a page may hold two secrets, and unlocking it for one would unlock the other.
pub fn keep_in_memory(bytes: &[u8]) {
    if !bytes.is_empty()
        && let Ok(guard) = region::lock(bytes.as_ptr(), bytes.len())
    {
        std::mem::forget(guard);
    }
}

impl Clone for Secret {
    fn clone(&self) -> Self {
        Secret::new(self.expose())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret::new(text)
    }
}

/// Serialises bytes as text where they are UTF-8 and as a list of numbers where they are not, so that what
/// is inside a sealed file survives byte for byte. `Secret` itself has no `Serialize`: a field that may be
/// written says so with `#[serde(with = "sealed_bytes")]`, and only structs of the sealed store do.
pub mod sealed_bytes {
    use super::*;

    #[derive(Serialize)]
    #[serde(untagged)]
    enum Out<'a> {
        Text(&'a str),
        Bytes(&'a [u8]),
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum In {
        Text(String),
        Bytes(Vec<u8>),
    }

    /// Writes the secret.
    pub fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        match secret.expose_str() {
            Some(text) => Out::Text(text).serialize(to),
            None => Out::Bytes(secret.expose()).serialize(to),
        }
    }

    /// Reads it back.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        Ok(match In::deserialize(from)? {
            In::Text(text) => Secret::new(text),
            In::Bytes(bytes) => Secret::new(bytes),
        })
    }

    /// The same for a secret that may be absent.
    pub mod option {
        use super::*;

        #[derive(Serialize, Deserialize)]
        struct Wrapped(#[serde(with = "super")] Secret);

        /// Writes the secret or `null`.
        pub fn serialize<S: Serializer>(secret: &Option<Secret>, to: S) -> Result<S::Ok, S::Error> {
            secret.clone().map(Wrapped).serialize(to)
        }

        /// Reads it back.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
            Ok(Option::<Wrapped>::deserialize(from)?.map(|wrapped| wrapped.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
    }

    #[derive(Serialize, Deserialize)]
    struct Kept {
        #[serde(with = "sealed_bytes")]
        secret: Secret,
        #[serde(with = "sealed_bytes::option", default)]
        other: Option<Secret>,
    }

    #[test]
    fn any_bytes_survive_the_sealed_form() {
        for bytes in [&b""[..], b"plain", b"\"quoted\"\n", b"\xff\x00\xfe"] {
            let kept = Kept { secret: Secret::new(bytes), other: Some(Secret::new(bytes)) };
            let json = serde_json::to_string(&kept).unwrap();
            let back: Kept = serde_json::from_str(&json).unwrap();
            assert_eq!(back.secret.expose(), bytes);
            assert_eq!(back.other.unwrap().expose(), bytes);
        }
    }
}
