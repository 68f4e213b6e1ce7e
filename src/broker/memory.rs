//! Credentials that are kept nowhere but in this process.

use std::cell::RefCell;

use super::{ServerId, StoredCredential};

/// What was kept, the newest last.
#[derive(Debug, Default)]
pub struct Memory(RefCell<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    kind: &'static str,
    server: ServerId,
    identity: Vec<u8>,
    stored: StoredCredential,
}

impl Memory {
    /// Everything of a kind, or for one server of it.
    pub fn read(&self, kind: &str, server: Option<&ServerId>) -> Vec<StoredCredential> {
        let entries = self.0.borrow();
        let wanted =
            |entry: &&Entry| entry.kind == kind && server.is_none_or(|server| *server == entry.server);
        entries.iter().filter(wanted).map(|entry| entry.stored.clone()).collect()
    }

    /// Keeps one, replacing that of the same identity.
    pub fn put(&self, kind: &'static str, server: &ServerId, identity: &[u8], stored: StoredCredential) {
        let mut entries = self.0.borrow_mut();
        entries.retain(|entry| entry.kind != kind || entry.server != *server || entry.identity != identity);
        entries.push(Entry { kind, server: server.clone(), identity: identity.to_vec(), stored });
    }

    /// Forgets those that are `unwanted`.
    pub fn remove(&self, kind: &str, server: &ServerId, unwanted: impl Fn(&StoredCredential) -> bool) {
        let is_wanted =
            |entry: &Entry| entry.kind != kind || entry.server != *server || !unwanted(&entry.stored);
        self.0.borrow_mut().retain(is_wanted);
    }
}
