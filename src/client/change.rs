//! One change that makes a client use the helper, and the way back.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::edit::{self, Patch, TheirFile};
use super::json::{self, Held};
use super::{CLIENTS, containers, docker, git, link, nextflow};
use crate::error::{Error, Result};
use crate::protocol::HELPER;

/// A file of docker's is for its owner alone; one of git's is as the umask wants it.
const PRIVATE: u32 = 0o600;
const USUAL: u32 = 0o666;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A link was made.
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A value was added to a key of git's configuration.
    GitConfig {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The file.
        file: PathBuf,
        /// Whether there was no file.
        created: bool,
    },
    /// A key of a JSON file was set.
    JsonKey {
        /// The file.
        file: PathBuf,
        /// The object that the key is in; none is the top.
        within: Option<String>,
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// The value before.
        before: Option<String>,
        /// Whether that was null.
        #[serde(default)]
        was_null: bool,
        /// Whether there was no file.
        created: bool,
    },
    /// A file of our own was written.
    File {
        /// The file.
        path: PathBuf,
    },
    /// The file in which Nextflow looks for a token was written, without one.
    NextflowFile {
        /// The file.
        path: PathBuf,
    },
    /// Nextflow's configuration reads that file.
    NextflowInclude {
        /// The configuration.
        file: PathBuf,
        /// Whether there was no file.
        created: bool,
    },
}

/// What it takes to undo a change exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// What was done to the file.
    #[serde(default)]
    patch: Option<Patch>,
    /// How many folders were made for it.
    #[serde(default)]
    folders: u8,
    /// Values of ours in git's configuration, from another place, that it replaced.
    #[serde(default)]
    replaced: Vec<String>,
}

impl Trace {
    /// Whether we could have left it: see [`Change::could_be_ours`].
    pub fn could_be_ours(&self) -> bool {
        self.replaced.iter().all(|value| git::is_ours(value))
    }
}

impl Change {
    /// For a person.
    pub fn words(&self) -> String {
        match self {
            Change::Link { path } => format!("link {}", path.display()),
            Change::GitConfig { key, value, file, .. } => format!("{key} = {value} in {}", file.display()),
            Change::JsonKey { file, within, key, value, .. } => match within {
                Some(object) => format!("{object}.\"{key}\" = \"{value}\" in {}", file.display()),
                None => format!("{key} = \"{value}\" in {}", file.display()),
            },
            Change::File { path } | Change::NextflowFile { path } => format!("file {}", path.display()),
            Change::NextflowInclude { file, .. } => format!("{} in {}", nextflow::INCLUDE, file.display()),
        }
    }

    /// Whether both change the same thing.
    pub fn is_same(&self, other: &Change) -> bool {
        match (self, other) {
            (
                Change::GitConfig { key, value, file, .. },
                Change::GitConfig { key: other_key, value: other_value, file: other_file, .. },
            ) => (key, value, file) == (other_key, other_value, other_file),
            (
                Change::JsonKey { file, within, key, .. },
                Change::JsonKey { file: other_file, within: other_within, key: other_key, .. },
            ) => (file, within, key) == (other_file, other_within, other_key),
            _ => self == other,
        }
    }

    /// Whether it takes the place of `other`, from another place where this program was installed: git gets one line.
    pub fn supersedes(&self, other: &Change) -> bool {
        match (self, other) {
            (
                Change::GitConfig { key, value, file, .. },
                Change::GitConfig { key: other_key, value: other_value, file: other_file, .. },
            ) => (key, file) == (other_key, other_file) && value != other_value,
            _ => false,
        }
    }

    /// Whether it stands, as we make it.
    pub fn is_done(&self) -> bool {
        match self {
            Change::Link { path } => link::is_ours(path),
            Change::GitConfig { key, value, file, .. } => {
                let ours = git::values(file, key).unwrap_or_default();
                ours.iter().filter(|there| git::is_ours(there)).eq([value])
            }
            Change::JsonKey { file, within, key, value, .. } => {
                held(file, within.as_deref(), key).is_some_and(|held| held == Held::Text(value.clone()))
            }
            Change::File { path } => containers::is_written(path),
            Change::NextflowFile { path } => nextflow::is_written(path),
            Change::NextflowInclude { file, .. } => nextflow::is_included(file),
        }
    }

