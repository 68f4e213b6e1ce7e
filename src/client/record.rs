//! What `configure` did, in the order it was done; undoing goes the other way. Two commands at once take turns.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::change::{Change, Trace};
use super::{Client, link};
use crate::error::{Error, Kind, Result};
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::os::{disk, files, ownership};
use crate::store::lock::{Lock, if_it_stays_so, turn};

const LOCK: &str = "configured.lock";

/// How long another `configure` may take.
const TURN: Duration = Duration::from_secs(60);

const LIMIT: u64 = 1024 * 1024;

/// The record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Record {
    #[serde(default)]
    steps: Vec<Step>,
}

/// One change, and for whom it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The client's name.
    pub client: String,
    /// The change.
    pub change: Change,
    /// Whether it was made, and not only about to be when somebody pulled the plug.
    #[serde(default = "yes")]
    made: bool,
    #[serde(default)]
    trace: Trace,
}

fn yes() -> bool {
    true
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was made.
    Made(Change),
    /// It was taken back.
    TakenBack(Change),
    /// It stays, since another client needs it.
    Kept(Change),
    /// It stays, since somebody changed it.
    Changed(Change),
}

impl Record {
    /// Reads the record.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is not ours.
    pub fn load(paths: &Paths) -> Result<Record> {
        disk::settled(&path(paths), || Record::load_once(paths))
    }

    fn load_once(paths: &Paths) -> Result<Record> {
        let path = path(paths);
        let undo_by_hand = "remove it, and undo by hand";
        let bytes = read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Error::refused(format!(
                "{} belongs to somebody else, or others may write it: what it says is not done",
                path.display()
            ))
            .next(if is_of_another(&path) { "run it as that user" } else { undo_by_hand }),
            _ => Error::io(format_args!("cannot read {}", path.display()), &error),
        })?;
        let Some(bytes) = bytes else { return Ok(Record::default()) };
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|_| Error::failed(format!("{} is damaged", path.display())).next(undo_by_hand))?;
        match record.steps.iter().all(|step| step.change.could_be_ours() && step.trace.could_be_ours()) {
            true => Ok(record),
            false => Err(Error::refused(format!(
                "{} names a change that this program never makes: nothing of it is undone",
                path.display()
            ))
            .next(undo_by_hand)),
        }
    }

    /// What was changed. What was only about to be, and is not there, was not.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(|step| step.made || step.change.is_done())
    }

    /// Whether we made the change for another client and not yet for this one: two clients may look for the
    /// helper under one name, and the link stays until both are taken back.
    fn is_shared(&self, client: &str, change: &Change) -> bool {
        let mut clients =
            self.steps.iter().filter(|step| step.change.is_same(change)).map(|step| &step.client);
        clients.clone().next().is_some() && clients.all(|other| other != client)
    }

    /// Of the changes that a client needs, those that are missing.
    pub fn missing(&self, client: &dyn Client, changes: Vec<Change>) -> Vec<Change> {
        let is_missing = |change: &Change| !change.is_done() || self.is_shared(client.name(), change);
        changes.into_iter().filter(is_missing).collect()
    }

    fn save(&self, paths: &Paths) -> Result<()> {
        let path = path(paths);
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::failed(error.to_string()))?;
        files::private_dir(&paths.state)
            .and_then(|()| files::replace(&path, &bytes))
            .map_err(|error| files::failure(format_args!("cannot write {}", path.display()), &error))
    }
}

/// The record, held: nobody else changes it, nor what it is about, meanwhile.
pub struct Held<'a> {
    paths: &'a Paths,
    /// The record as it is now.
    pub record: Record,
    _lock: Lock,
}

