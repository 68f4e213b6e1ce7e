//! The files of Seqera's own program, in `~/.config/seqera-ai`: its settings, what it remembers of its login, and
//! the chosen organization, the one thing that we ever change there.

pub mod login;
mod organization;

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use serde::Deserialize;

use crate::os::env::non_empty;

pub use organization::{Chosen, Followed, chosen, follow};

/// Its files are small.
const LIMIT: u64 = 256 * 1024;

/// The folder of its files; nothing where the home is not known.
pub fn folder() -> Option<PathBuf> {
    if let Some(named) = non_empty("SEQERA_CLI_CONFIG_DIR") {
        return Some(PathBuf::from(named));
    }
    let config = non_empty("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    Some(config.or_else(|| Some(dirs::home_dir()?.join(".config")))?.join("seqera-ai"))
}

/// What the person set in `config.json`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Where it logs in.
    pub auth_domain: Option<String>,
    /// The API.
    pub platform_api_url: Option<String>,
    /// The AI backend.
    pub backend_url: Option<String>,
}

impl Settings {
    /// Reads them; none where the file is missing or not to be understood, since its program does the same.
    pub fn read() -> Settings {
        read("config.json").unwrap_or_default()
    }

    /// Where it logs in, where the person named a place.
    pub fn authority(&self) -> Option<&str> {
        let named = self.auth_domain.as_deref().filter(|named| !named.trim().is_empty());
        named.or_else(|| self.platform_api_url.as_deref().filter(|named| !named.trim().is_empty()))
    }
}

/// What it remembers of its login, in `auth-metadata.json`. A logout of its own leaves the file.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Who logged in, in a form that has changed before.
    user: serde_json::Value,
    /// Where.
    #[serde(rename = "authDomain")]
    pub authority: Option<String>,
}

impl Remembered {
    /// Reads it.
    pub fn read() -> Option<Remembered> {
        read(METADATA)
    }

    /// Who logged in: an address where there is one.
    pub fn account(&self) -> Option<String> {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned).filter(|t| !t.is_empty());
        text(&self.user).or_else(|| {
            ["email", "userName", "username", "name"].iter().find_map(|field| text(&self.user[*field]))
        })
    }
}

/// The file in which it remembers its login.
const METADATA: &str = "auth-metadata.json";

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> Option<T> {
    let path = folder()?.join(name);
    // Asked before it is opened: a pipe in its place would keep us for ever.
    if !fs::metadata(&path).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(&path).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_kindly() {
        let read = |json: &str| serde_json::from_str::<Settings>(json).unwrap();
        let one = read(r#"{"version":1,"authDomain":" ","platformApiUrl":"tower.example/api","new":[]}"#);
        assert_eq!(one.authority(), Some("tower.example/api"));
        assert_eq!(read(r#"{"authDomain":"a","platformApiUrl":"b"}"#).authority(), Some("a"));
        assert_eq!(read("{}").authority(), None);
    }

    #[test]
    fn who_logged_in_is_told_in_each_of_its_forms() {
        let account = |json: &str| serde_json::from_str::<Remembered>(json).unwrap().account();
        assert_eq!(account(r#"{"user":{"email":"ada@example.org","id":1}}"#).unwrap(), "ada@example.org");
        assert_eq!(account(r#"{"user":"ada"}"#).unwrap(), "ada");
        assert_eq!(account(r#"{"user":null}"#), None);
    }
}