    /// Makes it. Answers what it takes to undo it; nothing where it stood already.
    ///
    /// # Errors
    /// It cannot be made; nothing is then changed.
    pub fn make(&self, is_recorded: bool) -> Result<Option<Trace>> {
        match self {
            Change::Link { path } => Ok(link::make(path, is_recorded)?.then(Trace::default)),
            Change::GitConfig { key, value, file, .. } => {
                let _lock = git::ConfigLock::take(TheirFile::read(file)?.path())?;
                let theirs = TheirFile::read(file)?;
                let before = theirs.bytes.as_deref();
                let mut replaced = git::values(file, key)?;
                replaced.retain(|there| git::is_ours(there));
                let after = git::added(before.unwrap_or_default(), key, value, &replaced)?;
                let folders = theirs.replace(&after, USUAL)?;
                Ok(Some(Trace { patch: Patch::between(before, &after), folders, replaced }))
            }
            Change::JsonKey { file, within, key, value, .. } => {
                let theirs = TheirFile::read(file)?;
                let text = text(&theirs, file)?;
                let after = json::set(&text, within.as_deref(), key, Some(value));
                let after = after.map_err(|why| docker::unfit(file, why))?;
                let folders = theirs.replace(after.as_bytes(), PRIVATE)?;
                let patch = Patch::between(theirs.bytes.as_deref(), after.as_bytes());
                Ok(Some(Trace { patch, folders, ..Trace::default() }))
            }
            Change::File { path } => {
                Ok(Some(Trace { folders: containers::write(path)?, ..Trace::default() }))
            }
            Change::NextflowFile { path } => {
                Ok(Some(Trace { folders: nextflow::write(path)?, ..Trace::default() }))
            }
            Change::NextflowInclude { file, .. } => {
                let theirs = TheirFile::read(file)?;
                let before = theirs.bytes.as_deref();
                let after = nextflow::included(before.unwrap_or_default());
                let folders = theirs.replace(&after, USUAL)?;
                Ok(Some(Trace { patch: Patch::between(before, &after), folders, ..Trace::default() }))
            }
        }
    }

    /// Whether it still stands, whatever others added beside it.
    fn stands(&self) -> bool {
        match self {
            Change::GitConfig { key, value, file, .. } => {
                git::values(file, key).is_ok_and(|there| there.contains(value))
            }
            _ => self.is_done(),
        }
    }

    /// Whether it can be known at this moment that it stands, or does not.
    ///
    /// # Errors
    /// What it is about cannot be read.
    pub fn can_be_read(&self) -> Result<()> {
        let (path, read) = match self {
            Change::Link { path } => (path, is_visible(path)),
            Change::File { path } | Change::NextflowFile { path } => (path, opens(path)),
            Change::GitConfig { key, file, .. } => (file, git::values(file, key).map(drop)),
            Change::NextflowInclude { file, .. } => (file, TheirFile::read(file).map(drop)),
            Change::JsonKey { file, within, key, .. } => (file, can_be_held(file, within.as_deref(), key)),
        };
        read.map_err(|error| {
            let path = path.display();
            let words = match error.what() {
                what if what.contains(&path.to_string()) => {
                    format!("what was configured cannot be read: {what}")
                }
                what => format!("{path} cannot be read: {what}"),
            };
            let next = error.hint().map_or(format!("see who may read it: ls -l {path}"), str::to_owned);
            Error::new(error.kind(), words).next(next)
        })
    }

