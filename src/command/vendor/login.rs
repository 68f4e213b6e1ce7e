//! The login that Seqera's own program keeps: named where ours are shown, and ended with them where that is asked for.

use std::time::Duration;

use crate::command::Context;
use crate::command::import::{Note, Where};
use crate::error::{Error, Result};
use crate::http::Http;
use crate::oauth::discovery;
use crate::os::deadline::Deadline;
use crate::provider::seqera::vendor::Remembered;
use crate::provider::seqera::vendor::login::{self, Kept};
use crate::secret::Secret;
use crate::session::revocation::{Outcome, Revocability};
use crate::session::{Grant, Session};
use crate::ui;

/// A keychain that has an answer has it within this.
const QUICK: Duration = Duration::from_secs(3);

/// A keychain may ask the person.
const PATIENCE: Duration = Duration::from_secs(60);

/// For one question to a server.
const EACH: Duration = Duration::from_secs(10);

/// What can be told at once, a sentence for each login; no keychain is asked.
pub fn at_hand(context: &Context) -> Vec<String> {
    let mut sentences: Vec<String> = login::at_hand().iter().map(sentence).collect();
    let finish = |what| format!("{what}; finish with: seqera import seqera");
    sentences.extend(interrupted(context).map(finish));
    sentences
}

/// That a move of a login was cut off.
pub fn interrupted(context: &Context) -> Option<String> {
    let note = Note::read(&context.paths)?;
    Some(format!("the login of Seqera's own program was being moved into '{}'", note.profile))
}

fn sentence(kept: &Kept) -> String {
    let who = Remembered::read().and_then(|remembered| remembered.account());
    let of = who.map(|who| format!(" of {who}")).unwrap_or_default();
    format!("Seqera's own program keeps a login{of}, too, in {}", kept.place)
}

/// The same with the keychain, where that program is used here. What cannot be read is an error to show.
pub fn everywhere() -> Result<Vec<String>> {
    if Remembered::read().is_none() {
        return Ok(login::at_hand().iter().map(sentence).collect());
    }
    Ok(login::everywhere(QUICK)?.iter().map(sentence).collect())
}

/// Says after a logout what stays.
pub fn say_what_stays() {
    for sentence in everywhere().unwrap_or_default() {
        ui::say(&format!("{sentence}; end it, too, with: seqera logout --everywhere"));
    }
}

/// Ends the logins that Seqera's program keeps: revokes what can be revoked, and removes them.
///
/// # Errors
/// One cannot be read or removed.
pub fn end(context: &Context) -> Result<()> {
    let all = login::everywhere(PATIENCE)?;
    if all.is_empty() {
        context.tell("Seqera's own program keeps no login.");
    }
    let mut revoked: Vec<Secret> = Vec::new();
    for kept in all {
        if !revoked.contains(&kept.token) {
            if let Some(why) = give_back(context, &kept.token) {
                ui::say(&format!("The login of Seqera's own program is not revoked: {why}"));
            }
            revoked.push(kept.token.clone());
        }
        if kept.remove(PATIENCE)? {
            context.tell(&format!("Seqera's own program is logged out: removed from {}", kept.place));
        }
    }
    Ok(())
}

/// Gives a refresh token back. Answers why that did not work.
fn give_back(context: &Context, token: &Secret) -> Option<String> {
    let http = Http::new(EACH);
    let place = match Where::find(None) {
        Ok(place) => place,
        Err(error) => return Some(error.what().to_owned()),
    };
    let server = match discovery::discover(&http, &place.authority).map_err(Error::from) {
        Ok(server) => server,
        Err(error) => return Some(error.what().to_owned()),
    };
    let grant = Grant::Oauth {
        refresh: Some(token.clone()),
        expires_at: None,
        token_endpoint: server.token,
        revocation_endpoint: server.revocation,
        client_id: login::client_id(),
    };
    // There is no access token: that program keeps none. The refresh token stands for it, and is revoked once more.
    let session = Session {
        generation: 0,
        access: token.clone(),
        issued_at: 0,
        access_expires_at: None,
        grant,
        bound: None,
    };
    match Revocability::of(&session) {
        Revocability::Revocable(revocation) => {
            match revocation.carry_out_or_queue(&http, &context.paths, Deadline::after(PATIENCE)) {
                Outcome::Done => None,
                Outcome::Queued(failure) => {
                    Some(format!("{}; it will be, with the next command that goes online", words(failure)))
                }
                Outcome::Refused(failure) | Outcome::Lost(failure) => Some(words(failure)),
            }
        }
        Revocability::Unsupported | Revocability::NotIssuedByUs => {
            Some("the server does not take tokens back".to_owned())
        }
    }
}

fn words(failure: crate::http::Failure) -> String {
    Error::from(failure).what().to_owned()
}
