//! A token that is fresh: read where it lives, renewed where it does not.
//!
//! A refresh token is good once. Two processes that use the same one, or one that dies between the server's
//! answer and the disk, lose the login. So:
//!
//! 1. A reader takes no lock and no network: a token with enough life left is answered.
//! 2. Otherwise it takes the gate of the session's lock. While it waits it keeps reading: most often the holder's
//!    work is its answer.
//! 3. With the gate it starts [the renewer](super::renewer), which does [the transaction](super::transaction), and
//!    waits for it until its own deadline. Nothing that happens to it meanwhile touches the renewal.
//! 4. Where no process can be started, it does the transaction itself.

use std::time::Duration;

use super::backoff::{self, HeldOff};
use super::profile::{Profile, ProfileName};
use super::renewer::{self, Outcome};
use super::{IDENTITY, Session, Sessions, at, ended, journal, log_in_again, not_logged_in, transaction};
use crate::error::{Error, Kind, Result};
use crate::os::clock::{now, now_ms};
use crate::os::deadline::Deadline;
use crate::os::{disk, fault, process};
use crate::secret::Secret;
use crate::store::Shelf;
use crate::store::lock::{self, Gate, Pause};

/// A token that lives, and whose it is.
#[derive(Debug)]
pub struct Fresh {
    /// The login.
    pub profile: Profile,
    /// The token.
    pub token: Secret,
    /// When it ends, in seconds since 1970; nothing where that is not known.
    pub expires_at: Option<u64>,
    /// What the person should hear although there is a token.
    pub notice: Option<String>,
}

impl Fresh {
    pub(super) fn of(profile: Profile, session: Session, notice: Option<String>) -> Fresh {
        Fresh { profile, token: session.access, expires_at: session.access_expires_at, notice }
    }
}

/// What a caller wants of a token beyond that it lives.
#[derive(Debug, Default, Clone, Copy)]
pub struct Want<'a> {
    /// So many seconds to live; without it, [`Session::is_fresh`] decides.
    pub min_ttl: Option<u64>,
    /// Not this one: a server refused it.
    pub not: Option<&'a Secret>,
}

impl Want<'_> {
    pub(super) fn is_met_by(&self, session: &Session) -> bool {
        session.is_fresh(now(), self.min_ttl) && self.not.is_none_or(|refused| session.access != *refused)
    }

    /// Whether a token that merely lives will not do.
    pub(super) fn insists(&self) -> bool {
        self.min_ttl.is_some() || self.not.is_some()
    }
}

/// Seconds to live with which a token is answered while another process renews it.
const ENOUGH: u64 = 30;

/// See [`Sessions::fresh`].
pub(super) fn fresh(sessions: &Sessions<'_>, name: &ProfileName, want: &Want<'_>) -> Result<Fresh> {
    let found = load(sessions, name)?;
    fresh_of(sessions, found, want)
}

/// See [`Sessions::fresh_of`].
pub(super) fn fresh_of(sessions: &Sessions<'_>, profile: Profile, want: &Want<'_>) -> Result<Fresh> {
    let began_ms = now_ms();
    let name = profile.name.clone();
    let (profile, session) = with_session(sessions, profile)?;
    if want.is_met_by(&session) && !is_behind(&profile, &session) {
        return Ok(Fresh::of(profile, session, None));
    }
    let session = match not_rolled_back(sessions, &profile, session) {
        Ok(session) => session,
        Err(error) => return living_or(sessions, &name, want, error),
    };
    if session.refresh_token().is_none() {
        return without_renewal(profile, session, want);
    }
    if let Some(held_off) = backoff::held_off(sessions, &profile, &session, want) {
        return match held_off {
            HeldOff::Living(notice) => Ok(Fresh::of(profile, session, Some(notice))),
            HeldOff::Dead(error) => Err(error),
        };
    }
    match renewed(sessions, &name, want, began_ms, &(profile, session)) {
        // A store that cannot be written can still be read.
        Err(error) if error.kind() == Kind::Store => living_or(sessions, &name, want, error),
        outcome => outcome,
    }
}

