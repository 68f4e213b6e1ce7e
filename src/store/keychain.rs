//! The operating system's keychain, asked for one item: the store's key. Each key has an item of its own, named
//! by the key's id: two stores that begin at once cannot take each other's key away.
//!
//! Every call runs in a thread of its own under our deadline, since a Secret Service that was stopped, or one
//! that waits for a person at a screen nobody looks at, never answers.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use keyring::{Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::sealed::{Key, KeyId};
use crate::error::Error;
use crate::os::deadline::Deadline;

/// The service of our items.
pub const SERVICE: &str = "seqera-credential-helper";
/// The user of our items, in front of the id of the key. The first version had one item of just that name.
pub const USER: &str = "store-key";

/// Without a terminal nobody can answer a question of the keychain.
const ALONE: Duration = Duration::from_secs(3);
/// With one there may be a person typing a password into a window.
const ATTENDED: Duration = Duration::from_secs(60);

/// Why the keychain gives nothing. These are different answers: only the first two may ever lead to a file
/// instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// There is no keychain on this machine, or none that this process can reach.
    Absent,
    /// There is one without a default keyring: nobody ever set one up, and only a person at a screen could.
    NoCollection,
    /// It is locked and nobody unlocked it.
    Locked,
    /// It refuses us.
    Denied,
    /// It did not answer in time.
    Mute,
    /// It answered something we do not understand.
    Broken(&'static str),
}

impl Trouble {
    /// Whether nothing can be kept in a keychain here, now or later.
    pub fn is_no_keychain(&self) -> bool {
        matches!(self, Trouble::Absent | Trouble::NoCollection)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Error {
        match trouble {
            Trouble::Absent => Error::store("no keychain can be reached from here")
                .next("log in to the desktop (or start its keychain service), and try again"),
            Trouble::NoCollection => Error::store("the keychain has no default keyring")
                .next("create one in your desktop's password manager, and try again"),
            Trouble::Locked => Error::store("the keychain is locked").next("unlock it, and try again"),
            Trouble::Denied => {
                Error::store("the keychain denied access").next("allow it there, and try again")
            }
            Trouble::Mute => Error::store("the keychain did not answer in time")
                .next("look whether it waits for you in a window, or restart its service"),
            Trouble::Broken(what) => Error::store(format!("the keychain failed: {what}")),
        }
    }
}

/// Reads the key with this id; nothing where the keychain has none.
pub fn get(id: KeyId, deadline: Deadline) -> Result<Option<Key>, Trouble> {
    bounded(deadline, move || {
        for user in [user(id), USER.to_owned()] {
            if let Some(key) = read(&entry(&user)?)?.filter(|key| key.id() == id) {
                return Ok(Some(key));
            }
        }
        // KeePassXC shows nothing of a database that is locked: what it has is then not known.
        if platform::is_locked() { Err(Trouble::Locked) } else { Ok(None) }
    })
}

/// Whether the keychain answers.
pub fn answers(deadline: Deadline) -> Result<(), Trouble> {
    bounded(deadline, || match entry(USER)?.get_secret().map(Zeroizing::new) {
        Ok(_) | Err(KeyringError::NoEntry) => Ok(()),
        Err(error) => Err(classify(&error)),
    })
}

/// Writes the key.
pub fn set(key: &Key, deadline: Deadline) -> Result<(), Trouble> {
    let key = key.clone();
    bounded(deadline, move || {
        entry(&user(key.id()))?.set_secret(key.expose()).map_err(|error| classify(&error))
    })
}

/// Removes the key with this id. An item of the first version stays: other stores may have their key there.
pub fn remove(id: KeyId, deadline: Deadline) -> Result<(), Trouble> {
    bounded(deadline, move || match entry(&user(id))?.delete_credential() {
        Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
        Err(error) => Err(classify(&error)),
    })
}

fn user(id: KeyId) -> String {
    format!("{USER} {}", id.to_hex())
}

fn read(entry: &Entry) -> Result<Option<Key>, Trouble> {
    match entry.get_secret().map(Zeroizing::new) {
        Ok(secret) => match Key::from_bytes(&secret) {
            Some(key) => Ok(Some(key)),
            None => Err(Trouble::Broken("the item under our name is not our key")),
        },
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(classify(&error)),
    }
}

fn entry(user: &str) -> Result<Entry, Trouble> {
    #[cfg(all(unix, not(target_os = "macos")))]
    if !crate::os::bus::is_ours() {
        log::warn!("the session bus was not started by you, so it is not asked for a keychain");
        return Err(Trouble::Absent);
    }
    if let Err(error) = Entry::store_status() {
        return Err(classify(error));
    }
    Entry::new(SERVICE, user).map_err(|error| classify(&error))
}

fn bounded<T: Send + 'static>(
    deadline: Deadline,
    call: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let limit = if crate::os::terminal::attended() { ATTENDED } else { ALONE };
    let (answer, wait) = channel();
    let spawned = std::thread::Builder::new().name("keychain".into()).spawn(move || {
        let _ = answer.send(call());
    });
    if spawned.is_err() {
        return Err(Trouble::Broken("no thread can be started"));
    }
    let _waiting = crate::os::waiting::begin(|| "Waiting for the keychain ...".to_owned());
    match wait.recv_timeout(deadline.within(limit).left()) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(Trouble::Mute),
        Err(RecvTimeoutError::Disconnected) => Err(Trouble::Broken("its library gave up")),
    }
}

