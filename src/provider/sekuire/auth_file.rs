//! `~/.sekuire/auth.json`, where Sekuire's own program keeps a key in plain text.
//!
//! It is read to take a login over, and written only for people who ask for it because they also run that
//! program. The folder is that program's: its installer keeps programs there, so we never remove it and never
//! change its mode.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result, io_words};
use crate::os::files;
use crate::os::ownership::Exposed;
use crate::provider::LoginDetails;
use crate::secret::Secret;

const LIMIT: u64 = 64 * 1024;

/// What stands in the file. Every field may be missing.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthFile {
    api_key: Option<Zeroizing<String>>,
    /// A bearer token of an older kind, which is no longer given out.
    token: Option<Zeroizing<String>>,
    device_fingerprint: Option<String>,
    org_id: Option<String>,
    workspace_id: Option<String>,
}

impl AuthFile {
    /// What a login says in that file.
    pub fn of(login: LoginDetails<'_>, key: &Secret) -> AuthFile {
        AuthFile {
            api_key: key.expose_str().map(|key| Zeroizing::new(key.to_owned())),
            token: None,
            device_fingerprint: login.api_key.map(|key| key.fingerprint.clone()),
            org_id: login.organization.map(|organization| organization.id.clone()),
            workspace_id: login.workspace.map(|workspace| workspace.id.clone()),
        }
    }

    /// Reads the file; nothing where there is none.
    ///
    /// # Errors
    /// It cannot be read, is a link, or is not what Sekuire's program writes.
    pub fn read() -> Result<Option<AuthFile>> {
        let path = path()?;
        let unreadable = |why: &str| Error::failed(format!("{} cannot be read: {why}", path.display()));
        let read = files::read_foreign(&path, LIMIT).map_err(|error| match Exposed::of(&error) {
            Some(_) => files::failure(format_args!("{} cannot be read", path.display()), &error),
            None => unreadable(&io_words(&error)),
        });
        let Some(bytes) = read? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        // The parser's message quotes the file.
        serde_json::from_slice(&bytes).map(Some).map_err(|_| {
            unreadable("it is not what Sekuire's program writes").next("log in with: sekuire login")
        })
    }

    /// Writes the file, mode 0600, whole or not at all.
    ///
    /// # Errors
    /// What the system says; the old content is then untouched.
    pub fn write(&self) -> Result<()> {
        let path = path()?;
        let failed =
            |error: &std::io::Error| Error::io(format_args!("{} cannot be written", path.display()), error);
        let bytes = serde_json::to_vec_pretty(self).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| Error::failed(format!("{} cannot be written", path.display())))?;
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            files::private_dir(folder).map_err(|error| failed(&error))?;
        }
        files::replace(&path, &bytes).map_err(|error| failed(&error))
    }

    /// The key, if the file has one.
    pub fn key(&self) -> Option<Secret> {
        self.api_key.as_ref().map(|key| Secret::from(key.as_str()))
    }

    /// The fingerprint that the key was bound with, if it is one.
    pub fn fingerprint(&self) -> Option<&str> {
        let is_one = |text: &&str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        self.device_fingerprint.as_deref().filter(is_one)
    }

    /// Whether there is only a token of the older kind.
    pub fn is_legacy(&self) -> bool {
        self.api_key.is_none() && self.token.is_some()
    }
}

/// Removes the file if the key in it is `key`: what somebody else has put there since is theirs. Answers
/// whether it was removed.
///
/// # Errors
/// It cannot be read or removed.
pub fn remove_if(key: &Secret) -> Result<bool> {
    let is_ours = AuthFile::read()?.and_then(|file| file.key()).is_some_and(|kept| kept == *key);
    if is_ours {
        let path = path()?;
        files::remove(&path)
            .map_err(|error| Error::io(format_args!("{} cannot be removed", path.display()), &error))?;
    }
    Ok(is_ours)
}

/// Where the file is.
///
/// # Errors
/// The home folder is not known.
pub fn path() -> Result<PathBuf> {
    let home =
        dirs::home_dir().ok_or_else(|| Error::failed("your home folder is not known").next("set HOME"))?;
    Ok(home.join(".sekuire").join("auth.json"))
}
