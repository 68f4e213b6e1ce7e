//! The map of the house. Two programs stand at its doors: `seqera` for people, `seqera-credential-helper` for
//! other programs.

pub mod command;
pub mod error;
pub mod paths;
pub mod profile;
pub mod secret;
pub mod shell;
pub mod store;
pub mod target;
