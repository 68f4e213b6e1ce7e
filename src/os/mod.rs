//! The machine around us: time, files, paths, environment and processes. Nothing here knows of logins.

pub mod clock;
pub mod deadline;
pub mod detached;
pub mod disk;
pub mod env;
pub mod fault;
pub mod files;
pub mod hex;
pub mod paths;
pub mod peer;
pub mod process;
pub mod programs;
pub mod terminal;
