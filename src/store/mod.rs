//! Where secrets rest: sealed files, a folder for each place they are for, and the key that opens them in the
//! keychain or beside them.
//!
//! Readers take no lock: a file is replaced whole. Writers take the store's lock, so that the key is made
//! once and nobody removes what another has just replaced.

mod kernel;
pub mod key;
pub mod keychain;
pub mod lock;
pub mod owner;
pub mod sealed;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result, io_words};
use crate::os::deadline::Deadline;
use crate::os::disk;
use crate::os::fault;
use crate::os::files;
use crate::os::hex::{hex, unhex};
use crate::os::paths::Paths;
use crate::target::Target;
use lock::Lock;
use sealed::{Key, Unopened};

/// The longest name of a server that stands in the name of a folder; systems allow 255 bytes for that.
const LONGEST: usize = 200;

/// What the secrets in one folder are for. It is part of what every box in it is sealed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    kind: &'static str,
    what: String,
}

impl Shelf {
    /// Credentials of one kind (a protocol's name) for one server.
    pub fn server(kind: &'static str, target: &Target) -> Shelf {
        // Colons cannot stand in a Windows file name; underscores never stand in an IPv6 address.
        let what = format!("{}+{}", target.scheme(), target.authority().replace(':', "_"));
        // What a folder is called has an end, and is all that tells which shelf it is (see [`Store::read_kind`]).
        let is_long = what.len() > LONGEST;
        Shelf { kind, what: if is_long { hex(&Sha256::digest(what.as_bytes())) } else { what } }
    }

    /// Credentials of one kind for a place that is known by exactly these bytes: what a client calls the protocol and
    /// the host, where that is no [`Target`].
    pub fn verbatim(kind: &'static str, protocol: &[u8], host: &[u8]) -> Shelf {
        // Nothing that a [`Target`] consists of begins like this; a length in front keeps ("a", "bc") and ("ab", "c")
        // apart.
        let length = (protocol.len() as u64).to_be_bytes();
        Shelf { kind, what: format!("={}", hex(&Sha256::digest([&length, protocol, host].concat()))) }
    }

    /// The session of a profile.
    pub fn session(name: &str) -> Shelf {
        Shelf { kind: "session", what: name.to_owned() }
    }

    /// The password that a profile's login has for its platform's registry.
    pub fn registry_pass(name: &str) -> Shelf {
        Shelf { kind: "registry", what: name.to_owned() }
    }

    /// One shelf for all secrets of a kind.
    pub fn of(kind: &'static str) -> Shelf {
        Shelf { kind, what: String::new() }
    }

    fn folder(&self) -> String {
        format!("{}+{}", self.kind, self.what)
    }
}

/// An opened box.
#[derive(Debug)]
pub struct Opened<T> {
    name: String,
    /// What was in it.
    pub content: T,
}

/// The sealed store of this user.
#[derive(Debug)]
pub struct Store<'a> {
    paths: &'a Paths,
    deadline: Deadline,
    key_cache: KeyCache,
    /// Got once: asking for it may mean a question to a keychain.
    opened: OnceLock<Key>,
}

/// Tells for how long after its last use the key stays in the kernel's keyring. It is asked only when the key
/// is in the keychain: most calls need not read the configuration.
pub type KeyCache = fn(&Paths) -> Result<Duration>;

impl<'a> Store<'a> {
    /// The store; nothing is read yet. All that it does ends by `deadline`.
    pub fn new(paths: &'a Paths, deadline: Deadline, key_cache: KeyCache) -> Self {
        Store { paths, deadline, key_cache, opened: OnceLock::new() }
    }

    /// The same store, whose key another process has got already.
    #[must_use]
    pub fn with_key(self, key: Key) -> Self {
        Store { opened: OnceLock::from(key), ..self }
    }

    /// Everything on a shelf. A shelf that is empty costs one failed look, and no key is asked for.
    ///
    /// # Errors
    /// A locked, absent, denied or mute keychain; a box that is damaged or sealed with another key.
    pub fn read<T: DeserializeOwned>(&self, shelf: &Shelf) -> Result<Vec<Opened<T>>> {
        let names = self.names(&shelf.folder())?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key()?;
        let mut opened = Vec::with_capacity(names.len());
        for name in names {
            // A box that vanished since was removed or replaced by another process: not ours to report.
            if let Some(content) = self.open(&key, shelf, &name)? {
                opened.push(Opened { name, content });
            }
        }
        Ok(opened)
    }

