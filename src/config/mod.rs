//! `config.toml`: the user's, and under it the site's. It is read here and changed only by `seqera config`, which
//! keeps its comments.
//!
//! A value is taken from the first of: the environment (where a setting has a variable), the user's file, the
//! files of the site ([`Paths::site_config_files`]), the default.

mod folders;
mod settings;
mod unset;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{DocumentMut, Item, Table, value};

use crate::error::{Error, Result, io_words};
use crate::os::env::env_text;
use crate::os::files;
use crate::os::paths::Paths;

pub use folders::{bind_folder, folders};
pub use settings::{FILE, HAND_OVER, JOB_TOKEN, Kind, RELAY, SETTINGS, Setting, setting};

const LIMIT: u64 = 1024 * 1024;

/// Where the value of a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This variable.
    Environment(&'static str),
    /// The user's file.
    File(PathBuf),
    /// A site's file.
    Site(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Environment(variable) => write!(f, "{variable}, from the environment"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Site(path) => write!(f, "{}, your site's", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// What the user and the site configured.
#[derive(Debug, Default)]
pub struct Config {
    user: Option<(PathBuf, DocumentMut)>,
    site: Vec<(PathBuf, DocumentMut)>,
}

impl Config {
    /// Reads the files; none is an empty configuration.
    ///
    /// # Errors
    /// A file that is there and cannot be read, or is not TOML.
    pub fn load(paths: &Paths) -> Result<Config> {
        let user = read(&paths.config_file())?;
        let mut site = Vec::new();
        for path in Paths::site_config_files() {
            site.extend(read(&path)?);
        }
        Ok(Config { user, site })
    }

    /// The value of a setting as text, and where it comes from. What does not fit the setting does not count.
    pub fn get(&self, setting: &Setting) -> (String, Origin) {
        if let Some(variable) = setting.variable
            && let Some(text) = env_text(variable)
        {
            let switch = on_or_off(&text).filter(|_| setting.kind == Kind::Bool);
            return (switch.map_or(text, |is_on| is_on.to_string()), Origin::Environment(variable));
        }
        let user = self.user.iter().map(|(path, document)| (Origin::File(path.clone()), document));
        let site = self.site.iter().map(|(path, document)| (Origin::Site(path.clone()), document));
        let mut said = user.chain(site).filter_map(|(origin, document)| {
            Some((text_of(setting.kind, item(document, setting.key)?)?, origin))
        });
        let Some((mut text, mut origin)) = said.next() else {
            return (setting.default.to_owned(), Origin::Default);
        };
        if matches!(setting.kind, Kind::List(_)) {
            for (more, from) in said {
                let known: Vec<&str> = text.split(", ").collect();
                let new: Vec<&str> = more.split(", ").filter(|word| !known.contains(word)).collect();
                if !new.is_empty() {
                    // Where the last of it comes from: a person can change the rest.
                    (text, origin) = (format!("{text}, {}", new.join(", ")), from);
                }
            }
        }
        (text, origin)
    }

    /// What stands in a file and does not fit its setting.
    pub fn unfit(&self) -> Vec<Unfit> {
        let files = self.site.iter().chain(&self.user);
        files.flat_map(|file| SETTINGS.iter().filter_map(|setting| unfit(file, setting))).collect()
    }

    /// Fails where the file that has the say in a setting has something else there than the setting takes.
    ///
    /// # Errors
    /// It has.
    pub fn must_fit(&self, key: &str) -> Result<()> {
        let setting = setting(key)?;
        let says = self.user.iter().chain(&self.site).find(|(_, document)| item(document, key).is_some());
        says.and_then(|file| unfit(file, setting)).map_or(Ok(()), |unfit| Err(unfit.error()))
    }

    /// Fails where this is forbidden, and says where. What a file forbids in words that nobody knows may be this.
    ///
    /// # Errors
    /// It is forbidden; a file does not say what it forbids in a list of known words.
    pub fn must_allow(&self, what: &str, words: &str) -> Result<()> {
        let forbid = setting("forbid")?;
        let files = || self.site.iter().chain(&self.user);
        let forbids = |document: &DocumentMut| {
            item(document, forbid.key).and_then(words_of).is_some_and(|listed| listed.contains(&Some(what)))
        };
        if let Some((path, _)) = files().find(|(_, document)| forbids(document)) {
            return Err(Error::refused(format!("{} forbids {words}", path.display()))
                .next("see all that is set with: seqera config list"));
        }
        files().find_map(|file| unfit(file, forbid)).map_or(Ok(()), |unfit| Err(unfit.error()))
    }

    /// What the site says and nobody overrides.
    pub fn from_site(&self) -> Vec<(&'static str, String, String)> {
        let of_site = |setting: &Setting| match self.get(setting) {
            (text, Origin::Site(path)) => Some((setting.key, text, path.display().to_string())),
            _ => None,
        };
        SETTINGS.iter().filter_map(of_site).collect()
    }

    /// What a file says of a setting, whatever the environment says.
    pub fn in_file(&self, key: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|setting| setting.key == key)?;
        match self.get(&Setting { variable: None, ..*setting }) {
            (_, Origin::Default) => None,
            (text, _) => Some(text),
        }
    }

    /// The value that counts for a setting: of the environment, a file, or the default.
    pub fn value(&self, key: &str) -> String {
        let setting = SETTINGS.iter().find(|setting| setting.key == key);
        setting.map(|setting| self.get(setting).0).unwrap_or_default()
    }

    fn is_on(&self, key: &str) -> bool {
        self.value(key) == "true"
    }

    /// `key_cache`: how long after its last use the store's key stays in the kernel's keyring.
    pub fn key_cache(&self) -> Duration {
        Duration::from_secs(self.value("key_cache").parse().unwrap_or_default())
    }

    /// `seqera.sync_organization`: whether Seqera's own program is made to choose the organization that is chosen
    /// here.
    pub fn syncs_organization(&self) -> bool {
        self.is_on("seqera.sync_organization")
    }

    /// `seqera.relay`: whether Seqera's own program is lent a token instead of being given one.
    ///
    /// # Errors
    /// The variable has a value that is neither on nor off.
    pub fn relays(&self) -> Result<bool> {
        let Some(text) = env_text(RELAY) else { return Ok(self.is_on("seqera.relay")) };
        on_or_off(&text).ok_or_else(|| {
            Error::usage(format!("{RELAY} is '{}', which is neither on nor off", text.escape_debug()))
                .next("set it to off to hand tokens over, or unset it")
        })
    }

    /// `sekuire.auth_file`: whether a login to Sekuire is also written to `~/.sekuire/auth.json`.
    pub fn sekuire_auth_file(&self) -> bool {
        self.is_on("sekuire.auth_file")
    }
}

/// Writes a setting into the user's file, or takes it out; comments and everything else stay.
///
/// # Errors
/// A value that does not fit; a file that cannot be read or written.
pub fn change(paths: &Paths, setting: &Setting, text: Option<&str>) -> Result<()> {
    let new = text.map(|text| parse(setting, text)).transpose()?;
    let (path, mut document) = open(paths)?;
    let (table, key) = match setting.key.split_once('.') {
        Some((table, key)) => {
            if new.is_none() && document.get(table).is_none() {
                return Ok(());
            }
            let entry = document.entry(table).or_insert(Item::Table(Table::new()));
            let table = entry.as_table_like_mut().ok_or_else(|| {
                Error::failed(format!("'{table}' in {} is not a table", path.display()))
                    .next("correct the file")
            })?;
            (table, key)
        }
        None => (document.as_table_mut() as &mut dyn toml_edit::TableLike, setting.key),
    };
    let Some(new) = new else {
        let rest = unset::without(&document.to_string(), setting.key);
        return rest.map_or(Ok(()), |rest| write(&path, &rest));
    };
    // The value alone is replaced: a comment behind it stays.
    match (table.get_mut(key).and_then(Item::as_value_mut), new.into_value()) {
        (Some(old), Ok(mut new)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (None, Ok(new)) => drop(table.insert(key, Item::Value(new))),
        (_, Err(_)) => return Err(Error::failed("the value cannot be written")),
    }
    write(&path, &document)
}

/// The user's file, to be changed. One that is linked from somewhere (dotfiles) stays a link.
fn open(paths: &Paths) -> Result<(PathBuf, DocumentMut)> {
    let path = paths.config_file();
    let path = path.canonicalize().or_else(|_| files::followed(&path))?;
    let document = read(&path)?.map(|(_, document)| document).unwrap_or_default();
    Ok((path, document))
}

fn write(path: &Path, document: &DocumentMut) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    files::private_dir(dir)
        .and_then(|()| files::replace(path, document.to_string().as_bytes()))
        .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))
}

fn read(path: &Path) -> Result<Option<(PathBuf, DocumentMut)>> {
    let unreadable = |why: &str| {
        Error::failed(format!("{} cannot be read: {why}", path.display()))
            .next("correct the file, or move it away")
    };
    // A person may have made a link of it; most have not.
    let found = files::read_foreign(path, LIMIT).or_else(|error| match path.canonicalize() {
        Ok(real) if path.is_symlink() => files::read_foreign(&real, LIMIT),
        _ => Err(error),
    });
    let Some(bytes) = found.map_err(|error| unreadable(&io_words(&error)))? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8"))?;
    // The parser's message quotes the file, which may hold what should not be shown.
    let document = text.parse().map_err(|_| unreadable("it is not TOML"))?;
    Ok(Some((path.to_owned(), document)))
}

fn item<'a>(document: &'a DocumentMut, key: &str) -> Option<&'a Item> {
    match key.split_once('.') {
        Some((table, key)) => document.get(table)?.get(key),
        None => document.get(key),
    }
}

