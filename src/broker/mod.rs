//! The one answer to "a credential for this request": for a host that a platform owns, a token from the
//! environment, else the session; for any other host, what was stored for exactly that host.

mod memory;
mod platform;
mod stored;

use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::paths::Paths;
use crate::session;
use crate::store::Store;
use memory::Memory;

pub use platform::{Platform, PlatformToken};
pub use stored::{ServerId, StoredCredential};

/// Keeps and finds the credentials that clients stored.
#[derive(Debug)]
pub struct Broker<'a>(Kept<'a>);

/// Where it finds them.
#[derive(Debug)]
enum Kept<'a> {
    OnDisk(OnDisk<'a>),
    InMemory(Memory),
    Nowhere(Error),
}

#[derive(Debug)]
struct OnDisk<'a> {
    paths: &'a Paths,
    deadline: Deadline,
    store: Store<'a>,
}

impl<'a> Broker<'a> {
    /// A broker over this user's store, done by `deadline`.
    pub fn new(paths: &'a Paths, deadline: Deadline) -> Self {
        Broker(Kept::OnDisk(OnDisk { paths, deadline, store: session::store(paths, deadline) }))
    }

    /// A broker that knows no login and forgets everything when it goes: where a client only wants to know whether it
    /// reaches us, and for tests that take microseconds.
    pub fn in_memory() -> Self {
        Broker(Kept::InMemory(Memory::default()))
    }

    /// A broker that has this to say to everything that needs the store.
    pub fn unavailable(error: Error) -> Self {
        Broker(Kept::Nowhere(error))
    }

    /// This user's store and logins, where there are such.
    fn on_disk(&self) -> Result<Option<&OnDisk<'a>>> {
        match &self.0 {
            Kept::OnDisk(on_disk) => Ok(Some(on_disk)),
            Kept::InMemory(_) => Ok(None),
            Kept::Nowhere(error) => Err(error.clone()),
        }
    }
}
