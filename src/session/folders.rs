//! Folders that choose a login: `[folders]` in the user's own configuration, never a file of the folder itself,
//! which may have come from anywhere.
//!
//! Hooks read the same from `folders`, a file beside the marks with lines of `PROFILE PATH`: a shell finds the
//! nearest path that `PWD` begins with. A folder that is reached through a link is written under both its names.

use std::path::{Path, PathBuf};

use crate::config;
use crate::error::{Error, Result};
use crate::os::env::non_empty;
use crate::os::files;
use crate::os::paths::Paths;
use crate::session::mark;
use crate::session::profile::ProfileName;

/// The name of the file for hooks.
const FILE: &str = "folders";

/// The profile that the current folder is bound to.
///
/// # Errors
/// The configuration cannot be read, or names a profile that cannot be one.
pub fn of_here(paths: &Paths) -> Result<Option<ProfileName>> {
    let bound = config::folders(paths)?;
    if bound.is_empty() {
        return Ok(None);
    }
    let Some(here) = here() else { return Ok(None) };
    let Some((path, name)) = nearest(&lines(bound), &here) else { return Ok(None) };
    let wrong = |_| {
        Error::usage(format!("config.toml binds {path} to a name that cannot be a profile's"))
            .next("bind it again with: seqera profile bind DIR NAME")
    };
    name.parse().map(Some).map_err(wrong)
}

/// The current folder as the shell names it, where that is true, else as it really is.
pub fn here() -> Option<PathBuf> {
    let real = std::env::current_dir().ok();
    let named = non_empty("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
    let is_true = |named: &PathBuf| std::fs::canonicalize(named).ok() == real;
    named.filter(is_true).or(real)
}

/// The entry whose path is `here` or the nearest folder above it.
fn nearest(lines: &[(String, String)], here: &Path) -> Option<(String, String)> {
    let covers = |(path, _): &&(String, String)| here.starts_with(path);
    lines.iter().filter(covers).max_by_key(|(path, _)| path.len()).cloned()
}

/// Each path that is bound, as it is written and as it really is, with its profile.
fn lines(bound: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (path, name) in bound {
        let written = match (path.strip_prefix("~/"), dirs::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        };
        let real = std::fs::canonicalize(&written).ok().filter(|real| *real != written);
        let text = |path: PathBuf| path.into_os_string().into_string().ok();
        lines.extend(
            [Some(written), real].into_iter().flatten().filter_map(text).map(|path| (path, name.clone())),
        );
    }
    lines
}

/// Writes the file for hooks anew where it says something else than the configuration.
pub fn restore(paths: &Paths) {
    let bound = config::folders(paths).unwrap_or_default();
    let valid = |(path, name): &(String, String)| {
        name.parse::<ProfileName>().is_ok() && path.starts_with('/') && !path.contains(char::is_control)
    };
    let lines: Vec<(String, String)> = lines(bound).into_iter().filter(valid).collect();
    let plain: String =
        lines.iter().map(|(path, name)| format!("{name} {}\n", path.trim_end_matches('/'))).collect();
    for dir in mark::folders(paths) {
        let file = dir.join(FILE);
        let is_there = file.symlink_metadata().is_ok();
        if plain.is_empty() && is_there {
            let _ = files::remove(&file).and_then(|()| files::remove(&dir.join("folders.csh")));
        }
        const LIMIT: u64 = 256 * 1024;
        let is_right = || {
            let kept = files::read(&file, LIMIT).ok().flatten();
            kept.as_deref() == Some(plain.as_bytes()) && mark::is_sealed(&file)
        };
        if !plain.is_empty() && !is_right() {
            let _ = files::private_dir(dir)
                .and_then(|()| files::replace(&dir.join("folders.csh"), for_tcsh(&lines).as_bytes()))
                .and_then(|()| mark::put_sealed(&file, plain.as_bytes()));
        }
    }
}

/// As a list that tcsh can source; it compares with patterns, so what could be one is left out.
fn for_tcsh(lines: &[(String, String)]) -> String {
    let is_plain = |path: &&(String, String)| {
        path.0.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@:, ".contains(&b))
    };
    let mut sorted: Vec<&(String, String)> = lines.iter().filter(is_plain).collect();
    sorted.sort_by_key(|(path, _)| path.len());
    let words: Vec<String> =
        sorted.iter().map(|(path, name)| format!("'{}' {name}", path.trim_end_matches('/'))).collect();
    format!("set __seqera_folders = ( {} )\n", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_above_counts() {
        let lines =
            [("/w", "one"), ("/w/lab", "two"), ("/", "all")].map(|(p, n)| (p.to_owned(), n.to_owned()));
        let name = |here: &str| nearest(&lines, Path::new(here)).map(|(_, name)| name);
        assert_eq!(name("/w/lab/x").as_deref(), Some("two"));
        assert_eq!(name("/w/laboratory").as_deref(), Some("one"));
        assert_eq!(name("/home").as_deref(), Some("all"));
        assert_eq!(nearest(&lines[..2], Path::new("/")), None);
    }

    #[test]
    fn the_configuration_is_the_truth_and_the_file_for_hooks_follows() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::below(home.path());
        let dir = home.path().join("a b");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(paths.config_file(), "# mine\nkey_cache = 5\n").unwrap();
        let path = dir.to_str().unwrap();
        assert_eq!(config::bind_folder(&paths, path, Some("work")).unwrap(), None);
        restore(&paths);
        let file = paths.run.join(FILE);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(&format!("work {path}\n")), "{text}");
        let config = std::fs::read_to_string(paths.config_file()).unwrap();
        assert!(config.starts_with("# mine\nkey_cache = 5\n"), "{config}");
        assert_eq!(config::bind_folder(&paths, path, None).unwrap().as_deref(), Some("work"));
        restore(&paths);
        assert!(!file.exists());
        assert_eq!(std::fs::read_to_string(paths.config_file()).unwrap(), "# mine\nkey_cache = 5\n");
    }
}
