//! Where our files are. Nothing here touches the disk.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::env::non_empty;
use super::hex::hex;
use crate::error::{Error, Result};

/// The name of our folder below each of the system's folders. Never `seqera` or `seqera-ai`: those belong to
/// Seqera's own CLI.
const FOLDER: &str = "seqera-credential-helper";

/// The folders we own.
#[derive(Debug, Clone)]
pub struct Paths {
    /// Holds `config.toml`, which is the user's.
    pub config: PathBuf,
    /// What is not secret: a file a profile, what `configure` did, the fall-back for `run`.
    pub state: PathBuf,
    /// The sealed store.
    pub store: PathBuf,
    /// What prompts read: on a local disk where the system has one, since a prompt must not wait for NFS.
    pub run: PathBuf,
    /// Where a session is kept that the disk of `store` refuses: memory, where the system has such a folder.
    pub rescue: Option<PathBuf>,
}

impl Paths {
    /// The folders for this user: below `SEQERA_HELPER_HOME` where it is set, else where the system puts
    /// such things (XDG on Linux). An error where neither is known, or the variable is relative.
    pub fn from_env() -> Result<Paths> {
        if let Some(home) = non_empty("SEQERA_HELPER_HOME") {
            let home = Path::new(&home);
            // Else there is a store, and its key, in each folder we are called in: in work trees that get pushed.
            return match home.is_absolute() {
                true => Ok(Paths::below(home)),
                false => Err(Error::usage("SEQERA_HELPER_HOME is not an absolute path")
                    .next("set it to one, or unset it")),
            };
        }
        let unknown = || {
            Error::failed("your home folder is not known")
                .next("set HOME, or SEQERA_HELPER_HOME to a folder of your own")
        };
        let data = dirs::data_local_dir().ok_or_else(unknown)?.join(FOLDER);
        let state = dirs::state_dir().map_or_else(|| data.join("state"), |dir| dir.join(FOLDER));
        Ok(Paths {
            config: dirs::config_dir().ok_or_else(unknown)?.join(FOLDER),
            run: dirs::runtime_dir().map_or_else(|| state.join("run"), |dir| dir.join(FOLDER)),
            store: data.join("store"),
            rescue: None,
            state,
        })
    }

    /// All folders below one (`SEQERA_HELPER_HOME`).
    pub fn below(home: &Path) -> Paths {
        let id = hex(&Sha256::digest(home.as_os_str().as_encoded_bytes())[..8]);
        Paths {
            rescue: dirs::runtime_dir().map(|dir| dir.join(FOLDER).join(id)),
            config: home.to_path_buf(),
            state: home.join("state"),
            store: home.join("store"),
            run: home.join("run"),
        }
    }

    /// The files in which a site says what counts where the user says nothing: one below each folder of
    /// `XDG_CONFIG_DIRS` (`/etc/xdg` where it is unset), then `/etc`.
    pub fn site_config_files() -> Vec<PathBuf> {
        let dirs = non_empty("XDG_CONFIG_DIRS").unwrap_or_else(|| "/etc/xdg".into());
        let mut dirs: Vec<PathBuf> = std::env::split_paths(&dirs).filter(|dir| dir.is_absolute()).collect();
        if cfg!(unix) {
            dirs.push(PathBuf::from("/etc"));
        }
        dirs.into_iter().map(|dir| dir.join(FOLDER).join("config.toml")).collect()
    }

    /// The user's configuration.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}
