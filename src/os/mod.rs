//! The machine around us: time, files, paths, environment and processes. Nothing here knows of logins.

#[cfg(all(unix, not(target_os = "macos")))]
pub mod bus;
pub mod clock;
pub mod deadline;
pub mod detached;
pub mod disk;
pub mod env;
pub mod fault;
pub mod files;
pub mod hex;
pub mod ownership;
pub mod paths;
pub mod peer;
pub mod process;
pub mod programs;
pub mod terminal;
pub mod waiting;
