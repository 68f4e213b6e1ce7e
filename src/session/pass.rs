//! A login's way into its platform's registry: a password that the platform makes on request and that is over
//! in minutes. It rests sealed until shortly before its end, and nowhere else; clients that ask at once share one.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{IDENTITY, Sessions};
use crate::error::Result;
use crate::http::Http;
use crate::os::clock::now;
use crate::provider::RegistryLogin;
use crate::secret::{Secret, sealed_bytes};
use crate::session::Want;
use crate::session::profile::{Profile, ProfileName};
use crate::store::Shelf;
use crate::store::lock::Lock;

/// How long a password is used of which the platform tells no end, in seconds.
const UNTOLD: u64 = 5 * 60;

/// Kept free at the end of the deadline, to store what the server answers at the last moment.
const TO_STORE: Duration = Duration::from_millis(500);

/// A password for a registry, as it rests in a sealed box.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pass {
    /// The profile's generation when it was made: another organization needs another one.
    generation: u64,
    /// The user.
    pub username: String,
    /// The password.
    #[serde(with = "sealed_bytes")]
    pub password: Secret,
    /// Until when it is used, in seconds since 1970.
    pub expires_at: u64,
}

impl Pass {
    /// What the platform has just given to the login of this generation.
    pub fn new(generation: u64, made: RegistryLogin) -> Pass {
        // A push may go on for a while with the password it began with.
        let used_for = made.lives_for.map_or(UNTOLD, |lives| lives - (lives / 5).min(60));
        Pass {
            generation,
            username: made.username,
            password: made.token,
            expires_at: now().saturating_add(used_for),
        }
    }

    fn serves(&self, login: &Profile) -> bool {
        self.generation == login.generation && self.expires_at > now()
    }
}

impl Sessions<'_> {
    /// A password for the registry of this login: the one at hand while it lives, else a new one.
    ///
    /// # Errors
    /// As [`Sessions::fresh`]; the platform cannot be reached, or gives none.
    pub fn registry_pass(&self, name: &ProfileName) -> Result<Pass> {
        if let Some(pass) = self.pass_for(&self.fresh(name, &Want::default())?.profile)? {
            return Ok(pass);
        }
        let _lock = Lock::acquire(&self.pass_lock(name), self.deadline)?;
        // Read again under the lock: somebody may have made one, or have logged out.
        let login = self.fresh(name, &Want::default())?;
        if let Some(pass) = self.pass_for(&login.profile)? {
            return Ok(pass);
        }
        let until = Instant::now() + self.deadline.left().saturating_sub(TO_STORE);
        let http = Http::new(Duration::from_secs(30)).until(until);
        let platform = login.profile.provider;
        let made = platform.registry_login(
            &http,
            &login.profile.endpoint,
            &login.token,
            Some(login.profile.details()),
        )?;
        let pass = Pass::new(login.profile.generation, made);
        self.store.put(&Shelf::registry_pass(name.as_str()), IDENTITY, &pass)?;
        Ok(pass)
    }

    fn pass_for(&self, login: &Profile) -> Result<Option<Pass>> {
        Ok(self.kept_pass(&login.name)?.filter(|pass| pass.serves(login)))
    }

    /// The password last made for this login, whether it lives or not.
    pub fn kept_pass(&self, name: &ProfileName) -> Result<Option<Pass>> {
        // One that cannot be read gives way to a new one.
        Ok(self.store.read(&Shelf::registry_pass(name.as_str()))?.contents().next())
    }

    /// Forgets the password, so that the next client gets a new one. Waits for a process that is making one, so must
    /// not be called under the session's lock.
    pub fn forget_pass(&self, name: &ProfileName) -> Result<()> {
        let path = self.pass_lock(name);
        if !path.exists() {
            return Ok(());
        }
        let _lock = Lock::acquire(&path, self.deadline)?;
        self.store.clear(&Shelf::registry_pass(name.as_str()))
    }

    fn pass_lock(&self, name: &ProfileName) -> std::path::PathBuf {
        self.paths.store.join(format!("registry+{name}.lock"))
    }
}