    /// Takes it back, unless somebody has changed it since: then it is theirs. Answers whether it was ours.
    ///
    /// # Errors
    /// It cannot be read, or not be taken back.
    pub fn take_back(&self, trace: &Trace) -> Result<bool> {
        self.can_be_read()?;
        match self {
            _ if !self.stands() => return Ok(false),
            Change::Link { path } => link::remove(path)?,
            Change::File { path } => edit::remove(path, trace.folders)
                .map_err(|error| Error::io(format_args!("cannot remove {}", path.display()), &error))?,
            Change::NextflowFile { path } => nextflow::remove(path, trace.folders)?,
            Change::NextflowInclude { file, created } => {
                let theirs = TheirFile::read(file)?;
                let now = theirs.bytes.clone().unwrap_or_default();
                let left = nextflow::without(&now);
                let exact = trace.patch.as_ref().and_then(|patch| patch.undone(&now));
                let exact = exact
                    .filter(|before| before.as_deref().unwrap_or_default().trim_ascii() == left.trim_ascii());
                let is_empty = *created && left.trim_ascii().is_empty();
                put_back(&theirs, exact.unwrap_or((!is_empty).then_some(left)), trace.folders)?;
            }
            Change::GitConfig { key, value, file, created } => {
                let _lock = git::ConfigLock::take(TheirFile::read(file)?.path())?;
                let theirs = TheirFile::read(file)?;
                let now = theirs.bytes.clone().unwrap_or_default();
                let anew = git::removed(&now, key, value, &trace.replaced)?;
                let exact = trace.patch.as_ref().and_then(|patch| patch.undone(&now));
                // The same by git's reading: a record that somebody else wrote cannot say anything else.
                let meant = git::entries(&anew)?;
                let exact = match exact {
                    Some(before) if git::entries(before.as_deref().unwrap_or_default())? == meant => {
                        Some(before)
                    }
                    _ => None,
                };
                let is_empty = *created && anew.is_empty();
                put_back(&theirs, exact.unwrap_or((!is_empty).then_some(anew)), trace.folders)?;
            }
            Change::JsonKey { file, within, key, before, was_null, created, .. } => {
                let theirs = TheirFile::read(file)?;
                let now = text(&theirs, file)?;
                let within = within.as_deref();
                let anew = match before {
                    Some(before) => json::set(&now, within, key, Some(before)).map(Some),
                    None if *was_null => json::set(&now, within, key, None).map(Some),
                    None => json::without(&now, within, key),
                };
                let anew = anew.map_err(|why| docker::unfit(file, why))?;
                let exact = trace.patch.as_ref().and_then(|patch| patch.undone(now.as_bytes()));
                let exact = exact.filter(|exact| {
                    let exact = std::str::from_utf8(exact.as_deref().unwrap_or_default());
                    exact.is_ok_and(|exact| {
                        says_the_same(exact, anew.as_deref().unwrap_or_default(), within, key)
                    })
                });
                let anew = anew.map(String::into_bytes).or((!created).then(|| b"{}\n".to_vec()));
                put_back(&theirs, exact.unwrap_or(anew), trace.folders)?;
            }
        }
        Ok(true)
    }

    /// Whether this is a change that we could have made. What a record says is not believed blindly: somebody else may
    /// have written it.
    pub fn could_be_ours(&self) -> bool {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        // docker takes an empty name for none.
        let is_before = |name: &str| name.is_empty() || is_name(name);
        match self {
            Change::Link { path } => {
                let name = path.file_stem().unwrap_or_default();
                path.is_absolute()
                    && CLIENTS
                        .iter()
                        .filter_map(|client| client.protocol())
                        .any(|protocol| protocol.file_name() == name)
            }
            Change::GitConfig { key, value, file, .. } => {
                let is_key = key == "credential.helper"
                    || (key.starts_with("credential.") && key.ends_with(".helper") && key.contains("://"));
                file.is_absolute() && is_key && git::is_ours(value)
            }
            Change::JsonKey { file, within, key, value, before, .. } => {
                let is_key = match within.as_deref() {
                    None => key == docker::STORE,
                    Some(docker::HELPERS) => docker::registry_key(key).is_some(),
                    Some(_) => false,
                };
                let is_file =
                    file.is_absolute() && file.file_name().is_some_and(|name| name == "config.json");
                is_file && is_key && value == HELPER && before.as_deref().is_none_or(is_before)
            }
            Change::File { path } => path.is_absolute() && path.ends_with(containers::BELOW_HOME),
            Change::NextflowFile { path } => path.is_absolute() && path.ends_with(nextflow::FILE),
            Change::NextflowInclude { file, .. } => file.is_absolute() && file.ends_with("config"),
        }
    }
}

fn put_back(theirs: &TheirFile, before: Option<Vec<u8>>, folders: u8) -> Result<()> {
    match before {
        Some(before) => theirs.replace(&before, PRIVATE).map(|_| ()),
        None => theirs.remove(folders),
    }
}

fn text(theirs: &TheirFile, file: &Path) -> Result<String> {
    let bytes = theirs.bytes.clone().unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| docker::unfit(file, json::Unfit::NotAnObject))
}

/// Whether the system says that something is there, or that nothing is.
fn is_visible(path: &Path) -> Result<()> {
    seen(path, path.symlink_metadata())
}

/// Whether a file of our own can be read, where there is one.
fn opens(path: &Path) -> Result<()> {
    match path.metadata() {
        Ok(found) if found.is_file() => seen(path, std::fs::File::open(path)),
        found => seen(path, found),
    }
}

