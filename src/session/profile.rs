//! Everything about a login that is not secret: who, where, how, until when.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::os::clock::now;
use crate::os::env::env_text;
use crate::os::paths::{self, Paths};
use crate::os::{disk, files};
use crate::provider::{self, ApiKey, LoginDetails, Organization, ProviderId, Workspace};
use crate::session::folders;
use crate::target::Target;

/// A profile is small; whatever is larger is not ours.
const LIMIT: u64 = 64 * 1024;

/// The name of a profile: 1 to 40 of `A-Z a-z 0-9 _ -`, so that it is safe as a file name and in a prompt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

impl ProfileName {
    /// The profile everyone has first.
    pub fn default_name() -> Self {
        ProfileName("default".into())
    }

    /// The profile of a platform's logins where nothing else is said: what Seqera's is called is what a person
    /// has who never heard of profiles.
    pub fn home_of(provider: ProviderId) -> Self {
        ProfileName(provider.usual_profile().into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let ok = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            && !name.starts_with('-');
        match ok {
            true => Ok(ProfileName(name.into())),
            false => Err(Error::usage("this is not a valid profile name")
                .next("use 1 to 40 letters, digits, '-' and '_', not starting with '-'")),
        }
    }
}

impl TryFrom<String> for ProfileName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> String {
        name.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a person logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// OAuth in a browser.
    Browser,
    /// OAuth with a code typed on another device.
    Device,
    /// A personal access token.
    Token,
    /// An API key.
    ApiKey,
}

/// What is known of a login without opening the sealed store. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name, which is also its file's.
    pub name: ProfileName,
    /// The platform.
    pub provider: ProviderId,
    /// The base of the API.
    pub endpoint: Endpoint,
    /// How the person logged in.
    pub method: Method,
    /// The API key, where that is how.
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// The registry, `host[:port]`, to which this login gives short-lived passwords, where there is one.
    #[serde(default)]
    pub registry: Option<String>,
    /// The server behind the platform's own programs, where the login has one of its own.
    #[serde(default)]
    pub backend: Option<String>,
    /// Who, as the server says: an address, where there is one.
    pub account: Option<String>,
    /// The account's identifier at the server.
    pub account_id: Option<String>,
    /// The chosen organization.
    pub organization: Option<Organization>,
    /// The organizations that the server last named, for completion.
    #[serde(default)]
    pub organizations: Vec<Organization>,
    /// The chosen workspace.
    pub workspace: Option<Workspace>,
    /// The workspaces that the server last named, for completion.
    #[serde(default)]
    pub workspaces: Vec<Workspace>,
    /// Counts every change of the login, of its tokens and of what is exported.
    pub generation: u64,
    /// The generation when its tokens last changed; 0 where that was before it was written down.
    #[serde(default)]
    pub session_generation: u64,
    /// When the person logged in.
    pub logged_in_at: u64,
    /// When the access token ends; a personal access token or API key has no known end.
    pub access_expires_at: Option<u64>,
    /// When the session ends and the person must log in again, where the server tells.
    pub session_expires_at: Option<u64>,
    /// Whether the access token renews itself.
    pub renews: bool,
    /// Set when the server ended the session: the time it was noticed.
    pub ended_at: Option<u64>,
}

impl Profile {
    /// A login that begins now and of which nothing else is known yet.
    pub fn new(name: ProfileName, provider: ProviderId, endpoint: Endpoint, method: Method) -> Profile {
        Profile {
            name,
            provider,
            endpoint,
            method,
            api_key: None,
            registry: None,
            backend: None,
            account: None,
            account_id: None,
            organization: None,
            organizations: Vec::new(),
            workspace: None,
            workspaces: Vec::new(),
            generation: 0,
            session_generation: 0,
            logged_in_at: now(),
            access_expires_at: None,
            session_expires_at: None,
            renews: false,
            ended_at: None,
        }
    }

