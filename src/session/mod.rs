//! A login's life: what it is, when it is fresh, how it is refreshed and how it ends.
//!
//! The secrets of a session are one sealed box; what is not secret is the [`Profile`]; what a prompt reads is
//! the [`Mark`]. They are written in this order, so the box is the truth and the others follow it: a process
//! that dies in between leaves a profile of an older generation, which the next one mends. A box without a
//! profile is an orphan that a renaming left ([`rename`]): its tokens live on under another name, and are
//! never given back.

mod backoff;
mod bound;
pub mod exports;
pub mod folders;
pub mod inherited;
pub mod jobs;
mod journal;
mod label;
mod locked;
pub mod mark;
pub mod outside;
mod pass;
pub mod profile;
mod refresh;
mod refused;
mod rename;
pub mod renewer;
mod rescue;
pub mod revocation;
mod transaction;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::os::clock::{now, now_ms};
use crate::os::deadline::Deadline;
use crate::os::fault;
use crate::os::files;
use crate::os::paths::Paths;
use crate::provider;
use crate::provider::ProviderId;
use crate::secret::{Secret, sealed_bytes};
use crate::session::mark::Mark;
use crate::session::profile::{Profile, ProfileName};
use crate::store::lock::Lock;
use crate::store::sealed::Key;
use crate::store::{Shelf, Store};
use locked::Locked;

pub use bound::Bound;
pub use pass::Pass;
pub use refresh::{Fresh, Want};
pub use refused::Standing;

/// The secrets of a login, as they rest in a sealed box. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The profile's generation when this was written.
    pub generation: u64,
    /// What is sent to servers.
    #[serde(with = "sealed_bytes")]
    pub access: Secret,
    /// When it was issued, by this machine's clock.
    pub issued_at: u64,
    /// When it ends; nothing where that is not known.
    pub access_expires_at: Option<u64>,
    /// How it was got, and so how it is renewed and given back.
    pub grant: Grant,
    /// Where it may go. Nothing in a box of the first version.
    #[serde(default)]
    pub bound: Option<Bound>,
}

/// How an access token was got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Grant {
    /// An OAuth login.
    Oauth {
        /// Good for the next access token, once.
        #[serde(with = "sealed_bytes::option")]
        refresh: Option<Secret>,
        /// When the refresh token ends, where the server tells.
        expires_at: Option<u64>,
        /// Where it is exchanged. Sealed with it, so that nobody can send it elsewhere.
        token_endpoint: Url,
        /// Where tokens are given back, if anywhere.
        revocation_endpoint: Option<Url>,
        /// Who we are there.
        client_id: String,
    },
    /// A token or key that a person brought.
    Brought,
}

/// How far in the future a token may seem to have been issued, in seconds: hosts that share a home differ.
const CLOCK_SET_BACK: u64 = 300;

/// After so many seconds a token is renewed whose end the server did not tell; RFC 6749 §5.1 lets it.
const UNKNOWN_LIFE: u64 = 3600;

impl Session {
    fn lifetime(&self) -> Option<u64> {
        self.access_expires_at.map(|end| end.saturating_sub(self.issued_at))
    }

    /// Whether the access token has not ended.
    pub fn lives(&self, now: u64) -> bool {
        self.access_expires_at.is_none_or(|end| end > now)
    }

    /// Whether the access token lives for at least `min_ttl` seconds more; without one, for long enough that
    /// its caller can use it: five minutes, or a fifth of a short life.
    pub fn is_fresh(&self, now: u64, min_ttl: Option<u64>) -> bool {
        let renews = self.refresh_token().is_some();
        // Issued in the future: the clock was set back since, and when the token ends cannot be said.
        if renews && self.issued_at > now.saturating_add(CLOCK_SET_BACK) {
            return false;
        }
        let Some(end) = self.access_expires_at else {
            return !renews || self.issued_at.saturating_add(UNKNOWN_LIFE) > now;
        };
        let margin = min_ttl.unwrap_or_else(|| (self.lifetime().unwrap_or_default() / 5).min(300));
        end > now.saturating_add(margin)
    }

    /// The refresh token, where there is one.
    pub fn refresh_token(&self) -> Option<&Secret> {
        match &self.grant {
            Grant::Oauth { refresh, .. } => refresh.as_ref(),
            Grant::Brought => None,
        }
    }

