//! The map of the house. Two programs stand at its doors: `seqera` for people, `seqera-credential-helper` for
//! other programs.
//!
//! ```text
//! bin → command ──┐
//! bin → protocol ─┴→ broker → session → provider → oauth → http
//!                       └────→ store ←────┘
//! ```
//!
//! | room | what it is for |
//! |---|---|
//! | [`command`] | the people's door: one file a command, its arguments, its flow, its words |
//! | [`protocol`] | the programs' door: one folder a wire protocol |
//! | [`broker`] | the one answer to "a credential for this request" |
//! | [`session`] | a login's life: when it is fresh, how it is refreshed, how it ends |
//! | [`provider`] | what differs between platforms |
//! | [`oauth`], [`http`] | standard OAuth and HTTP, and nothing of ours |
//! | [`store`] | where secrets rest: sealed files, the key, locks |
//! | [`shell`] | what shells evaluate and prompts read; the hooks themselves are the files in `/shell` |
//! | [`profile`] | everything about a login that is not secret |
//! | [`target`], [`secret`], [`error`], [`deadline`] | the types that carry meaning |
//! | [`config`], [`paths`], [`process`], [`trace`], [`ui`], [`fault`] | the machine around us |

#![cfg_attr(test, allow(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod broker;
pub mod command;
pub mod config;
pub mod deadline;
pub mod error;
pub mod fault;
pub mod http;
pub mod oauth;
pub mod paths;
pub mod process;
pub mod profile;
pub mod protocol;
pub mod provider;
pub mod secret;
pub mod session;
pub mod shell;
pub mod store;
pub mod target;
pub mod trace;
pub mod ui;
