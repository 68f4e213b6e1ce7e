//! docker: `credsStore` or `credHelpers` in its `config.json`.

use std::path::{Path, PathBuf};

use super::ask::{self, Seen};
use super::edit::TheirFile;
use super::json::{self, Held, Unfit};
use super::{Change, Client, Options, Plan, absolute, home, link};
use crate::error::{Error, Result};
use crate::os::env::non_empty;
use crate::protocol::docker::Docker as DockerProtocol;
use crate::protocol::docker::wire::{HUB, Server};
use crate::protocol::{HELPER, Protocol};

/// The key of `config.json` that names a helper for all registries …
pub const STORE: &str = "credsStore";
/// … and that which names one for each.
pub const HELPERS: &str = "credHelpers";

/// docker and what reads its configuration.
pub struct Docker;

impl Client for Docker {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn about(&self) -> &'static str {
        "docker and what reads its configuration"
    }

    fn protocol(&self) -> Option<&'static dyn Protocol> {
        Some(&DockerProtocol)
    }

    fn option(&self) -> Option<&'static str> {
        Some("--registry")
    }

    fn plan(&self, options: &Options) -> Result<Plan> {
        let keys = registry_keys(&options.registries)?;
        let path = link::place(DockerProtocol.file_name())?;
        link::will_be_found(self.name(), &path)?;
        let file = config_file()?;
        let text = read(&file)?;
        let set = |within: Option<&str>, key: &str| -> Result<Change> {
            let held = json::get(text.as_deref().unwrap_or_default(), within, key)
                .map_err(|why| unfit(&file, why))?;
            let was_null = held == Held::Null;
            let before = match held {
                Held::Text(before) if before != HELPER => Some(before),
                _ => None,
            };
            Ok(Change::JsonKey {
                file: file.clone(),
                within: within.map(str::to_owned),
                key: key.to_owned(),
                value: HELPER.to_owned(),
                before,
                was_null,
                created: text.is_none(),
            })
        };
        let mut changes = vec![Change::Link { path }];
        if keys.is_empty() {
            changes.push(set(None, STORE)?);
        }
        for key in &keys {
            changes.push(set(Some(HELPERS), key)?);
        }
        let lost = text.map_or_else(Vec::new, |text| no_longer_read(&text, &keys));
        let notes = match lost.is_empty() || changes.iter().all(Change::is_done) {
            true => Vec::new(),
            false => vec![format!(
                "docker no longer looks at the logins that it has for {}: log in to them again, with docker login",
                lost.join(", ")
            )],
        };
        Ok(Plan { changes, notes })
    }

    /// `docker logout` asks the helper to forget a registry, and talks to no network. It may write its configuration
    /// anew: it gets one of its own, with nothing in it but the helpers.
    fn ask(&self, options: &Options) -> Result<Seen> {
        let Some(mut docker) = ask::program("docker") else {
            return Ok(Seen::NotAsked("docker is not installed".into()));
        };
        let text = read(&config_file()?)?.unwrap_or_default();
        let folder = ask::empty_folder()?;
        crate::os::files::replace(&folder.path().join("config.json"), &only_helpers(&text))
            .map_err(|error| Error::io("cannot make a copy of docker's configuration", &error))?;
        let keys = registry_keys(&options.registries)?;
        let registry = keys.first().map_or(ask::NOBODY, String::as_str);
        docker.arg("--config").arg(folder.path()).arg("logout").env_remove("DOCKER_CONFIG");
        if registry != hub_key() {
            docker.arg(registry);
        }
        Ok(match ask::run(docker, b"")? {
            // podman under docker's name.
            Seen::No(said) if said.contains("unknown flag") => Seen::NotAsked(format!("it says{said}")),
            Seen::No(said) => Seen::No(format!("docker did not start {}{said}", DockerProtocol.file_name())),
            other => other,
        })
    }
}

/// docker's configuration, whether it exists or not.
pub fn config_file() -> Result<PathBuf> {
    let dir = match non_empty("DOCKER_CONFIG") {
        Some(dir) => absolute(Path::new(&dir))?,
        None => home()?.join(".docker"),
    };
    Ok(dir.join("config.json"))
}

fn read(file: &Path) -> Result<Option<String>> {
    let Some(bytes) = TheirFile::read(file)?.bytes else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|_| unfit(file, Unfit::NotAnObject))
}

/// The error for a configuration that docker could not read either.
pub fn unfit(file: &Path, why: Unfit) -> Error {
    let why = match why {
        Unfit::NotAnObject => "is not the JSON object it should be",
        Unfit::NotText => "has something else than text where the name of a helper belongs",
    };
    Error::failed(format!("{} {why}", file.display())).next("correct it, then try again")
}