/// Something in a file that does not fit its setting.
#[derive(Debug)]
pub struct Unfit {
    /// The file.
    pub path: PathBuf,
    /// The setting.
    pub setting: &'static Setting,
}

impl Unfit {
    fn error(&self) -> Error {
        Error::usage(self.to_string()).next("correct the file")
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { key, kind, .. } = self.setting;
        write!(f, "{} has something else in '{key}' than {}", self.path.display(), kind.words())
    }
}

fn unfit((path, document): &(PathBuf, DocumentMut), setting: &'static Setting) -> Option<Unfit> {
    let table = setting.key.split_once('.').and_then(|(table, _)| document.get(table));
    let fits = table.is_none_or(Item::is_table_like)
        && item(document, setting.key).is_none_or(|item| match setting.kind {
            Kind::Text => item.is_str(),
            Kind::List(known) => words_of(item)
                .is_some_and(|words| words.iter().all(|word| word.is_some_and(|word| known.contains(&word)))),
            kind => text_of(kind, item).is_some(),
        });
    (!fits).then(|| Unfit { path: path.clone(), setting })
}

/// The words of a list; nothing for what is not text. A single word is a list, too.
fn words_of(item: &Item) -> Option<Vec<Option<&str>>> {
    let single = item.as_str().map(|word| vec![Some(word)]);
    single.or_else(|| Some(item.as_array()?.iter().map(|word| word.as_str()).collect()))
}

