//! Whether the store can be written and read back: tried, the way a client tries it.

use std::io::Cursor;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Finding;
use crate::broker::Broker;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::hex::hex;
use crate::os::paths::Paths;
use crate::protocol::Protocol;
use crate::protocol::git::Git;

const ABOUT: &str = "store";

/// A server that there is none of (RFC 2606).
const NOBODY: &str = "protocol=https\nhost=seqera-doctor.invalid\nusername=doctor\n";

/// A store that answers does so within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at a store whose key can be had.
pub fn look(paths: &Paths) -> Finding {
    match comes_back(paths) {
        Ok(true) => Finding::ok(ABOUT, "what is stored comes back"),
        Ok(false) => Finding::wrong(ABOUT, "what is stored does not come back")
            .next("log in again, and keep a copy of the store: it may be shared with an older program"),
        Err(error) => {
            let usual = format!("see whether its disk is full or read-only: df -h {}", paths.store.display());
            Finding::wrong(ABOUT, error.what()).next(error.hint().map_or(usual, str::to_owned))
        }
    }
}

fn comes_back(paths: &Paths) -> Result<bool> {
    let mut word = [0; 16];
    getrandom::fill(&mut word).map_err(|_| Error::failed("the system has no randomness"))?;
    let password = format!("password={}\n", hex(&word));
    let talk = |operation: &str, input: String| {
        let mut answer = Zeroizing::new(Vec::new());
        let broker = Broker::new(paths, Deadline::after(PATIENCE));
        let input = &mut Cursor::new(input.into_bytes());
        Git.talk(&[operation.to_owned()], input, &mut *answer, &broker).map(|_| answer)
    };
    talk("store", format!("{NOBODY}{password}\n"))?;
    let answer = talk("get", format!("{NOBODY}\n"))?;
    talk("erase", format!("{NOBODY}\n"))?;
    Ok(String::from_utf8_lossy(&answer).contains(&password))
}