    /// Whether the same client got both at the same server: if the same person agreed, it was to one thing.
    pub fn is_of_one_consent(&self, other: &Session) -> bool {
        match (&self.grant, &other.grant) {
            (
                Grant::Oauth { token_endpoint, client_id, .. },
                Grant::Oauth { token_endpoint: others, client_id: other, .. },
            ) => token_endpoint == others && client_id == other,
            _ => false,
        }
    }

    fn session_expires_at(&self) -> Option<u64> {
        match &self.grant {
            Grant::Oauth { refresh: Some(_), expires_at, .. } => *expires_at,
            _ => self.access_expires_at,
        }
    }
}

/// The sessions of this user.
#[derive(Debug)]
pub struct Sessions<'a> {
    paths: &'a Paths,
    deadline: Deadline,
    to_store: Duration,
    to_answer: Duration,
    store: Store<'a>,
}

/// Kept free at the end of the deadline, to store what the server answers at the last moment.
const TO_STORE: Duration = Duration::from_millis(1_500);

/// Kept free at the end of the deadline, to say that there is no token yet.
const TO_ANSWER: Duration = Duration::from_millis(300);

/// There is one session on a profile's shelf.
const IDENTITY: &[u8] = b"session";

impl<'a> Sessions<'a> {
    /// The sessions; nothing is read yet. All that is done ends by `deadline`.
    pub fn new(paths: &'a Paths, deadline: Deadline) -> Self {
        let left = deadline.left();
        let store = store(paths, deadline);
        Sessions {
            paths,
            deadline,
            to_store: TO_STORE.min(left / 3),
            to_answer: TO_ANSWER.min(left / 4),
            store,
        }
    }

    /// The same sessions, in a store whose key another process has got already.
    pub(self) fn with_key(self, key: Key) -> Self {
        Sessions { store: self.store.with_key(key), ..self }
    }

    /// The token of a login, as `want` wants it, refreshed if need be.
    ///
    /// # Errors
    /// Not logged in; the session has ended; server or network unreachable and the old token dead; the store.
    pub fn fresh(&self, name: &ProfileName, want: &Want<'_>) -> Result<Fresh> {
        refresh::fresh(self, name, want)
    }

    /// The same for a profile that was read just now.
    ///
    /// # Errors
    /// As [`Sessions::fresh`].
    pub fn fresh_of(&self, profile: Profile, want: &Want<'_>) -> Result<Fresh> {
        refresh::fresh_of(self, profile, want)
    }

    /// The secrets of a login; nothing where there is none.
    pub fn load(&self, name: &ProfileName) -> Result<Option<Session>> {
        match self.store.read(&Shelf::session(name.as_str()))?.only() {
            Ok(stored) => rescue::newer(self, name, stored),
            Err(unreadable) => rescue::newer(self, name, None)?.map(Some).ok_or(unreadable),
        }
    }

    /// Begins a session, which replaces the profile's earlier one. Fills in what the profile says of
    /// it. Answers the earlier session, whose tokens are the caller's to give back, and what the person should
    /// hear when the store was made just now.
    pub fn begin(
        &self,
        profile: &mut Profile,
        mut session: Session,
    ) -> Result<(Option<Session>, Option<String>)> {
        let name = profile.name.clone();
        let locked = self.lock(&name)?;
        let earlier = self.load(&profile.name).unwrap_or_default();
        let known = Profile::load(self.paths, &profile.name);
        let is_orphan = matches!(known, Ok(None));
        let known = known.ok().flatten();
        let newest = [earlier.as_ref().map(|s| s.generation), known.as_ref().map(|p| p.generation)];
        // At least the time, in milliseconds: a shell that slept through a logout and a login must not take the one
        // for the other, and the earlier one may have been changed several times in a second.
        session.generation = (newest.into_iter().flatten().max().unwrap_or_default() + 1).max(now_ms());
        session.bound = Some(Bound::of(profile));
        let elsewhere = known.filter(|known| Bound::of(known) != Bound::of(profile));
        if elsewhere.is_some() {
            // A crash before the profile is written must not leave a token of one server with the address of
            // another. So the address goes first: with the box of before it is an ended login, with the new one a
            // login that is behind.
            let (generation, ended_at) = (session.generation - 1, Some(now()));
            Profile { generation, ended_at, ..profile.clone() }.save(self.paths)?;
        }
        let put = self.store.put(&Shelf::session(profile.name.as_str()), IDENTITY, &session);
        let notice = put.inspect_err(|_| {
            // The login of before is as it was, unless only the disk could not promise to keep the new box.
            let kept = self.load(&profile.name).ok().flatten();
            if kept.is_none_or(|kept| kept.generation != session.generation) {
                let _ = elsewhere.map(|earlier| earlier.save(self.paths));
            }
        })?;
        fault::point("login-box");
        locked.forget_all_but_the_box();
        follow(profile, &session);
        locked.save(profile)?;
        Ok((earlier.filter(|_| !is_orphan), notice))
    }