    /// Every shelf of one kind that has boxes, read.
    pub fn read_kind<T: DeserializeOwned>(&self, kind: &'static str) -> Result<Vec<Opened<T>>> {
        let prefix = format!("{kind}+");
        let mut opened = Vec::new();
        for folder in list(&self.paths.store)? {
            if let Some(what) = folder.strip_prefix(&prefix) {
                opened.extend(self.read(&Shelf { kind, what: what.to_owned() })?);
            }
        }
        Ok(opened)
    }

    /// Puts `content` on the shelf, in the place of what was there under the same `identity`. Tells what the
    /// person should hear, when the store was made just now.
    pub fn put<T: Serialize>(&self, shelf: &Shelf, identity: &[u8], content: &T) -> Result<Option<String>> {
        let (_lock, key, notice) = self.open_for_writing()?;
        fault::point("put");
        let dir = self.dir(shelf);
        files::private_dir(&dir).map_err(|error| self.unwritable(&error))?;
        let name = key.name(identity);
        let sealed = self.sealed(&key, shelf, &name, content)?;
        files::replace(&dir.join(&name), &sealed).map_err(|error| self.unwritable(&error))?;
        files::sweep(&dir, Duration::ZERO);
        Ok(notice)
    }

    /// Removes from the shelf what `unwanted` says of the boxes as they are now.
    pub fn remove<T: DeserializeOwned>(&self, shelf: &Shelf, unwanted: impl Fn(&T) -> bool) -> Result<usize> {
        if self.names(&shelf.folder())?.is_empty() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let doomed: Vec<_> =
            self.read(shelf)?.into_iter().filter(|opened| unwanted(&opened.content)).collect();
        let dir = self.dir(shelf);
        for opened in &doomed {
            files::remove(&dir.join(&opened.name)).map_err(|error| self.unwritable(&error))?;
        }
        files::sweep(&dir, Duration::ZERO);
        // A shelf with boxes on it stays: the system refuses to remove a folder that is not empty.
        let _ = fs::remove_dir(&dir);
        Ok(doomed.len())
    }

    /// Removes everything on the shelf, opened or not.
    pub fn clear(&self, shelf: &Shelf) -> Result<()> {
        let names = self.names(&shelf.folder())?;
        if names.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let dir = self.dir(shelf);
        for name in self.names(&shelf.folder())? {
            files::remove(&dir.join(name)).map_err(|error| self.unwritable(&error))?;
        }
        files::sweep(&dir, Duration::ZERO);
        let _ = fs::remove_dir(&dir);
        Ok(())
    }

    /// Seals `content` as it would be on the shelf, for another place.
    pub fn seal<T: Serialize>(&self, shelf: &Shelf, identity: &[u8], content: &T) -> Result<Vec<u8>> {
        let key = self.key()?;
        self.sealed(&key, shelf, &key.name(identity), content)
    }

    /// Opens what [`Store::seal`] sealed.
    pub fn unseal<T: DeserializeOwned>(&self, shelf: &Shelf, identity: &[u8], sealed: &[u8]) -> Result<T> {
        let key = self.key()?;
        let plain = key.open(&full_name(shelf, &key.name(identity)), sealed);
        let damaged = || Error::store("a sealed file is damaged");
        serde_json::from_slice(&plain.map_err(|_| damaged())?).map_err(|_| damaged())
    }

    /// Makes the store if there is none, so that where its key lives is settled. Tells what the person
    /// should hear.
    pub fn prepare(&self) -> Result<Option<String>> {
        self.open_for_writing().map(|(_, _, notice)| notice)
    }

