//! The screens of `sekuire`, line by line as Sekuire's own program has them; what else there is to say follows.

use super::Context;
use crate::provider::sekuire::{Device, masked};
use crate::provider::{ApiKey, ProviderId, Workspace};
use crate::secret::Secret;
use crate::session::profile::Profile;

/// Whether these are the words: for a login of Sekuire, where the program was called `sekuire`.
pub fn speaks(context: &Context, provider: ProviderId) -> bool {
    context.called == ProviderId::SEKUIRE && provider == ProviderId::SEKUIRE
}

/// What comes before the prompt of `login`.
pub fn invitation(keys_page: &str) -> [String; 8] {
    [
        "Sekuire Login",
        "",
        "To authenticate:",
        &format!("1. Go to: {keys_page}"),
        "2. Create a new API Key for CLI access",
        "3. Copy the key (you'll only see it once!)",
        "4. Paste it below",
        "",
    ]
    .map(str::to_owned)
}

/// What `login` says when the key is good.
pub fn welcome(key: &ApiKey) -> [String; 4] {
    [
        "Login successful! API Key verified and bound to this device.".to_owned(),
        format!("Device: {}", key.device),
        format!("OS: {}", key.os),
        format!("Fingerprint: {}...", beginning(&key.fingerprint, 16)),
    ]
}

/// `status` where somebody is logged in.
pub fn status(key: &ApiKey, workspace: Option<&Workspace>) -> Vec<String> {
    let mut lines = vec![
        "Authentication Status:".to_owned(),
        "Authenticated with API Key".to_owned(),
        format!("Key: {}", key.shown),
        format!("Device Fingerprint: {}...", beginning(&key.fingerprint, 8)),
        format!("Device: {}", key.device),
        format!("OS: {}", key.os),
    ];
    lines.extend(workspace.map(|workspace| format!("Workspace: {}", workspace.id)));
    lines
}

/// `status` where nobody is.
pub fn not_logged_in() -> [&'static str; 3] {
    ["Authentication Status:", "Not logged in", "Run 'sekuire login' to authenticate"]
}

/// What `auth whoami` tells of the account.
pub struct Who {
    /// The account's address.
    pub email: Option<String>,
    /// Its identifier.
    pub id: Option<String>,
    /// Its organization's name.
    pub organization: Option<String>,
}

/// `auth whoami`.
pub fn whoami(who: Who, key: &ApiKey) -> [String; 10] {
    let known = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
    [
        "Current User Information:".to_owned(),
        "Authenticated as:".to_owned(),
        format!("Email: {}", known(who.email)),
        format!("User ID: {}", known(who.id)),
        format!("Organization: {}", known(who.organization)),
        String::new(),
        "Device Info:".to_owned(),
        format!("Device: {}", key.device),
        format!("OS: {}", key.os),
        format!("Fingerprint: {}...", beginning(&key.fingerprint, 8)),
    ]
}

/// The first line of `logout`, before anybody is asked.
pub fn logging_out() -> &'static str {
    "Logging out..."
}

/// The last lines of `logout`: from where the key was removed.
pub fn logged_out(context: &Context, file: Option<&str>) -> [String; 2] {
    let store = context.paths.store.display().to_string();
    ["Logged out successfully!".to_owned(), format!("Credentials removed from: {}", file.unwrap_or(&store))]
}

/// A key that the environment brings, as if it were a login's.
pub fn outside(key: &Secret) -> ApiKey {
    let Device { fingerprint, name, os } = Device::here();
    ApiKey { shown: masked(key), fingerprint, device: name, os, auth_file: false }
}

/// The name of the organization that is known of a login.
pub fn organization(login: Option<&Profile>) -> Option<String> {
    login.and_then(|login| login.organization.as_ref()).map(|organization| organization.name.clone())
}

fn beginning(fingerprint: &str, length: usize) -> &str {
    fingerprint.get(..length).unwrap_or(fingerprint)
}
