//! podman, skopeo and buildah: a drop-in file for containers-registries.conf(5).

use std::path::{Path, PathBuf};

use super::ask::{self, Seen};
use super::{Change, Client, Options, Plan, edit, home, link};
use crate::error::{Error, Result};
use crate::os::env::non_empty;
use crate::protocol::docker::Docker as DockerProtocol;
use crate::protocol::{HELPER, Protocol};

/// The helper stands in front, so that a login goes to it; what is in auth.json is still found.
const DROP_IN: &str = "\
# Made by: seqera configure containers. Taken back by: seqera configure containers --undo
credential-helpers = [\"seqera\", \"containers-auth.json\"]
";

/// Where the drop-in is, below the home.
pub const BELOW_HOME: &str = ".config/containers/registries.conf.d/50-seqera.conf";

/// podman, skopeo and buildah.
pub struct Containers;

impl Client for Containers {
    fn name(&self) -> &'static str {
        "containers"
    }

    fn about(&self) -> &'static str {
        "podman, skopeo and buildah"
    }

    fn protocol(&self) -> Option<&'static dyn Protocol> {
        Some(&DockerProtocol)
    }

    fn plan(&self, _: &Options) -> Result<Plan> {
        let path = link::place(DockerProtocol.file_name())?;
        link::will_be_found("podman and skopeo", &path)?;
        let mut changes = vec![Change::Link { path }];
        if !is_named_among_others()? {
            changes.push(Change::File { path: home()?.join(BELOW_HOME) });
        }
        Ok(Plan { changes, notes: Vec::new() })
    }

    /// Whether somebody is logged in to a registry they find out from the helpers, without a network.
    fn ask(&self, _: &Options) -> Result<Seen> {
        for name in ["skopeo", "podman", "buildah"] {
            if let Some(mut client) = ask::program(name) {
                client.args(["login", "--get-login", ask::NOBODY]);
                return Ok(match ask::run(client, b"")? {
                    Seen::No(said) => {
                        Seen::No(format!("{name} did not start {}{said}", DockerProtocol.file_name()))
                    }
                    other => other,
                });
            }
        }
        Ok(Seen::NotAsked("none of skopeo, podman and buildah is installed".into()))
    }
}

/// Of several lists podman and skopeo read the last one, and logins kept by the helpers in the others would not be found
/// any more. So where there is one that counts, the person has to name ours in it.
fn is_named_among_others() -> Result<bool> {
    let ours = home()?.join(BELOW_HOME);
    let lists = files(&ours)?.into_iter().filter(|file| *file != ours);
    let Some((names, file)) = lists.filter_map(|file| Some((helpers(&file)?, file))).next_back() else {
        return Ok(false);
    };
    if names.iter().any(|name| name == HELPER) {
        return Ok(true);
    }
    // A list that comes after ours counts, whatever is in it.
    let is_later = file.parent() == ours.parent() && file > ours;
    if names.iter().all(|name| name == "containers-auth.json") && !is_later {
        return Ok(false);
    }
    let list = format!("{:?}", [&[HELPER.to_owned()], &names[..]].concat());
    let what = if is_later {
        "has the list that counts"
    } else {
        "names other helpers, which would not be asked any more"
    };
    Err(Error::refused(format!("{} {what}", file.display()))
        .next(format!("name ours there, too, and try again: credential-helpers = {list}")))
}

/// The files that may have a list, in the order in which they are read: containers-registries.conf.d(5).
fn files(ours: &Path) -> Result<Vec<PathBuf>> {
    let own = home()?.join(".config/containers/registries.conf");
    let mut files = vec![match non_empty("CONTAINERS_REGISTRIES_CONF") {
        Some(file) => file.into(),
        None if own.exists() => own,
        None => PathBuf::from("/etc/containers/registries.conf"),
    }];
    let folders = [Some(Path::new("/etc/containers/registries.conf.d")), ours.parent()];
    for folder in folders.into_iter().flatten() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        found.retain(|file| file.extension().is_some_and(|end| end == "conf"));
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// The helpers that a file lists, where it has a list. What is not TOML no client reads either.
fn helpers(file: &Path) -> Option<Vec<String>> {
    let document: toml_edit::DocumentMut = std::fs::read_to_string(file).ok()?.parse().ok()?;
    let listed = document.get("credential-helpers")?.as_array()?;
    Some(listed.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect())
}

/// Whether the drop-in is there, as we write it.
pub fn is_written(path: &Path) -> bool {
    path.is_file() && std::fs::read(path).is_ok_and(|found| found == DROP_IN.as_bytes())
}

/// Writes the drop-in. What stands there and is not ours stays. Answers how many folders were made for it.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path) -> Result<u8> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::refused(format!("{} exists and is not as we write it", path.display()))
            .next("move it away first"));
    }
    edit::TheirFile::read(path)?.replace(DROP_IN.as_bytes(), 0o644)
}
