//! The clients that can be made to use the helper: one file each, in one table.

pub mod ask;
mod change;
mod containers;
mod docker;
pub(crate) mod edit;
mod git;
mod json;
mod link;
pub(crate) mod nextflow;
pub(crate) mod nextflow_config;
mod pull;
pub mod record;
mod reset;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::os::paths::Paths;
use crate::protocol::Protocol;

pub use ask::Seen;
pub use change::Change;
pub use docker::{config_file as docker_config_file, registry_key};
pub use git::is_ours as is_our_git_helper;
pub use link::is_ours;
pub use pull::{Answer, ask as ask_docker};
pub use reset::here as git_reset_here;

/// A program that asks for credentials.
pub trait Client: Sync {
    /// What a person calls it on the command line.
    fn name(&self) -> &'static str;

    /// Half a line about it.
    fn about(&self) -> &'static str;

    /// The protocol that it speaks; none where it takes a token from its environment.
    fn protocol(&self) -> Option<&'static dyn Protocol>;

    /// The option that narrows what it is configured for.
    fn option(&self) -> Option<&'static str> {
        None
    }

    /// What has to change so that it uses the helper. Nothing is changed yet.
    ///
    /// # Errors
    /// It cannot be made to, or not so.
    fn plan(&self, options: &Options) -> Result<Plan>;

    /// Asks the client itself whether it reaches the helper.
    ///
    /// # Errors
    /// The options are wrong. What is wrong with the client is an answer.
    fn ask(&self, options: &Options) -> Result<Seen>;

    /// The servers that we have a login or a credential for and that the client's configuration may make an exception
    /// of: to be asked about one by one.
    fn exceptions(&self, _: &Paths) -> Vec<Options> {
        Vec::new()
    }
}

/// Every client, in the order in which they are listed.
pub const CLIENTS: &[&dyn Client] =
    &[&git::Git, &docker::Docker, &containers::Containers, &nextflow::Nextflow];

/// The client with this name.
pub fn client(name: &str) -> Option<&'static dyn Client> {
    CLIENTS.iter().copied().find(|client| client.name() == name)
}

/// What the person asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only for servers at this URL.
    pub url: Option<String>,
    /// Only for these registries.
    pub registries: Vec<String>,
}

/// What has to change.
#[derive(Debug)]
pub struct Plan {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// What the person should know of them.
    pub notes: Vec<String>,
}

fn home() -> Result<PathBuf> {
    let home = dirs::home_dir();
    let home = home.ok_or_else(|| Error::failed("your home folder is not known").next("set HOME"))?;
    absolute(&home)
}

/// The path as it is from any folder: what is recorded is undone from another one.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|error| Error::io(format_args!("cannot use {}", path.display()), &error))
}
