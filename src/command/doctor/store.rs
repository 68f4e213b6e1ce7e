//! The store: where its key lives, whether every box can be read, and whether what is stored comes back.

use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Finding;
use crate::broker::{Broker, StoredCredential};
use crate::config::{Config, FILE};
use crate::error::{Error, Kind, Result};
use crate::os::deadline::Deadline;
use crate::os::hex::hex;
use crate::os::ownership;
use crate::os::paths::Paths;
use crate::protocol::Protocol;
use crate::protocol::git::Git;
use crate::session;
use crate::store::key::{self, KeyPlace, Wish};

const ABOUT: &str = "store";

/// A server that there is none of (RFC 2606).
const NOBODY: &str = "protocol=https\nhost=seqera-doctor.invalid\nusername=doctor\n";

/// A store that answers does so within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the store. Answers whether its key can be had.
pub fn look(paths: &Paths, findings: &mut Vec<Finding>) -> bool {
    findings.extend(open_to_others(ABOUT, &paths.store));
    let place = match key::place(paths) {
        Ok(place) => place,
        Err(error) => {
            findings.push(Finding::of_error(ABOUT, &error));
            return false;
        }
    };
    let shown = paths.store.display();
    match place {
        Some(KeyPlace::File) => findings.push(Finding::note(
            ABOUT,
            format!("{shown}, with its key in a file beside it: no better than a private file"),
        )),
        Some(KeyPlace::Keychain) => {
            findings.push(Finding::ok(ABOUT, format!("{shown}, with its key in the keychain")))
        }
        None => {
            findings.push(Finding::note(ABOUT, format!("{shown} is made when something is first stored")))
        }
    }
    // A store that was made before the site said so.
    if place == Some(KeyPlace::File)
        && let Err(error) = Config::load(paths).and_then(|config| config.must_allow(FILE, key::KEY_IN_FILE))
        && error.kind() == Kind::Refused
    {
        findings.push(Finding::wrong(ABOUT, error.what()).next("move it with: seqera store move keychain"));
    }
    let opens = keychain(paths, place, findings);
    if opens {
        boxes(paths, findings);
        findings.push(tried(paths));
    }
    opens
}

/// Names every box that cannot be read. It hides no other, and is in nobody's way but its own.
fn boxes(paths: &Paths, findings: &mut Vec<Finding>) {
    let fits = |kind: &str, plain: &[u8]| {
        session::fits(kind, plain).unwrap_or_else(|| StoredCredential::fits(plain))
    };
    match session::store(paths, Deadline::after(PATIENCE)).unreadable(fits) {
        Ok(unreadable) => {
            findings
                .extend(unreadable.iter().map(|unreadable| Finding::of_error(ABOUT, &unreadable.error())));
        }
        Err(error) => findings.push(Finding::of_error(ABOUT, &error)),
    }
}

/// Writes to it and reads that back, the way a client does.
fn tried(paths: &Paths) -> Finding {
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

/// Asks the keychain where it holds the key, or would. Where the key is in a file it is left alone: asking may
/// open a window.
fn keychain(paths: &Paths, place: Option<KeyPlace>, findings: &mut Vec<Finding>) -> bool {
    const ABOUT: &str = "keychain";
    let wish = match Config::load(paths).and_then(|config| Wish::for_new(&config)) {
        Ok(wish) => wish,
        Err(error) => {
            findings.push(Finding::of_error(ABOUT, &error));
            return false;
        }
    };
    if place == Some(KeyPlace::File) || (place.is_none() && wish == Wish::File) {
        return place.is_some();
    }
    let answer = key::ask_keychain(paths, Deadline::after(Duration::from_secs(3)));
    let opens = matches!(answer, Ok(true));
    findings.push(match (answer, place) {
        (Ok(true), _) => Finding::ok(ABOUT, "answers, and has the key"),
        (Ok(false), None) => Finding::ok(ABOUT, "answers"),
        (Ok(false), Some(_)) => Finding::wrong(ABOUT, "answers, and no longer has the key of the store")
            .next("restore the keychain, or move the store away to begin anew"),
        (Err(trouble), None) if trouble.is_no_keychain() && wish == Wish::Auto => {
            Finding::note(ABOUT, "there is none here, so the key will be in a private file")
        }
        (Err(trouble), _) => Finding::of_error(ABOUT, &Error::from(trouble)),
    });
    opens
}

/// A folder or file of ours that others may look into.
#[cfg(unix)]
pub fn open_to_others(about: &'static str, path: &Path) -> Option<Finding> {
    use std::os::unix::fs::MetadataExt;
    if ownership::trusts() {
        return None;
    }
    let found = std::fs::symlink_metadata(path).ok()?;
    let shown = path.display();
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Some(Finding::wrong(about, format!("{shown} belongs to another user")).next(
            match rustix::process::geteuid().is_root() {
                true => "run it as that user",
                false => "move it away",
            },
        ));
    }
    let mode = if found.is_dir() { "700" } else { "600" };
    (!found.is_symlink() && found.mode() & 0o077 != 0).then(|| {
        Finding::wrong(about, format!("others may read {shown}"))
            .next(format!("close it with: chmod {mode} {shown}"))
    })
}

/// Elsewhere a home is private by itself.
#[cfg(not(unix))]
pub fn open_to_others(_: &'static str, _: &Path) -> Option<Finding> {
    None
}
