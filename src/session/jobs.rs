//! Notes of the tokens that jobs were given (`exec --job-token`). Such a token has the person's full rights and
//! does not end by itself, so each is written down, sealed, before the server is asked for it and until it has been
//! deleted: what a killed process left behind is deleted by the next command that goes online. Where the answer
//! never came, the server knows the token by its name, which no other token has.

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::{Session, settle_shelf, store};
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::http::{Failure, Http};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::os::process::Identity;
use crate::provider::ProviderId;
use crate::secret::{Secret, sealed_bytes};
use crate::store::{Shelf, Store};

/// For so long, in seconds, a request whose sender is gone may still be on its way.
const ON_ITS_WAY: u64 = 60;

/// For so long, in seconds, a token is looked for that cannot be found out about.
const LOOKED_FOR: u64 = 30 * 24 * 3600;

/// A token that a job was given, or that a server was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobToken {
    /// What it is called on the server's page of tokens.
    pub name: String,
    /// Its number at the server; nothing where the server has not told.
    #[serde(default)]
    pub id: Option<String>,
    /// The platform.
    #[serde(default = "ProviderId::first")]
    pub provider: ProviderId,
    /// The base of the server's API.
    pub endpoint: Endpoint,
    /// When it was made, in seconds since 1970.
    pub made_at: u64,
    /// The process whose job has it, and which deletes it.
    pub owner: Identity,
    /// The account at the server whose it is, where the server numbers accounts.
    #[serde(default)]
    account: Option<String>,
    /// The token itself; while its number is not known, the one that the server was asked with.
    #[serde(with = "sealed_bytes")]
    token: Secret,
}

impl JobToken {
    /// One that a server is about to be asked for, with the token `with` of `account`, for a job of this process.
    pub fn asked(
        name: &str,
        provider: ProviderId,
        endpoint: &Endpoint,
        account: Option<String>,
        with: &Secret,
    ) -> JobToken {
        JobToken {
            name: name.to_owned(),
            id: None,
            provider,
            endpoint: endpoint.clone(),
            made_at: now(),
            owner: Identity::here(),
            account,
            token: with.clone(),
        }
    }

    /// The same, once it has been made.
    pub fn made(self, id: &str, token: &Secret) -> JobToken {
        JobToken { id: Some(id.to_owned()), token: token.clone(), ..self }
    }

    /// Whether nobody can delete it any more but us.
    pub fn is_left_behind(&self) -> bool {
        self.owner.is_gone()
    }

    /// Deletes it at the server, with itself: the login may have ended since. One that is gone is fine.
    /// Where its number is not known it is deleted by its name, with the token that the server was asked with or
    /// else with what `others` are of the same account. Answers whether nothing more will come of it.
    ///
    /// # Errors
    /// The server cannot be asked, or does not delete it.
    fn delete(&self, http: &Http, others: impl FnOnce() -> Vec<Secret>) -> Result<bool, Failure> {
        let Some(id) = &self.id else {
            return match self.delete_by_name(http, &self.token) {
                Err(failure) if failure.status() == Some(401) => {
                    let is_same = |token: &Secret| {
                        self.account.is_some() && self.account == self.account_of(http, token)
                    };
                    let other = others().into_iter().find(is_same);
                    other.map_or(Err(failure), |token| self.delete_by_name(http, &token))
                }
                outcome => outcome,
            };
        };
        match self.provider.delete_token(http, &self.endpoint, &self.token, id) {
            Err(failure) if matches!(failure.status(), Some(401 | 404)) => Ok(true),
            outcome => outcome.map(|()| true),
        }
    }

    fn delete_by_name(&self, http: &Http, bearer: &Secret) -> Result<bool, Failure> {
        match self.provider.token_named(http, &self.endpoint, bearer, &self.name)? {
            Some(id) => self.provider.delete_token(http, &self.endpoint, bearer, &id).map(|()| true),
            None => Ok(!self.may_come()),
        }
    }

    fn account_of(&self, http: &Http, token: &Secret) -> Option<String> {
        self.provider.whoami(http, &self.endpoint, token, None).ok()?.id
    }

    /// Whether a server that does not know it may make it yet.
    fn may_come(&self) -> bool {
        now().saturating_sub(self.made_at) < ON_ITS_WAY
    }

    /// Whether nobody will ever find out about it.
    fn is_given_up(&self) -> bool {
        self.id.is_none() && now().saturating_sub(self.made_at) > LOOKED_FOR
    }
}

/// The notes of this user.
#[derive(Debug)]
pub struct JobTokens<'a>(Store<'a>);

impl<'a> JobTokens<'a> {
    /// The notes; nothing is read yet. All that is done ends by `deadline`.
    pub fn new(paths: &'a Paths, deadline: Deadline) -> Self {
        JobTokens(store(paths, deadline))
    }

    /// Writes one down. Answers what the person should hear when the store was made just now.
    ///
    /// # Errors
    /// The store.
    pub fn note(&self, token: &JobToken) -> Result<Option<String>> {
        self.0.put(&shelf(), identity(token).as_bytes(), token)
    }

    /// Deletes one at its server. The note stays.
    ///
    /// # Errors
    /// The server cannot be asked, or does not delete it.
    pub fn delete(&self, token: &JobToken, http: &Http) -> Result<(), Failure> {
        token.delete(http, || others(&self.0, token)).map(|_| ())
    }

    /// Forgets those that were deleted.
    ///
    /// # Errors
    /// The store.
    pub fn forget(&self, deleted: &[JobToken]) -> Result<()> {
        forget(&self.0, deleted)
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// The store.
    pub fn list(&self) -> Result<Vec<JobToken>> {
        list(&self.0)
    }
}

/// Deletes at their servers what is certainly left behind, as far as it can be done by `deadline`. Where there is
/// nothing it costs one look at a folder.
pub(super) fn settle(store: &Store<'_>, http: &Http, deadline: Deadline) {
    settle_shelf(store, &shelf(), identity, |token: &JobToken| {
        let delete = || token.delete(http, || others(store, token)).is_ok_and(|is_over| is_over);
        token.is_left_behind() && ((!deadline.passed() && delete()) || token.is_given_up())
    });
}

/// The tokens of our logins that live, at the server of a job's.
fn others(store: &Store<'_>, job: &JobToken) -> Vec<Secret> {
    let sessions = store.read_kind::<Session>("session").map(|found| found.contents().collect::<Vec<_>>());
    let lives = |session: &Session| session.access_expires_at.is_none_or(|end| end > now());
    let is_there = |session: &Session| {
        let is_its = |bound: &Bound| bound.provider == job.provider && bound.endpoint == job.endpoint;
        session.bound.as_ref().is_some_and(is_its)
    };
    let mut sessions = sessions.unwrap_or_default();
    sessions.retain(|session| lives(session) && is_there(session));
    sessions.into_iter().map(|session| session.access).collect()
}

fn list(store: &Store<'_>) -> Result<Vec<JobToken>> {
    let mut tokens: Vec<JobToken> = store.read::<JobToken>(&shelf())?.contents().collect();
    tokens.sort_by(|one, other| (one.made_at, &one.name).cmp(&(other.made_at, &other.name)));
    Ok(tokens)
}

fn forget(store: &Store<'_>, deleted: &[JobToken]) -> Result<()> {
    let is_deleted = |token: &JobToken| deleted.iter().any(|gone| identity(gone) == identity(token));
    store.remove(&shelf(), Some(b""), is_deleted).map(|_| ())
}

fn shelf() -> Shelf {
    Shelf::of("job")
}

fn identity(token: &JobToken) -> String {
    format!("{} {}", token.endpoint, token.name)
}
