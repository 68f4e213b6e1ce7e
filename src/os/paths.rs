//! Where our files are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::env::non_empty;
use super::hex::hex;
use super::ownership::{self, Exposed};
use crate::error::{Error, Result};

/// The name of our folder below each of the system's folders. Never `seqera` or `seqera-ai`: those belong to
/// Seqera's own CLI.
pub const FOLDER: &str = "seqera-credential-helper";

/// Puts everything into one folder.
const HOME: &str = "SEQERA_HELPER_HOME";

/// The file by which a folder named in `SEQERA_HELPER_HOME` is known for ours.
const MARK: &str = ".seqera-credential-helper";

/// Where nothing is and nothing can be made: the folders of somebody whose home is not known.
const NOWHERE: &str = "/dev/null/home";

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
    /// The same in the home: for machines and sessions without a runtime folder, and to follow each other.
    pub home_run: PathBuf,
    /// Where a session is kept that the disk of `store` refuses: memory, where the system has such a folder.
    pub rescue: Option<PathBuf>,
}

impl Paths {
    /// The folders for this user: below `SEQERA_HELPER_HOME` where it is set, else where the system puts
    /// such things (XDG on Linux).
    ///
    /// # Errors
    /// Neither is known; the variable is relative, or names a folder that is in use for something else.
    pub fn from_env() -> Result<Paths> {
        let paths = Paths::if_known()?;
        if paths.is_known() { Ok(paths) } else { Err(unknown()) }
    }

    /// The same for a caller that can do without: where the home is not known nothing is stored, and nothing can
    /// be.
    ///
    /// # Errors
    /// As [`Paths::from_env`], but for an unknown home.
    pub fn if_known() -> Result<Paths> {
        if let Some(home) = non_empty(HOME) {
            let home = Path::new(&home);
            // Else there is a store, and its key, in each folder we are called in: in work trees that get pushed.
            if !home.is_absolute() {
                return Err(Error::usage("SEQERA_HELPER_HOME is not an absolute path")
                    .next("set it to one, or unset it"));
            }
            must_be_free(home)?;
            return Ok(Paths::below(home));
        }
        let folders = (dirs::data_local_dir(), dirs::config_dir());
        let (Some(data), Some(config)) = folders else { return Ok(Paths::below(Path::new(NOWHERE))) };
        let data = data.join(FOLDER);
        let state = dirs::state_dir().map_or_else(|| data.join("state"), |dir| dir.join(FOLDER));
        Ok(Paths {
            config: config.join(FOLDER),
            run: runtime_dir().map_or_else(|| state.join("run"), |dir| dir.join(FOLDER)),
            home_run: state.join("run"),
            store: data.join("store"),
            rescue: None,
            state,
        })
    }

    /// All folders below one (`SEQERA_HELPER_HOME`).
    pub fn below(home: &Path) -> Paths {
        let id = hex(&Sha256::digest(home.as_os_str().as_encoded_bytes())[..8]);
        Paths {
            // Looked at when something is to be read or kept there, which is seldom.
            rescue: dirs::runtime_dir().map(|dir| dir.join(FOLDER).join(id)),
            config: home.to_path_buf(),
            state: home.join("state"),
            store: home.join("store"),
            run: home.join("run"),
            home_run: home.join("run"),
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

    /// Whether the folders are anywhere.
    pub fn is_known(&self) -> bool {
        !self.store.starts_with(NOWHERE)
    }

    /// Whether anything was ever kept in these folders. Where nothing was, this is another home than the one in
    /// which the person logged in, or none: a node of a cluster, a container.
    pub fn are_unused(&self) -> bool {
        !self.store.exists() && !self.state.exists()
    }

    /// The user's configuration.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

/// The user's runtime folder. One that is not ours, or that others may write, does not exist: what is found
/// there may be a stranger's.
pub fn runtime_dir() -> Option<PathBuf> {
    dirs::runtime_dir().filter(|dir| ownership::is_private(dir))
}

/// The error for somebody whose home is not known.
pub fn unknown() -> Error {
    Error::failed("your home folder is not known")
        .next("set HOME, or SEQERA_HELPER_HOME to a folder of your own")
}

/// Refuses to make a folder where the home is not known.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`].
pub(super) fn must_be_known(dir: &Path) -> io::Result<()> {
    match dir.starts_with(NOWHERE) {
        true => Err(Exposed::error(
            "your home folder is not known",
            "set HOME, or SEQERA_HELPER_HOME to a folder of your own",
        )),
        false => Ok(()),
    }
}

/// Whether a folder is one of ours, by its name.
pub(super) fn is_ours(dir: &Path) -> bool {
    dir.iter().any(|name| name == FOLDER) || non_empty(HOME).is_some_and(|home| dir.starts_with(home))
}

/// A folder in `SEQERA_HELPER_HOME` is ours if we made it, or if nothing is in it. Whatever else is in use:
/// nothing is made or changed in it.
fn must_be_free(home: &Path) -> Result<()> {
    if home.join(MARK).exists() {
        return Ok(());
    }
    let Ok(entries) = fs::read_dir(home) else { return Ok(()) };
    let ours = ["config.toml", "state", "store", "run"];
    let is_foreign = |entry: fs::DirEntry| !ours.iter().any(|name| entry.file_name() == *name);
    if !entries.flatten().any(is_foreign) {
        return Ok(());
    }
    // The first version left no mark.
    let is_store = home.join("store/lock").exists()
        && ["key", "keychain"].iter().any(|file| home.join("store").join(file).exists());
    if is_store || home.join("state/profiles").exists() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "SEQERA_HELPER_HOME names {}, a folder that is in use for something else; nothing was changed there",
        home.display()
    ))
    .next("set it to a folder of its own, which is made where it is missing"))
}

/// Leaves the mark in `SEQERA_HELPER_HOME`, where `dir`, which is one of ours, is below it.
///
/// # Errors
/// What the system says.
pub(super) fn leave_mark(dir: &Path) -> io::Result<()> {
    let Some(home) = non_empty(HOME).map(PathBuf::from).filter(|home| dir.starts_with(home)) else {
        return Ok(());
    };
    let mark = home.join(MARK);
    if fs::symlink_metadata(&mark).is_ok() {
        return Ok(());
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(mark) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