/// Classifies a failure of the keyring library. Its errors are never shown: two of them carry the secret.
fn classify(error: &KeyringError) -> Trouble {
    match error {
        KeyringError::NoStorageAccess(inner) => platform::no_access(&**inner),
        KeyringError::PlatformFailure(inner) => platform::failure(&**inner),
        KeyringError::NoDefaultStore => Trouble::Absent,
        KeyringError::Ambiguous(_) => {
            Trouble::Broken("two items have our name; remove the one that is not ours")
        }
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) | KeyringError::BadStoreFormat(_) => {
            Trouble::Broken("the item under our name is damaged")
        }
        _ => Trouble::Broken("it does not do what its library expects"),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use super::Trouble;
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error as Service};
    use std::error::Error;

    /// Whether the default collection is locked.
    pub fn is_locked() -> bool {
        let service = SecretService::connect(EncryptionType::Plain);
        service.is_ok_and(|service| {
            service.get_default_collection().is_ok_and(|collection| collection.is_locked().unwrap_or(false))
        })
    }

    pub fn no_access(error: &(dyn Error + Send + Sync + 'static)) -> Trouble {
        match error.downcast_ref::<Service>() {
            // The service asked for a person and got none, or one who said no. Only a screen can show the
            // question, so without one nobody was asked.
            Some(Service::Prompt) if crate::os::terminal::has_display() => Trouble::Denied,
            Some(Service::NoResult) => Trouble::NoCollection,
            _ => Trouble::Locked,
        }
    }

    pub fn failure(error: &(dyn Error + Send + Sync + 'static)) -> Trouble {
        match error.downcast_ref::<Service>() {
            Some(Service::Unavailable) => Trouble::Absent,
            Some(Service::Locked) => Trouble::Locked,
            Some(Service::Zbus(error)) => bus(error),
            _ => Trouble::Broken("its service answered something unexpected"),
        }
    }

    /// Names of errors: the D-Bus specification, "Standard error names".
    fn bus(error: &zbus::Error) -> Trouble {
        match error {
            zbus::Error::Connection(..) | zbus::Error::Address(_) | zbus::Error::Unsupported => {
                Trouble::Absent
            }
            zbus::Error::InputOutput(_) | zbus::Error::Handshake(_) => Trouble::Absent,
            zbus::Error::MethodError(name, ..) => match name.as_str() {
                "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                    Trouble::Absent
                }
                "org.freedesktop.DBus.Error.AccessDenied" => Trouble::Denied,
                "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.TimedOut" => Trouble::Mute,
                "org.freedesktop.Secret.Error.IsLocked" => Trouble::Locked,
                _ => Trouble::Broken("its service reported an error"),
            },
            zbus::Error::FDO(error) => match **error {
                zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_) => Trouble::Absent,
                zbus::fdo::Error::AccessDenied(_) => Trouble::Denied,
                _ => Trouble::Broken("its bus reported an error"),
            },
            _ => Trouble::Broken("its service does not speak as expected"),
        }
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod platform {
    use super::Trouble;
    use std::error::Error;

    pub fn is_locked() -> bool {
        false
    }

    pub fn no_access(_: &(dyn Error + Send + Sync + 'static)) -> Trouble {
        Trouble::Locked
    }

    pub fn failure(_: &(dyn Error + Send + Sync + 'static)) -> Trouble {
        Trouble::Denied
    }
}