    /// Changes what is not secret: the organization, the workspace, what the server says of the account.
    pub fn change(&self, name: &ProfileName, change: impl FnOnce(&mut Profile)) -> Result<Profile> {
        let locked = self.lock(name)?;
        let mut profile = Profile::load(self.paths, name)?.ok_or_else(|| not_logged_in(name))?;
        change(&mut profile);
        profile.generation += 1;
        locked.save(&profile)?;
        Ok(profile)
    }

    /// Ends a session here: its box, its profile, its journal; the mark says "logged out". Answers what was in
    /// the box, whose tokens are the caller's to give back. A box that cannot be opened is removed all the same.
    pub fn end(&self, name: &ProfileName) -> Result<Option<Session>> {
        let locked = self.lock(name)?;
        let is_orphan = matches!(Profile::load(self.paths, name), Ok(None));
        let session = self.load(name).unwrap_or_default().filter(|_| !is_orphan);
        self.store.clear(&Shelf::session(name.as_str()))?;
        locked.forget_all_but_the_box();
        Profile::remove(self.paths, name)?;
        self.mark_logged_out(name);
        drop(locked);
        self.forget_pass(name)?;
        Ok(session)
    }

    /// Writes the mark of a profile, and that of the chosen one where it is that. Where it cannot be written (the
    /// runtime folder of another user, after su(1)) prompts are wrong, and nothing else is.
    pub fn mark(&self, profile: &Profile) {
        let is_chosen = Profile::chosen(self.paths) == profile.name;
        note_unmarked(Mark::write(self.paths, profile, is_chosen));
    }

    /// Writes the mark that says that a profile is logged out, as [`Sessions::mark`] does.
    fn mark_logged_out(&self, name: &ProfileName) {
        let is_chosen = Profile::chosen(self.paths) == *name;
        note_unmarked(Mark::write_logged_out(self.paths, name, is_chosen));
    }

    fn lock_path(&self, name: &ProfileName) -> std::path::PathBuf {
        self.paths.store.join(format!("session+{name}.lock"))
    }

    fn lock<'s>(&'s self, name: &'s ProfileName) -> Result<Locked<'s, 'a>> {
        self.prepare()?;
        let lock = Lock::acquire(&self.lock_path(name), self.deadline)?;
        Ok(Locked::new(self, name, lock))
    }

    fn prepare(&self) -> Result<()> {
        let store = &self.paths.store;
        files::private_dir(store)
            .map_err(|error| files::failure(format_args!("{} cannot be used", store.display()), &error))
    }
}

/// Whether `plain` is what a box of this `kind` holds; nothing where such boxes are not ours to know.
pub fn fits(kind: &str, plain: &[u8]) -> Option<bool> {
    match kind {
        "session" => Some(serde_json::from_slice::<Session>(plain).is_ok()),
        "registry" => Some(serde_json::from_slice::<Pass>(plain).is_ok()),
        "revocation" => Some(revocation::is_one(plain)),
        _ => None,
    }
}

/// The sealed store of this user, as the configuration wants its key kept.
pub fn store(paths: &Paths, deadline: Deadline) -> Store<'_> {
    Store::new(paths, deadline, |paths| Ok(Config::load(paths)?.key_cache()))
}

/// Goes through what waits on a shelf and takes off it what `settled` says is done. What cannot be opened, or cannot be
/// taken off now, waits on.
fn settle_shelf<T: DeserializeOwned>(
    store: &Store<'_>,
    shelf: &Shelf,
    identity: fn(&T) -> String,
    settled: impl FnMut(&T) -> bool,
) {
    let Ok(waiting) = store.read::<T>(shelf) else { return };
    let mut waiting: Vec<T> = waiting.contents().collect();
    waiting.retain(settled);
    if waiting.is_empty() {
        return;
    }
    let done: Vec<String> = waiting.iter().map(identity).collect();
    let _ = store.remove(shelf, Some(b""), |one: &T| done.contains(&identity(one)));
}

fn note_unmarked(written: Result<()>) {
    if let Err(error) = written {
        log::warn!("prompts do not follow: {error}");
    }
}

