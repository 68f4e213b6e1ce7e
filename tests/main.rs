//! Everything the programs promise, shown by driving the built programs. One file a capability.

mod oauth;
mod platform;
mod shell;
mod support;
