//! The user's `config.toml`. It is read here and changed only by commands, which keep its comments.

use std::time::Duration;

use toml_edit::DocumentMut;

use crate::error::{Error, Result, io_words};
use crate::os::env::env_text;
use crate::os::files;
use crate::os::paths::Paths;

const LIMIT: u64 = 1024 * 1024;

/// What the user configured.
#[derive(Debug, Default)]
pub struct Config(DocumentMut);

impl Config {
    /// Reads `config.toml`; no file is an empty configuration.
    pub fn load(paths: &Paths) -> Result<Config> {
        let path = paths.config_file();
        let unreadable =
            |why: &str| Error::failed(format!("{} cannot be read: {why}", path.display())).next("mend it");
        let Some(bytes) = files::read(&path, LIMIT).map_err(|error| unreadable(&io_words(&error)))? else {
            return Ok(Config::default());
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8"))?;
        // The parser's message quotes the file, which may hold what should not be shown.
        let document = text.parse().map_err(|_| unreadable("it is not TOML"))?;
        Ok(Config(document))
    }

    /// `key_cache`, in seconds: how long after its last use the store's key stays in the kernel's keyring.
    /// 15 minutes where nothing is said; 0 keeps it nowhere.
    pub fn key_cache(&self) -> Duration {
        let seconds = self.0.get("key_cache").and_then(|item| item.as_integer());
        Duration::from_secs(seconds.and_then(|s| u64::try_from(s).ok()).unwrap_or(15 * 60))
    }

    /// `seqera.sync_organization`: whether Seqera's own program is made to choose the organization that is chosen
    /// here. It is where nothing is said.
    pub fn syncs_organization(&self) -> bool {
        let setting = self.0.get("seqera").and_then(|seqera| seqera.get("sync_organization"));
        setting.and_then(|setting| setting.as_bool()).unwrap_or(true)
    }

    /// `sekuire.auth_file`: whether a login to Sekuire is also written to `~/.sekuire/auth.json`.
    pub fn sekuire_auth_file(&self) -> bool {
        let setting = self.0.get("sekuire").and_then(|sekuire| sekuire.get("auth_file"));
        setting.and_then(|setting| setting.as_bool()).unwrap_or(false)
    }
}

/// The deadline of the programs' door: `SEQERA_HELPER_TIMEOUT_MS`, else 10 s.
pub fn helper_timeout() -> Duration {
    let millis = env_text("SEQERA_HELPER_TIMEOUT_MS").and_then(|text| text.parse().ok());
    Duration::from_millis(millis.filter(|millis| *millis > 0).unwrap_or(10_000))
}
