//! Where secrets rest: sealed files, a folder for each place they are for, and the key that opens them in the
//! keychain or beside them.
//!
//! Readers take no lock: a file is replaced whole. Writers take the store's lock, so that the key is made
//! once and nobody removes what another has just replaced. A box that cannot be opened hides no other: it is
//! reported beside what could be read, and gives way to what is stored in its place.

mod kernel;
pub mod key;
pub mod keychain;
pub mod lock;
pub mod owner;
pub mod sealed;
mod shelf;
mod unreadable;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::disk;
use crate::os::fault;
use crate::os::files;
use crate::os::hex::unhex;
use crate::os::paths::Paths;
use crate::target::Target;
use lock::Lock;
use sealed::Key;

pub use shelf::Shelf;
pub use unreadable::{Unreadable, Why};

/// An opened box.
#[derive(Debug)]
pub struct Opened<T> {
    name: String,
    /// What was in it.
    pub content: T,
}

/// What a look at a shelf found.
#[derive(Debug)]
pub struct Found<T> {
    /// What could be read.
    pub opened: Vec<Opened<T>>,
    /// The boxes that could not.
    pub unreadable: Vec<Unreadable>,
}

impl<T> Found<T> {
    fn nothing() -> Self {
        Found { opened: Vec::new(), unreadable: Vec::new() }
    }

    /// The contents of what could be read.
    pub fn contents(self) -> impl Iterator<Item = T> {
        self.opened.into_iter().map(|opened| opened.content)
    }

    /// The one content of a shelf that holds one.
    ///
    /// # Errors
    /// There is only a box that cannot be read.
    pub fn only(self) -> Result<Option<T>> {
        match (self.opened.into_iter().next(), self.unreadable.first()) {
            (Some(opened), _) => Ok(Some(opened.content)),
            (None, Some(unreadable)) => Err(unreadable.error()),
            (None, None) => Ok(None),
        }
    }
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
    /// A locked, absent, denied or mute keychain; a store that others own or may write.
    pub fn read<T: DeserializeOwned>(&self, shelf: &Shelf) -> Result<Found<T>> {
        self.read_folder(&shelf.folder())
    }

