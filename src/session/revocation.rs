//! Giving tokens back to the server that gave them, now or, where it cannot be reached, at the next chance.
//!
//! What waits is sealed like any other secret. It waits until the tokens are surely dead of old age.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Grant, Session, jobs, journal, settle_shelf, store};
use crate::error::Result;
use crate::http::{Failure, Http};
use crate::oauth::revoke::{self, Kind};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::secret::{Secret, sealed_bytes};
use crate::store::{Shelf, Store};

/// After this a refresh token that nobody used has ended everywhere we know of.
const OLD_AGE: u64 = 30 * 24 * 60 * 60;

/// For one question to a server that may be gone.
const EACH: Duration = Duration::from_secs(5);

/// What can be done about the tokens of a session that ends.
#[derive(Debug)]
pub enum Revocability {
    /// They can be given back.
    Revocable(Revocation),
    /// The server takes none back: they live until they expire.
    Unsupported,
    /// The person brought the token and may use it elsewhere.
    NotIssuedByUs,
}

impl Revocability {
    /// For a session.
    pub fn of(session: &Session) -> Revocability {
        let until = now().saturating_add(OLD_AGE);
        let access = session.access.clone();
        match &session.grant {
            Grant::Oauth { revocation_endpoint: None, .. } => Revocability::Unsupported,
            Grant::Oauth { refresh, revocation_endpoint: Some(endpoint), client_id, .. } => {
                let (endpoint, client_id, refresh) = (endpoint.clone(), client_id.clone(), refresh.clone());
                Revocability::Revocable(Revocation {
                    until,
                    access,
                    way: Way::Oauth { endpoint, client_id, refresh },
                })
            }
            Grant::Brought => Revocability::NotIssuedByUs,
        }
    }
}

/// Tokens that are to be given back.
#[derive(Debug, Serialize, Deserialize)]
pub struct Revocation {
    /// When it is not worth while any more.
    until: u64,
    #[serde(with = "sealed_bytes")]
    access: Secret,
    way: Way,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case")]
enum Way {
    /// RFC 7009.
    Oauth {
        endpoint: Url,
        client_id: String,
        #[serde(with = "sealed_bytes::option")]
        refresh: Option<Secret>,
    },
}

/// What became of it.
#[derive(Debug)]
pub enum Outcome {
    /// The tokens are worth nothing now.
    Done,
    /// The server was asked and would not: they live until they expire.
    Refused(Failure),
    /// The server cannot be asked now; it will be at the next chance.
    Queued(Failure),
    /// The server cannot be asked now, and the wish cannot be stored either.
    Lost(Failure),
}

impl Revocation {
    /// Asks the server, the refresh token first: most servers end with it everything that came of it.
    fn carry_out(&self, http: &Http) -> Result<(), Failure> {
        let Way::Oauth { endpoint, client_id, refresh } = &self.way;
        if let Some(refresh) = refresh {
            revoke::revoke(http, endpoint, client_id, refresh, Kind::Refresh)?;
        }
        revoke::revoke(http, endpoint, client_id, &self.access, Kind::Access).map(|_| ())
    }

    /// Gives the tokens back, or seals the wish for later.
    pub fn carry_out_or_queue(&self, http: &Http, paths: &Paths, deadline: Deadline) -> Outcome {
        match self.carry_out(http) {
            Ok(()) => Outcome::Done,
            Err(failure) if is_final(&failure) => Outcome::Refused(failure),
            Err(failure) => {
                let identity = journal::fingerprint(&self.access);
                match store(paths, deadline).put(&queue(), identity.as_bytes(), self) {
                    Ok(_) => Outcome::Queued(failure),
                    Err(_) => Outcome::Lost(failure),
                }
            }
        }
    }
}

/// The server has decided. Everything else (no network, 429, 5xx) may be different next time.
fn is_final(failure: &Failure) -> bool {
    failure.status().is_some_and(|code| (400..500).contains(&code) && !matches!(code, 407 | 408 | 429))
}

pub(super) fn is_one(plain: &[u8]) -> bool {
    serde_json::from_slice::<Revocation>(plain).is_ok()
}

fn queue() -> Shelf {
    Shelf::of("revocation")
}

/// Carries out what waits, as far as it can be done by `deadline`. A command that goes online anyway calls it:
/// where nothing waits it costs one look at a folder. What fails waits on.
pub fn settle(paths: &Paths, deadline: Deadline) {
    settle_in(&super::store(paths, deadline), deadline);
}

/// The same in a store that is open.
pub(super) fn settle_in(store: &Store<'_>, deadline: Deadline) {
    let http = Http::new(EACH);
    jobs::settle(store, &http, deadline);
    let identity = |revocation: &Revocation| journal::fingerprint(&revocation.access);
    settle_shelf(store, &queue(), identity, |revocation| {
        let is_over = || revocation.carry_out(&http).map_or_else(|failure| is_final(&failure), |()| true);
        revocation.until < now() || (!deadline.passed() && is_over())
    });
}