fn text_of(kind: Kind, item: &Item) -> Option<String> {
    match kind {
        Kind::Text => item.as_str().filter(|text| !text.is_empty()).map(str::to_owned),
        Kind::Bool => item.as_bool().map(|flag| flag.to_string()),
        Kind::Seconds => item.as_integer().filter(|number| *number >= 0).map(|number| number.to_string()),
        Kind::Port => {
            item.as_integer().filter(|port| (1..=65535).contains(port)).map(|port| port.to_string())
        }
        Kind::Choice(words) => item.as_str().filter(|text| words.contains(text)).map(str::to_owned),
        Kind::List(words) => {
            let listed = words_of(item)?.into_iter().flatten();
            let known: Vec<&str> = listed.filter(|word| words.contains(word)).collect();
            (!known.is_empty()).then(|| known.join(", "))
        }
    }
}

/// A switch in a variable, in the words that people have for it.
fn on_or_off(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn parse(setting: &Setting, text: &str) -> Result<Item> {
    let wrong = || Error::usage(format!("'{}' takes {}", setting.key, setting.kind.words()));
    match setting.kind {
        Kind::Text if text.is_empty() || text.chars().any(char::is_control) => Err(wrong()),
        Kind::Text => Ok(value(text)),
        Kind::Bool => text.parse::<bool>().map(value).map_err(|_| wrong()),
        Kind::Seconds => match text.parse::<u32>() {
            Ok(seconds) => Ok(value(i64::from(seconds))),
            Err(_) => Err(wrong()),
        },
        Kind::Port => match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok(value(i64::from(port))),
            _ => Err(wrong()),
        },
        Kind::Choice(words) if words.contains(&text) => Ok(value(text)),
        Kind::Choice(_) => Err(wrong()),
        Kind::List(known) => {
            let listed: Vec<&str> = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
            match !listed.is_empty() && listed.iter().all(|word| known.contains(word)) {
                true => Ok(value(listed.into_iter().collect::<toml_edit::Array>())),
                false => Err(wrong()),
            }
        }
    }
}

