//! Where the store's key lives: in the keychain, with a file `keychain` beside the boxes that names its id, or
//! in a file `key` beside the boxes. One of the two is chosen when the first secret is stored, and stays.

use std::path::Path;

use super::KeyCache;
use super::sealed::{Key, KeyId};
use super::{kernel, keychain};
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::env_text;
use crate::os::files;
use crate::os::hex::{hex, unhex};
use crate::os::paths::Paths;

const KEY_FILE: &str = "key";
const KEYCHAIN_FILE: &str = "keychain";
const KEY_TITLE: &str = "seqera-credential-helper key 1\n";
const LIMIT: u64 = 256;

/// Where the user wants the key (`SEQERA_HELPER_STORE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// In the keychain where one answers, else in a file.
    Auto,
    /// In the keychain or nowhere.
    Keychain,
    /// In a file.
    File,
}

impl Wish {
    /// Reads `SEQERA_HELPER_STORE`.
    pub fn from_env() -> Result<Wish> {
        match env_text("SEQERA_HELPER_STORE").as_deref() {
            None | Some("auto") => Ok(Wish::Auto),
            Some("keychain") => Ok(Wish::Keychain),
            Some("file") => Ok(Wish::File),
            Some(_) => Err(Error::usage("SEQERA_HELPER_STORE has a value we do not know")
                .next("use 'auto', 'keychain' or 'file'")),
        }
    }
}

/// Where the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the operating system's keychain.
    Keychain,
    /// In a file beside the boxes: no better than a private file.
    File,
}

/// What is known of the key without asking the keychain.
enum Known {
    Here(Key),
    InKeychain(KeyId),
    Nowhere,
}

/// Where the key of the store is, without asking for it; nothing where no secret was ever stored.
pub fn place(paths: &Paths) -> Result<Option<Place>> {
    Ok(match known(&paths.store)? {
        Known::Here(_) => Some(Place::File),
        Known::InKeychain(_) => Some(Place::Keychain),
        Known::Nowhere => None,
    })
}

/// The store's key; nothing where no secret was ever stored.
pub fn find(paths: &Paths, deadline: Deadline, key_cache: KeyCache) -> Result<Option<Key>> {
    let wish = Wish::from_env()?;
    match known(&paths.store)? {
        Known::Nowhere => Ok(None),
        Known::Here(_) if wish == Wish::Keychain => Err(misplaced("a file", "keychain")),
        Known::Here(key) => Ok(Some(key)),
        Known::InKeychain(_) if wish == Wish::File => Err(misplaced("the keychain", "file")),
        Known::InKeychain(id) => from_keychain(paths, id, deadline, key_cache).map(Some),
    }
}

/// A key chosen for a store that had none, and what the person should be told about it.
pub struct Chosen {
    /// The key.
    pub key: Key,
    /// Set where there is no keychain and nobody asked for a file: said once, aloud.
    pub notice: Option<String>,
}

/// Makes the key of a store that has none. The caller holds the store's lock.
pub fn choose(paths: &Paths, deadline: Deadline) -> Result<Chosen> {
    let wish = Wish::from_env()?;
    if wish != Wish::File {
        match in_keychain(&paths.store, deadline) {
            Ok(key) => return Ok(Chosen { key, notice: None }),
            Err(Refusal::Keychain(keychain::Trouble::Absent)) if wish == Wish::Auto => {}
            Err(Refusal::Keychain(trouble)) => {
                let error = Error::from(trouble);
                let next = error.hint().map_or_else(String::new, |hint| format!("{hint}; or "));
                return Err(error.next(format!("{next}set SEQERA_HELPER_STORE=file to use a private file")));
            }
            Err(Refusal::Other(error)) => return Err(error),
        }
    }
    let key = Key::generate()?;
    let path = paths.store.join(KEY_FILE);
    let text = zeroize::Zeroizing::new(format!("{KEY_TITLE}{}\n", hex(key.expose())));
    files::replace(&path, text.as_bytes())
        .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))?;
    let notice = (wish == Wish::Auto).then(|| {
        format!("no keychain here: credentials are kept in {}, readable by you alone", paths.store.display())
    });
    Ok(Chosen { key, notice })
}

