//! The one answer to "a credential for this request": for a host that a platform owns, a token from the
//! environment, else the session; for any other host, what was stored for exactly that host.

mod platform;
mod stored;

use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::session;
use crate::store::Store;

pub use platform::{Platform, PlatformToken};
pub use stored::StoredCredential;

/// Keeps and finds the credentials that clients stored.
#[derive(Debug)]
pub struct Broker<'a> {
    paths: &'a Paths,
    deadline: Deadline,
    store: Store<'a>,
}

impl<'a> Broker<'a> {
    /// A broker over this user's store, done by `deadline`.
    pub fn new(paths: &'a Paths, deadline: Deadline) -> Self {
        Broker { paths, deadline, store: session::store(paths, deadline) }
    }
}
