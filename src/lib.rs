//! The map of the house. Two programs stand at its doors: `seqera` for people, `seqera-credential-helper` for
//! other programs.

pub mod error;
pub mod http;
pub mod oauth;
pub mod paths;
pub mod secret;
pub mod target;