/// The deadline of the programs' door: `SEQERA_HELPER_TIMEOUT_MS`, else 10 s.
pub fn helper_timeout() -> Duration {
    let millis = env_text("SEQERA_HELPER_TIMEOUT_MS").and_then(|text| text.parse().ok());
    Duration::from_millis(millis.filter(|millis| *millis > 0).unwrap_or(10_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(user: &str, site: &str) -> Config {
        let file = |name: &str, text: &str| (PathBuf::from(name), text.parse().unwrap());
        Config { user: Some(file("user", user)), site: vec![file("site", site)] }
    }

    #[test]
    fn the_users_file_comes_before_the_sites() {
        let config = config("key_cache = 5\n", "key_cache = 7\nclient_id = 'site'\n");
        assert_eq!(config.key_cache(), Duration::from_secs(5));
        assert_eq!(config.in_file("client_id").as_deref(), Some("site"));
        assert_eq!(config.in_file("endpoint"), None);
        let (text, origin) = config.get(setting("seqera.sync_organization").unwrap());
        assert_eq!((text.as_str(), origin), ("true", Origin::Default));
    }

    #[test]
    fn a_switch_has_the_words_that_people_have_for_it() {
        for (text, is_on) in [
            ("on", Some(true)),
            (" TRUE ", Some(true)),
            ("1", Some(true)),
            ("Off", Some(false)),
            ("no", Some(false)),
            ("0", Some(false)),
            ("", None),
            ("never", None),
        ] {
            assert_eq!(on_or_off(text), is_on, "{text}");
        }
    }

    #[test]
    fn what_a_site_forbids_nobody_allows_again() {
        let config = config("forbid = 'job-token'\n", "forbid = ['file']\nstore = 'keychain'\n");
        assert!(config.must_allow(FILE, "it").unwrap_err().what().starts_with("site forbids it"));
        assert_eq!(config.must_allow(JOB_TOKEN, "it").unwrap_err().exit_code(), 7);
        assert!(config.must_allow(HAND_OVER, "it").is_ok());
        let (text, origin) = config.get(setting("forbid").unwrap());
        assert_eq!((text.as_str(), origin), ("job-token, file", Origin::Site("site".into())));
        let keys: Vec<&str> = config.from_site().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(keys, ["store", "forbid"]);
    }

    #[test]
    fn what_is_forbidden_in_unknown_words_may_be_anything() {
        for wrong in ["['fiel']", "['file', 7]", "true", "{ file = true }", "''"] {
            let config = config("", &format!("forbid = {wrong}\n"));
            let error = config.must_allow(HAND_OVER, "it").unwrap_err();
            assert_eq!(error.exit_code(), 2, "{wrong}");
            assert!(error.what().starts_with("site has something else in 'forbid'"), "{}", error.what());
            assert_eq!(config.unfit().len(), 1, "{wrong}");
        }
        assert!(config("", "forbid = []\n").must_allow(FILE, "it").is_ok());
    }

    #[test]
    fn whatever_does_not_fit_is_found() {
        let config = config(
            "key_cache = 'x'\nseqera = { relay = 'no' }\nclient_id = 'mine'\nendpoint = ''\n",
            "store = 'keychian'\nsekuire = 7\ncallback_port = 0\nforbid = 'file'\n",
        );
        let found = config.unfit();
        let mut keys: Vec<&str> = found.iter().map(|unfit| unfit.setting.key).collect();
        keys.dedup();
        assert_eq!(
            keys,
            ["callback_port", "store", "sekuire.registry", "sekuire.auth_file", "key_cache", "seqera.relay"]
        );
        assert_eq!(config.must_fit("store").unwrap_err().exit_code(), 2);
        assert!(config.must_fit("forbid").is_ok());
    }

    #[test]
    fn what_does_not_fit_does_not_count() {
        let config = config("key_cache = 'long'\nclient_id = 7\ncallback_port = 0\n", "client_id = 'site'\n");
        assert_eq!(config.key_cache(), Duration::from_secs(900));
        assert_eq!(config.in_file("client_id").as_deref(), Some("site"));
        assert_eq!(config.in_file("callback_port"), None);
    }

    #[test]
    fn a_change_keeps_comments_and_order() {
        let tmp = tempfile::tempdir().unwrap();
        let paths = Paths::below(tmp.path());
        let before = "# mine\nkey_cache = 5 # short\n\n[sekuire]\n# for its own program\nauth_file = true\n";
        std::fs::write(paths.config_file(), before).unwrap();
        change(&paths, setting("key_cache").unwrap(), Some("60")).unwrap();
        change(&paths, setting("client_id").unwrap(), Some("mine")).unwrap();
        change(&paths, setting("sekuire.auth_file").unwrap(), Some("false")).unwrap();
        change(&paths, setting("seqera.sync_organization").unwrap(), None).unwrap();
        let after = std::fs::read_to_string(paths.config_file()).unwrap();
        assert_eq!(
            after,
            "# mine\nkey_cache = 60 # short\nclient_id = \"mine\"\n\n[sekuire]\n# for its own program\nauth_file = false\n"
        );
        change(&paths, setting("client_id").unwrap(), None).unwrap();
        assert!(!std::fs::read_to_string(paths.config_file()).unwrap().contains("client_id"));
    }

    #[test]
    fn values_are_checked_before_anything_is_written() {
        let tmp = tempfile::tempdir().unwrap();
        let paths = Paths::below(tmp.path());
        for (key, bad) in [
            ("key_cache", "-1"),
            ("callback_port", "70000"),
            ("sekuire.auth_file", "yes"),
            ("endpoint", ""),
            ("store", "disk"),
            ("forbid", "file,all"),
            ("seqera.relay", "no"),
        ] {
            assert_eq!(change(&paths, setting(key).unwrap(), Some(bad)).unwrap_err().exit_code(), 2, "{key}");
        }
        assert!(!paths.config_file().exists());
        assert!(setting("unknown").is_err());
    }
}