fn seen<T>(path: &Path, answer: std::io::Result<T>) -> Result<()> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match answer {
        Err(error) if !matches!(error.kind(), NotFound | NotADirectory) => {
            Err(Error::io(format_args!("cannot read {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}

fn can_be_held(file: &Path, within: Option<&str>, key: &str) -> Result<()> {
    let theirs = TheirFile::read(file)?;
    match json::get(&text(&theirs, file)?, within, key) {
        // Something else than text is not ours.
        Ok(_) | Err(json::Unfit::NotText) => Ok(()),
        Err(why) => Err(docker::unfit(file, why)),
    }
}

fn held(file: &Path, within: Option<&str>, key: &str) -> Option<Held> {
    let theirs = TheirFile::read(file).ok()?;
    json::get(&text(&theirs, file).ok()?, within, key).ok()
}

/// Whether two texts are the same JSON, but for a key that one has as null and the other not at all.
fn says_the_same(one: &str, other: &str, within: Option<&str>, key: &str) -> bool {
    let read = |text: &str| -> Option<serde_json::Value> {
        if text.trim_ascii().is_empty() {
            return Some(serde_json::Map::new().into());
        }
        let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
        let top = value.as_object_mut()?;
        match within {
            None => drop(top.get(key).is_some_and(serde_json::Value::is_null).then(|| top.remove(key))),
            Some(name) => {
                if let Some(holder) = top.get_mut(name).and_then(serde_json::Value::as_object_mut)
                    && holder.get(key).is_some_and(serde_json::Value::is_null)
                {
                    holder.remove(key);
                }
                let is_empty = |value: &serde_json::Value| value.is_null() || value == &serde_json::json!({});
                if top.get(name).is_some_and(is_empty) {
                    top.remove(name);
                }
            }
        }
        Some(value)
    };
    let (one, other) = (read(one), read(other));
    one.is_some() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_could_have_made_is_believed() {
        let json = |file: &str, within: Option<&str>, key: &str, value: &str, before: Option<&str>| {
            Change::JsonKey {
                file: file.into(),
                within: within.map(str::to_owned),
                key: key.into(),
                value: value.into(),
                before: before.map(str::to_owned),
                was_null: false,
                created: false,
            }
        };
        let git = |key: &str, value: &str| Change::GitConfig {
            key: key.into(),
            value: value.into(),
            file: "/home/me/.gitconfig".into(),
            created: false,
        };
        let config = "/home/me/.docker/config.json";
        for good in [
            json(config, None, "credsStore", "seqera", Some("desktop")),
            json(config, Some("credHelpers"), "r.example:5000", "seqera", None),
            json(config, None, "credsStore", "seqera", Some("")),
            git("credential.helper", "/usr/bin/git-credential-seqera"),
            git("credential.https://github.com.helper", "seqera"),
            Change::Link { path: "/usr/bin/docker-credential-seqera".into() },
            Change::File { path: "/home/me/.config/containers/registries.conf.d/50-seqera.conf".into() },
        ] {
            assert!(good.could_be_ours(), "{good:?}");
        }
        for bad in [
            json("/home/me/settings.json", None, "credsStore", "seqera", None),
            json("config.json", None, "credsStore", "seqera", None),
            json(config, None, "cliPluginsExtraDirs", "seqera", None),
            json(config, Some("plugins"), "x", "seqera", None),
            json(config, None, "credsStore", "other", None),
            json(config, None, "credsStore", "seqera", Some("../evil")),
            git("core.sshCommand", "seqera"),
            git("credential.helper", "!evil"),
            Change::Link { path: "/home/me/.bashrc".into() },
            Change::Link { path: "git-credential-seqera".into() },
            Change::File { path: "/home/me/.bashrc".into() },
        ] {
            assert!(!bad.could_be_ours(), "{bad:?}");
        }
        let replaced = |value: &str| Trace { replaced: vec![value.to_owned()], ..Trace::default() };
        assert!(replaced("seqera").could_be_ours() && !replaced("!evil").could_be_ours());
    }

    #[test]
    fn a_patch_that_says_more_than_its_change_is_not_followed() {
        assert!(says_the_same("{}", "", None, "credsStore"));
        assert!(says_the_same("{\"a\": 1, \"credsStore\": null}", "{\"a\":1}", None, "credsStore"));
        assert!(says_the_same("{\"credHelpers\": {}}", "{}", Some("credHelpers"), "h"));
        assert!(!says_the_same("{\"a\": 1}", "{\"a\": 2}", None, "credsStore"));
        assert!(!says_the_same("{\"credsStore\": \"evil\"}", "{}", None, "credsStore"));
        assert!(!says_the_same("{", "{", None, "credsStore"));
    }
}
