//! The refresh transaction: under the lock, from reading again to the new session on disk.
//!
//! 1. The holder of the lock reads again. Fresh now: somebody else did the work.
//! 2. It writes down what it is about to do ([`super::journal`]).
//! 3. It asks the server. From here to the end of 4 no signal that asks the process to end, and no deadline but its
//!    own, ends it.
//! 4. It stores the new session: box, profile, mark; then removes the intent; then lets go.
//!
//! Nobody ever asks without the lock, and nothing but the server's `invalid_grant`, for the very token that is
//! still stored, ends a session.

use std::time::{Duration, Instant};

use url::Url;

use super::backoff::{self, HeldOff};
use super::journal::{self, Failed, Intent};
use super::locked::Locked;
use super::profile::{Profile, ProfileName};
use super::refresh::{is_behind, living_or, not_rolled_back, read};
use super::{Fresh, Grant, Session, Sessions, Want, at, ended, rescue};
use crate::error::{Error, Kind, Result};
use crate::http::{Failure, Http, Place};
use crate::oauth::Tokens;
use crate::oauth::token::{self, Refreshed};
use crate::os::clock::{now, now_ms};
use crate::os::fault;
use crate::os::process::Uninterrupted;
use crate::secret::Secret;
use crate::store::lock::Gate;

/// The longest that an answer is waited for.
const LONGEST: Duration = Duration::from_secs(110);

/// Does the transaction, in the renewer or, where no process can be started, in the caller's.
pub fn begin(sessions: &Sessions<'_>, name: &ProfileName, want: &Want<'_>, gate: Gate) -> Result<Fresh> {
    let until = sessions.deadline.but(sessions.to_store);
    let lock = match gate.lock(until) {
        Err(error) if error.kind() == Kind::TimedOut => return living_or(sessions, name, want, error),
        lock => lock?,
    };
    under_lock(&Locked::new(sessions, name, lock), want)
}

fn under_lock(locked: &Locked<'_, '_>, want: &Want<'_>) -> Result<Fresh> {
    fault::point("locked");
    let (sessions, name) = (locked.sessions, locked.name);
    let (mut profile, session) = read(sessions, name)?;
    if is_behind(&profile, &session) {
        locked.take_home(&mut profile, &session);
    }
    if want.is_met_by(&session) {
        return Ok(Fresh::of(profile, session, None));
    }
    let session = not_rolled_back(sessions, &profile, session)?;
    let Grant::Oauth { refresh: Some(refresh_token), token_endpoint, .. } = &session.grant else {
        return Err(ended(&profile, "the token has ended"));
    };
    // Who held the lock before us may have failed since we looked.
    match backoff::held_off(sessions, &profile, &session, want) {
        Some(HeldOff::Living(notice)) => return Ok(Fresh::of(profile, session, Some(notice))),
        Some(HeldOff::Dead(error)) => return Err(error),
        None => {}
    }
    let earlier = journal::find(sessions.paths, name).filter(|intent| intent.concerns(refresh_token));
    let cut_off = earlier.as_ref().filter(|intent| intent.is_in_doubt());
    if let (Some(intent), true, false) = (cut_off, session.lives(now()), want.insists()) {
        let notice = format!("{}; the token at hand lives on", cut_off_words(intent));
        return Ok(Fresh::of(profile, session, Some(notice)));
    }

    let mut intent = Intent::of(&session, refresh_token, now());
    locked.write_intent(&intent)?;
    fault::point("intent");

    let whole = Uninterrupted::begin();
    let outcome = ask(sessions, name, &session, refresh_token);
    fault::point("answered");

    let failed_before = earlier.as_ref().and_then(|intent| intent.failed.as_ref());
    let fresh = match outcome {
        Refreshed::Tokens(tokens) => {
            let renewed = renewed(&session, profile.generation, tokens);
            let kept = keep(locked, &mut profile, &renewed);
            // Where the new session is nowhere, the intent is all that can tell the next process why.
            if !matches!(kept, Kept::Nowhere(_)) {
                locked.clear_intent();
            }
            fault::point("cleared");
            Ok(Fresh::of(profile, renewed, kept.notice()))
        }
        Refreshed::SessionOver => over(locked, profile, &session, cut_off, want),
        Refreshed::Refused(code) => {
            let error = token::refused(&code);
            intent.failed = Some(Failed::note(&error, None, false, now_ms(), failed_before));
            locked.note(&intent);
            living_or(sessions, name, want, error)
        }
        Refreshed::Trouble(failure) => {
            let error = trouble(&failure, token_endpoint);
            // An earlier doubt stays one although this try did not reach the server.
            let in_doubt = failure.may_have_arrived() || cut_off.is_some();
            let failed = Failed::note(&error, Some(&failure), in_doubt, now_ms(), failed_before);
            intent.failed = Some(failed);
            locked.note(&intent);
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

fn ask(sessions: &Sessions<'_>, name: &ProfileName, session: &Session, refresh_token: &Secret) -> Refreshed {
    let Grant::Oauth { token_endpoint, client_id, .. } = &session.grant else {
        return Refreshed::SessionOver;
    };
    // Nothing may be left by now, after a slow disk or a stop: then nothing is sent.
    let until = Instant::now() + sessions.deadline.left().saturating_sub(sessions.to_store);
    let http = Http::new(LONGEST).until(until);
    log::debug!("asks {} for a new token of {name}", Place::of(token_endpoint));
    token::refresh(&http, token_endpoint, client_id, refresh_token)
}

/// The error for a refresh that the server neither granted nor refused. A status without an OAuth error comes
/// from something in front of the token endpoint: no verdict on the login.
fn trouble(failure: &Failure, token_endpoint: &Url) -> Error {
    let error = Error::from(failure.clone());
    match failure.status() {
        Some(code) if error.kind() != Kind::Unreachable => {
            Error::unreachable(format!("{} does not work (HTTP {code})", Place::of(token_endpoint)))
                .next("try again; if it stays so, ask the administrator of that server")
        }
        _ => error,
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
        bound: old.bound.clone(),
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
/// not be lost: it goes home, or into the rescue folder, or at least to the caller.
fn keep(locked: &Locked<'_, '_>, profile: &mut Profile, renewed: &Session) -> Kept {
    let home = locked.put(renewed);
    fault::point("box");
    let Err(refused) = home else {
        locked.follow_up(profile, renewed);
        return Kept::Home;
    };
    let refused = refused.what();
    match rescue::keep(locked.sessions, locked.name, renewed) {
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

/// The server says that the refresh token is no good. It ends the session only if that is still the token in
/// the store: on a file system where locks do not hold, another host may have been here.
fn over(
    locked: &Locked<'_, '_>,
    mut profile: Profile,
    asked: &Session,
    cut_off: Option<&Intent>,
    want: &Want<'_>,
) -> Result<Fresh> {
    let (_, session) = read(locked.sessions, locked.name)?;
    if session.refresh_token() != asked.refresh_token() {
        let error =
            Error::failed("the login was renewed or begun anew elsewhere meanwhile").next("try again");
        return living_or(locked.sessions, locked.name, want, error);
    }
    profile.ended_at = Some(now());
    profile.generation = profile.generation.max(asked.generation) + 1;
    // A disk that refuses this makes the next process hear it from the server again.
    let _ = locked.save(&profile);
    locked.clear_intent();
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
            crate::os::terminal::plain(&who.host)
        ),
        Some(_) => format!("the server may have renewed the login at {when}, but its answer did not arrive"),
    }
}
