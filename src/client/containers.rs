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

/// A list in a drop-in replaces the one in containers-registries.conf(5): logins kept by the helpers there would not
/// be found any more. So where there is one, the person has to name ours in it.
fn is_named_among_others() -> Result<bool> {
    let own = home()?.join(".config/containers/registries.conf");
    let file = match non_empty("CONTAINERS_REGISTRIES_CONF") {
        Some(file) => file.into(),
        None if own.exists() => own,
        None => PathBuf::from("/etc/containers/registries.conf"),
    };
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    // What is not TOML no client reads either.
    let document: toml_edit::DocumentMut = text.parse().unwrap_or_default();
    let listed = document.get("credential-helpers").and_then(|item| item.as_array());
    let names: Vec<&str> = listed.into_iter().flatten().filter_map(|name| name.as_str()).collect();
    if names.contains(&HELPER) || names.iter().all(|name| *name == "containers-auth.json") {
        return Ok(names.contains(&HELPER));
    }
    let list = format!("{:?}", [&[HELPER], &names[..]].concat());
    Err(Error::refused(format!("{} names other helpers, which would not be asked any more", file.display()))
        .next(format!("name ours there, too, and try again: credential-helpers = {list}")))
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
