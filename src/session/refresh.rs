//! The refresh transaction.
//!
//! A refresh token is good once. Two processes that use the same one, or one that dies between the server's
//! answer and the disk, lose the login. So:
//!
//! 1. A reader takes no lock and no network: a token with enough life left is answered.
//! 2. Otherwise it takes the session's lock. While it waits it keeps reading: most often the holder's work is
//!    its answer.
//! 3. Under the lock it reads again. Fresh now: somebody else did the work.
//! 4. It writes down what it is about to do ([`super::journal`]).
//! 5. It asks the server. From here to the end of 6 no signal and no deadline of ours ends the process.
//! 6. It stores the new session: box, profile, mark; then strikes the intent; then lets go.
//!
//! Nobody ever asks without the lock, and nothing but the server's `invalid_grant`, for the very token that is
//! still stored, ends a session.

use std::time::{Duration, Instant};

use url::Url;

use super::journal::{self, Failed, Intent};
use super::{Grant, Session, Sessions, at, follow, log_in_again, not_logged_in, rescue};
use crate::error::{Error, Kind, Result};
use crate::http::{Failure, Http, Place, Trouble};
use crate::oauth::Tokens;
use crate::oauth::token::{self, Refreshed};
use crate::os::clock::{now, now_ms};
use crate::os::fault;
use crate::os::process::Uninterrupted;
use crate::secret::Secret;
use crate::session::profile::{Profile, ProfileName};
use crate::store::Shelf;
use crate::store::lock::{self, Lock, Pause};

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
    fn of(profile: Profile, session: Session, notice: Option<String>) -> Fresh {
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
    fn is_met_by(&self, session: &Session) -> bool {
        session.is_fresh(now(), self.min_ttl) && self.not.is_none_or(|refused| session.access != *refused)
    }

    /// Whether a token that merely lives will not do.
    fn insists(&self) -> bool {
        self.min_ttl.is_some() || self.not.is_some()
    }
}

/// Seconds to live with which a token is answered while another process renews it.
const ENOUGH: u64 = 30;

/// How long a failed refresh is not tried again while the old token lives.
const BACK_OFF: u64 = 30;

/// See [`Sessions::fresh`].
pub(super) fn fresh(sessions: &Sessions<'_>, name: &ProfileName, want: &Want<'_>) -> Result<Fresh> {
    let began_ms = now_ms();
    let (profile, session) = read(sessions, name)?;
    if want.is_met_by(&session) && !is_behind(&profile, &session) {
        return Ok(Fresh::of(profile, session, None));
    }
    let Some(refresh_token) = session.refresh_token() else {
        return match session.lives(now()) {
            true if want.min_ttl.is_some() && !session.is_fresh(now(), want.min_ttl) => {
                Err(Error::failed("the token ends sooner than that, and nothing renews it")
                    .next("ask for less with --min-ttl, or log in again"))
            }
            true => Ok(Fresh::of(profile, session, None)),
            false => Err(ended(&profile, "the token has ended")),
        };
    };
    if let Some(fresh) = while_failing(sessions, name, &profile, &session, refresh_token, want) {
        return Ok(fresh);
    }
    let outcome = turn(sessions, name, want, began_ms, (&profile, &session)).and_then(|turn| match turn {
        Turn::Done(fresh) => Ok(*fresh),
        Turn::Mine(lock) => under_lock(sessions, name, want, &lock),
    });
    match outcome {
        // A store that cannot be written can still be read.
        Err(error) if error.kind() == Kind::Store => living_or(sessions, name, want, error),
        outcome => outcome,
    }
}

fn read(sessions: &Sessions<'_>, name: &ProfileName) -> Result<(Profile, Session)> {
    let profile = Profile::load(sessions.paths, name)?.ok_or_else(|| not_logged_in(name))?;
    let session = sessions.load(name)?.ok_or_else(|| not_logged_in(name))?;
    match profile.ended_at {
        // A login that was begun since, by a process that died before it wrote the profile, is not ended.
        Some(when) if session.generation <= profile.generation => {
            Err(ended(&profile, &format!("the session ended (noticed {})", at(when))))
        }
        _ => Ok((profile, session)),
    }
}

/// A process died between the box and the profile, or the session waits in the rescue folder.
fn is_behind(profile: &Profile, session: &Session) -> bool {
    session.generation > profile.generation
}

