//! podman, skopeo and buildah: a drop-in file for containers-registries.conf(5).

use std::path::{Path, PathBuf};

use super::{Change, home, link, program_dir};
use crate::error::{Error, Result};

const NAME: &str = "docker-credential-seqera";

/// The helper stands in front, so that a login goes to it; what is in auth.json is still found.
const DROP_IN: &str = "\
# Made by: seqera configure containers. Taken back by: seqera configure containers --undo
credential-helpers = [\"seqera\", \"containers-auth.json\"]
";

/// What to change.
pub fn plan() -> Result<Vec<Change>> {
    let dir = program_dir()?;
    if !link::will_be_found(NAME, &dir) {
        return Err(Error::failed(format!("podman and skopeo would not find {NAME}: they look on PATH"))
            .next(format!("add {} to your PATH first", dir.display())));
    }
    let mut changes = vec![link::plan(NAME)?];
    if !is_named_among_others()? {
        changes.push(Change::File { path: drop_in()? });
    }
    Ok(changes)
}

/// A list in a drop-in takes the place of the one in containers-registries.conf(5): logins kept by the helpers there
/// would not be found any more. So where there is one, the person has to name ours in it.
fn is_named_among_others() -> Result<bool> {
    let own = home()?.join(".config/containers/registries.conf");
    let file = if own.exists() { own } else { "/etc/containers/registries.conf".into() };
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    // What is no TOML no client reads either.
    let document: toml_edit::DocumentMut = text.parse().unwrap_or_default();
    let listed = document.get("credential-helpers").and_then(|item| item.as_array());
    let names: Vec<&str> = listed.into_iter().flatten().filter_map(|name| name.as_str()).collect();
    if names.contains(&"seqera") || names.iter().all(|name| *name == "containers-auth.json") {
        return Ok(names.contains(&"seqera"));
    }
    let list = format!("{:?}", [&["seqera"], &names[..]].concat());
    Err(Error::refused(format!("{} names other helpers, which would not be asked any more", file.display()))
        .next(format!("name ours there, too, and try again: credential-helpers = {list}")))
}

/// containers-registries.conf.d(5): always below the home, whatever `XDG_CONFIG_HOME` says.
fn drop_in() -> Result<PathBuf> {
    Ok(home()?.join(".config/containers/registries.conf.d/50-seqera.conf"))
}

/// Whether the drop-in is there, as we write it.
pub fn is_written(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|found| found == DROP_IN.as_bytes())
}

/// Writes the drop-in. What stands there and is not ours stays.
pub fn write(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::refused(format!("{} exists and is not as we write it", path.display()))
            .next("move it away first"));
    }
    let dir = path.parent().unwrap_or(path);
    std::fs::create_dir_all(dir)
        .and_then(|()| crate::os::files::replace(path, DROP_IN.as_bytes()))
        .map_err(|error| Error::io(format_args!("{} cannot be written", path.display()), &error))
}

/// Removes the drop-in, and the folders above it that we would have made, where they are empty.
pub fn remove(path: &Path) -> Result<()> {
    std::fs::remove_file(path)
        .map_err(|error| Error::io(format_args!("{} cannot be removed", path.display()), &error))?;
    for dir in path.ancestors().skip(1).take(2) {
        // A folder with something in it stays: the system refuses.
        if std::fs::remove_dir(dir).is_err() {
            break;
        }
    }
    Ok(())
}
