//! Giving a login another name, and forgetting one.
//!
//! A refresh token within reach under two names would be used twice, and the server would end the session. So
//! a login is where its profile's file is, and moving it is the one rename of that file: before it the copy
//! under the new name is nobody's, after it the one under the old name is.

use super::{Locked, Session, Sessions, journal, not_logged_in, note_unmarked, rescue};
use crate::error::{Error, Result};
use crate::os::fault;
use crate::session::mark::Mark;
use crate::session::profile::{Profile, ProfileName};
use crate::store::Shelf;

impl Sessions<'_> {
    /// Gives the login `old` the name `new`, in this shell's choice and in the prompts too.
    ///
    /// # Errors
    /// There is no `old`, or there is a `new`; the store.
    pub fn rename(&self, old: &ProfileName, new: &ProfileName) -> Result<Profile> {
        if old.as_str().eq_ignore_ascii_case(new.as_str()) {
            // Where the file system does not tell them apart they would share one lock.
            return Err(Error::usage("the names differ in nothing but upper and lower case"));
        }
        // Always in the same order, so that two renames the other way round do not wait for each other.
        let (first, second) = if old < new { (old, new) } else { (new, old) };
        let locks = (self.lock(first)?, self.lock(second)?);
        let (before, after) = if first == old { (&locks.0, &locks.1) } else { (&locks.1, &locks.0) };
        self.copy(old, after)?;
        fault::point("profile-copied");
        Profile::rename(self.paths, old, new)?;
        fault::point("profile-renamed");
        let profile = self.settle(before, after)?;
        drop(locks);
        self.forget_pass(old)?;
        Ok(profile)
    }

    fn copy(&self, old: &ProfileName, locked: &Locked<'_, '_>) -> Result<()> {
        let new = locked.name;
        Profile::load(self.paths, old)?.ok_or_else(|| not_logged_in(old))?;
        if Profile::load(self.paths, new)?.is_some() {
            return Err(Error::usage(format!("there is a profile '{new}' already"))
                .next(format!("choose another name, or remove it first with: seqera profile remove {new}")));
        }
        rescue::forget(self.paths, new);
        locked.clear_intent();
        if let Some(session) = self.load(old)? {
            locked.put(&session)?;
        }
        match journal::find(self.paths, old) {
            Some(intent) => locked.write_intent(&intent),
            None => Ok(()),
        }
    }

    /// What follows the profile's file. A process that dies in here leaves the login whole under its new name.
    fn settle(&self, before: &Locked<'_, '_>, after: &Locked<'_, '_>) -> Result<Profile> {
        let (old, new) = (before.name, after.name);
        if Profile::chosen(self.paths) == *old {
            Profile::choose(self.paths, new)?;
        }
        let profile = Profile::load(self.paths, new)?.ok_or_else(|| not_logged_in(new))?;
        after.save(&profile)?;
        self.store.clear(&Shelf::session(old.as_str()))?;
        self.forget_traces(old);
        Ok(profile)
    }

    /// Ends a session here and forgets its name. Where it was the chosen one, `default` is chosen. Answers what
    /// was in the box, whose tokens are the caller's to give back.
    pub fn remove(&self, name: &ProfileName) -> Result<Option<Session>> {
        let session = self.end(name)?;
        self.forget_traces(name);
        if Profile::chosen(self.paths) == *name {
            let default = ProfileName::default_name();
            Profile::choose(self.paths, &default)?;
            match Profile::load(self.paths, &default)? {
                Some(profile) => self.mark(&profile),
                None => self.mark_logged_out(&default),
            }
        }
        Ok(session)
    }

    /// The empty lock file stays: a waiter must not get a lock that the next one does not see.
    fn forget_traces(&self, name: &ProfileName) {
        rescue::forget(self.paths, name);
        journal::clear(self.paths, name);
        self.forget_refusal(name);
        note_unmarked(Mark::remove(self.paths, name));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::os::deadline::Deadline;
    use crate::os::files;
    use crate::os::paths::Paths;
    use crate::provider::ProviderId;
    use crate::secret::Secret;
    use crate::session::profile::Method;
    use crate::session::{Grant, Want};

    struct House {
        _folder: tempfile::TempDir,
        paths: Paths,
    }

    impl House {
        /// A house whose key is in a file, as it is where somebody has asked for that before.
        fn new() -> House {
            let folder = tempfile::tempdir().unwrap();
            let paths = Paths { rescue: None, ..Paths::below(folder.path()) };
            files::private_dir(&paths.store).unwrap();
            let key = format!("seqera-credential-helper key 1\n{}\n", "5a".repeat(32));
            files::replace(&paths.store.join("key"), key.as_bytes()).unwrap();
            House { _folder: folder, paths }
        }

        fn sessions(&self) -> Sessions<'_> {
            Sessions::new(&self.paths, Deadline::after(Duration::from_secs(10)))
        }

        fn log_in(&self, name: &str, token: &str) -> Option<Session> {
            let endpoint = Endpoint::fixed("http://127.0.0.1:9/api");
            let mut profile =
                Profile::new(name.parse().unwrap(), ProviderId::SEQERA, endpoint, Method::Token);
            let session = Session {
                generation: 0,
                access: Secret::from(token),
                issued_at: 1_700_000_000,
                access_expires_at: None,
                grant: Grant::Brought,
                bound: None,
            };
            self.sessions().begin(&mut profile, session).unwrap().0
        }

        /// The token that a name gives, if any.
        fn token(&self, name: &str) -> Option<String> {
            let fresh = self.sessions().fresh(&name.parse().unwrap(), &Want::default()).ok()?;
            assert_eq!(fresh.profile.name.as_str(), name);
            fresh.token.expose_str().map(str::to_owned)
        }
    }

    fn names() -> (ProfileName, ProfileName) {
        ("work".parse().unwrap(), "lab".parse().unwrap())
    }

    #[test]
    fn a_login_has_one_name_whenever_the_renaming_is_cut_off() {
        let (old, new) = names();
        let house = House::new();
        house.log_in("work", "one");
        Profile::choose(&house.paths, &old).unwrap();

        let sessions = house.sessions();
        sessions.copy(&old, &sessions.lock(&new).unwrap()).unwrap();
        assert_eq!((house.token("work").as_deref(), house.token("lab")), (Some("one"), None));
        Profile::rename(&house.paths, &old, &new).unwrap();
        assert_eq!((house.token("work"), house.token("lab").as_deref()), (None, Some("one")));
        sessions.settle(&sessions.lock(&old).unwrap(), &sessions.lock(&new).unwrap()).unwrap();
        assert_eq!((house.token("work"), house.token("lab").as_deref()), (None, Some("one")));
        assert_eq!(Profile::list(&house.paths).unwrap(), std::slice::from_ref(&new));
        assert_eq!(Profile::chosen(&house.paths), new);
        assert!(Mark::read(&house.paths, Some(&old)).is_none());
        assert!(Mark::read(&house.paths, None).unwrap().generation.starts_with("lab.1"));
    }

    #[test]
    fn what_a_cut_off_renaming_left_is_never_given_back() {
        let (old, new) = names();
        for committed in [false, true] {
            let house = House::new();
            house.log_in("work", "one");
            let sessions = house.sessions();
            sessions.copy(&old, &sessions.lock(&new).unwrap()).unwrap();
            if committed {
                Profile::rename(&house.paths, &old, &new).unwrap();
            }
            let (kept, left) = if committed { ("lab", "work") } else { ("work", "lab") };
            assert_eq!(house.sessions().end(&left.parse().unwrap()).unwrap(), None);
            assert_eq!(house.log_in(left, "two"), None, "the caller would revoke it");
            assert_eq!(house.token(kept).as_deref(), Some("one"));
            assert_eq!(house.token(left).as_deref(), Some("two"));
        }
    }

    #[test]
    fn no_login_is_renamed_over_another() {
        let (old, new) = names();
        let house = House::new();
        house.log_in("work", "one");
        house.log_in("lab", "two");
        assert!(house.sessions().rename(&old, &new).is_err());
        assert!(house.sessions().rename(&"none".parse().unwrap(), &"x".parse().unwrap()).is_err());
        assert!(house.sessions().rename(&old, &"WORK".parse().unwrap()).is_err());
        assert_eq!(house.token("work").as_deref(), Some("one"));
        assert_eq!(house.token("lab").as_deref(), Some("two"));
    }

    #[test]
    fn a_removed_login_leaves_nothing_but_its_lock() {
        let (old, _) = names();
        let house = House::new();
        house.log_in("work", "one");
        house.log_in("default", "two");
        Profile::choose(&house.paths, &old).unwrap();
        let session = house.sessions().remove(&old).unwrap().unwrap();
        assert_eq!(session.access.expose(), b"one");
        assert_eq!(Profile::chosen(&house.paths), ProfileName::default_name());
        assert!(Mark::read(&house.paths, None).unwrap().generation.starts_with("default.1"));
        assert_eq!(house.token("work"), None);
        for folder in [&house.paths.store, &house.paths.run, &house.paths.state.join("profiles")] {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                assert!(!name.contains("work") || name.starts_with("session+work.lock"), "{name}");
            }
        }
    }
}