/// The living token, where asking for a newer one is not worth while just now: the last try failed a moment
/// ago, or it may have used up the refresh token without our knowing, and another try would risk the session
/// for a token that we do not need yet.
fn while_failing(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    profile: &Profile,
    session: &Session,
    refresh_token: &Secret,
    want: &Want<'_>,
) -> Option<Fresh> {
    let now = now();
    if want.insists() || !session.lives(now) || is_behind(profile, session) {
        return None;
    }
    let intent = journal::find(sessions.paths, name).filter(|intent| intent.concerns(refresh_token))?;
    // Without a failure noted, its owner may be at work right now: whoever gets the lock finds out.
    let failed = intent.failed.as_ref()?;
    let wait = failed.holds_off(now) || failed.may_have_arrived;
    wait.then(|| Fresh::of(profile.clone(), session.clone(), Some(failed.error().to_string())))
}

enum Turn {
    /// Somebody else did the work.
    Done(Box<Fresh>),
    /// It is ours to do.
    Mine(Lock),
}

/// Waits for the lock or for what its holder brings, whichever comes first.
fn turn(
    sessions: &Sessions<'_>,
    name: &ProfileName,
    want: &Want<'_>,
    began_ms: u64,
    (profile, session): (&Profile, &Session),
) -> Result<Turn> {
    let path = sessions.lock_path(name);
    let mut pause = Pause::default();
    loop {
        if let Some(lock) = Lock::try_acquire(&path)? {
            // A crowd that waited for one answer takes it: asking a dead server once for each would not help.
            let failed = journal::find(sessions.paths, name).and_then(|intent| intent.failed);
            log::debug!("has the lock of {name} after {} ms", now_ms().saturating_sub(began_ms));
            // One from the future is from before the clock was set back.
            return match failed.filter(|failed| (began_ms..=now_ms()).contains(&failed.at_ms)) {
                Some(failed) => living_or(sessions, name, want, failed.error()).map(Turn::done),
                None => Ok(Turn::Mine(lock)),
            };
        }
        // Somebody is at work on a newer one: this one will do for what the caller is about to do.
        if !want.insists() && session.is_fresh(now(), Some(ENOUGH)) && !is_behind(profile, session) {
            return Ok(Turn::done(Fresh::of(profile.clone(), session.clone(), None)));
        }
        pause.wait(sessions.deadline);
        // A crowd opens no boxes to find that nothing has changed: the machine is needed for whoever works.
        if Profile::load(sessions.paths, name)?.is_none_or(|now| now.generation != profile.generation) {
            let (profile, session) = read(sessions, name)?;
            if want.is_met_by(&session) && !is_behind(&profile, &session) {
                return Ok(Turn::done(Fresh::of(profile, session, None)));
            }
        }
        if sessions.deadline.left() < sessions.to_store {
            let error = Error::timed_out("another process is renewing the login and has not come to an end")
                .next(lock::if_it_stays_so(&path));
            return living_or(sessions, name, want, error).map(Turn::done);
        }
    }
}

impl Turn {
    fn done(fresh: Fresh) -> Turn {
        Turn::Done(Box::new(fresh))
    }
}

/// The token we have, if it lives and nobody asked for more; else the error.
fn living_or(sessions: &Sessions<'_>, name: &ProfileName, want: &Want<'_>, error: Error) -> Result<Fresh> {
    let (profile, session) = read(sessions, name)?;
    match session.lives(now()) && (!want.insists() || want.is_met_by(&session)) {
        true => Ok(Fresh::of(profile, session, Some(error.to_string()))),
        false => Err(error),
    }
}