fn load(sessions: &Sessions<'_>, name: &ProfileName) -> Result<Profile> {
    Profile::load(sessions.paths, name)?.ok_or_else(|| not_logged_in(name))
}

/// The login as it is now.
pub(super) fn read(sessions: &Sessions<'_>, name: &ProfileName) -> Result<(Profile, Session)> {
    with_session(sessions, load(sessions, name)?)
}

fn with_session(sessions: &Sessions<'_>, profile: Profile) -> Result<(Profile, Session)> {
    let session = sessions.load(&profile.name)?.ok_or_else(|| not_logged_in(&profile.name))?;
    match profile.ended_at {
        // A login that was begun since, by a process that died before it wrote the profile, is not ended.
        Some(when) if session.generation <= profile.generation => {
            Err(ended(&profile, &format!("the session ended (noticed {})", at(when))))
        }
        _ => {
            sessions.check_bound(&profile, &session)?;
            Ok((profile, session))
        }
    }
}

/// Makes sure that a session that is about to be renewed is the one that its profile knows. An older one, which a
/// backup or a synchronised folder brought back, has a refresh token that was used: the server would end the login.
pub(super) fn not_rolled_back(
    sessions: &Sessions<'_>,
    profile: &Profile,
    session: Session,
) -> Result<Session> {
    if session.generation >= profile.session_generation {
        return Ok(session);
    }
    let file = sessions.store.file(&Shelf::session(profile.name.as_str()), IDENTITY)?;
    // Another host's newer file may not be seen here yet.
    disk::settled(&file, || {
        match sessions.load(&profile.name)? {
        Some(session) if session.generation >= profile.session_generation => Ok(session),
        _ => Err(Error::store(format!(
            "{} came back from an earlier time: it is older than the login '{}', and its refresh token was used",
            file.display(),
            profile.name
        ))
        .next(format!(
            "put the newer file back, or {}",
            log_in_again(profile.provider, &profile.name, &profile.endpoint)
        ))),
    }
    })
}

/// A process died between the box and the profile, or the session waits in the rescue folder.
pub(super) fn is_behind(profile: &Profile, session: &Session) -> bool {
    session.generation > profile.generation
}

fn without_renewal(profile: Profile, session: Session, want: &Want<'_>) -> Result<Fresh> {
    if !session.lives(now()) {
        return Err(ended(&profile, "the token has ended"));
    }
    if want.min_ttl.is_some() && !session.is_fresh(now(), want.min_ttl) {
        return Err(Error::failed("the token ends sooner than that, and nothing renews it")
            .next("ask for less with --min-ttl, or log in again"));
    }
    Ok(Fresh::of(profile, session, None))
}

/// The login as another process leaves it, or as the renewer brings it.
fn renewed(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    want: &Want<'_>,
    began_ms: u64,
    found: &(Profile, Session),
) -> Result<Fresh> {
    let until = until(sessions);
    let _unhurried = is_first_process().then(process::Uninterrupted::begin);
    for _ in 0..STARTS {
        let gate = match turn(sessions, name, want, began_ms, found)? {
            Turn::Done(fresh) => return Ok(*fresh),
            Turn::Mine(gate) => gate,
        };
        fault::point("gate");
        match renewer::run(sessions, name, want, gate, until)? {
            Outcome::Replied(reply) => return reply.map(|fresh| *fresh),
            Outcome::AtWork => {
                return living_or(sessions, name, want, still_renewing(sessions, name, began_ms));
            }
            Outcome::NotStarted(gate, why) => {
                log::info!("renews the login {name} itself, since no process can be started: {why}");
                return transaction::begin(sessions, name, want, gate);
            }
            Outcome::Died => log::info!("the renewer of {name} ended without a word"),
        }
    }
    let error = Error::failed("the process that renews the login was ended, twice").next("try again");
    living_or(sessions, name, want, error)
}

