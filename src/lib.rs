//! The map of the house. Two programs stand at its doors: `seqera` for people, `seqera-credential-helper` for
//! other programs.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

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
pub mod ui;
