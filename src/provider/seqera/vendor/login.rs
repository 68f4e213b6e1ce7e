//! The login that Seqera's own program keeps: one refresh token, in the keychain, in the kernel's keyring or in a
//! file. There is one for all servers.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

use keyring::{Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::folder;
use crate::error::{Error, Result, io_words};
use crate::os::env::env_text;
use crate::os::files;
use crate::provider::Provider;
use crate::provider::seqera::Seqera;
use crate::secret::Secret;

/// Where a refresh token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The keychain of the system.
    Keychain,
    /// The kernel's keyring, where there is no keychain.
    Kernel,
    /// A file in plain text.
    File(PathBuf),
}

/// A login that Seqera's program keeps.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where.
    pub place: Place,
    /// Its refresh token: good for the next one, once.
    pub token: Secret,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Keychain => f.write_str("the keychain"),
            Place::Kernel => f.write_str("the kernel's keyring"),
            Place::File(path) => path.display().fmt(f),
        }
    }
}

/// What it is called in the keychain.
const SERVICE: &str = "seqera-cli";
const USER: &str = "refresh-token";

/// A refresh token is a line of text.
const LIMIT: u64 = 64 * 1024;

/// The logins that can be found at once, without asking a keychain.
pub fn at_hand() -> Vec<Kept> {
    let kernel = kernel::get().map(|token| Kept { place: Place::Kernel, token });
    let file = file().and_then(|path| Some(Kept { token: in_file(&path).ok()??, place: Place::File(path) }));
    kernel.into_iter().chain(file).collect()
}

/// All of them, in the order in which that program reads them.
///
/// # Errors
/// The keychain has an answer, and does not give it within `patience`.
pub fn everywhere(patience: Duration) -> Result<Vec<Kept>> {
    let keychain = bounded(patience, keychain_get)?.map(|token| Kept { place: Place::Keychain, token });
    let kernel = kernel::get().map(|token| Kept { place: Place::Kernel, token });
    let mut all: Vec<Kept> = keychain.into_iter().chain(kernel).collect();
    if let Some(path) = file()
        && let Some(token) = in_file(&path)?
    {
        all.push(Kept { place: Place::File(path), token });
    }
    Ok(all)
}

impl Kept {
    /// Removes it, if it is still this one: what that program has put there since is another login. Answers whether
    /// it was removed.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn remove(&self, patience: Duration) -> Result<bool> {
        match &self.place {
            Place::Keychain => {
                let token = self.token.clone();
                bounded(patience, move || keychain_remove(&token))
            }
            Place::Kernel => Ok(kernel::remove(&self.token)),
            Place::File(path) => {
                let is_it = in_file(path)?.is_some_and(|found| found == self.token);
                if is_it {
                    files::remove(path).map_err(|error| {
                        Error::io(format_args!("{} cannot be removed", path.display()), &error)
                    })?;
                }
                Ok(is_it)
            }
        }
    }
}

/// A process of Seqera's own program that may use the login it keeps at this moment: it reads the token when it
/// begins, and a second renewal with it ends the login. One that was given a token uses that.
#[cfg(target_os = "linux")]
pub fn user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;

    let own = rustix::process::getuid().as_raw();
    let home = std::env::var_os("HOME")?.into_encoded_bytes();
    let ours = std::env::current_exe().and_then(std::fs::metadata).ok();
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let (exe, environment) = (entry.path().join("exe"), entry.path().join("environ"));
        // Processes of ours are not to be looked into, and so belong to root.
        let is_named =
            std::fs::read_link(&exe).ok()?.file_name()?.to_str()?.split(' ').next() == Some("seqera");
        if !is_named || entry.metadata().ok()?.uid() != own {
            return None;
        }
        let found = std::fs::metadata(&exe).ok()?;
        let is_ours =
            ours.as_ref().is_some_and(|ours| (ours.dev(), ours.ino()) == (found.dev(), found.ino()));
        let environment = Zeroizing::new(std::fs::read(environment).ok()?);
        (!is_ours && uses_login_of(&environment, &home)).then_some(id)
    })
}

/// Nowhere else is it known.
#[cfg(not(target_os = "linux"))]
pub fn user() -> Option<u32> {
    None
}

/// Whether a program with this environment uses the login that it keeps in `home`.
#[cfg(any(target_os = "linux", test))]
fn uses_login_of(environment: &[u8], home: &[u8]) -> bool {
    let value = |name: &str| {
        let mut pairs = environment.split(|byte| *byte == 0);
        pairs
            .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
            .filter(|v| !v.is_empty())
    };
    value("HOME") == Some(home) && Seqera.variables().tokens.iter().all(|name| value(name).is_none())
}

