//! The table of all settings: what each is called, what it may be, and what it does.

use crate::error::{Error, Result};

/// One setting: what `seqera config`, seqera-config(5) and the code know of it.
#[derive(Debug)]
pub struct Setting {
    /// Its name; a dot stands between a table and a key in it.
    pub key: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What counts where nobody says anything; empty is nothing.
    pub default: &'static str,
    /// The variable that overrides it.
    pub variable: Option<&'static str>,
    /// What it does, in a sentence.
    pub about: &'static str,
}

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A number of seconds.
    Seconds,
    /// A port.
    Port,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any number of these words. What several files say counts together.
    List(&'static [&'static str]),
}

/// The variable that overrides `seqera.relay`.
pub const RELAY: &str = "SEQERA_HELPER_RELAY";

impl Kind {
    /// For a person: what it may be.
    pub fn words(self) -> String {
        match self {
            Kind::Text => "a line of text".to_owned(),
            Kind::Bool => "true or false".to_owned(),
            Kind::Seconds => "a number of seconds".to_owned(),
            Kind::Port => "a port, 1 to 65535".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::List(words) => format!("a list of {}", words.join(", ")),
        }
    }
}

/// What a site may forbid: a new store whose key is in a file …
pub const FILE: &str = "file";
/// … tokens that `exec --job-token` makes …
pub const JOB_TOKEN: &str = "job-token";
/// … and handing a token itself to the platform's own program.
pub const HAND_OVER: &str = "hand-over";

/// Every setting there is.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "endpoint",
        kind: Kind::Text,
        default: "",
        variable: Some("SEQERA_PLATFORM_API_URL"),
        about: "Where seqera login goes, if nothing else names an installation.",
    },
    Setting {
        key: "client_id",
        kind: Kind::Text,
        default: "seqera_ai_cli",
        variable: Some("SEQERA_AUTH_CLI_CLIENT_ID"),
        about: "The OAuth client as which seqera login introduces itself.",
    },
    Setting {
        key: "callback_port",
        kind: Kind::Port,
        default: "53682",
        variable: Some("SEQERA_AUTH_REDIRECT_PORT"),
        about: "The port on this machine to which the browser comes back.",
    },
    Setting {
        key: "key_cache",
        kind: Kind::Seconds,
        default: "900",
        variable: None,
        about: "How long after its last use the key of the store stays in the kernel's keyring (Linux); 0 keeps it nowhere.",
    },
    Setting {
        key: "store",
        kind: Kind::Choice(&["auto", "keychain", "file"]),
        default: "auto",
        variable: Some("SEQERA_HELPER_STORE"),
        about: "Where the key of a new store is kept; auto is the keychain, or a file where there is none.",
    },
    Setting {
        key: "backend",
        kind: Kind::Text,
        default: "",
        variable: Some("SEQERA_AI_BACKEND_URL"),
        about: "The backend of seqera ai for logins at the endpoint that is set here, or at Seqera Cloud where none is.",
    },
    Setting {
        key: "forbid",
        kind: Kind::List(&[FILE, JOB_TOKEN, HAND_OVER]),
        default: "",
        variable: None,
        about: "What is refused: file, a new store whose key is in a file; job-token, tokens by exec --job-token; \
                hand-over, seqera.relay = false. What a site forbids nobody allows again.",
    },
    Setting {
        key: "seqera.sync_organization",
        kind: Kind::Bool,
        default: "true",
        variable: None,
        about: "Whether Seqera's own program follows the organization that is chosen here.",
    },
    Setting {
        key: "seqera.relay",
        kind: Kind::Bool,
        default: "true",
        variable: Some(RELAY),
        about: "Whether Seqera's own program gets a live token through a relay; else it gets the token itself.",
    },
    Setting {
        key: "sekuire.registry",
        kind: Kind::Text,
        default: "",
        variable: None,
        about: "The registry that a login to Sekuire makes passwords for, if --registry names none.",
    },
    Setting {
        key: "sekuire.auth_file",
        kind: Kind::Bool,
        default: "false",
        variable: None,
        about: "Whether a login to Sekuire is also written to ~/.sekuire/auth.json, in plain text, for Sekuire's own program.",
    },
];

/// The setting of this name.
///
/// # Errors
/// There is none.
pub fn setting(key: &str) -> Result<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key).ok_or_else(|| {
        Error::usage("there is no setting of this name").next("list all with: seqera config list")
    })
}