fn registry_keys(registries: &[String]) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for registry in registries {
        let key = registry_key(registry).ok_or_else(|| {
            Error::usage("--registry wants the host of a registry").next("such as: --registry cr.seqera.io")
        })?;
        // docker looks up what a person typed, and keeps its capitals: both spellings lead here.
        let typed = host_as_typed(registry).to_owned();
        let has_capitals = typed.contains(|c: char| c.is_ascii_uppercase());
        for key in [Some(key), has_capitals.then_some(typed)].into_iter().flatten() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

/// The one key under which docker looks a registry up, however a person spells it: host and port, without a scheme or
/// what follows. Docker Hub has a key of its own.
pub fn registry_key(registry: &str) -> Option<String> {
    let server = Server::parse(registry).ok()?;
    if server.target.host() == HUB && server.target.port().is_none() {
        return Some(hub_key());
    }
    Some(host_as_typed(registry).to_ascii_lowercase())
}

/// As it was typed: a port is part of docker's key, also where it is the usual one.
fn host_as_typed(registry: &str) -> &str {
    let rest = registry.trim();
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest).trim_start_matches('/');
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn hub_key() -> String {
    format!("https://{HUB}/v1/")
}

/// The registries that docker has logins for in this text, and looks up at the helper once that serves `keys` (all of
/// them, where none is named).
fn no_longer_read(text: &str, keys: &[String]) -> Vec<String> {
    let served = json::keys(text, HELPERS).unwrap_or_default();
    let logins = json::keys(text, "auths").unwrap_or_default();
    let is_lost = |login: &String| {
        let Some(key) = registry_key(login) else { return false };
        let by_another = keys.is_empty() && (served.contains(&key) || served.contains(login));
        !by_another && (keys.is_empty() || keys.contains(&key))
    };
    logins.into_iter().filter(is_lost).collect()
}

/// A configuration with the helpers of this one and no more.
fn only_helpers(text: &str) -> Vec<u8> {
    let mut only = serde_json::Map::new();
    if let Ok(Held::Text(store)) = json::get(text, None, STORE) {
        only.insert(STORE.into(), store.into());
    }
    let mut helpers = serde_json::Map::new();
    for key in json::keys(text, HELPERS).unwrap_or_default() {
        if let Ok(Held::Text(helper)) = json::get(text, Some(HELPERS), &key) {
            helpers.insert(key, helper.into());
        }
    }
    only.insert(HELPERS.into(), helpers.into());
    serde_json::Value::from(only).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_registry_has_one_key() {
        for (spelling, key) in [
            ("r.example", "r.example"),
            ("https://r.example", "r.example"),
            ("http://r.example", "r.example"),
            ("https://r.example/", "r.example"),
            ("//r.example/v2/", "r.example"),
            ("R.example/team", "r.example"),
            ("r.example:5000", "r.example:5000"),
            ("https://r.example:5000/team/image", "r.example:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("docker.io", "https://index.docker.io/v1/"),
            ("index.docker.io", "https://index.docker.io/v1/"),
            ("registry-1.docker.io", "https://index.docker.io/v1/"),
            ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
            ("https://docker.io/library", "https://index.docker.io/v1/"),
        ] {
            assert_eq!(registry_key(spelling).as_deref(), Some(key), "{spelling}");
        }
        for bad in ["", "ftp://r.example", "user@r.example", "a b", "https://"] {
            assert_eq!(registry_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_registry_in_capitals_has_the_key_that_docker_looks_up_as_well() {
        let keys = |registry: &str| registry_keys(&[registry.to_owned()]).unwrap();
        assert_eq!(keys("https://LOCALHOST:18474/team"), ["localhost:18474", "LOCALHOST:18474"]);
        assert_eq!(keys("Docker.io"), ["https://index.docker.io/v1/", "Docker.io"]);
        assert_eq!(keys("r.example/Team"), ["r.example"]);
    }

    #[test]
    fn what_docker_no_longer_looks_at_is_named() {
        let text = r#"{"auths": {"r.example": {}, "https://index.docker.io/v1/": {"auth": "x"}, "gcr.io": {}},
            "credHelpers": {"gcr.io": "gcloud"}}"#;
        assert_eq!(no_longer_read(text, &[]), ["r.example", "https://index.docker.io/v1/"]);
        assert_eq!(no_longer_read(text, &["gcr.io".to_owned()]), ["gcr.io"]);
        assert!(no_longer_read("{}", &[]).is_empty());
        let copy = only_helpers(
            r#"{"auths": {"r": {"auth": "c2VjcmV0"}}, "credsStore": "x", "credHelpers": {"h": "y"}}"#,
        );
        assert_eq!(String::from_utf8(copy).unwrap(), r#"{"credHelpers":{"h":"y"},"credsStore":"x"}"#);
    }
}