    /// What the platform's calls need to know of the login.
    pub fn details(&self) -> LoginDetails<'_> {
        LoginDetails {
            organization: self.organization.as_ref(),
            workspace: self.workspace.as_ref(),
            api_key: self.api_key.as_ref(),
        }
    }

    /// Whether the login's token may be sent to `target`: an exact origin of it, and nothing in the clear that
    /// leaves this machine.
    pub fn may_send_to(&self, target: &Target) -> bool {
        provider::is_origin(target, self.provider, &self.endpoint)
    }

    /// Reads the profile; nothing where there is none.
    pub fn load(paths: &Paths, name: &ProfileName) -> Result<Option<Profile>> {
        let path = profile_file(paths, name);
        if !paths.is_known() {
            return Err(paths::unknown());
        }
        disk::settled(&path, || Profile::load_once(&path, name))
    }

    fn load_once(path: &Path, name: &ProfileName) -> Result<Option<Profile>> {
        let unreadable = |why: &str| {
            Error::failed(format!("the profile '{name}' cannot be read from {}: {why}", path.display()))
                .next("move that file away and log in again")
        };
        let read = files::read(path, LIMIT).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => unreadable("it is too large, or not a file"),
            _ => files::failure(
                format_args!("the profile '{name}' cannot be read from {}", path.display()),
                &error,
            ),
        });
        let Some(bytes) = read? else { return Ok(None) };
        let mut profile: Profile =
            serde_json::from_slice(&bytes).map_err(|_| match of_unknown_platform(&bytes) {
                true => unreadable("its platform is unknown to this version"),
                false => unreadable("it is damaged"),
            })?;
        // A renaming that was cut off left the old name in the file.
        profile.name = name.clone();
        Ok(Some(profile))
    }

    /// Its file.
    pub fn file(&self, paths: &Paths) -> PathBuf {
        profile_file(paths, &self.name)
    }

    /// Writes the profile, whole or not at all.
    pub fn save(&self, paths: &Paths) -> Result<()> {
        let path = profile_file(paths, &self.name);
        let bytes = serde_json::to_vec_pretty(self).map_err(|e| Error::failed(e.to_string()))?;
        files::private_dir(&paths.state)
            .and_then(|()| files::private_dir(&paths.state.join(PROFILES)))
            .and_then(|()| files::replace(&path, &bytes))
            .map_err(|error| unwritable(&path, &error))
    }

    /// Removes the profile's file.
    pub fn remove(paths: &Paths, name: &ProfileName) -> Result<()> {
        let path = profile_file(paths, name);
        files::remove(&path)
            .map_err(|error| files::failure(format_args!("cannot remove {}", path.display()), &error))
    }

    /// Gives the profile's file another name, at once and for good. What has that name is replaced.
    pub fn rename(paths: &Paths, old: &ProfileName, new: &ProfileName) -> Result<()> {
        let path = profile_file(paths, old);
        std::fs::rename(&path, profile_file(paths, new))
            .map_err(|error| files::failure(format_args!("cannot rename {}", path.display()), &error))?;
        files::sync_dir(&paths.state.join(PROFILES));
        Ok(())
    }

    /// The names of all profiles, sorted.
    pub fn list(paths: &Paths) -> Result<Vec<ProfileName>> {
        let dir = paths.state.join(PROFILES);
        let must_be_own = || {
            files::only_own_dir(&dir)
                .map_err(|error| files::failure(format_args!("{} cannot be used", dir.display()), &error))
        };
        let files = match files::names(&dir) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                must_be_own()?;
                return Err(Error::io(format_args!("{} cannot be read", dir.display()), &error));
            }
        };
        must_be_own()?;
        let mut names: Vec<ProfileName> =
            files.iter().filter_map(|file| file.to_str()?.strip_suffix(".json")?.parse().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// The name of the profile in use: `SEQERA_PROFILE`, else the one that this folder is bound to, else the one
    /// chosen with `seqera profile use`, else `default`.
    pub fn selected(paths: &Paths) -> Result<ProfileName> {
        if let Some(name) = env_text("SEQERA_PROFILE") {
            return name.parse().map_err(|error: Error| {
                let hint = error.hint().unwrap_or_default();
                Error::usage("SEQERA_PROFILE is not a valid profile name")
                    .next(format!("unset it, or {hint}"))
            });
        }
        Ok(folders::of_here(paths)?.unwrap_or_else(|| Profile::chosen(paths)))
    }

    /// The name chosen with `seqera profile use`, whatever `SEQERA_PROFILE` says.
    pub fn chosen(paths: &Paths) -> ProfileName {
        let chosen = files::read(&paths.state.join(CHOSEN), 64).ok().flatten();
        chosen
            .and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok())
            .unwrap_or_else(ProfileName::default_name)
    }

    /// Makes `name` the profile of all shells without a `SEQERA_PROFILE` of their own.
    pub fn choose(paths: &Paths, name: &ProfileName) -> Result<()> {
        let path = paths.state.join(CHOSEN);
        files::private_dir(&paths.state)
            .and_then(|()| files::replace(&path, format!("{name}\n").as_bytes()))
            .map_err(|error| unwritable(&path, &error))
    }
}

/// Whether a profile that cannot be read names a platform that is not in the table.
fn of_unknown_platform(bytes: &[u8]) -> bool {
    let profile: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let name = profile.as_ref().and_then(|profile| profile["provider"].as_str());
    name.is_some_and(|name| name.parse::<ProviderId>().is_err())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    files::failure(format_args!("{} cannot be written", path.display()), error)
}

const PROFILES: &str = "profiles";
const CHOSEN: &str = "profile";

fn profile_file(paths: &Paths, name: &ProfileName) -> PathBuf {
    paths.state.join(PROFILES).join(format!("{name}.json"))
}