impl<'a> Held<'a> {
    /// Waits for our turn, and reads the record.
    ///
    /// # Errors
    /// Another command takes too long; those of [`Record::load`].
    pub fn take(paths: &'a Paths) -> Result<Held<'a>> {
        let lock = lock(paths)?;
        Ok(Held { paths, record: Record::load(paths)?, _lock: lock })
    }

    /// Makes the changes for a client, and tells of each that was made.
    ///
    /// # Errors
    /// One cannot be made: then those before it are taken back.
    pub fn make(
        &mut self,
        client: &dyn Client,
        changes: Vec<Change>,
        mut tell: impl FnMut(Done),
    ) -> Result<()> {
        if let Some(odd) = changes.iter().find(|change| !change.could_be_ours()) {
            return Err(Error::refused(format!("this could not be taken back: {}", odd.words()))
                .next("correct what stands there now, then try again"));
        }
        let mut made: Vec<Step> = Vec::new();
        for change in changes {
            self.make_room_for(&change)?;
            let is_recorded = self.record.steps.iter().any(|step| step.change.is_same(&change));
            let is_done = change.is_done();
            let before = self.record.steps.clone();
            // What it took to make it for another client, it takes to undo it for this one.
            let known = before.iter().find(|step| is_done && step.change.is_same(&change)).cloned();
            self.record.steps.retain(|step| step.client != client.name() || !step.change.is_same(&change));
            let trace = known.as_ref().map(|step| step.trace.clone()).unwrap_or_default();
            let step =
                Step { client: client.name().to_owned(), change: change.clone(), made: is_done, trace };
            self.record.steps.push(step);
            // Recorded first: a change that was made and not recorded could not be taken back.
            self.record.save(self.paths)?;
            if is_done {
                continue;
            }
            match change.make(is_recorded) {
                Ok(Some(trace)) => {
                    if let Some(step) = self.record.steps.last_mut() {
                        (step.made, step.trace) = (true, trace);
                        made.push(step.clone());
                    }
                    self.record.save(self.paths)?;
                    tell(Done::Made(change));
                }
                unmade => {
                    self.record.steps = before;
                    self.record.save(self.paths)?;
                    if let Err(error) = unmade {
                        self.unmake(made, &mut tell)?;
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// Half of what a client needs is of no use to it.
    fn unmake(&mut self, made: Vec<Step>, tell: &mut impl FnMut(Done)) -> Result<()> {
        for step in made.into_iter().rev() {
            if step.change.take_back(&step.trace).unwrap_or_default() {
                self.record.steps.retain(|known| *known != step);
                self.record.save(self.paths)?;
                tell(Done::TakenBack(step.change));
            }
        }
        Ok(())
    }

    /// Forgets the links of a client that are gone, since the program is somewhere else now: a client that is configured
    /// anew needs others.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn forget_gone_links(&mut self, client: &dyn Client, needed: &[Change]) -> Result<()> {
        let is_gone = |step: &Step| {
            let is_needed = || needed.iter().any(|change| change.is_same(&step.change));
            matches!(&step.change, Change::Link { path } if step.client == client.name() && link::is_gone(path))
                && !is_needed()
        };
        let known = self.record.steps.len();
        self.record.steps.retain(|step| !is_gone(step));
        if self.record.steps.len() == known { Ok(()) } else { self.record.save(self.paths) }
    }

    /// Takes back what the change supersedes, so that undoing it leads to what was there before either.
    fn make_room_for(&mut self, change: &Change) -> Result<()> {
        while let Some(at) = self.record.steps.iter().rposition(|step| change.supersedes(&step.change)) {
            let step = self.record.steps.remove(at);
            step.change.take_back(&step.trace)?;
            self.record.save(self.paths)?;
        }
        Ok(())
    }

    /// Takes back what was made for a client, or for all, and tells of each.
    ///
    /// # Errors
    /// One cannot be taken back: it stays recorded, with what that client needs for it. Other clients' are taken back.
    pub fn take_back(&mut self, client: Option<&dyn Client>, mut tell: impl FnMut(Done)) -> Result<()> {
        let mut failed: Vec<(String, Error)> = Vec::new();
        for step in self.record.of(client).rev() {
            if failed.iter().any(|(client, _)| *client == step.client) {
                continue;
            }
            let mut rest = self.record.steps.clone();
            rest.retain(|known| *known != step);
            let is_needed =
                rest.iter().any(|other| other.change.is_same(&step.change) && other.client != step.client);
            let done = if is_needed {
                Done::Kept(step.change)
            } else {
                match step.change.take_back(&step.trace) {
                    Ok(true) => Done::TakenBack(step.change),
                    Ok(false) => Done::Changed(step.change),
                    Err(error) => {
                        failed.push((step.client, error));
                        continue;
                    }
                }
            };
            self.record.steps = rest;
            self.record.save(self.paths)?;
            tell(done);
        }
        failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }
}

impl Record {
    /// The steps of a client, or all.
    pub fn of(&self, client: Option<&dyn Client>) -> impl DoubleEndedIterator<Item = Step> + use<> {
        let is_its = |step: &&Step| client.is_none_or(|client| client.name() == step.client);
        self.steps().filter(is_its).cloned().collect::<Vec<_>>().into_iter()
    }
}

/// Whether this is root, and the record somebody else's: who would miss it.
#[cfg(unix)]
fn is_of_another(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    rustix::process::geteuid().is_root() && path.symlink_metadata().is_ok_and(|found| found.uid() != 0)
}

#[cfg(not(unix))]
fn is_of_another(_: &Path) -> bool {
    false
}

fn path(paths: &Paths) -> PathBuf {
    paths.state.join("configured.json")
}

/// Waits until no other command changes a configuration, on this host or another that shares the home.
fn lock(paths: &Paths) -> Result<Lock> {
    turn(paths, LOCK, Deadline::after(TURN)).map_err(|error| match error.kind() {
        Kind::TimedOut => Error::timed_out("another seqera configure has not ended")
            .next(if_it_stays_so(&paths.state.join(LOCK))),
        _ => error,
    })
}

/// Reads the record, where it is a regular file of this user's that nobody else may write; else permission is denied.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32,
    );
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if path.is_symlink() => return Err(io::ErrorKind::PermissionDenied.into()),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    #[cfg(unix)]
    let is_private = {
        use std::os::unix::fs::MetadataExt;
        found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0 && found.nlink() == 1
    };
    #[cfg(not(unix))]
    let is_private = true;
    if !found.is_file() || !(is_private || ownership::trusts()) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