/// Makes the profile say what the session is.
fn follow(profile: &mut Profile, session: &Session) {
    profile.generation = session.generation;
    profile.session_generation = session.generation;
    profile.access_expires_at = session.access_expires_at;
    profile.session_expires_at = session.session_expires_at();
    profile.renews = session.refresh_token().is_some();
    profile.ended_at = None;
}

/// The error for a profile without a login.
pub fn not_logged_in(name: &ProfileName) -> Error {
    let others = provider::ALL.iter().skip(1);
    if let Some(owner) = others.copied().find(|id| *name == ProfileName::home_of(*id)) {
        return Error::not_logged_in("Not logged in")
            .next(format!("Run '{} login' to authenticate", owner.name()));
    }
    let error = Error::not_logged_in("you are not logged in");
    match name == &ProfileName::default_name() {
        true => error.next("log in with: seqera login"),
        false => error.next(format!("log in with: seqera login --profile {name}")),
    }
}

fn ended(profile: &Profile, what: &str) -> Error {
    Error::session_ended(what).next(log_in_again(profile.provider, &profile.name, &profile.endpoint))
}

/// What to do about a login that its server does not take any more. A self-hosted installation is named: a
/// login without it goes to the platform's.
pub fn log_in_again(provider: ProviderId, name: &ProfileName, endpoint: &Endpoint) -> String {
    let mut command = format!("{} login", provider.name());
    if *name != ProfileName::home_of(provider) {
        command = format!("{command} --profile {name}");
    }
    if *endpoint != provider.usual_endpoint() {
        command = format!("{command} --endpoint {endpoint}");
    }
    format!("log in again with: {command}")
}

/// A moment, by the clock on the wall.
pub(crate) fn at(seconds: u64) -> String {
    let then = i64::try_from(seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    match then {
        Some(then) => then.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => "after the year 9999".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    /// Issued `age` seconds ago, to live for `life`.
    fn session(age: u64, life: Option<u64>, renews: bool) -> Session {
        let endpoint = Url::parse("https://example.com/token").unwrap();
        let grant = match renews {
            true => Grant::Oauth {
                refresh: Some("r".into()),
                expires_at: None,
                token_endpoint: endpoint,
                revocation_endpoint: None,
                client_id: "c".into(),
            },
            false => Grant::Brought,
        };
        let issued_at = NOW - age;
        let access_expires_at = life.map(|life| issued_at + life);
        Session { generation: 1, access: "a".into(), issued_at, access_expires_at, grant, bound: None }
    }

    #[test]
    fn a_token_is_fresh_until_five_minutes_or_a_fifth_of_its_life_before_its_end() {
        for (life, age, fresh) in [
            (3600, 0, true),
            (3600, 3299, true),
            (3600, 3300, false),
            (3600, 3600, false),
            (60, 47, true),
            (60, 48, false),
            (0, 0, false),
        ] {
            assert_eq!(session(age, Some(life), true).is_fresh(NOW, None), fresh, "{life} s, {age} s old");
        }
    }

    #[test]
    fn a_wished_life_overrides_the_margin() {
        let one_minute_left = session(3540, Some(3600), true);
        assert!(!one_minute_left.is_fresh(NOW, None));
        assert!(one_minute_left.is_fresh(NOW, Some(0)) && one_minute_left.is_fresh(NOW, Some(59)));
        assert!(!one_minute_left.is_fresh(NOW, Some(60)));
        assert!(!one_minute_left.is_fresh(NOW, Some(u64::MAX)));
    }

    #[test]
    fn a_token_without_a_known_end_is_renewed_after_an_hour_and_kept_where_nothing_renews_it() {
        assert!(session(3599, None, true).is_fresh(NOW, None));
        assert!(!session(3600, None, true).is_fresh(NOW, None));
        assert!(session(NOW, None, false).is_fresh(NOW, None));
        assert!(session(3600, None, true).lives(NOW), "it is answered while its server is gone");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_fresh() {
        let mut issued_later = session(0, Some(3600), true);
        issued_later.issued_at = NOW + CLOCK_SET_BACK;
        assert!(issued_later.is_fresh(NOW, None), "hosts differ by so much");
        issued_later.issued_at += 1;
        assert!(!issued_later.is_fresh(NOW, None));
        issued_later.grant = Grant::Brought;
        assert!(issued_later.is_fresh(NOW, None), "nothing would come of it");
    }
}
