//! The map of the house. Two programs stand at its doors: `seqera` for people, `seqera-credential-helper` for
//! other programs.
//!
//! # Floors
//!
//! Imports run downwards only, and never in a circle; `tests/floors.rs` holds this. From the ground up:
//!
//! | floor | rooms |
//! |---|---|
//! | 0 | [`error`], [`secret`], [`target`], [`endpoint`]: the types that carry meaning |
//! | 1 | [`os`]: the machine (clock, deadline, files, paths, environment, processes) |
//! | 2 | [`ui`]: the terminal, the only room that writes to a person · [`http`] · [`config`]: the user's `config.toml` |
//! | 3 | [`oauth`]: standard OAuth, nothing of ours · [`store`]: sealed files, the key and its places, locks |
//! | 4 | [`provider`]: every fact that differs between platforms |
//! | 5 | [`session`]: a login's life, from the profile and its refresh to what shells and prompts get |
//! | 6 | [`broker`]: "a credential for this request" |
//! | 7 | [`relay`]: the loopback proxy that lends a live token · [`shell`]: the languages of shells; the hooks
//! themselves are the files in `/shell` |
//! | 8 | [`protocol`]: one file or folder a wire protocol, in one table · [`client`]: one file a client that can be
//! configured, in one table |
//! | 9 | [`command`]: one file a command |
//!
//! # Our own words
//!
//! - *profile*: everything about a login that is not secret, in one small file.
//! - *session*: the secrets of a login, in one sealed file.
//! - *sealed file* (or *box*): an encrypted file that opens only under the name it was sealed for.
//! - *shelf*: the sealed files that are for one host, or for one profile.
//! - *mark*, the state line: one line that tells a prompt everything without a process or a secret.
//! - *intent*: the write-ahead record of a refresh.
//! - *owner file*: a lock made of a file, for file systems whose locks other hosts do not see.
//! - *generation*: counts every change of a login, so that a shell knows an old token from a new one.
//! - *pass*: a short-lived password for a platform's registry.
//! - *job token*: a personal access token that lives as long as one command.

#![cfg_attr(test, allow(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod broker;
pub mod client;
pub mod command;
pub mod config;
pub mod endpoint;
pub mod error;
pub mod http;
pub mod oauth;
pub mod os;
pub mod protocol;
pub mod provider;
pub mod relay;
pub mod secret;
pub mod session;
pub mod shell;
pub mod store;
pub mod target;
pub mod ui;

/// musl's own, as zig links it, asks the system for memory at almost every step of a short program.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