    /// Every shelf of one kind that has boxes, read.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_kind<T: DeserializeOwned>(&self, kind: &str) -> Result<Found<T>> {
        let mut all = Found::nothing();
        for folder in self.folders()?.iter().filter(|folder| Shelf::kind_of(folder) == Some(kind)) {
            let Found { opened, unreadable } = self.read_folder(folder)?;
            all.opened.extend(opened);
            all.unreadable.extend(unreadable);
        }
        Ok(all)
    }

    /// How many boxes there are of each kind, without opening any.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn count(&self) -> Result<Vec<(String, usize)>> {
        let mut kinds: Vec<(String, usize)> = Vec::new();
        for folder in self.folders()? {
            let Some(kind) = Shelf::kind_of(&folder) else { continue };
            let boxes = self.names(&folder)?.len();
            match kinds.iter_mut().find(|(known, _)| known == kind) {
                Some((_, count)) => *count += boxes,
                None => kinds.push((kind.to_owned(), boxes)),
            }
        }
        kinds.retain(|(_, boxes)| *boxes > 0);
        Ok(kinds)
    }

    /// The servers of the shelves of one kind that have boxes, where their names tell; no box is opened.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn servers(&self, kind: &str) -> Result<Vec<Target>> {
        let mut servers = Vec::new();
        for folder in self.folders()?.iter().filter(|folder| Shelf::kind_of(folder) == Some(kind)) {
            if let Some(server) = Shelf::server_of(folder)
                && !self.names(folder)?.is_empty()
            {
                servers.push(server);
            }
        }
        Ok(servers)
    }

    /// Whether anything is on a shelf; nothing of it is opened.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn holds(&self, shelf: &Shelf) -> Result<bool> {
        Ok(!self.names(&shelf.folder())?.is_empty())
    }

    /// Every box that cannot be read, whatever it is for; `fits` says whether what is in a box of a kind is that.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn unreadable(&self, fits: impl Fn(&str, &[u8]) -> bool) -> Result<Vec<Unreadable>> {
        let mut all = Vec::new();
        for folder in self.folders()? {
            let Some(kind) = Shelf::kind_of(&folder) else { continue };
            let names = self.names(&folder)?;
            if names.is_empty() {
                continue;
            }
            let key = self.key()?;
            for name in names {
                match self.open_plain(&key, &folder, &name) {
                    Ok(plain) if plain.as_ref().is_some_and(|plain| !fits(kind, plain)) => {
                        all.push(Unreadable::new(self.paths.store.join(&folder).join(name), Why::Unknown));
                    }
                    Ok(_) => {}
                    Err(unreadable) => all.push(unreadable),
                }
            }
        }
        Ok(all)
    }

    fn read_folder<T: DeserializeOwned>(&self, folder: &str) -> Result<Found<T>> {
        let names = self.names(folder)?;
        let mut found = Found::nothing();
        if names.is_empty() {
            return Ok(found);
        }
        let key = self.key()?;
        for name in names {
            match self.open(&key, folder, &name) {
                // A box that vanished since was removed or replaced by another process: not ours to report.
                Ok(content) => found.opened.extend(content.map(|content| Opened { name, content })),
                Err(unreadable) => {
                    log::warn!("{unreadable}");
                    found.unreadable.push(unreadable);
                }
            }
        }
        Ok(found)
    }

    /// Puts `content` on the shelf, replacing what was there under the same `identity`, readable or not. Tells
    /// what the person should hear, when the store was made just now.
    ///
    /// # Errors
    /// As [`Store::read`]; the disk; a content that is too large to be read again.
    pub fn put<T: Serialize>(&self, shelf: &Shelf, identity: &[u8], content: &T) -> Result<Option<String>> {
        let (_lock, key, notice) = self.open_for_writing()?;
        fault::point("put");
        let dir = self.dir(shelf);
        files::private_dir(&dir).map_err(|error| self.unwritable(&error))?;
        let name = key.name(identity);
        let sealed = self.sealed(&key, shelf, &name, content)?;
        if sealed.len() as u64 > sealed::LIMIT {
            return Err(Error::failed("the secret is too large to be stored"));
        }
        let path = dir.join(&name);
        files::replace(&path, &sealed).map_err(|error| self.unwritable(&error))?;
        self.must_read_back(&path, &sealed)?;
        let mut replaced = self.names(&shelf.folder())?;
        let of_another_key = self.only_of_another_key(&key, &shelf.folder())?;
        replaced
            .retain(|other| *other != name && (shelf.holds_one() || Some(other) == of_another_key.as_ref()));
        for other in replaced {
            files::remove(&dir.join(other)).map_err(|error| self.unwritable(&error))?;
        }
        files::sweep(&dir, Duration::ZERO);
        Ok(notice)
    }

    /// A disk that says yes and keeps something else must not be believed.
    fn must_read_back(&self, path: &Path, sealed: &[u8]) -> Result<()> {
        let kept = files::read(path, sealed::LIMIT).map_err(|error| unreadable_file(path, &error))?;
        match kept.as_deref() == Some(sealed) {
            true => Ok(()),
            false => Err(Error::store(format!("{} does not read back as it was written", path.display()))
                .next("see what its disk is doing, or set SEQERA_HELPER_HOME to a folder on another")),
        }
    }

    /// The box that another key sealed, where there is one: its name tells nothing of its identity, and the one
    /// that is stored or erased now is most likely it. Of several nobody can tell which.
    fn only_of_another_key(&self, key: &Key, folder: &str) -> Result<Option<String>> {
        let mut of_others = self.names(folder)?.into_iter().filter(|name| {
            let opened = self.open::<IgnoredAny>(key, folder, name);
            opened.is_err_and(|unreadable| unreadable.why == Why::OtherKey)
        });
        let first = of_others.next();
        Ok(if of_others.next().is_none() { first } else { None })
    }

    /// Removes from the shelf what `unwanted` says of the boxes as they are now; of those that cannot be read,
    /// the ones that may have this `identity`, or all where none is given.
    ///
    /// # Errors
    /// As [`Store::read`]; the disk.
    pub fn remove<T: DeserializeOwned>(
        &self,
        shelf: &Shelf,
        identity: Option<&[u8]>,
        unwanted: impl Fn(&T) -> bool,
    ) -> Result<usize> {
        // Asked first without the lock: where nothing is to be removed nothing is written.
        if self.doomed(shelf, identity, &unwanted)?.is_empty() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let doomed = self.doomed(shelf, identity, &unwanted)?;
        self.remove_boxes(shelf, &doomed)?;
        Ok(doomed.len())
    }

    fn doomed<T: DeserializeOwned>(
        &self,
        shelf: &Shelf,
        identity: Option<&[u8]>,
        unwanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<String>> {
        let Found { opened, unreadable } = self.read::<T>(shelf)?;
        let doomed = opened.into_iter().filter(|opened| unwanted(&opened.content));
        let mut doomed: Vec<String> = doomed.map(|opened| opened.name).collect();
        if unreadable.is_empty() {
            return Ok(doomed);
        }
        let key = self.key()?;
        let other = self.only_of_another_key(&key, &shelf.folder())?;
        let may_be_it = |name: &String| match identity {
            Some(identity) => *name == key.name(identity) || Some(name) == other.as_ref(),
            None => true,
        };
        doomed.extend(unreadable.into_iter().filter_map(|unreadable| unreadable.name()).filter(may_be_it));
        Ok(doomed)
    }

    /// Removes everything on the shelf, opened or not.
    pub fn clear(&self, shelf: &Shelf) -> Result<()> {
        if self.names(&shelf.folder())?.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        self.remove_boxes(shelf, &self.names(&shelf.folder())?)
    }

    fn remove_boxes(&self, shelf: &Shelf, names: &[String]) -> Result<()> {
        let dir = self.dir(shelf);
        for name in names {
            files::remove(&dir.join(name)).map_err(|error| self.unwritable(&error))?;
        }
        files::sweep(&dir, Duration::ZERO);
        // A shelf with boxes on it stays: the system refuses to remove a folder that is not empty.
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
        let plain = key.open(&full_name(&shelf.folder(), &key.name(identity)), sealed);
        let damaged = || Error::store("a sealed file is damaged");
        serde_json::from_slice(&plain.map_err(|_| damaged())?).map_err(|_| damaged())
    }

    /// Makes the store if there is none, so that where its key lives is settled. Tells what the person
    /// should hear.
    pub fn prepare(&self) -> Result<Option<String>> {
        self.open_for_writing().map(|(_, _, notice)| notice)
    }

    /// Moves the key to the other place. Whenever that is cut off, the key is in one of the two.
    ///
    /// # Errors
    /// There is no key yet, or it cannot be had; the keychain; the disk.
    pub fn move_key(&self, to: key::KeyPlace) -> Result<()> {
        if key::place(self.paths)?.is_none() {
            return Err(key::nowhere(to));
        }
        let _lock = self.lock()?;
        key::move_to(self.paths, to, self.deadline)
    }

    fn open_for_writing(&self) -> Result<(Lock, Key, Option<String>)> {
        files::private_dir(&self.paths.store).map_err(|error| self.unwritable(&error))?;
        let lock = self.lock()?;
        if let Some(key) = self.find_key()? {
            return Ok((lock, key, None));
        }
        if !self.count()?.is_empty() {
            return Err(self.key_is_gone());
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
        key.seal(&full_name(&shelf.folder(), name), &plain)
    }

    fn open<T: DeserializeOwned>(
        &self,
        key: &Key,
        folder: &str,
        name: &str,
    ) -> Result<Option<T>, Unreadable> {
        let Some(plain) = self.open_plain(key, folder, name)? else { return Ok(None) };
        let unknown = |_| Unreadable::new(self.paths.store.join(folder).join(name), Why::Unknown);
        serde_json::from_slice(&plain).map(Some).map_err(unknown)
    }

    fn open_plain(
        &self,
        key: &Key,
        folder: &str,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Unreadable> {
        let path = self.paths.store.join(folder).join(name);
        let open = || open_once(key, folder, name, &path);
        match open() {
            Err(unreadable) if unreadable.may_settle() => disk::settled(&path, open),
            outcome => outcome,
        }
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

    fn folders(&self) -> Result<Vec<String>> {
        let mut folders = list(&self.paths.store)?;
        folders.sort();
        Ok(folders)
    }

    /// The names of the boxes in a folder, sorted.
    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let mut names = list(&self.paths.store.join(folder))?;
        names.retain(|name| name.len() == 32 && unhex(name).is_some());
        names.sort();
        Ok(names)
    }

    fn unwritable(&self, error: &io::Error) -> Error {
        files::failure(format_args!("{} cannot be written", self.paths.store.display()), error)
    }
}

fn open_once(
    key: &Key,
    folder: &str,
    name: &str,
    path: &Path,
) -> Result<Option<Zeroizing<Vec<u8>>>, Unreadable> {
    let unreadable = |why| Unreadable::new(path.to_path_buf(), why);
    let bytes = files::read(path, sealed::LIMIT).map_err(|error| unreadable(Why::of(&error)))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let plain = key.open(&full_name(folder, name), &bytes);
    plain.map(Some).map_err(|why| unreadable(why.into()))
}

/// What a box is sealed as: its shelf and its own name.
fn full_name(folder: &str, name: &str) -> String {
    let (kind, what) = folder.split_once('+').unwrap_or((folder, ""));
    format!("{kind} {what} {name}")
}

fn unreadable_file(path: &Path, error: &io::Error) -> Error {
    files::failure(format_args!("{} cannot be read", path.display()), error)
}

/// What is in a folder; nothing where there is no folder.
fn list(dir: &Path) -> Result<Vec<String>> {
    let unreadable = |error: io::Error| {
        // Whose they are says more than that they are closed.
        let owned = dir.parent().into_iter().chain([dir]).try_for_each(files::only_own_dir);
        unreadable_file(dir, &owned.err().unwrap_or(error))
    };
    match files::names(dir) {
        Ok(names) => Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(unreadable(error)),
    }
}
