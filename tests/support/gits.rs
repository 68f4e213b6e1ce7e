//! The gits the tests drive.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A git that knows `authtype` and its like (2.47 or newer): the first on `PATH`, else the one that
/// `tests/tools/install-git.sh` built.
pub fn current() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join("git"))
        .chain([cache().join("git/bin/git")])
        .find(|git| version(git).is_some_and(|version| version >= (2, 47)))
        .expect("git 2.47 is there; tests/tools/install-git.sh builds it")
}

/// The distribution's own git, which may be old.
pub fn distribution() -> PathBuf {
    let git = PathBuf::from("/usr/bin/git");
    assert!(version(&git).is_some(), "the distribution's git is there; tests/tools/install.sh installs it");
    git
}

/// git's source, with what its test library wants built.
pub fn source() -> PathBuf {
    let source = cache().join("git-source");
    assert!(source.join(".ready").exists(), "git's source is there; tests/tools/install-git.sh fetches it");
    source
}

/// What the tests build once, outside of the tree.
pub fn cache() -> PathBuf {
    let set = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
    let cache =
        set.map_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cache"), PathBuf::from);
    cache.join("seqera-credential-helper-tests")
}

fn version(git: &Path) -> Option<(u32, u32)> {
    let output = Command::new(git).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split(' ').nth(2)?.trim().split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