/// How many renewers a caller starts that die.
const STARTS: usize = 2;

/// Until when the renewer is waited for: what is left then is for the answer.
fn until(sessions: &Sessions<'_>) -> Deadline {
    const PATIENCE: Duration = Duration::from_secs(150);
    match is_first_process() {
        true => Deadline::after(PATIENCE),
        false => sessions.deadline.but(sessions.to_answer),
    }
}

/// With the first process of a container all others end: it must not leave before the renewer.
fn is_first_process() -> bool {
    cfg!(target_os = "linux") && std::process::id() == 1
}

enum Turn {
    /// Somebody else did the work.
    Done(Box<Fresh>),
    /// It is ours to have done.
    Mine(Gate),
}

impl Turn {
    fn done(fresh: Fresh) -> Turn {
        Turn::Done(Box::new(fresh))
    }
}

/// Waits for the gate or for what its holder brings, whichever comes first.
fn turn(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    want: &Want<'_>,
    began_ms: u64,
    (profile, session): &(Profile, Session),
) -> Result<Turn> {
    let path = sessions.lock_path(name);
    let until = until(sessions);
    let mut pause = Pause::default();
    loop {
        let gate = Gate::try_take(&path)?;
        // Waiters compare the profile's generation first; opening the sealed file is the expensive part.
        if Profile::load(sessions.paths, name)?.is_none_or(|now| now.generation != profile.generation) {
            let (profile, session) = read(sessions, name)?;
            if want.is_met_by(&session) && !is_behind(&profile, &session) {
                return Ok(Turn::done(Fresh::of(profile, session, None)));
            }
        }
        if let Some(gate) = gate {
            log::debug!("has the gate of {name} after {} ms", now_ms().saturating_sub(began_ms));
            // A crowd that waited for one answer takes it: asking a dead server once for each would not help.
            let failed = journal::find(sessions.paths, name).and_then(|intent| intent.failed);
            // One from the future is from before the clock was set back.
            return match failed.filter(|failed| (began_ms..=now_ms()).contains(&failed.at_ms)) {
                Some(failed) => living_or(sessions, name, want, failed.error()).map(Turn::done),
                None => Ok(Turn::Mine(gate)),
            };
        }
        // Somebody is at work on a newer one: this one will do for what the caller is about to do.
        if !want.insists() && session.is_fresh(now(), Some(ENOUGH)) && !is_behind(profile, session) {
            return Ok(Turn::done(Fresh::of(profile.clone(), session.clone(), None)));
        }
        if until.passed() {
            let error = still_renewing(sessions, name, began_ms);
            return living_or(sessions, name, want, error).map(Turn::done);
        }
        pause.wait(until);
    }
}

/// Why there is no token yet, where a renewal is under way.
fn still_renewing(sessions: &Sessions<'_>, name: &ProfileName, began_ms: u64) -> Error {
    let under_way = journal::find(sessions.paths, name).filter(|intent| intent.failed.is_none());
    let since = at(under_way.as_ref().map_or(began_ms / 1000, |intent| intent.at));
    let what = format!("the login is being renewed since {since}, and the new token is not there yet");
    // Somebody on another host may be gone without our knowing.
    let foreign = lock::owner_elsewhere(&sessions.lock_path(name));
    Error::timed_out(what).next(match foreign {
        Some(hint) => hint,
        None => "try again in a moment: the renewal goes on by itself".to_owned(),
    })
}

/// The token we have, if it lives and nobody asked for more; else the error.
pub(super) fn living_or(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    want: &Want<'_>,
    error: Error,
) -> Result<Fresh> {
    let (profile, session) = read(sessions, name)?;
    match session.lives(now()) && (!want.insists() || want.is_met_by(&session)) {
        true => Ok(Fresh::of(profile, session, Some(error.to_string()))),
        false => Err(error),
    }
}