fn under_lock(sessions: &Sessions<'_>, name: &ProfileName, want: &Want<'_>, _lock: &Lock) -> Result<Fresh> {
    fault::point("locked");
    let (mut profile, session) = read(sessions, name)?;
    if is_behind(&profile, &session) {
        take_home(sessions, &mut profile, &session);
    }
    if want.is_met_by(&session) {
        return Ok(Fresh::of(profile, session, None));
    }
    let Grant::Oauth { refresh: Some(refresh_token), token_endpoint, client_id, .. } = &session.grant else {
        return Err(ended(&profile, "the token has ended"));
    };
    // Who held the lock before us may have failed since we looked.
    if let Some(fresh) = while_failing(sessions, name, &profile, &session, refresh_token, want) {
        return Ok(fresh);
    }
    let cut_off = journal::find(sessions.paths, name)
        .filter(|intent| intent.concerns(refresh_token) && intent.is_in_doubt());
    if let (Some(intent), true, false) = (&cut_off, session.lives(now()), want.insists()) {
        let notice = format!("{}; the token at hand lives on", cut_off_words(intent));
        return Ok(Fresh::of(profile, session, Some(notice)));
    }

    let mut intent = Intent::of(&session, refresh_token, now());
    sessions.write_intent(name, &intent)?;
    fault::point("intent");

    let whole = Uninterrupted::begin();
    // Nothing may be left by now, after a slow disk or a stop: then nothing is sent.
    let until = Instant::now() + sessions.deadline.left().saturating_sub(sessions.to_store);
    let http = Http::new(Duration::from_secs(30)).until(until);
    log::debug!("asks {} for a new token of {name}", crate::http::Place::of(token_endpoint));
    let outcome = token::refresh(&http, token_endpoint, client_id, refresh_token);
    fault::point("answered");

    let fresh = match outcome {
        Refreshed::Tokens(tokens) => {
            let renewed = renewed(&session, profile.generation, tokens);
            let kept = keep(sessions, &mut profile, &renewed);
            // Where the new session is nowhere, the intent is all that can tell the next process why.
            if !matches!(kept, Kept::Nowhere(_)) {
                journal::clear(sessions.paths, name);
            }
            fault::point("cleared");
            Ok(Fresh::of(profile, renewed, kept.notice()))
        }
        Refreshed::SessionOver => over(sessions, profile, &session, cut_off.as_ref(), want),
        Refreshed::Refused(code) => {
            let error = token::refused(&code);
            intent.failed = Some(Failed::note(&error, false, now_ms(), BACK_OFF));
            note(sessions, name, &intent);
            living_or(sessions, name, want, error)
        }
        Refreshed::Trouble(failure) => {
            let error = trouble(&failure, token_endpoint);
            // An earlier doubt stays one although this try did not reach the server.
            let in_doubt = failure.may_have_arrived() || cut_off.is_some();
            intent.failed = Some(Failed::note(&error, in_doubt, now_ms(), wait_for(&failure)));
            note(sessions, name, &intent);
            living_or(sessions, name, want, error)
        }
    };
    drop(whole);
    let fresh = fresh?;
    match want.min_ttl {
        Some(min_ttl) if fresh.expires_at.is_some_and(|end| end < now().saturating_add(min_ttl)) => {
            Err(Error::failed("the server gives no tokens that live so long")
                .next("ask for less with --min-ttl; a personal access token does not end"))
        }
        _ => Ok(fresh),
    }
}

/// Writes down how it failed. Where that cannot be done the intent stands as it was: in doubt.
fn note(sessions: &Sessions<'_>, name: &ProfileName, intent: &Intent) {
    let _ = sessions.write_intent(name, intent);
}

/// The error for a refresh that the server neither granted nor refused. A status without an OAuth error comes
/// from something in front of the token endpoint: no verdict on the login.
fn trouble(failure: &Failure, token_endpoint: &Url) -> Error {
    let error = Error::from(failure.clone());
    match failure.status() {
        Some(code) if error.kind() != Kind::Unreachable => {
            Error::unreachable(format!("{} does not work (HTTP {code})", Place::of(token_endpoint)))
                .next("try again; if it stays so, ask whoever runs that server")
        }
        _ => error,
    }
}

/// How long not to try again: as long as the server asks, within reason.
fn wait_for(failure: &Failure) -> u64 {
    match failure.trouble() {
        Trouble::Status { retry_after: Some(wait), .. } => wait.as_secs().clamp(1, journal::LONGEST_WAIT),
        _ => BACK_OFF,
    }
}

/// The session after a refresh. A server that sends no new refresh token leaves the old one in place
/// (RFC 6749 §6).
fn renewed(old: &Session, generation: u64, tokens: Tokens) -> Session {
    let now = now();
    let end = |span: Option<Duration>| span.map(|span| now.saturating_add(span.as_secs()));
    let mut grant = old.grant.clone();
    if let Grant::Oauth { refresh, expires_at, .. } = &mut grant {
        let rotated = tokens.refresh.is_some();
        *refresh = tokens.refresh.or(refresh.take());
        *expires_at = end(tokens.refresh_expires_in).or(if rotated { None } else { *expires_at });
    }
    Session {
        generation: old.generation.max(generation) + 1,
        access: tokens.access,
        issued_at: now,
        access_expires_at: end(tokens.expires_in),
        grant,
    }
}

