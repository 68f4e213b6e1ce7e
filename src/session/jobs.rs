//! Notes of the tokens that jobs were given (`exec --job-token`). Such a token has the person's full rights and
//! does not end by itself, so each is written down, sealed, until it has been deleted: what a killed process left
//! behind is deleted by the next command that goes online.

use serde::{Deserialize, Serialize};

use super::store;
use crate::error::Result;
use crate::http::{Failure, Http};
use crate::os::clock::now;
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::os::process::Identity;
use crate::provider::ProviderId;
use crate::secret::{Secret, sealed_bytes};
use crate::store::{Shelf, Store};

/// A token that a job was given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobToken {
    /// What it is called on the server's page of tokens.
    pub name: String,
    /// Its number at the server.
    pub id: String,
    /// The platform.
    #[serde(default = "ProviderId::first")]
    pub provider: ProviderId,
    /// The base of the server's API.
    pub endpoint: String,
    /// When it was made, in seconds since 1970.
    pub made_at: u64,
    /// The process whose job has it, and which deletes it.
    pub owner: Identity,
    #[serde(with = "sealed_bytes")]
    token: Secret,
}

impl JobToken {
    /// One that was made just now, for a job of this process.
    pub fn new(name: &str, id: &str, provider: ProviderId, endpoint: &str, token: &Secret) -> JobToken {
        JobToken {
            name: name.to_owned(),
            id: id.to_owned(),
            provider,
            endpoint: endpoint.to_owned(),
            made_at: now(),
            owner: Identity::here(),
            token: token.clone(),
        }
    }

    /// Whether nobody can delete it any more but us.
    pub fn is_left_behind(&self) -> bool {
        self.owner.is_gone()
    }

    /// Deletes it at the server, with itself: the login may have ended since. One that is gone is fine.
    ///
    /// # Errors
    /// The server cannot be asked, or does not delete it.
    pub fn delete(&self, http: &Http) -> Result<(), Failure> {
        match self.provider.delete_token(http, &self.endpoint, &self.token, &self.id) {
            Err(failure) if matches!(failure.status(), Some(401 | 404)) => Ok(()),
            outcome => outcome,
        }
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
    let Ok(mut left) = list(store) else { return };
    left.retain(JobToken::is_left_behind);
    left.retain(|token| !deadline.passed() && token.delete(http).is_ok());
    if !left.is_empty() {
        let _ = forget(store, &left);
    }
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
    format!("{} {}", token.endpoint, token.id)
}
