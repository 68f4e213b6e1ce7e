//! Where the store's key lives: in the keychain, with a file `keychain` beside the boxes that names its id, or
//! in a file `key` beside the boxes. One of the two is chosen when the first secret is stored, and stays until
//! `seqera store move`. While it moves both files are there, and `key` counts.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyCache;
use super::kernel;
use super::keychain::{self, Trouble};
use super::sealed::{Key, KeyId};
use crate::config::{Config, FILE};
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::env_text;
use crate::os::fault;
use crate::os::files;
use crate::os::hex::{hex, unhex};
use crate::os::ownership::{self, Exposed};
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
        let Some(text) = env_text("SEQERA_HELPER_STORE") else { return Ok(Wish::Auto) };
        Wish::named(&text).ok_or_else(|| {
            Error::usage("SEQERA_HELPER_STORE has a value we do not know")
                .next("use 'auto', 'keychain' or 'file'")
        })
    }

    /// What counts for a new store: the variable, else the setting `store`.
    ///
    /// # Errors
    /// The variable, or the setting, has another value.
    pub fn for_new(config: &Config) -> Result<Wish> {
        if env_text("SEQERA_HELPER_STORE").is_some() {
            return Wish::from_env();
        }
        config.must_fit("store")?;
        Ok(config.in_file("store").and_then(|text| Wish::named(&text)).unwrap_or(Wish::Auto))
    }

    fn named(text: &str) -> Option<Wish> {
        match text {
            "auto" => Some(Wish::Auto),
            "keychain" => Some(Wish::Keychain),
            "file" => Some(Wish::File),
            _ => None,
        }
    }
}

/// Where the key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the operating system's keychain.
    Keychain,
    /// In a file beside the boxes: no better than a private file.
    File,
}

impl KeyPlace {
    /// As it is written on a command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            KeyPlace::Keychain => "keychain",
            KeyPlace::File => "file",
        }
    }
}

/// What a site may forbid, in words.
pub const KEY_IN_FILE: &str = "a store whose key is in a file";

/// What is known of the key without asking the keychain.
enum Known {
    Here(Key),
    InKeychain(KeyId),
    Nowhere,
}

/// Where the key of the store is, without asking for it; nothing where no secret was ever stored.
pub fn place(paths: &Paths) -> Result<Option<KeyPlace>> {
    Ok(match known(&paths.store)? {
        Known::Here(_) => Some(KeyPlace::File),
        Known::InKeychain(_) => Some(KeyPlace::Keychain),
        Known::Nowhere => None,
    })
}

/// Whether the keychain answers; where the key of the store is there, whether it still has it.
///
/// # Errors
/// What the keychain says instead.
pub fn ask_keychain(paths: &Paths, deadline: Deadline) -> Result<bool, Trouble> {
    match known(&paths.store) {
        Ok(Known::InKeychain(id)) => Ok(keychain::get(id, deadline)?.is_some()),
        _ => keychain::answers(deadline).map(|()| false),
    }
}

