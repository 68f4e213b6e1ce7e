//! git: `credential.helper`, changed by git itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use super::ask::{self, Seen};
use super::edit::TheirFile;
use super::{Change, Client, Options, Plan, absolute, home, link, reset};
use crate::config;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::non_empty;
use crate::os::paths::Paths;
use crate::os::programs;
use crate::protocol::{Protocol, git::Git as GitProtocol};
use crate::target::Target;

/// How long git waits for the lock of a configuration that somebody else is writing.
const LOCKED: Duration = Duration::from_secs(2);

/// git and what runs it.
pub struct Git;

impl Client for Git {
    fn name(&self) -> &'static str {
        "git"
    }

    fn about(&self) -> &'static str {
        "git and what runs it"
    }

    fn protocol(&self) -> Option<&'static dyn Protocol> {
        Some(&GitProtocol)
    }

    fn option(&self) -> Option<&'static str> {
        Some("--url")
    }

    /// Other helpers stay where they are.
    fn plan(&self, options: &Options) -> Result<Plan> {
        let key = Scope::of(options)?.key();
        let path = link::place(GitProtocol.file_name())?;
        let value = for_shell(&path)?;
        let file = global_file()?;
        // Before anything is changed: whether git is there, and can read it.
        values(&file, &key)?;
        let created = TheirFile::read(&file)?.bytes.is_none();
        let changes = vec![Change::Link { path }, Change::GitConfig { key, value, file, created }];
        Ok(Plan { changes, notes: Vec::new() })
    }

    fn ask(&self, options: &Options) -> Result<Seen> {
        let scope = Scope::of(options)?;
        let Some(mut git) = ask::program("git") else {
            return Ok(Seen::NotAsked("git is not installed".into()));
        };
        let folder = ask::empty_folder()?;
        git.args(["credential", "fill"]);
        away_from_here(&mut git, folder.path())?;
        // Nobody is asked for anything: not on the terminal, not in a window, not by another helper.
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("GCM_INTERACTIVE", "never");
        let seen = ask::run(git, scope.request().as_bytes())?;
        Ok(match seen {
            Seen::No(_) => Seen::No(reset::why(&scope, &global_file()?).unwrap_or_else(|| {
                "another helper answered first, or git found none of ours in its configuration".into()
            })),
            other => other,
        })
    }

    fn exceptions(&self, paths: &Paths) -> Vec<Options> {
        reset::exceptions(paths)
    }
}

/// The servers that a helper is for, as git's configuration names them: gitcredentials(7), "CREDENTIAL CONTEXTS".
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    url: Option<&'a str>,
    pub(super) protocol: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) host: String,
    path: &'a str,
}