/// Where a renewed session is, and what the person should hear of it.
enum Kept {
    Home,
    Rescued(String),
    Nowhere(String),
}

impl Kept {
    fn notice(self) -> Option<String> {
        match self {
            Kept::Home => None,
            Kept::Rescued(notice) | Kept::Nowhere(notice) => Some(notice),
        }
    }
}

/// Stores the new session. The server has taken the old one back, so whatever the disk says, the new one must
/// not be lost: it goes home, or into the rescue folder, or at least to whoever asked.
fn keep(sessions: &Sessions<'_>, profile: &mut Profile, renewed: &Session) -> Kept {
    let name = profile.name.clone();
    let home = put(sessions, &name, renewed);
    fault::point("box");
    let Err(refused) = home else {
        follow_up(sessions, profile, renewed);
        return Kept::Home;
    };
    let refused = refused.what();
    match rescue::keep(sessions, &name, renewed) {
        Ok(place) => Kept::Rescued(format!(
            "the login was renewed, but could not be stored ({refused}); it is kept in {} until it can: make room soon",
            place.display()
        )),
        Err(_) => Kept::Nowhere(format!(
            "the login was renewed, but could not be stored anywhere ({refused}); this token is the last one: \
             make room and log in again"
        )),
    }
}

/// Puts the session into the store; what was rescued is then out of date.
fn put(sessions: &Sessions<'_>, name: &ProfileName, session: &Session) -> Result<()> {
    fault::disk("box").map_err(|error| Error::io("the store cannot be written", &error))?;
    sessions.store().put(&Shelf::session(name.as_str()), super::IDENTITY, session)?;
    rescue::forget(sessions.paths, name);
    Ok(())
}

/// The profile and the mark follow the box. If they cannot, the next run mends them: the login itself is safe.
fn follow_up(sessions: &Sessions<'_>, profile: &mut Profile, session: &Session) {
    follow(profile, session);
    let _ = profile.save(sessions.paths);
    fault::point("profile");
    sessions.mark(profile);
    fault::point("mark");
}

/// Mends what a process left that died after the box, or could not write it.
fn take_home(sessions: &Sessions<'_>, profile: &mut Profile, session: &Session) {
    let name = profile.name.clone();
    if rescue::is_there(sessions.paths, &name) && put(sessions, &name, session).is_err() {
        return;
    }
    follow_up(sessions, profile, session);
}

/// The server says that the refresh token is no good. It ends the session only if that is still the token in
/// the store: on a file system where locks do not hold, another host may have been here.
fn over(
    sessions: &Sessions<'_>,
    mut profile: Profile,
    asked: &Session,
    cut_off: Option<&Intent>,
    want: &Want<'_>,
) -> Result<Fresh> {
    let name = profile.name.clone();
    let (_, session) = read(sessions, &name)?;
    if session.refresh_token() != asked.refresh_token() {
        let error =
            Error::failed("the login was renewed or begun anew elsewhere meanwhile").next("try again");
        return living_or(sessions, &name, want, error);
    }
    profile.ended_at = Some(now());
    profile.generation = profile.generation.max(asked.generation) + 1;
    // A disk that refuses this makes the next process hear it from the server again.
    let _ = profile.save(sessions.paths);
    sessions.mark(&profile);
    journal::clear(sessions.paths, &name);
    Err(match cut_off {
        Some(intent) => {
            ended(&profile, &format!("the server has ended the session: {}", cut_off_words(intent)))
        }
        None => ended(&profile, "the server has ended the session"),
    })
}

fn cut_off_words(intent: &Intent) -> String {
    let when = at(intent.at);
    let Intent { who, .. } = intent;
    match &intent.failed {
        None => format!(
            "renewing the login was cut off at {when} (process {} on {}), and the server may have answered",
            who.pid,
            crate::ui::plain(&who.host)
        ),
        Some(_) => format!("the server may have renewed the login at {when}, but its answer did not arrive"),
    }
}

fn ended(profile: &Profile, what: &str) -> Error {
    Error::session_ended(what).next(log_in_again(profile.provider, &profile.name, &profile.endpoint))
}