    fn open_for_writing(&self) -> Result<(Lock, Key, Option<String>)> {
        files::private_dir(&self.paths.store).map_err(|error| self.unwritable(&error))?;
        let lock = self.lock()?;
        if let Some(key) = self.find_key()? {
            return Ok((lock, key, None));
        }
        if list(&self.paths.store)?
            .iter()
            .any(|folder| self.names(folder).is_ok_and(|names| !names.is_empty()))
        {
            return Err(Error::store(format!(
                "the key of the credentials in {} is gone",
                self.paths.store.display()
            ))
            .next(
                "restore its file 'key' or 'keychain' from a backup, or move the folder away to begin anew",
            ));
        }
        let chosen = key::choose(self.paths, self.deadline)?;
        Ok((lock, chosen.key, chosen.notice))
    }

    /// The store's key.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn key(&self) -> Result<Key> {
        self.find_key()?.ok_or_else(|| self.key_is_gone())
    }

    fn find_key(&self) -> Result<Option<Key>> {
        if let Some(key) = self.opened.get() {
            return Ok(Some(key.clone()));
        }
        let found = key::find(self.paths, self.deadline, self.key_cache)?;
        Ok(found.map(|key| self.opened.get_or_init(|| key).clone()))
    }

    fn key_is_gone(&self) -> Error {
        Error::store(format!("the key of the credentials in {} is gone", self.paths.store.display()))
            .next("restore its file 'key' or 'keychain' from a backup, or move the folder away to begin anew")
    }

    fn lock(&self) -> Result<Lock> {
        Lock::acquire(&self.paths.store.join("lock"), self.deadline)
    }

    fn sealed<T: Serialize>(&self, key: &Key, shelf: &Shelf, name: &str, content: &T) -> Result<Vec<u8>> {
        let plain =
            Zeroizing::new(serde_json::to_vec(content).map_err(|_| Error::failed("cannot be sealed"))?);
        key.seal(&full_name(shelf, name), &plain)
    }

    fn open<T: DeserializeOwned>(&self, key: &Key, shelf: &Shelf, name: &str) -> Result<Option<T>> {
        let path = self.dir(shelf).join(name);
        disk::settled(&path, || self.open_once(key, shelf, name, &path))
    }

    fn open_once<T: DeserializeOwned>(
        &self,
        key: &Key,
        shelf: &Shelf,
        name: &str,
        path: &Path,
    ) -> Result<Option<T>> {
        let bytes = files::read(path, sealed::LIMIT).map_err(|error| {
            Error::store(format!("{} cannot be read: {}", path.display(), io_words(&error)))
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
        let damaged = |what| {
            Error::store(format!("{} {what}", path.display()))
                .next("nothing was changed; restore it from a backup, or remove that file and store the credential again")
        };
        let plain = key.open(&full_name(shelf, name), &bytes).map_err(|unopened| match unopened {
            Unopened::NotABox => damaged("is no sealed file of this version"),
            Unopened::OtherKey => damaged("was sealed with another key"),
            Unopened::Damaged => damaged("is damaged"),
        })?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| damaged("holds something unknown"))
    }

    /// The file in which this identity is, or would be, on the shelf.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn file(&self, shelf: &Shelf, identity: &[u8]) -> Result<PathBuf> {
        Ok(self.dir(shelf).join(self.key()?.name(identity)))
    }

    fn dir(&self, shelf: &Shelf) -> PathBuf {
        self.paths.store.join(shelf.folder())
    }

    /// The names of the boxes in a folder, sorted.
    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let mut names = list(&self.paths.store.join(folder))?;
        names.retain(|name| name.len() == 32 && unhex(name).is_some());
        names.sort();
        Ok(names)
    }

    fn unwritable(&self, error: &io::Error) -> Error {
        Error::store(format!("{} cannot be written: {}", self.paths.store.display(), io_words(error)))
            .next("nothing was changed")
    }
}

/// What a box is sealed as: its shelf and its own name.
fn full_name(shelf: &Shelf, name: &str) -> String {
    format!("{} {} {name}", shelf.kind, shelf.what)
}

/// What is in a folder; nothing where there is no folder.
fn list(dir: &Path) -> Result<Vec<String>> {
    let unreadable =
        |error: io::Error| Error::store(format!("{} cannot be read: {}", dir.display(), io_words(&error)));
    match fs::read_dir(dir) {
        Ok(entries) => entries
            .map(|entry| Ok(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned()))
            .collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(unreadable(error)),
    }
}