enum Refusal {
    Keychain(keychain::Trouble),
    Other(Error),
}

/// Several stores of one person (see `SEQERA_HELPER_HOME`) share the one item.
fn in_keychain(store: &Path, deadline: Deadline) -> Result<Key, Refusal> {
    let key = match keychain::get(deadline).map_err(Refusal::Keychain)? {
        Some(key) => key,
        None => {
            let key = Key::generate().map_err(Refusal::Other)?;
            keychain::set(&key, deadline).map_err(Refusal::Keychain)?;
            let kept = keychain::get(deadline).map_err(Refusal::Keychain)?;
            kept.filter(|kept| kept.id() == key.id())
                .ok_or(Refusal::Keychain(keychain::Trouble::Broken("it did not keep our key")))?
        }
    };
    let path = store.join(KEYCHAIN_FILE);
    files::replace(&path, format!("{}\n", key.id().to_hex()).as_bytes()).map_err(|error| {
        Refusal::Other(Error::io(format_args!("{} cannot be written", path.display()), &error))
    })?;
    Ok(key)
}

fn from_keychain(paths: &Paths, id: KeyId, deadline: Deadline, key_cache: KeyCache) -> Result<Key> {
    let keep = key_cache(paths)?;
    if !keep.is_zero()
        && let Some(key) = kernel::get(id, keep)
    {
        return Ok(key);
    }
    let key = keychain::get(deadline)?.filter(|key| key.id() == id).ok_or_else(|| {
        Error::store("the keychain no longer has the key of your stored credentials").next(format!(
            "restore the keychain; or, to begin anew without them, move {} away",
            paths.store.display()
        ))
    })?;
    if !keep.is_zero() {
        kernel::keep(&key, keep);
    }
    Ok(key)
}

/// Takes the key out of the kernel's keyring.
pub fn forget(paths: &Paths) -> Result<()> {
    if let Known::InKeychain(id) = known(&paths.store)? {
        kernel::forget(id);
    }
    Ok(())
}

fn known(store: &Path) -> Result<Known> {
    files::only_own_dir(store).map_err(|error| {
        Error::store(format!("{} cannot be used: {}", store.display(), crate::error::io_words(&error)))
    })?;
    let path = store.join(KEY_FILE);
    if let Some(text) = read(&path)? {
        only_ours(&path)?;
        let hex = text.strip_prefix(KEY_TITLE).map(str::trim_end);
        let key = hex.and_then(|hex| Key::from_bytes(&zeroize::Zeroizing::new(unhex(hex)?)));
        return key.map(Known::Here).ok_or_else(|| damaged(&path));
    }
    let path = store.join(KEYCHAIN_FILE);
    match read(&path)? {
        Some(text) => KeyId::from_hex(text.trim_end()).map(Known::InKeychain).ok_or_else(|| damaged(&path)),
        None => Ok(Known::Nowhere),
    }
}

fn read(path: &Path) -> Result<Option<zeroize::Zeroizing<String>>> {
    let bytes = files::read(path, LIMIT).map_err(|error| {
        Error::store(format!("{} cannot be read: {}", path.display(), crate::error::io_words(&error)))
    })?;
    let text = bytes.map(|bytes| String::from_utf8(bytes).map_err(|_| damaged(path)));
    Ok(text.transpose()?.map(zeroize::Zeroizing::new))
}

/// A key that others could read is no secret any more, whoever opened it.
#[cfg(unix)]
fn only_ours(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata(path) {
        Ok(found) if found.mode() & 0o077 != 0 => {
            Err(Error::store(format!("others may read {}", path.display()))
                .next(format!("close it with: chmod 600 {}", path.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn only_ours(_: &Path) -> Result<()> {
    Ok(())
}

fn damaged(path: &Path) -> Error {
    Error::store(format!("{} is damaged", path.display()))
        .next("restore it from a backup; without it the stored credentials cannot be opened")
}

fn misplaced(place: &str, wish: &str) -> Error {
    Error::store(format!(
        "the key of your stored credentials is in {place}, but SEQERA_HELPER_STORE says '{wish}'"
    ))
    .next("unset SEQERA_HELPER_STORE, or keep a second store with SEQERA_HELPER_HOME")
}
