//! Whose login it is: the platform, and what it knows of an account.

use serde::{Deserialize, Serialize};

/// The platform a login is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProviderId {
    /// Seqera Platform, Cloud or Enterprise.
    Seqera,
    /// Sekuire.
    Sekuire,
}

impl ProviderId {
    /// The platform's name, which is also that of the program that is all its own.
    pub fn name(self) -> &'static str {
        super::provider(self).names()[0]
    }
}

/// An organization of the Platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The Platform's number for it; Sekuire's identifiers are text.
    pub id: String,
    /// Its short name.
    pub name: String,
}

/// A workspace of the Platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Exported as `TOWER_WORKSPACE_ID`: decimal for Seqera.
    pub id: String,
    /// Its short name.
    pub name: String,
    /// The short name of the organization it is in.
    pub organization: String,
}

/// What is known of an API key without opening the sealed store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// As much of the key as may be shown: `sk_live_abc...xyz`.
    pub shown: String,
    /// The fingerprint of the device that it is bound to.
    pub fingerprint: String,
    /// The name of that device.
    pub device: String,
    /// Its operating system and architecture.
    pub os: String,
    /// Whether we also wrote it into the file of the platform's own program.
    pub auth_file: bool,
}

/// What a platform's calls need to know of a login, beside its endpoint and token.
#[derive(Debug, Clone, Copy)]
pub struct LoginDetails<'a> {
    /// The chosen organization.
    pub organization: Option<&'a Organization>,
    /// The chosen workspace.
    pub workspace: Option<&'a Workspace>,
    /// What is known of the API key, where that is how the person logged in.
    pub api_key: Option<&'a ApiKey>,
}