impl<'a> Scope<'a> {
    fn of(options: &'a Options) -> Result<Scope<'a>> {
        let Some(url) = options.url.as_deref() else {
            return Ok(Scope {
                url: None,
                protocol: "https",
                user: None,
                host: ask::NOBODY.into(),
                path: "",
            });
        };
        Scope::parse(url).ok_or_else(|| {
            Error::usage("--url wants the URL of a server, without a password")
                .next("such as: --url https://github.com or --url 'https://*.example.com'")
        })
    }

    fn parse(url: &'a str) -> Option<Scope<'a>> {
        if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return None;
        }
        let (protocol, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.is_empty() || user.contains([':', '@'])) || path.contains(['?', '#'])
        {
            return None;
        }
        // A star stands for one name between dots; where we ask, ours.
        let labels: Vec<&str> =
            host.split('.').map(|label| if label == "*" { "seqera-probe" } else { label }).collect();
        let host = labels.join(".");
        // An international name is one that git takes as it is.
        let ascii: String =
            host.chars().map(|c| if !c.is_ascii() && c.is_alphanumeric() { 'x' } else { c }).collect();
        Target::new(protocol, &ascii)?;
        Some(Scope { url: Some(url), protocol, user, host, path })
    }

    fn key(&self) -> String {
        match self.url {
            None => "credential.helper".to_owned(),
            Some(url) => format!("credential.{url}.helper"),
        }
    }

    /// A question of git's that this scope is for. Nobody has the user that it is for, so that no other helper
    /// answers with a password.
    fn request(&self) -> String {
        let Scope { protocol, host, path, .. } = self;
        let user = self.user.unwrap_or("seqera-probe");
        let path = if path.is_empty() { String::new() } else { format!("path={path}\n") };
        format!("protocol={protocol}\nhost={host}\nusername={user}\n{path}")
    }
}

/// git runs what begins with a slash through a shell, as it stands: a quote in front would make it the end of a
/// program's name, so each character that a shell knows has its own backslash.
fn for_shell(path: &Path) -> Result<String> {
    let unfit = || {
        Error::refused(format!("git cannot run a helper in {}", path.display()))
            .next("install the programs in a folder whose name is text on one line")
    };
    let text = path.to_str().filter(|text| !text.contains(['\n', '\r'])).ok_or_else(unfit)?;
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() };
    let mut escaped = String::new();
    for c in text.chars() {
        // What is not ASCII means nothing to a shell, and must not be torn apart.
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"/._-+@:,%".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Ok(escaped)
}

/// Whether a value of `credential.helper` starts this helper, from wherever it was installed.
pub fn is_ours(value: &str) -> bool {
    let name = GitProtocol.file_name();
    if format!("git-credential-{value}") == name {
        return true;
    }
    // However it is quoted, also in the way that git could not run.
    let bare: String =
        value.trim_start_matches('!').chars().filter(|c| !matches!(c, '\\' | '\'' | '"')).collect();
    let file = bare.rsplit('/').next().unwrap_or_default();
    bare.contains('/') && file.strip_suffix(".exe").unwrap_or(file) == name
}

/// The file that `git config --global` writes: git-config(1), "FILES".
pub fn global_file() -> Result<PathBuf> {
    if let Some(file) = non_empty("GIT_CONFIG_GLOBAL") {
        return absolute(Path::new(&file));
    }
    let home = home()?;
    let (dot, xdg) = (home.join(".gitconfig"), xdg_file(&home));
    absolute(if !dot.exists() && xdg.exists() { &xdg } else { &dot })
}

fn xdg_file(home: &Path) -> PathBuf {
    non_empty("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from).join("git/config")
}

/// The values of a key in one file.
pub fn values(file: &Path, key: &str) -> Result<Vec<String>> {
    let theirs = TheirFile::read(file)?;
    let Some(bytes) = &theirs.bytes else { return Ok(Vec::new()) };
    Ok(entries(bytes)?
        .into_iter()
        .filter(|(there, _)| there == key_as_listed(key).as_str())
        .map(|(_, v)| v)
        .collect())
}

/// The name of a section and of a key are in lower case in git's lists.
fn key_as_listed(key: &str) -> String {
    match (key.find('.'), key.rfind('.')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}{}{}", key[..first].to_lowercase(), &key[first..last], key[last..].to_lowercase())
        }
        _ => key.to_lowercase(),
    }
}

/// Everything that a configuration says, in its order.
///
/// # Errors
/// git cannot be run, or cannot read it.
pub fn entries(configuration: &[u8]) -> Result<Vec<(String, String)>> {
    let (_, listed) = in_a_copy(configuration, &[&["-z", "--list"]])?;
    Ok(pairs(&listed))
}

