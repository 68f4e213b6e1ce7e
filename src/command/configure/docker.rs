//! docker: `credsStore` or `credHelpers` in its `config.json`.

use std::path::PathBuf;

use super::{Change, home, json, link, program_dir};
use crate::error::{Error, Result};
use crate::os::env::non_empty;
use crate::protocol::docker::wire::Server;

const NAME: &str = "docker-credential-seqera";

/// What to change: for all registries, or for those named.
pub fn plan(registries: &[String]) -> Result<Vec<Change>> {
    let dir = program_dir()?;
    if !link::will_be_found(NAME, &dir) {
        return Err(Error::failed(format!("docker would not find {NAME}: it looks on PATH"))
            .next(format!("add {} to your PATH first", dir.display())));
    }
    let file = config_file()?;
    let created = !file.exists();
    let set = |within: Option<&str>, key: &str| -> Result<Change> {
        Ok(Change::JsonKey {
            before: json::get(&file, within, key)?.filter(|before| before != "seqera"),
            file: file.clone(),
            within: within.map(str::to_owned),
            key: key.to_owned(),
            value: "seqera".to_owned(),
            created,
        })
    };
    let mut changes = vec![link::plan(NAME)?];
    if registries.is_empty() {
        changes.push(set(None, "credsStore")?);
    }
    for registry in registries {
        Server::parse(registry).map_err(|_| {
            Error::usage("--registry wants the host of a registry").next("such as: --registry cr.seqera.io")
        })?;
        changes.push(set(Some("credHelpers"), registry)?);
    }
    Ok(changes)
}

/// docker's configuration, whether it exists or not.
pub fn config_file() -> Result<PathBuf> {
    let dir = match non_empty("DOCKER_CONFIG") {
        Some(dir) => PathBuf::from(dir),
        None => home()?.join(".docker"),
    };
    Ok(dir.join("config.json"))
}
