//! What only the holder of a session's lock may write: the lock is part of it.

use super::journal::Intent;
use super::profile::{Profile, ProfileName};
use super::{IDENTITY, Session, Sessions, follow, journal, rescue};
use crate::error::{Error, Result};
use crate::os::fault;
use crate::store::Shelf;
use crate::store::lock::Lock;

/// A login whose lock is held as long as this lives.
#[derive(Debug)]
pub struct Locked<'s, 'a> {
    pub sessions: &'s Sessions<'a>,
    pub name: &'s ProfileName,
    _lock: Lock,
}

impl<'s, 'a> Locked<'s, 'a> {
    /// The login of this name, whose `lock` is held.
    pub fn new(sessions: &'s Sessions<'a>, name: &'s ProfileName, lock: Lock) -> Self {
        Locked { sessions, name, _lock: lock }
    }

    /// Writes the intent so that it survives a power cut.
    pub fn write_intent(&self, intent: &Intent) -> Result<()> {
        journal::write(self.sessions.paths, self.name, intent)
    }

    /// Writes down how it failed. Where that cannot be done the intent stands as it was: in doubt.
    pub fn note(&self, intent: &Intent) {
        let _ = self.write_intent(intent);
    }

    /// Removes the intent.
    pub fn clear_intent(&self) {
        journal::clear(self.sessions.paths, self.name);
    }

    /// Puts the session into the store; what was rescued is then out of date.
    pub fn put(&self, session: &Session) -> Result<()> {
        fault::disk("box").map_err(|error| Error::io("the store cannot be written", &error))?;
        self.sessions.store.put(&Shelf::session(self.name.as_str()), IDENTITY, session)?;
        rescue::forget(self.sessions.paths, self.name);
        Ok(())
    }

    /// Writes the profile and the mark.
    pub fn save(&self, profile: &Profile) -> Result<()> {
        let saved = profile.save(self.sessions.paths);
        fault::point("profile");
        self.sessions.mark(profile);
        fault::point("mark");
        saved
    }

    /// The profile and the mark follow the box. If they cannot, the next run mends them: the login itself is safe.
    pub fn follow_up(&self, profile: &mut Profile, session: &Session) {
        follow(profile, session);
        let _ = self.save(profile);
    }

    /// Mends what a process left that died after the box, or could not write it.
    pub fn take_home(&self, profile: &mut Profile, session: &Session) {
        if rescue::is_there(self.sessions.paths, self.name) && self.put(session).is_err() {
            return;
        }
        self.follow_up(profile, session);
    }

    /// Removes what lies beside the box of a login that ends or begins anew.
    pub fn forget_all_but_the_box(&self) {
        rescue::forget(self.sessions.paths, self.name);
        self.clear_intent();
        self.sessions.forget_refusal(self.name);
    }
}