fn pairs(listed: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(listed);
    let entries = text.split('\0').filter(|entry| !entry.is_empty());
    entries
        .map(|entry| entry.split_once('\n').unwrap_or((entry, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The configuration with the value added, instead of those of ours that it replaces.
///
/// # Errors
/// As for [`entries`].
pub fn added(configuration: &[u8], key: &str, value: &str, replaced: &[String]) -> Result<Vec<u8>> {
    let changed = match replaced {
        [] => in_a_copy(configuration, &[&["--add", key, value]]),
        _ => in_a_copy(configuration, &[&["--replace-all", key, value, &one_of(replaced)]]),
    };
    changed.map(|(changed, _)| changed)
}

/// The configuration without the value, or with those again that it replaced.
///
/// # Errors
/// As for [`entries`].
pub fn removed(configuration: &[u8], key: &str, value: &str, replaced: &[String]) -> Result<Vec<u8>> {
    let pattern = one_of(&[value.to_owned()]);
    let Some((first, rest)) = replaced.split_first() else {
        return in_a_copy(configuration, &[&["--unset-all", key, &pattern]]).map(|(changed, _)| changed);
    };
    let replace = ["--replace-all", key, first, &pattern];
    let adds: Vec<[&str; 3]> = rest.iter().map(|value| ["--add", key, value.as_str()]).collect();
    let mut calls: Vec<&[&str]> = vec![&replace];
    calls.extend(adds.iter().map(|add| &add[..]));
    in_a_copy(configuration, &calls).map(|(changed, _)| changed)
}

/// A POSIX extended regular expression that matches one of the values and nothing else.
fn one_of(values: &[String]) -> String {
    let exactly = |value: &String| {
        let mut pattern = String::new();
        for c in value.chars() {
            if r"\^$.[]|()*+?{}".contains(c) {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern
    };
    format!("^({})$", values.iter().map(exactly).collect::<Vec<_>>().join("|"))
}

/// Runs `git config` on a copy: what is done to the file itself is done in one step, by us, who keep it what it was
/// (git replaces a link that leads to nothing, and breaks hard links). Answers what is then in the copy, and the
/// output of the last call.
fn in_a_copy(configuration: &[u8], calls: &[&[&str]]) -> Result<(Vec<u8>, Vec<u8>)> {
    let failed = |error: &std::io::Error| Error::io("cannot make a copy of git's configuration", error);
    let folder = ask::empty_folder()?;
    let copy = folder.path().join("config");
    crate::os::files::replace(&copy, configuration).map_err(|error| failed(&error))?;
    let mut said = Vec::new();
    for args in calls {
        let mut git = command()?;
        git.arg("config").arg("--file").arg(&copy).args(*args).current_dir(folder.path());
        said = done(git)?.stdout;
    }
    Ok((std::fs::read(&copy).map_err(|error| failed(&error))?, said))
}

pub(super) fn command() -> Result<Command> {
    ask::program("git").ok_or_else(|| {
        Error::no_program("git was not found on your PATH").next("install git, then try again")
    })
}

pub(super) fn done(git: Command) -> Result<Output> {
    let output =
        programs::output(git, b"", Deadline::after(config::helper_timeout())).map_err(|error| match error
            .kind()
        {
            std::io::ErrorKind::TimedOut => Error::timed_out("git did not end in time"),
            _ => Error::io("cannot run git", &error),
        })?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Error::failed(format!("git cannot read or change its configuration: {}", words.trim()))
        .next("correct the file, then try again"))
}

/// Lets git run in a folder of ours, out of the repository that we may be in, with the same configuration otherwise.
pub(super) fn away_from_here(git: &mut Command, folder: &Path) -> Result<()> {
    git.current_dir(folder).env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder));
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"] {
        git.env_remove(name);
    }
    if non_empty("GIT_CONFIG_GLOBAL").is_some() {
        git.env("GIT_CONFIG_GLOBAL", global_file()?);
    }
    Ok(())
}

/// Holds the lock that git itself takes before it writes the file.
pub struct ConfigLock(PathBuf);

impl ConfigLock {
    /// Takes it.
    ///
    /// # Errors
    /// Somebody else is writing the file.
    pub fn take(file: &Path) -> Result<ConfigLock> {
        let mut name = file.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let end = Deadline::after(LOCKED);
        loop {
            match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => return Ok(ConfigLock(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && !end.passed() => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    return Err(Error::failed(format!("another program is writing {}", file.display()))
                        .next(format!("try again; if nothing runs any more, remove {}", path.display())));
                }
                // A folder that is not there yet, or may not be written: writing the file says so.
                Err(_) => return Ok(ConfigLock(PathBuf::new())),
            }
        }
    }
}

impl Drop for ConfigLock {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_shell_and_the_expression() {
        let shell = |path: &str| for_shell(Path::new(path)).unwrap();
        assert_eq!(shell("/opt/x/git-credential-seqera"), "/opt/x/git-credential-seqera");
        assert_eq!(shell("/a b/it's"), r"/a\ b/it\'s");
        assert_eq!(shell("/é$(x)/~"), r"/é\$\(x\)/\~");
        assert!(for_shell(Path::new("/a\nb")).is_err());
        assert_eq!(one_of(&["/a.b/c+".to_owned(), "d".to_owned()]), r"^(/a\.b/c\+|d)$");
    }

    #[test]
    fn our_own_lines_are_known_however_they_are_written() {
        for ours in [
            "seqera",
            "/usr/bin/git-credential-seqera",
            r"/a\ b/git-credential-seqera",
            "'/a b/git-credential-seqera'",
            "!'/a b/git-credential-seqera'",
            "C:/x/git-credential-seqera.exe",
        ] {
            assert!(is_ours(ours), "{ours}");
        }
        for other in [
            "",
            "store",
            "cache --timeout=9",
            "/usr/bin/git-credential-seqera2",
            "seqera2",
            "git-credential-seqera",
        ] {
            assert!(!is_ours(other), "{other}");
        }
    }

    #[test]
    fn urls_are_those_that_git_knows() {
        let request = |url| Scope::parse(url).map(|scope| scope.request());
        assert_eq!(
            request("https://*.example.com").as_deref(),
            Some("protocol=https\nhost=seqera-probe.example.com\nusername=seqera-probe\n")
        );
        assert_eq!(
            request("https://me@h.example:8443/org").as_deref(),
            Some("protocol=https\nhost=h.example:8443\nusername=me\npath=org\n")
        );
        for bad in [
            "github.com",
            "https://",
            "https://a b",
            "https://me:pw@h",
            "https://h?x=1/y",
            "https://@h",
            "a\nb://c",
        ] {
            assert_eq!(request(bad), None, "{bad}");
        }
        assert_eq!(
            key_as_listed("credential.https://H.example.Helper"),
            "credential.https://H.example.helper"
        );
    }
}
