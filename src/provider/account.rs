//! What a platform knows of an account.

use serde::{Deserialize, Serialize};

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