/// The store's key; nothing where no secret was ever stored.
pub fn find(paths: &Paths, deadline: Deadline, key_cache: KeyCache) -> Result<Option<Key>> {
    let wish = Wish::from_env()?;
    match known(&paths.store)? {
        Known::Nowhere => Ok(None),
        Known::Here(_) if wish == Wish::Keychain => Err(misplaced("a file", KeyPlace::Keychain)),
        Known::Here(key) => Ok(Some(key)),
        Known::InKeychain(_) if wish == Wish::File => Err(misplaced("the keychain", KeyPlace::File)),
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

/// Makes the key of a store that has none. The caller holds the store's lock; where that does not hold between
/// hosts, the first of several keys is everybody's.
pub fn choose(paths: &Paths, deadline: Deadline) -> Result<Chosen> {
    let store = &paths.store;
    let config = Config::load(paths)?;
    let wish = Wish::for_new(&config)?;
    if wish == Wish::File {
        config.must_allow(FILE, KEY_IN_FILE)?;
    }
    let key = Key::generate()?;
    let why_not_there = match wish {
        Wish::File => None,
        Wish::Auto | Wish::Keychain => match put_into_keychain(&key, deadline) {
            Ok(()) => return chosen_in_keychain(store, key, deadline),
            Err(trouble) if wish == Wish::Auto && trouble.is_no_keychain() => {
                config.must_allow(FILE, &format!("{KEY_IN_FILE}, and there is no keychain here"))?;
                Some(trouble)
            }
            Err(trouble) => {
                let error = Error::from(trouble);
                let next = error.hint().map_or_else(String::new, |hint| format!("{hint}; or "));
                return Err(error.next(format!("{next}set SEQERA_HELPER_STORE=file to use a private file")));
            }
        },
    };
    let key = write_key(&store.join(KEY_FILE), &key)?;
    let notice = why_not_there.map(|trouble| {
        let why = match trouble {
            Trouble::NoCollection => "the keychain here has no default keyring",
            _ => "no keychain here",
        };
        format!("{why}: credentials are kept in {}, readable by you alone", store.display())
    });
    Ok(Chosen { key, notice })
}

/// Writes the key into its file, and answers the one that is there: the first. One that others can read all the
/// same is taken away again.
fn write_key(path: &Path, key: &Key) -> Result<Key> {
    let is_mine = files::create(path, key_text(key).as_bytes()).map_err(|error| unwritable(path, &error))?;
    match read_key(path) {
        Ok(kept) => kept.ok_or_else(|| damaged(path)),
        Err(error) if !is_mine => Err(error),
        Err(_) => {
            let _ = files::remove(path);
            Err(Error::store(format!(
                "others could read the key in {}: its file system ignores modes",
                path.parent().unwrap_or(path).display()
            ))
            .next(
                "set SEQERA_HELPER_HOME to a folder on another file system, or SEQERA_HELPER_STORE=keychain; \
                 or, if nobody else can reach it, SEQERA_HELPER_TRUST_HOME=1",
            ))
        }
    }
}

/// Writes the key into the keychain and makes sure that it is there.
fn put_into_keychain(key: &Key, deadline: Deadline) -> Result<(), Trouble> {
    keychain::set(key, deadline)?;
    match keychain::get(key.id(), deadline)? {
        Some(_) => Ok(()),
        None => Err(Trouble::Broken("it did not keep our key")),
    }
}

fn chosen_in_keychain(store: &Path, key: Key, deadline: Deadline) -> Result<Chosen> {
    let path = store.join(KEYCHAIN_FILE);
    let made = files::create(&path, id_text(key.id()).as_bytes()).map_err(|error| unwritable(&path, &error));
    if matches!(made, Ok(true)) {
        return Ok(Chosen { key, notice: None });
    }
    // Nothing names it.
    let _ = keychain::remove(key.id(), deadline);
    made?;
    let id = read_id(&path)?.ok_or_else(|| damaged(&path))?;
    let key = keychain::get(id, deadline)?.ok_or_else(|| lost(store))?;
    Ok(Chosen { key, notice: None })
}

/// Moves the key to the other place. The caller holds the store's lock. The key is removed from where it was only
/// when it is certainly where it goes.
pub fn move_to(paths: &Paths, to: KeyPlace, deadline: Deadline) -> Result<()> {
    let store = &paths.store;
    let (key_file, keychain_file) = (store.join(KEY_FILE), store.join(KEYCHAIN_FILE));
    let remove = |path: &Path| {
        files::remove(path)
            .map_err(|error| files::failure(format_args!("cannot remove {}", path.display()), &error))
    };
    match (known(store)?, to) {
        (Known::Nowhere, _) => Err(nowhere(to)),
        (Known::Here(key), KeyPlace::Keychain) => {
            put_into_keychain(&key, deadline)?;
            fault::point("moved");
            files::replace(&keychain_file, id_text(key.id()).as_bytes())
                .map_err(|error| unwritable(&keychain_file, &error))?;
            fault::point("move-named");
            remove(&key_file)
        }
        (Known::InKeychain(id), KeyPlace::File) => {
            Config::load(paths)?.must_allow(FILE, KEY_IN_FILE)?;
            let key = keychain::get(id, deadline)?.ok_or_else(|| lost(store))?;
            write_key(&key_file, &key)?;
            fault::point("moved");
            leave_keychain(&keychain_file, id, deadline)
        }
        // What a move that was cut off left.
        (Known::Here(_), KeyPlace::File) => match read_id(&keychain_file)? {
            Some(id) => leave_keychain(&keychain_file, id, deadline),
            None => Ok(()),
        },
        (Known::InKeychain(id), KeyPlace::Keychain) => {
            keychain::get(id, deadline)?.map(|_| ()).ok_or_else(|| lost(store))
        }
    }
}

/// The error for a key that was not made yet.
pub(super) fn nowhere(to: KeyPlace) -> Error {
    Error::store("nothing is stored yet, so there is no key to move")
        .next(format!("to begin there, set SEQERA_HELPER_STORE={} for the first login", to.name()))
}

fn leave_keychain(keychain_file: &Path, id: KeyId, deadline: Deadline) -> Result<()> {
    // First, since afterwards nothing says which item it was.
    keychain::remove(id, deadline)?;
    fault::point("move-named");
    files::remove(keychain_file)
        .map_err(|error| files::failure(format_args!("cannot remove {}", keychain_file.display()), &error))?;
    kernel::forget(id)
}

fn from_keychain(paths: &Paths, id: KeyId, deadline: Deadline, key_cache: KeyCache) -> Result<Key> {
    let keep = key_cache(paths)?;
    if !keep.is_zero()
        && let Some(key) = kernel::get(id, keep)
    {
        return Ok(key);
    }
    let key = keychain::get(id, deadline)?.ok_or_else(|| lost(&paths.store))?;
    if !keep.is_zero() {
        kernel::keep(&key, keep);
    }
    Ok(key)
}

/// Takes the key out of the kernel's keyring.
///
/// # Errors
/// It stays there.
pub fn forget(paths: &Paths) -> Result<()> {
    match known(&paths.store)? {
        Known::InKeychain(id) => kernel::forget(id),
        Known::Here(_) | Known::Nowhere => Ok(()),
    }
}

fn known(store: &Path) -> Result<Known> {
    files::only_own_dir(store)
        .map_err(|error| files::failure(format_args!("{} cannot be used", store.display()), &error))?;
    let key_file = store.join(KEY_FILE);
    if let Some(key) = read_key(&key_file)? {
        return Ok(Known::Here(key));
    }
    if let Some(id) = read_id(&store.join(KEYCHAIN_FILE))? {
        return Ok(Known::InKeychain(id));
    }
    // It may have moved from the keychain to the file between the two looks.
    Ok(read_key(&key_file)?.map_or(Known::Nowhere, Known::Here))
}

fn read_key(path: &Path) -> Result<Option<Key>> {
    let Some(text) = read(path, true)? else { return Ok(None) };
    let hex = text.strip_prefix(KEY_TITLE).map(str::trim_end);
    let key = hex.and_then(|hex| Key::from_bytes(&Zeroizing::new(unhex(hex)?)));
    key.map(Some).ok_or_else(|| damaged(path))
}

fn read_id(path: &Path) -> Result<Option<KeyId>> {
    let Some(text) = read(path, false)? else { return Ok(None) };
    KeyId::from_hex(text.trim_end()).map(Some).ok_or_else(|| damaged(path))
}

fn key_text(key: &Key) -> Zeroizing<String> {
    let hex = Zeroizing::new(hex(key.expose()));
    let mut text = Zeroizing::new(String::with_capacity(LIMIT as usize));
    for part in [KEY_TITLE, hex.as_str(), "\n"] {
        text.push_str(part);
    }
    text
}

fn id_text(id: KeyId) -> String {
    format!("{}\n", id.to_hex())
}

fn read(path: &Path, is_secret: bool) -> Result<Option<Zeroizing<String>>> {
    let bytes = files::read_checked(path, LIMIT, |file, found| {
        // A key that others could read is not a secret any more, no matter who opened it.
        if is_secret && ownership::is_readable_by_others(found) {
            return Err(open_to_others(path));
        }
        ownership::check_file(file, found, path)
    });
    let bytes =
        bytes.map_err(|error| files::failure(format_args!("{} cannot be read", path.display()), &error))?;
    let text = bytes.map(|bytes| String::from_utf8(bytes).map_err(|_| damaged(path)));
    Ok(text.transpose()?.map(Zeroizing::new))
}

fn open_to_others(path: &Path) -> io::Error {
    Exposed::error(
        "others may read it",
        format!(
            "close it with: chmod 600 {}; where something opens it again each time and nobody else is there, \
             set SEQERA_HELPER_TRUST_HOME=1",
            path.display()
        ),
    )
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    files::failure(format_args!("{} cannot be written", path.display()), error)
}

fn damaged(path: &Path) -> Error {
    Error::store(format!("{} is damaged", path.display()))
        .next("restore it from a backup; without it the stored credentials cannot be opened")
}

fn lost(store: &Path) -> Error {
    Error::store("the keychain no longer has the key of your stored credentials")
        .next(format!("restore the keychain; or, to begin anew without them, move {} away", store.display()))
}

fn misplaced(place: &str, wish: KeyPlace) -> Error {
    let wish = wish.name();
    Error::store(format!(
        "the key of your stored credentials is in {place}, but SEQERA_HELPER_STORE says '{wish}'"
    ))
    .next(format!(
        "unset SEQERA_HELPER_STORE, and move the key if you want to with: seqera store move {wish}"
    ))
}
