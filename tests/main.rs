//! Everything the programs promise, shown by driving the built programs. One file a capability.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

mod shell;
mod support;