fn file() -> Option<PathBuf> {
    Some(folder()?.join("refresh-token"))
}

fn in_file(path: &std::path::Path) -> Result<Option<Secret>> {
    let bytes = files::read_foreign(path, LIMIT)
        .map_err(|error| Error::failed(format!("{} cannot be read: {}", path.display(), io_words(&error))))?;
    Ok(bytes.map(Zeroizing::new).and_then(|bytes| token(&bytes)))
}

/// One line of text; what is anything else is not a token.
fn token(bytes: &[u8]) -> Option<Secret> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty() && !text.contains(char::is_whitespace)).then(|| Secret::from(text))
}

fn keychain_get() -> Result<Option<Secret>> {
    if Entry::store_status().is_err() {
        return Ok(None);
    }
    let entry = Entry::new(SERVICE, USER).map_err(|_| broken())?;
    match entry.get_secret().map(Zeroizing::new) {
        Ok(bytes) => Ok(token(&bytes)),
        Err(KeyringError::NoEntry) => Ok(None),
        Err(_) => Err(broken()),
    }
}

fn keychain_remove(token: &Secret) -> Result<bool> {
    if keychain_get()?.is_none_or(|found| found != *token) {
        return Ok(false);
    }
    let entry = Entry::new(SERVICE, USER).map_err(|_| broken())?;
    entry.delete_credential().map(|()| true).map_err(|_| broken())
}

fn broken() -> Error {
    Error::store(format!("the keychain does not give or remove its item '{SERVICE}'"))
        .next("unlock the keychain, and try again")
}

/// A keychain that waits for a person at a screen nobody looks at never answers.
fn bounded<T: Send + 'static>(
    patience: Duration,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (answer, wait) = channel();
    let spawned = std::thread::Builder::new().spawn(move || drop(answer.send(call())));
    let mute = || {
        Error::store("the keychain did not answer in time")
            .next("look whether it waits for you in a window, or restart its service")
    };
    spawned.map_err(|_| mute())?;
    wait.recv_timeout(patience).unwrap_or_else(|_| Err(mute()))
}

#[cfg(target_os = "linux")]
mod kernel {
    use linux_keyutils::{Key, KeyRing, KeyRingIdentifier};
    use zeroize::Zeroizing;

    use super::{SERVICE, Secret, USER, token};

    fn find() -> Vec<Key> {
        let description = format!("keyring:{USER}@{SERVICE}");
        let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
        let persistent = KeyRing::get_persistent(KeyRingIdentifier::Session);
        let rings = [session, persistent].into_iter().flatten();
        rings.filter_map(|ring| ring.search(&description).ok()).collect()
    }

    fn read(key: &Key) -> Option<Secret> {
        token(&Zeroizing::new(key.read_to_vec().ok()?))
    }

    pub fn get() -> Option<Secret> {
        find().iter().find_map(read)
    }

    pub fn remove(token: &Secret) -> bool {
        let mut removed = false;
        // It is linked into two rings; what is invalid is in neither.
        for key in find() {
            removed |= read(&key).is_some_and(|found| found == *token) && key.invalidate().is_ok();
        }
        removed
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use super::Secret;

    pub fn get() -> Option<Secret> {
        None
    }

    pub fn remove(_: &Secret) -> bool {
        false
    }
}

/// The OAuth client to which that program's tokens belong, and by which alone they are renewed and revoked.
pub fn client_id() -> String {
    env_text("SEQERA_AUTH_CLI_CLIENT_ID").unwrap_or_else(|| "seqera_ai_cli".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_given_a_token_or_is_at_another_home_uses_another_login() {
        let uses = |environment: &[u8]| uses_login_of(environment, b"/home/ada");
        assert!(
            uses(b"A=1\0HOME=/home/ada\0SEQERA_ACCESS_TOKEN=\0") && uses(b"X_SEQERA_TOKEN=x\0HOME=/home/ada")
        );
        for other in [
            &b"HOME=/home/ada\0SEQERA_ACCESS_TOKEN=x\0"[..],
            b"TOWER_ACCESS_TOKEN=x\0HOME=/home/ada",
            b"HOME=/home/grace\0",
            b"OLDHOME=/home/ada",
            b"",
        ] {
            assert!(!uses(other), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(token(b" v1.abc\n"), Some("v1.abc".into()));
        for bad in [&b""[..], b"\n", b"two words", b"\xff\xfe"] {
            assert_eq!(token(bad), None);
        }
    }
}
