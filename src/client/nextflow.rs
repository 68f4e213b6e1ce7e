//! Nextflow: a configuration that takes the token from the environment, for `nextflow launch` and for runs, and holds
//! none itself.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::ask::Seen;
use super::edit::{self, TheirFile};
use super::nextflow_config::parse;
use super::{Change, Client, Options, Plan, home};
use crate::error::{Error, Result};
use crate::os::env::non_empty;
use crate::protocol::Protocol;

/// Where `nextflow auth login` writes a token, and so where Nextflow looks for one.
pub const FILE: &str = "seqera-auth.config";

/// The line of Nextflow's configuration that reads the file.
pub const INCLUDE: &str = "includeConfig 'seqera-auth.config'";

/// A run without a token is one without monitoring, and not one that fails.
const CONTENT: &str = "\
// Seqera Platform configuration
// Made by: seqera configure nextflow. Taken back by: seqera configure nextflow --undo
// The token is in the environment, where seqera hook or seqera exec put it, and is written down nowhere.
tower {
    accessToken = System.getenv('TOWER_ACCESS_TOKEN')
    endpoint = System.getenv('TOWER_API_ENDPOINT') ?: 'https://api.cloud.seqera.io'
    workspaceId = System.getenv('TOWER_WORKSPACE_ID')
    enabled = System.getenv('TOWER_ACCESS_TOKEN') != null
}
";

/// Nextflow.
pub struct Nextflow;

impl Client for Nextflow {
    fn name(&self) -> &'static str {
        "nextflow"
    }

    fn about(&self) -> &'static str {
        "nextflow launch and nextflow run: the token from the environment"
    }

    fn protocol(&self) -> Option<&'static dyn Protocol> {
        None
    }

    fn plan(&self, _: &Options) -> Result<Plan> {
        let folder = folder()?;
        let file = folder.join("config");
        let created = TheirFile::read(&file)?.bytes.is_none();
        let path = folder.join(FILE);
        if let Some(there) = TheirFile::read(&path)?.bytes
            && !is_written(&path)
        {
            let shown = path.display();
            let there = Zeroizing::new(String::from_utf8_lossy(&there).into_owned());
            return Err(match holds_token(&there) {
                true => Error::refused(format!("{shown} is there, with a token in plain text")).next(
                    format!("take it over first: seqera import nextflow --remove; or move {shown} away"),
                ),
                false => Error::refused(format!("{shown} is there and is not as we write it"))
                    .next(format!("move {shown} away first")),
            });
        }
        let notes =
            vec!["Start Nextflow in a shell with the hook, or with: seqera exec -- nextflow …".to_owned()];
        Ok(Plan {
            changes: vec![Change::NextflowFile { path }, Change::NextflowInclude { file, created }],
            notes,
        })
    }

    fn ask(&self, _: &Options) -> Result<Seen> {
        Ok(Seen::NotAsked("it reads its configuration when it next runs".into()))
    }
}

/// Where Nextflow keeps what is the user's: `NXF_HOME`, else `~/.nextflow`.
///
/// # Errors
/// The home folder is not known.
pub fn folder() -> Result<PathBuf> {
    match non_empty("NXF_HOME") {
        Some(named) => std::path::absolute(named).map_err(|error| Error::io("NXF_HOME", &error)),
        None => Ok(home()?.join(".nextflow")),
    }
}

/// Whether the file is there, as we write it.
pub fn is_written(path: &Path) -> bool {
    path.is_file() && std::fs::read(path).is_ok_and(|found| found == CONTENT.as_bytes())
}

/// Writes the file, for its owner alone. Answers how many folders were made for it.
///
/// # Errors
/// It cannot be written, or another is there.
pub fn write(path: &Path) -> Result<u8> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::refused(format!("{} exists and is not as we write it", path.display()))
            .next("move it away first"));
    }
    TheirFile::read(path)?.replace(CONTENT.as_bytes(), 0o600)
}

/// Whether Nextflow's configuration reads the file.
pub fn is_included(file: &Path) -> bool {
    let bytes = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().any(includes)
}

/// Whether a line of Nextflow's configuration reads the file.
pub fn includes(line: &str) -> bool {
    let named = line.trim().strip_prefix("includeConfig").map(str::trim);
    named.is_some_and(|named| named.trim_matches(['\'', '"']) == FILE)
}

/// The configuration with the line: first, so that what the configuration itself says of `tower` still counts.
pub fn included(before: &[u8]) -> Vec<u8> {
    [INCLUDE.as_bytes(), b"\n", before].concat()
}

/// Whether a token stands in a configuration of Nextflow's, as `seqera import nextflow` finds it.
fn holds_token(text: &str) -> bool {
    parse(text).token.is_some()
}

/// The configuration without the line.
pub fn without(now: &[u8]) -> Vec<u8> {
    let is_ours = |line: &[u8]| std::str::from_utf8(line).is_ok_and(includes);
    now.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_ours(line)).collect::<Vec<_>>().concat()
}

/// Takes the file away, with the folders that were made for it.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path, folders: u8) -> Result<()> {
    edit::remove(path, folders)
        .map_err(|error| Error::io(format_args!("cannot remove {}", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_comes_and_goes_and_nothing_else() {
        for before in ["", "process.cpus = 2", "process.cpus = 2\n", "a {\n}\n\n"] {
            let after = included(before.as_bytes());
            assert!(String::from_utf8_lossy(&after).lines().any(includes));
            assert_eq!(without(&after), before.as_bytes());
        }
        assert!(includes("  includeConfig \"seqera-auth.config\" ") && !includes("// includeConfig 'x'"));
    }

    #[test]
    fn no_token_stands_in_it() {
        assert!(!holds_token(CONTENT) && !holds_token("tower.workspaceId = 17\n") && !holds_token(""));
        assert!(holds_token("tower { accessToken = 'eyJ' }\n") && holds_token("tower.accessToken=\"eyJ\""));
        assert!(CONTENT.contains("System.getenv('TOWER_ACCESS_TOKEN')") && !CONTENT.contains("eyJ"));
    }
}
