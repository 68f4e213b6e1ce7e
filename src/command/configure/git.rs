//! git: `credential.helper`, changed by git itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{Change, home, link, program_dir};
use crate::error::{Error, Result};
use crate::os::env::non_empty;

const NAME: &str = "git-credential-seqera";

/// What to change, for all servers or for those at `url`. Other helpers stay where they are.
pub fn plan(url: Option<&str>) -> Result<Vec<Change>> {
    let key = match url {
        None => "credential.helper".to_owned(),
        Some(url) if crate::target::Target::from_url(url).is_some() => format!("credential.{url}.helper"),
        Some(_) => {
            return Err(
                Error::usage("--url wants the URL of a server").next("such as: --url https://github.com")
            );
        }
    };
    let dir = program_dir()?;
    // git finds 'seqera' on PATH as git-credential-seqera; by its full path it finds it everywhere.
    let value = match link::will_be_found(NAME, &dir) {
        true => "seqera".to_owned(),
        false => for_shell(&dir.join(NAME)),
    };
    let file = global_file()?;
    let created = !file.exists();
    Ok(vec![link::plan(NAME)?, Change::GitConfig { key, value, file, created }])
}

/// git hands the path to a shell.
fn for_shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@".contains(c));
    if plain { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The file that `git config --global` writes: git-config(1), "FILES".
fn global_file() -> Result<PathBuf> {
    if let Some(file) = non_empty("GIT_CONFIG_GLOBAL") {
        return Ok(file.into());
    }
    let home = home()?;
    let (dot, xdg) = (home.join(".gitconfig"), xdg_file(&home));
    Ok(if !dot.exists() && xdg.exists() { xdg } else { dot })
}

fn xdg_file(home: &Path) -> PathBuf {
    non_empty("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from).join("git/config")
}

/// Whether git's configuration in `file` has the value.
pub fn has(file: &Path, key: &str, value: &str) -> bool {
    let listed = git(file, &["--get-all", key]);
    listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|line| line == value))
}

/// Adds the value after those that are there.
pub fn add(file: &Path, key: &str, value: &str) -> Result<()> {
    done(git(file, &["--add", key, value])?)
}

/// Removes the value, and the file where we made it and nothing else is in it.
pub fn remove(file: &Path, key: &str, value: &str, created: bool) -> Result<()> {
    done(git(file, &["--unset-all", key, &exactly(value)])?)?;
    let is_empty = std::fs::metadata(file).is_ok_and(|found| found.len() == 0);
    if created && is_empty {
        std::fs::remove_file(file)
            .map_err(|error| Error::io(format_args!("{} cannot be removed", file.display()), &error))?;
    }
    Ok(())
}

/// A POSIX extended regular expression that matches the value alone.
fn exactly(value: &str) -> String {
    let mut pattern = String::from("^");
    for c in value.chars() {
        if r"\^$.[]|()*+?{}".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "$"
}

/// Which file is the global one may change; what is done to one is taken back there.
fn git(file: &Path, args: &[&str]) -> Result<Output> {
    Command::new("git")
        .args(["config", "--file"])
        .arg(file)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::io("git cannot be run", &error).next("install git, then try again"))
}

fn done(output: Output) -> Result<()> {
    match output.status.success() {
        true => Ok(()),
        false => Err(Error::failed(format!(
            "git could not change its configuration: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_shell_and_the_expression() {
        assert_eq!(for_shell(Path::new("/opt/x/git-credential-seqera")), "/opt/x/git-credential-seqera");
        assert_eq!(for_shell(Path::new("/a b/it's")), r"'/a b/it'\''s'");
        assert_eq!(exactly("/a.b/c+"), r"^/a\.b/c\+$");
    }
}
