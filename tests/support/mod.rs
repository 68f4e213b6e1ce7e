//! A hermetic home for each test, and what starts the real parts.

pub mod git_server;
pub mod gits;
pub mod home;
pub mod keyring;
pub mod login;
pub mod oci_image;
pub mod registry;
pub mod session;
pub mod token_registry;
